"""A sale that was paid, or a refund that was made: its receipt's number, its pieces' places, its report."""

from typing import Any

from edge.counter import sale as rows
from edge.counter.basket import GONE
from edge.counter.sale import Sale
from edge.journal.outbox import append_report
from edge.journal.shop import set_place
from edge.journal.transaction import Transaction
from edge.locations import shelves
from wire.counter import CounterRefunded, CounterSold, PaidBy
from wire.values import format_time, parse_time

HERE = "spot"
"""Where a piece is that may be sold."""


def close_sale(tx: Transaction, sale: Sale) -> None:
    """Keep a paid sale: number its receipt, take its pieces out of house and locations, and tell the relay.

    Of a refund the pieces that came back stand in the house again; where they lie now somebody will say.
    """
    sale.receipt_no, sale.paid_at = rows.next_receipt_no(tx), format_time(tx.now)
    if sale.refund_of:
        for line in sale.lines:
            if line.piece_id and sale.is_restocked:
                set_place(tx, line.piece_id, HERE)
        append_report(tx, refunded(sale))
        return
    for line in sale.lines:
        if line.piece_id:
            set_place(tx, line.piece_id, GONE)
            shelves.forget(tx, line.piece_id)
    append_report(tx, sold(sale))


def sold(sale: Sale) -> CounterSold:
    """Return the report of a paid sale."""
    return CounterSold(
        sale_id=sale.sale_id,
        lines=sale.lines,
        card_name=sale.card_name,
        shopper_code=sale.shopper_code,
        joint_id=sale.joint_id,
        joint_count=sale.part_count,
        promotion_id=sale.promotion_id,
        **_paid(sale),
    )


def refunded(sale: Sale) -> CounterRefunded:
    """Return the report of a refund that was made."""
    return CounterRefunded(
        refund_id=sale.sale_id,
        sale_id=sale.refund_of,
        is_restocked=sale.is_restocked,
        **_paid(sale),
    )


def _paid(sale: Sale) -> dict[str, Any]:
    """What both reports say of the money: how much, when, by which way, and what the terminal printed."""
    return {
        "at": parse_time(sale.paid_at),
        "receipt_no": sale.receipt_no,
        "total_minor": sale.asked_minor,
        "currency": sale.currency,
        "paid_by": PaidBy(sale.way),
        "account_id": sale.account_id,
        "terminal_id": sale.terminal_id,
        "trace_no": sale.trace_no,
        "terminal_receipt_no": sale.terminal_receipt_no,
        "how_known": sale.how_known or "terminal",
    }
