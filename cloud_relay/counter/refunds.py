"""A counter sale that was given back at the till: once, with the market's share, and its goods if they came back."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.counter import rules, store
from cloud_relay.counter.service import send_plan
from cloud_relay.escrow import dues, ledger
from cloud_relay.escrow import rules as money
from cloud_relay.orders import stock
from cloud_relay.orders.trade import Trade
from cloud_relay.rebates import joining as rebates
from cloud_relay.records import purchases
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.counter import CounterRefunded
from wire.values import BadValueError


def take_refund(connection: Connection, shop_id: str, refund: CounterRefunded, now: datetime, trade: Trade) -> bool:
    """Take a refund: record, money, goods; False when the sale was given back before. RefusedError, BadValueError:
    forged, or of a sale that this shop never told of.

    Reports come in order, so a sale is known before its refund.
    """
    rules.check_refund(refund)
    sale = store.find_sale(connection, shop_id, refund.sale_id)
    if sale is None:
        raise RefusedError("unknown_sale", "There is no such sale", "没有这一单", 404)
    if (refund.total_minor, refund.currency) != (sale["total_minor"], sale["currency"]):
        raise BadValueError("total_minor: a sale is given back whole, in its own currency")
    if refund.paid_by.value != sale["paid_by"]:
        raise BadValueError("paid_by: money goes back the way it came")
    if store.has_refund(connection, refund.sale_id):
        return False
    store.insert_refund(connection, _row(refund, shop_id, now))
    _book(connection, sale, now, trade)
    purchases.counter_sale_undone(connection, refund.sale_id, sale["shopper_id"], min(refund.at, now))
    if refund.is_restocked:
        _restock(connection, shop_id, refund.sale_id, now, trade)
    data = {"sale_id": refund.sale_id, "total_minor": refund.total_minor, "currency": refund.currency}
    page_event(connection, f"merchant:{sale['merchant_id']}", "counter_refunded", data, now)
    if sale["shopper_id"]:
        page_event(connection, f"account:{sale['shopper_id']}", "counter_refunded", data, now)
    return True


def _row(refund: CounterRefunded, shop_id: str, now: datetime) -> dict[str, Any]:
    return {
        "refund_id": refund.refund_id, "sale_id": refund.sale_id, "shop_id": shop_id,
        "account_id": refund.account_id[:64], "receipt_no": refund.receipt_no, "paid_by": refund.paid_by.value,
        "is_restocked": refund.is_restocked, "terminal_id": refund.terminal_id[:20], "trace_no": refund.trace_no,
        "terminal_receipt_no": refund.terminal_receipt_no, "how_known": refund.how_known,
        "refunded_at": min(refund.at, now), "taken_at": now,
    }  # fmt: skip


def _book(connection: Connection, sale: RowMapping, now: datetime, trade: Trade) -> None:
    shop = store.find_shop(connection, sale["shop_id"])
    assert shop is not None, "its sale points to it"
    merchant_id, sale_id, currency = sale["merchant_id"], sale["sale_id"], sale["currency"]
    # first of all: its part leaves the pot, so that the market's fees hold what they give back
    rebates.sale_given_back(connection, money.counter_reference(sale_id), now, is_commission_back=True)
    lines = rules.refund_postings(
        shop["shop_id"], merchant_id, shop["market"] or trade.market, sale["paid_by"], sale["total_minor"],
        sale["commission_minor"], sale["tax_minor"],
    )  # fmt: skip
    ledger.post(connection, f"counter_refund:{sale_id}", "counter_refund", lines, now, currency=currency)
    dues.give_back(connection, merchant_id, currency, f"counter_due_back:{sale_id}", now)


def _restock(connection: Connection, shop_id: str, sale_id: str, now: datetime, trade: Trade) -> None:
    """Put what came back on the books again, and the very pieces for sale."""
    lines = store.lines_of(connection, [sale_id]).get(sale_id, [])
    for line in lines:
        if line["outcome"] == rules.UNKNOWN:
            continue
        if line["piece_id"] and not store.return_piece(connection, shop_id, line["piece_id"]):
            continue
        store.add_stock(connection, line["listing_id"], line["quantity"])
        stock.tell(connection, line["listing_id"], now)
    if any(line["piece_id"] for line in lines):
        send_plan(connection, shop_id, now, trade)
