"""Use cases of the counter: a sale is taken once, with its stock and its money; read for merchant and shopper."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.catalog.plan import replace_plan
from cloud_relay.counter import codes, rules, store, together
from cloud_relay.escrow import dues, ledger
from cloud_relay.escrow import rules as money
from cloud_relay.notices import service as notices
from cloud_relay.orders import stock
from cloud_relay.orders.trade import Trade
from cloud_relay.outbox import send_command
from cloud_relay.parcels import reports as parcels
from cloud_relay.rebates import joining as rebates
from cloud_relay.records import purchases
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.commands import CancelParcel
from wire.counter import CounterLine, CounterSold, usual_of
from wire.reports import PieceGone
from wire.values import format_time

log = logging.getLogger(__name__)

SHOWN = 200
"""Sales on one page, newest first."""

REASON = "sold_at_counter"


def take_sale(
    connection: Connection, shop_id: str, sale: CounterSold, now: datetime, trade: Trade, code_keys: Sequence[bytes]
) -> bool:
    """Take a counter sale: stock, money, record; False when it was taken before. RefusedError, BadValueError: forged.

    The goods have left the shop whatever the books say, so no line is refused: a piece that is promised to an online
    order ends that order as `piece_gone`, with its refund, and the merchant is told of every such clash.
    """
    rules.check_sale(sale)
    if store.has_sale(connection, sale.sale_id):
        return False
    shop = store.find_shop(connection, shop_id)
    if shop is None:
        raise RefusedError("unknown_shop", "There is no such shop", "没有这家店铺", 404)
    outcomes = [_withdraw(connection, shop_id, line, now, trade) for line in sale.lines]
    commission, levy = _book(connection, shop, sale, now, trade)
    shopper_id = codes.account_of(sale.shopper_code, code_keys)
    if shopper_id is not None and not store.has_account(connection, shopper_id):
        shopper_id = None
    row = _row(sale, shop, shopper_id, now) | {"commission_minor": commission, "tax_minor": levy}
    row["promotion_outcome"] = together.promotion_outcome(connection, shop_id, sale.promotion_id)
    store.insert_sale(
        connection, row, [_line(sale.sale_id, *one) for one in enumerate(zip(sale.lines, outcomes, strict=True))]
    )
    purchases.sold_at_counter(connection, sale.sale_id, now)
    if sale.currency == shop["currency"]:  # another opens no queue of rebates: any three letters would do
        rebates.sale_settled(
            connection, money.counter_reference(sale.sale_id), now, market=shop["market"] or trade.market,
            currency=sale.currency, merchant_id=shop["merchant_id"], price_minor=sale.total_minor,
            account_id=shopper_id, sale_id=sale.sale_id,
        )  # fmt: skip
    if any(line.piece_id for line in sale.lines):
        send_plan(connection, shop_id, now, trade)
    _tell(connection, shop, sale, outcomes, shopper_id, now)
    together.share_paid(connection, row, now)
    return True


def send_plan(connection: Connection, shop_id: str, now: datetime, trade: Trade) -> None:
    """Send the plan with the pieces for sale now; a plan that is too large must not keep a sale off the books."""
    try:
        with connection.begin_nested():
            replace_plan(connection, shop_id, trade.resolver_url, now)
    except RefusedError as error:
        log.warning("no plan after a counter sale: %s", error, extra={"shop_id": shop_id})


def _row(sale: CounterSold, shop: RowMapping, shopper_id: str | None, now: datetime) -> dict[str, Any]:
    return {
        "sale_id": sale.sale_id, "shop_id": shop["shop_id"], "merchant_id": shop["merchant_id"],
        "shopper_id": shopper_id, "account_id": sale.account_id[:64], "receipt_no": sale.receipt_no,
        "paid_by": sale.paid_by.value, "total_minor": sale.total_minor, "currency": sale.currency,
        "terminal_id": sale.terminal_id[:20], "trace_no": sale.trace_no,
        "terminal_receipt_no": sale.terminal_receipt_no, "card_name": sale.card_name[:40],
        "how_known": sale.how_known, "sold_at": min(sale.at, now), "taken_at": now,
        "joint_id": sale.joint_id, "joint_count": sale.joint_count, "promotion_id": sale.promotion_id,
    }  # fmt: skip


def _line(sale_id: str, place: int, told: tuple[CounterLine, str]) -> dict[str, Any]:
    line, outcome = told
    return {
        "sale_id": sale_id, "line": place + 1, "listing_id": line.listing_id[:64], "piece_id": line.piece_id[:64],
        "title_en": line.title.en, "title_zh": line.title.zh, "price_minor": line.price_minor,
        "usual_minor": usual_of(line), "quantity": line.quantity, "outcome": outcome,
    }  # fmt: skip


def _withdraw(connection: Connection, shop_id: str, line: CounterLine, now: datetime, trade: Trade) -> str:
    """Take one line off the books; return what became of it."""
    if not store.own_listing(connection, shop_id, line.listing_id):
        return rules.UNKNOWN
    if line.piece_id:
        outcome = _withdraw_piece(connection, shop_id, line.piece_id, now, trade)
    elif store.take_stock(connection, line.listing_id, line.quantity):
        outcome = rules.WITHDRAWN
    else:
        store.take_stock(connection, line.listing_id, max(0, store.spare(connection, line.listing_id)))
        outcome = rules.SHORT
    stock.tell(connection, line.listing_id, now)
    return outcome


def _withdraw_piece(connection: Connection, shop_id: str, piece_id: str, now: datetime, trade: Trade) -> str:
    found = store.piece_of(connection, shop_id, piece_id)
    if found is None:
        return rules.UNKNOWN
    if store.sell_free_piece(connection, piece_id):
        is_counted = store.take_stock(connection, found["listing_id"], 1)
        return rules.WITHDRAWN if is_counted else rules.SHORT
    parcel_id = store.parcel_of_piece(connection, shop_id, piece_id)
    if found["state"] not in ("reserved", "sold") or parcel_id is None:
        stock.write_off(connection, piece_id)
        return rules.GONE_BEFORE
    # one road for a piece that is gone, whoever found out: reservation, order, refund, notices (DESIGN, "One owner")
    gone = PieceGone(parcel_id=parcel_id, at=now, reason=REASON)
    parcels.take_report(connection, shop_id, gone, now, trade)
    send_command(connection, shop_id, CancelParcel(parcel_id=parcel_id, reason=REASON), now, subject=parcel_id)
    return rules.PROMISED


def _book(connection: Connection, shop: RowMapping, sale: CounterSold, now: datetime, trade: Trade) -> tuple[int, int]:
    market = shop["market"] or trade.market
    lines, commission, levy = rules.postings(
        shop["shop_id"], shop["merchant_id"], market, sale.paid_by.value, sale.total_minor,
        trade.settings.counter_commission_ppm, trade.settings.tax_ppm,
    )  # fmt: skip
    ledger.post(connection, money.counter_reference(sale.sale_id), "counter", lines, now, currency=sale.currency)
    dues.collect(connection, shop["merchant_id"], sale.currency, f"counter_due:{sale.sale_id}", now)
    return commission, levy


def _tell(
    connection: Connection, shop: RowMapping, sale: CounterSold, outcomes: list[str], shopper_id: str | None,
    now: datetime,
) -> None:  # fmt: skip
    data = {"sale_id": sale.sale_id, "total_minor": sale.total_minor, "currency": sale.currency}
    page_event(connection, f"merchant:{shop['merchant_id']}", "counter_sold", data, now)
    if shopper_id is not None:
        page_event(connection, f"account:{shopper_id}", "counter_sold", data, now)
    members = notices.members_of(connection, shop["merchant_id"])
    if sale.currency != shop["currency"]:
        told = {"receipt_no": str(sale.receipt_no), "currency": sale.currency}
        notices.notify(connection, members, "counter_other_currency", "/merchant/counter", now, **told)
    # a line whose pieces save differently comes as several: each thing is told of once
    clashes = dict.fromkeys((one.title, what) for one, what in zip(sale.lines, outcomes, strict=True))
    for title, outcome in clashes:
        if outcome in rules.CLASHES:
            values = {"title_en": title.en or title.zh, "title_zh": title.zh or title.en}
            notices.notify(connection, members, f"counter_{outcome}", "/merchant/counter", now, **values)


def sales_of(connection: Connection, merchant_id: str) -> dict[str, Any]:
    """Return a merchant's newest counter sales, and what the merchant owes the market for them."""
    found = store.sales_of(connection, merchant_id, SHOWN)
    ids = [row["sale_id"] for row in found]
    lines, given_back = store.lines_of(connection, ids), store.refunds_of(connection, ids)
    return {
        "sales": [
            shown(row, lines.get(row["sale_id"], []), given_back) | {"by": row["nickname"] or ""} for row in found
        ],
        "dues": dues.owed(connection, merchant_id),
    }


