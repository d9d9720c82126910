"""Kind payment_terminal: what takes a shopper's money at the counter, a device or a person."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from drivers.base import Driver

OnStep = Callable[[str], None]
"""Told what the terminal shows meanwhile: `card`, `pin`, `wait` or `remove`, or "" for anything else."""


def ignore_step(_step: str) -> None:
    """Nobody wants to know what the terminal shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAsk:
    """What is to be taken: whole minor units of a currency (ISO 4217 letters), and the shop's own name for it."""

    amount_minor: int
    currency: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalPayment:
    """What a terminal says of one payment. `reason` is a code when `is_paid` is False; nothing was taken then.

    `receipt_no` and `trace_no` are its own numbers of it, 0 when it gave none. `card_name` is the brand, never the
    card's number. `slip` is the receipt's text when the terminal leaves printing to us.
    """

    is_paid: bool
    amount_minor: int = 0
    receipt_no: int = 0
    trace_no: int = 0
    terminal_id: str = ""
    card_name: str = ""
    reason: str = ""
    slip: tuple[str, ...] = ()


class PaymentTerminal(Driver):
    """What takes money. `way` is cash, card or qr; `by_hand`: a person takes it and says whether it came."""

    way: ClassVar[str] = "card"

    @abstractmethod
    async def pay(self, ask: PaymentAsk, on_step: OnStep = ignore_step) -> TerminalPayment:
        """Take this amount once; a refusal is an answer, not an error.

        Raises AttendantNeededError or DeviceOfflineError when nothing was asked of the card, OutcomeUnknownError when
        the terminal may or may not have booked: then ask `last_payment`, never `pay` again.
        """

    @abstractmethod
    async def last_payment(self) -> TerminalPayment | None:
        """Return the newest payment that the terminal keeps, None when it keeps none. Takes nothing."""

    @abstractmethod
    async def reverse(self, receipt_no: int) -> TerminalPayment:
        """Give a booked payment back to the card, by the terminal's own receipt number; errors as in `pay`."""

    def code_to_show(self, ask: PaymentAsk) -> str:
        """Return the text of the QR code that the shopper pays with; empty where there is none."""
        return ""
