"""A card terminal that is not connected: a person types the amount there, and is asked whether it was paid."""

from dataclasses import dataclass
from typing import Any, ClassVar

from drivers.base import Condition, DeviceStatus
from drivers.payment_terminal import OnStep, PaymentAsk, PaymentTerminal, TerminalPayment, ignore_step


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneOptions:
    """Options of payment_terminal.none: there are none."""


class HandTerminal(PaymentTerminal):
    """Says only that there is no device; asked to act all the same, it is a bug of the caller."""

    Options: ClassVar[type[Any]] = NoneOptions
    by_hand = True

    def __init__(self, options: NoneOptions) -> None:
        self._options = options

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def status(self) -> DeviceStatus:
        return DeviceStatus(condition=Condition.ONLINE)

    async def pay(self, ask: PaymentAsk, on_step: OnStep = ignore_step) -> TerminalPayment:
        raise NotImplementedError("by hand: ask the attendant")

    async def last_payment(self) -> TerminalPayment | None:
        raise NotImplementedError("by hand: ask the attendant")

    async def reverse(self, receipt_no: int) -> TerminalPayment:
        raise NotImplementedError("by hand: ask the attendant")


DRIVER = HandTerminal