def sales_to(connection: Connection, shopper_id: str) -> list[dict[str, Any]]:
    """Return what a shopper bought at counters."""
    found = store.sales_to(connection, shopper_id, SHOWN)
    ids = [row["sale_id"] for row in found]
    lines, given_back = store.lines_of(connection, ids), store.refunds_of(connection, ids)
    return [shown(row, lines.get(row["sale_id"], []), given_back) for row in found]


def shown(row: RowMapping, lines: list[RowMapping], given_back: Mapping[str, datetime]) -> dict[str, Any]:
    """Return a sale as its merchant and its shopper see it."""
    refunded_at = given_back.get(row["sale_id"])
    plain = (
        "sale_id", "shop_id", "receipt_no", "paid_by", "total_minor", "commission_minor", "currency", "card_name",
        "terminal_id", "trace_no", "terminal_receipt_no", "how_known", "joint_count", "promotion_outcome",
    )  # fmt: skip
    return {
        **{name: row[name] for name in plain},
        "shop_name": {"en": row["name_en"], "zh": row["name_zh"]},
        "sold_at": format_time(row["sold_at"]),
        "refunded_at": format_time(refunded_at) if refunded_at else None,
        "saving_minor": sum((line["usual_minor"] - line["price_minor"]) * line["quantity"] for line in lines),
        "goods": together.goods(lines),
        "lines": [
            {
                "listing_id": line["listing_id"], "piece_id": line["piece_id"], "quantity": line["quantity"],
                "title": {"en": line["title_en"], "zh": line["title_zh"]}, "price_minor": line["price_minor"],
                "usual_minor": line["usual_minor"], "outcome": line["outcome"],
            }
            for line in lines
        ],
    }  # fmt: skip
