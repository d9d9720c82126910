"""What the trade's rooms share in one relay process: agreed times, payment providers, and the worker that asks them."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from cloud_relay.batching import Batches
from cloud_relay.clock import Clock
from cloud_relay.db import Database
from cloud_relay.escrow import rules
from cloud_relay.escrow.bank.service import Desk, Tell, clean_account
from cloud_relay.escrow.providers.bank_transfer import BankTransferProvider
from cloud_relay.escrow.providers.base import Method, PaymentProvider
from cloud_relay.escrow.providers.sandbox import SandboxProvider
from cloud_relay.escrow.providers.stripe import StripeProvider
from cloud_relay.escrow.webhooks import Arrived, take_all
from cloud_relay.escrow.worker import PaymentWorker
from cloud_relay.orders.trade import Trade, trade_of
from cloud_relay.settings import BadSettingsError, Settings
from wire.values import BadValueError


@dataclass(frozen=True, slots=True)
class Trading:
    """The trade of one relay process."""

    trade: Trade
    providers: Mapping[str, PaymentProvider]
    worker: PaymentWorker
    events: Batches[Arrived, bool]
    """Takes what providers tell unasked."""

    @property
    def methods(self) -> tuple[Method, ...]:
        """Every way of payment that a shopper may choose."""
        return tuple(method for provider in self.providers.values() for method in provider.methods)


def trading_of(
    settings: Settings, db: Database, clock: Clock, providers: Mapping[str, PaymentProvider] | None = None
) -> Trading:
    """Make the trade of these settings; BadSettingsError for a provider that we have no file for."""
    known = providers if providers is not None else _providers(settings, db, clock)
    taken = {
        name: frozenset(currency for method in provider.methods for currency in method.currencies)
        for name, provider in known.items()
        if provider.methods and all(method.currencies for method in provider.methods)
    }
    trade = trade_of(settings, frozenset(known), taken)

    def take(connection: Connection, arrived: list[Arrived]) -> list[bool]:
        return take_all(connection, arrived, trade)

    return Trading(trade, known, PaymentWorker(db, clock, known, trade), Batches(db, take))


def desk_of(settings: Settings, now: datetime, tell: Tell) -> Desk:
    """Return what the bank account's use cases need; BadSettingsError when [bank] names no account."""
    bank = settings.bank
    if not bank.holder or not bank.iban:
        raise BadSettingsError("[bank] holder, iban: bank_transfer needs the market's own account")
    try:
        own = clean_account(bank.holder, bank.iban, bank.bic)
    except BadValueError as error:
        raise BadSettingsError(f"[bank] {error}") from None
    digits = rules.MINOR_DIGITS.get(bank.currency, 2)
    return Desk(
        own=own, currency=bank.currency, minor_digits=digits, now=now, tell=tell, random=secrets.token_bytes
    )  # fmt: skip


def _sandbox(settings: Settings, _db: Database, _clock: Clock) -> PaymentProvider | None:
    secret = settings.secrets.get("VITRINE_PAYMENT_SECRET", "")
    webhook_secret = settings.secrets.get("VITRINE_PAYMENT_WEBHOOK_SECRET", "")
    if not secret or not webhook_secret:
        return None
    return SandboxProvider(settings.payment.url, secret, webhook_secret, settings.payment.timeout_s)


def _bank_transfer(settings: Settings, db: Database, clock: Clock) -> PaymentProvider:
    desk = desk_of(settings, clock.now(), lambda *_: None)
    return BankTransferProvider(
        db, clock, desk.own, bank_name=settings.bank.name, currency=desk.currency, pay_s=settings.bank.pay_s,
        random=secrets.token_bytes,
    )  # fmt: skip


def _stripe(settings: Settings, db: Database, _clock: Clock) -> PaymentProvider:
    key = settings.secrets.get("VITRINE_STRIPE_KEY", "")
    webhook_secret = settings.secrets.get("VITRINE_STRIPE_WEBHOOK_SECRET", "")
    if not key or not webhook_secret:
        raise BadSettingsError(
            "[payment] stripe: set VITRINE_STRIPE_KEY and VITRINE_STRIPE_WEBHOOK_SECRET (Stripe's dashboard shows both)"
        )
    return StripeProvider(
        settings.stripe.url, key, webhook_secret, settings.stripe.timeout_s,
        public_url=settings.relay.public_url.rstrip("/"), db=db,
    )  # fmt: skip


_MAKERS: dict[str, Callable[[Settings, Database, Clock], PaymentProvider | None]] = {
    "sandbox": _sandbox, "bank_transfer": _bank_transfer, "stripe": _stripe,
}  # fmt: skip


def _providers(settings: Settings, db: Database, clock: Clock) -> dict[str, PaymentProvider]:
    found: dict[str, PaymentProvider] = {}
    for name in dict.fromkeys((settings.payment.provider, *settings.payment.also)):
        if name not in _MAKERS:
            raise BadSettingsError(f"[payment] provider: {name!r} is unknown; known are {', '.join(_MAKERS)}")
        made = _MAKERS[name](settings, db, clock)
        if made is not None:
            found[name] = made
    return found
