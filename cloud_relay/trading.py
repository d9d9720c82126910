"""What the trade's rooms share in one relay process: agreed times, payment providers, and the worker that asks them."""

from collections.abc import Mapping
from dataclasses import dataclass

from cloud_relay.clock import Clock
from cloud_relay.db import Database
from cloud_relay.escrow.providers.base import Method, PaymentProvider
from cloud_relay.escrow.providers.sandbox import SandboxProvider
from cloud_relay.escrow.worker import PaymentWorker
from cloud_relay.orders.trade import Trade, trade_of
from cloud_relay.settings import BadSettingsError, Settings


@dataclass(frozen=True, slots=True)
class Trading:
    """The trade of one relay process."""

    trade: Trade
    providers: Mapping[str, PaymentProvider]
    worker: PaymentWorker

    @property
    def methods(self) -> tuple[Method, ...]:
        """Every way of payment that a shopper may choose."""
        return tuple(method for provider in self.providers.values() for method in provider.methods)


def trading_of(
    settings: Settings, db: Database, clock: Clock, providers: Mapping[str, PaymentProvider] | None = None
) -> Trading:
    """Make the trade of these settings; BadSettingsError for a provider that we have no file for."""
    known = providers if providers is not None else _providers(settings)
    trade = trade_of(settings, frozenset(known))
    return Trading(trade, known, PaymentWorker(db, clock, known, trade))


def _providers(settings: Settings) -> dict[str, PaymentProvider]:
    if settings.payment.provider != SandboxProvider.name:
        raise BadSettingsError(f"[payment] provider: {settings.payment.provider!r} is unknown; known is sandbox")
    secret = settings.secrets.get("VITRINE_PAYMENT_SECRET", "")
    webhook_secret = settings.secrets.get("VITRINE_PAYMENT_WEBHOOK_SECRET", "")
    if not secret or not webhook_secret:
        return {}
    return {
        SandboxProvider.name: SandboxProvider(settings.payment.url, secret, webhook_secret, settings.payment.timeout_s)
    }
