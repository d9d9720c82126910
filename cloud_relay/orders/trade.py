"""What every use case of the trade needs to know: the agreed times and shares, where codes resolve, who moves money."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cloud_relay.orders.rules import Terms
from cloud_relay.settings import Settings, TradeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """`resolver_url` is the root of every code on a label, without a slash at its end; `providers` go by name."""

    settings: TradeSettings = field(default_factory=TradeSettings)
    resolver_url: str = "http://127.0.0.1:8080"
    market: str = "default"
    providers: frozenset[str] = frozenset({"sandbox"})
    pay_s: Mapping[str, int] = field(default_factory=dict)
    """Seconds that an order waits for its payment by providers that take longer than `settings.pay_s`."""
    currencies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What a provider takes, for those that do not take every currency."""
    charge_retry_s: float = 20.0
    """How long after an attempt without an answer the provider is asked what became of it."""

    def pay_s_of(self, provider: str) -> int:
        """Return how long an order waits for its payment by this provider."""
        return self.pay_s.get(provider, self.settings.pay_s)

    def terms(self, photo_window_s: int, release_after_s: int) -> Terms:
        """Return the timers of an order; the two that the shopper agreed to come from the order itself."""
        own = self.settings
        return Terms(
            pay_s=own.pay_s,
            ship_s=own.ship_s,
            photo_s=photo_window_s,
            cancel_s=own.cancel_s,
            arrive_s=own.arrive_s,
            release_s=release_after_s,
            rule_s=own.dispute_s,
            objections_max=own.objections_max,
        )


def trade_of(
    settings: Settings,
    providers: frozenset[str] = frozenset({"sandbox"}),
    currencies: Mapping[str, frozenset[str]] | None = None,
) -> Trade:
    """Return the Trade of these settings."""
    return Trade(
        settings=settings.trade,
        resolver_url=settings.relay.public_url.rstrip("/"),
        market=settings.relay.market,
        providers=providers,
        pay_s={"bank_transfer": settings.bank.pay_s, "stripe": settings.stripe.pay_s},
        currencies=currencies or {},
        charge_retry_s=4 * settings.payment.timeout_s,
    )
