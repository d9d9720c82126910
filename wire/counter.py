"""What a shop tells of its counter: goods sold there and given back, and goods published there. Pure.

Past tense; the set only grows. All are durable: made while the link is down, they wait in the shop's journal and arrive
when it is back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wire.plan import Text
from wire.report_root import Report


class PaidBy(StrEnum):
    """How a sale at the counter was paid; the money is the merchant's already."""

    CASH = "cash"
    CARD = "card"
    QR = "qr"


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterLine:
    """One line of a sale: a very piece, or a `quantity` of a listing that has no pieces of its own.

    `price_minor` is the price of one, in minor units of the sale's currency, as it stood at the till. `usual_minor` is
    what one costs without its promotion; 0: as `price_minor`.
    """

    listing_id: str
    title: Text
    price_minor: int
    quantity: int = 1
    piece_id: str = ""
    usual_minor: int = 0


def usual_of(line: CounterLine) -> int:
    """Return what one of a line costs without its promotion."""
    return line.usual_minor or line.price_minor


def saving_of(lines: Iterable[CounterLine]) -> int:
    """Return what lines cost less than usual."""
    return sum((usual_of(line) - line.price_minor) * line.quantity for line in lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterSold(Report):
    """Goods left the shop over its counter and were paid there; `sale_id` is the shop's and counts once for ever.

    `receipt_no` counts the receipts of this shop from 1. `account_id` is the member who sold. `terminal_id`,
    `trace_no` and `terminal_receipt_no` are the payment terminal's own; `card_name` is the card's brand, never its
    number. `how_known` is terminal, asked_again (the terminal told later) or person. `shopper_code` is what the shopper
    showed, empty when they did not say who they are. `joint_id` ties the `joint_count` sales of shoppers who bought
    together at the till, empty for one who bought alone; `promotion_id` is the promotion by which the lines cost less.
    """

    sale_id: str
    at: datetime
    receipt_no: int
    lines: tuple[CounterLine, ...]
    total_minor: int
    currency: str
    paid_by: PaidBy
    account_id: str = ""
    terminal_id: str = ""
    trace_no: int = 0
    terminal_receipt_no: int = 0
    card_name: str = ""
    how_known: str = "terminal"
    shopper_code: str = ""
    joint_id: str = ""
    joint_count: int = 0
    promotion_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterRefunded(Report):
    """A whole counter sale was given back the way it was paid; `refund_id` is the shop's. A sale has one at most.

    `receipt_no` is this refund's own, from the same row of numbers as the sales'. `is_restocked`: the goods came back
    and are for sale again. Terminal's numbers and `how_known` as in CounterSold, of the reversal.
    """

    refund_id: str
    sale_id: str
    at: datetime
    receipt_no: int
    total_minor: int
    currency: str
    paid_by: PaidBy
    account_id: str = ""
    is_restocked: bool = False
    terminal_id: str = ""
    trace_no: int = 0
    terminal_receipt_no: int = 0
    how_known: str = "terminal"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingWritten(Report):
    """A member wrote a listing at the till. `picture_sha256` is offered like every picture, with `draft_id` as owner.

    `code` is what was scanned: a GTIN becomes the listing's, anything else its first piece's. `is_published` asks for
    it to be shown at once.
    """

    draft_id: str
    at: datetime
    title: Text
    price_minor: int
    currency: str
    account_id: str
    stock: int = 1
    code: str = ""
    picture_sha256: str = ""
    is_published: bool = False
