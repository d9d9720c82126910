"""The payment provider's interface: charges, refunds, payouts, what became of them, signed events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from wire.plan import Text


class OutcomeState(StrEnum):
    """What a provider says of a payment; `pending` is no news and never moves a settled payment back."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A provider's word on one payment, with the amount and currency that it really moved.

    `fee_minor` is what the provider kept of it for itself.
    """

    state: OutcomeState
    amount_minor: int
    currency: str
    provider_reference: str = ""
    reason: str = ""
    fee_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Take money from the shopper. `payment_id` is the key that makes it happen once, however often it is sent."""

    payment_id: str
    order_id: str
    amount_minor: int
    currency: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Give (part of) a charge back to who paid it; once per `payment_id`."""

    payment_id: str
    charge_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOut:
    """Send a merchant's money to their bank; once per `payout_id`."""

    payout_id: str
    merchant_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEvent:
    """A signed message of the provider. `payment_id` is ours; unknown types carry no outcome and have no effect.

    `provider_reference` names the payment where an event carries only the provider's own id of it. `is_hint`: while the
    payment is open the provider is asked, because its answer says more (what it kept) than the event.
    """

    event_id: str
    type: str
    payment_id: str = ""
    outcome: Outcome | None = None
    provider_reference: str = ""
    is_hint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HowToPay:
    """What a shopper does about a charge that is pending: go on at `url`, or send a transfer to this account.

    `code_text` is what a banking app reads from a QR code, empty where the currency has none.
    """

    url: str = ""
    holder: str = ""
    iban: str = ""
    bic: str = ""
    bank_name: str = ""
    reference: str = ""
    amount_minor: int = 0
    currency: str = ""
    code_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One line of a provider's own list: `amount_minor` above zero came to us, below zero left.

    `kind` and `payment_id` are what our ledger's reference of the same movement says: `charge`, `refund`, `payout` …
    """

    kind: str
    payment_id: str
    amount_minor: int
    currency: str
    at: datetime
    provider_reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way of payment that a shopper may choose: `method` is `provider:token`; without `currencies` it takes all."""

    method: str
    title: Text
    hint: Text = field(default_factory=Text)
    currencies: tuple[str, ...] = ()


class ProviderUnknownError(RuntimeError):
    """No answer, or none that says what happened: the money may have moved. Ask again with `find`, never assume."""


class BadWebhookError(ValueError):
    """A webhook that is not proved to come from the provider, or is too old: nothing of it is stored."""


class PaymentProvider(Protocol):
    """Everything the market asks of who moves its money. Each call is safe to repeat with the same id."""

    @property
    def name(self) -> str: ...

    @property
    def methods(self) -> tuple[Method, ...]: ...

    @property
    def reconciled(self) -> frozenset[str]:
        """The kinds of movements that this provider lists, so that they can be compared with our ledger."""
        ...

    async def charge(self, charge: Charge) -> Outcome:
        """Take the money; raise ProviderUnknownError when nobody knows whether it was taken."""
        ...

    async def refund(self, refund: Refund) -> Outcome:
        """Give the money back; raise as `charge`."""
        ...

    async def pay_out(self, payout: PayOut) -> Outcome:
        """Send the money to the merchant's bank; raise as `charge`."""
        ...

    async def find(self, payment_id: str) -> Outcome | None:
        """Return what became of a charge, refund or payout, or None when the provider never heard of it."""
        ...

    async def held(self, currency: str) -> int:
        """Return the minor units that the provider holds for us, to be compared with our mirror of it."""
        ...

    async def how_to_pay(self, payment_id: str, provider_reference: str) -> HowToPay | None:
        """Return what the shopper does next about a pending charge, or None when there is nothing to do but wait."""
        ...

    async def movements(self, first: datetime, after: datetime) -> list[Movement]:
        """Return the provider's own list of what moved in [first, after); raise ProviderUnknownError without answer."""
        ...

    def read_event(self, headers: Mapping[str, str], body: bytes, now: datetime) -> ProviderEvent:
        """Return the event of a webhook after checking its signature over the raw bytes; BadWebhookError otherwise."""
        ...

    async def close(self) -> None:
        """Let connections go."""
        ...
