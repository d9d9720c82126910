"""A card terminal that is not connected: a person types the amount there, and is asked whether it was paid."""

from drivers.by_hand import ByHand
from drivers.payment_terminal import OnStep, PaymentAsk, PaymentTerminal, TerminalPayment, ignore_step


class HandTerminal(ByHand, PaymentTerminal):
    """Nothing but the kind's own acts."""

    async def pay(self, ask: PaymentAsk, on_step: OnStep = ignore_step) -> TerminalPayment:
        raise NotImplementedError("by hand: ask the attendant")

    async def last_payment(self) -> TerminalPayment | None:
        raise NotImplementedError("by hand: ask the attendant")

    async def reverse(self, receipt_no: int) -> TerminalPayment:
        raise NotImplementedError("by hand: ask the attendant")


DRIVER = HandTerminal
