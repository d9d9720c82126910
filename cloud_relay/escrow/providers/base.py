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
    """A provider's word on one payment, with the amount and currency that it really moved."""

    state: OutcomeState
    amount_minor: int
    currency: str
    provider_reference: str = ""
    reason: str = ""


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
    """A signed message of the provider. `payment_id` is ours; unknown types carry no outcome and have no effect."""

    event_id: str
    type: str
    payment_id: str = ""
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way of payment that a shopper may choose: `method` is `provider:token`."""

    method: str
    title: Text
    hint: Text = field(default_factory=Text)


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

    def read_event(self, headers: Mapping[str, str], body: bytes, now: datetime) -> ProviderEvent:
        """Return the event of a webhook after checking its signature over the raw bytes; BadWebhookError otherwise."""
        ...

    async def close(self) -> None:
        """Let connections go."""
        ...
