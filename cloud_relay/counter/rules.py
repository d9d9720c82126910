"""What a counter sale may say, and how its money is booked. Pure."""

import re
from collections.abc import Sequence

from cloud_relay.escrow import rules as money
from cloud_relay.escrow.rules import Posting
from wire.counter import CounterRefunded, CounterSold, saving_of
from wire.values import BadValueError, check_id, clean_text

LINES_MAX, QUANTITY_MAX, AMOUNT_MAX_MINOR = 180, 999, 10**12
"""A till's basket has 60 lines; one whose pieces save differently is told as several."""

JOINT_MAX = 50
"""Shoppers of one joint sale: what a promotion may count at most."""

CURRENCY = re.compile(r"[A-Z]{3}")
HOW_KNOWN = frozenset({"terminal", "asked_again", "person"})

WITHDRAWN, PROMISED, SHORT, UNKNOWN, GONE_BEFORE = "withdrawn", "promised", "short", "unknown", "gone_before"
"""What became of a line's stock: taken; taken from an online order, which ends; fewer were on the books; no such
listing of this shop; the piece had left the books before."""

CLASHES = frozenset({PROMISED, SHORT, UNKNOWN, GONE_BEFORE})
"""Outcomes that the merchant is told of."""

PROMOTION_UNKNOWN = "promotion_unknown"
"""What a promotion that is not this shop's makes of a sale: it is kept, because the goods are gone, and told."""


def check_sale(sale: CounterSold) -> CounterSold:
    """Return the sale when its sums and limits are right; BadValueError naming what is wrong."""
    check_id(sale.sale_id, "sale_id")
    if not 0 < len(sale.lines) <= LINES_MAX:
        raise BadValueError(f"lines: 1 to {LINES_MAX}")
    if not CURRENCY.fullmatch(sale.currency) or sale.how_known not in HOW_KNOWN:
        raise BadValueError("currency or how_known: not one of ours")
    for line in sale.lines:
        if not (0 <= line.price_minor <= AMOUNT_MAX_MINOR and 0 < line.quantity <= QUANTITY_MAX):
            raise BadValueError("line: price or quantity out of range")
        if line.usual_minor and not line.price_minor <= line.usual_minor <= AMOUNT_MAX_MINOR:
            raise BadValueError("line: what it costs and what it saves are not its usual price")
        if line.piece_id and line.quantity != 1:
            raise BadValueError("line: a very piece is sold once")
        for text in (line.title.en, line.title.zh):
            if text:
                clean_text(text, "title", 300)
    total = sum(line.price_minor * line.quantity for line in sale.lines)
    if not 0 < total == sale.total_minor <= AMOUNT_MAX_MINOR:
        raise BadValueError(f"total_minor: {sale.total_minor} is not the sum of the lines, {total}")
    _check_together(sale)
    if not (0 < sale.receipt_no < 2**31 and 0 <= sale.trace_no < 10**6 and 0 <= sale.terminal_receipt_no < 10**4):
        raise BadValueError("receipt or terminal numbers out of range")
    return sale


def _check_together(sale: CounterSold) -> None:
    for name, value in (("joint_id", sale.joint_id), ("promotion_id", sale.promotion_id)):
        if value:
            check_id(value, name)
    if bool(sale.joint_id) != bool(sale.joint_count) or not 0 <= sale.joint_count <= JOINT_MAX:
        raise BadValueError(f"joint_count: 1 to {JOINT_MAX} sales of a joint sale, 0 of another")
    if saving_of(sale.lines) and not sale.promotion_id:
        raise BadValueError("promotion_id: what costs less than usual does so by a promotion")


def postings(
    shop_id: str, merchant_id: str, market: str, paid_by: str, total_minor: int, commission_ppm: int, tax_ppm: int
) -> tuple[list[Posting], int, int]:
    """Return a sale's postings, its commission and the tax in it.

    The money is the merchant's already: it is mirrored from the till where it lies to what the merchant took by
    itself, and never passes the market's hands. Only the market's share is owed, and stands as due until it is kept
    back from money that the market owes the merchant.
    """
    _merchant, commission, levy = money.release_parts(total_minor, commission_ppm, tax_ppm)
    lines = [
        Posting(money.till(shop_id, paid_by), money.taken(merchant_id), total_minor),
        Posting(money.due(merchant_id), money.fees(market), commission),
        Posting(money.due(merchant_id), money.tax(market), levy),
    ]
    return lines, commission, levy


def check_refund(refund: CounterRefunded) -> CounterRefunded:
    """Return the refund when its names and numbers are right; BadValueError naming what is wrong."""
    check_id(refund.refund_id, "refund_id")
    check_id(refund.sale_id, "sale_id")
    if refund.how_known not in HOW_KNOWN:
        raise BadValueError("how_known: not one of ours")
    numbers = (0 < refund.receipt_no < 2**31, 0 <= refund.trace_no < 10**6, 0 <= refund.terminal_receipt_no < 10**4)
    if not all(numbers):
        raise BadValueError("receipt or terminal numbers out of range")
    return refund


def refund_postings(
    shop_id: str, merchant_id: str, market: str, paid_by: str, total_minor: int, commission: int, levy: int
) -> list[Posting]:
    """Return a sale's postings the other way round: the market keeps no share of a sale that was given back."""
    return [
        Posting(money.taken(merchant_id), money.till(shop_id, paid_by), total_minor),
        Posting(money.fees(market), money.due(merchant_id), commission),
        Posting(money.tax(market), money.due(merchant_id), levy),
    ]


def clashes(outcomes: Sequence[str]) -> list[str]:
    """Return the outcomes that somebody must know, each once, in a fixed order."""
    return sorted(set(outcomes) & CLASHES)
