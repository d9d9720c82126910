"""The cash drawer: a person takes notes and coins and gives the change.

Source: none, cash speaks no protocol. Scale: simulated (there is nothing to prove on a device).
"""

from dataclasses import dataclass

from drivers.payment_terminal.none import HandTerminal


@dataclass(frozen=True, slots=True, kw_only=True)
class CashOptions:
    """Options of payment_terminal.cash: there are none."""


class CashDrawer(HandTerminal):
    """Cash: the page works the change out, and the attendant says when the money is in the drawer."""

    Options = CashOptions
    way = "cash"

    def __init__(self, options: CashOptions) -> None:
        self._cash_options = options


DRIVER = CashDrawer
