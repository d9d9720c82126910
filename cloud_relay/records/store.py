"""SQL of purchases: what orders and counter sales say was bought, and the rows of the shopper's record."""

import functools
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, bindparam, delete, select, update
from sqlalchemy.sql.dml import ReturningInsert

from cloud_relay.db import insert_unless_there
from cloud_relay.records.rules import How, category_of, purchase_id
from cloud_relay.tables import (
    account,
    counter_line,
    counter_refund,
    counter_sale,
    listing,
    order_line,
    orders,
    purchase,
)

_LINES_ONLINE = (
    select(
        orders.c.order_id.label("sale"), orders.c.account_id, orders.c.shop_id, orders.c.merchant_id,
        orders.c.currency, order_line.c.line, order_line.c.listing_id, order_line.c.piece_id, order_line.c.title_en,
        order_line.c.title_zh, order_line.c.price_minor, order_line.c.quantity, listing.c.attributes,
    )
    .join(order_line, order_line.c.order_id == orders.c.order_id)
    .outerjoin(listing, listing.c.listing_id == order_line.c.listing_id)
)  # fmt: skip
_LINES_OF_ORDER = _LINES_ONLINE.where(orders.c.order_id == bindparam("key"))
_LINES_COUNTER = (
    select(
        counter_sale.c.sale_id.label("sale"), counter_sale.c.shopper_id.label("account_id"), counter_sale.c.shop_id,
        counter_sale.c.merchant_id, counter_sale.c.currency, counter_sale.c.sold_at, counter_line.c.line,
        counter_line.c.listing_id, counter_line.c.piece_id, counter_line.c.title_en, counter_line.c.title_zh,
        counter_line.c.price_minor, counter_line.c.quantity, listing.c.attributes, counter_refund.c.refunded_at,
    )
    .join(counter_line, counter_line.c.sale_id == counter_sale.c.sale_id)
    .outerjoin(listing, listing.c.listing_id == counter_line.c.listing_id)
    .outerjoin(counter_refund, counter_refund.c.sale_id == counter_sale.c.sale_id)
)  # fmt: skip
_COPIED = (
    "account_id", "listing_id", "piece_id", "shop_id", "merchant_id", "title_en", "title_zh", "price_minor",
    "currency", "quantity",
)  # fmt: skip


@functools.cache
def _write_new(dialect: str) -> ReturningInsert[Any]:
    """Writing first instead of looking first: one statement, made once, because every purchase runs it."""
    return insert_unless_there(purchase, dialect).returning(purchase.c.purchase_id)


def _row(line: RowMapping, how: How, bought_at: datetime, given_back_at: datetime | None) -> dict[str, Any]:
    return {name: line[name] for name in _COPIED} | {
        "purchase_id": purchase_id(how, line["sale"], line["line"]), "category": category_of(line["attributes"]),
        "how": how.value, "bought_at": bought_at, "given_back_at": given_back_at,
        "order_id": line["sale"] if how is How.ONLINE else None,
        "sale_id": line["sale"] if how is How.COUNTER else None,
    }  # fmt: skip


def order_rows(connection: Connection, order_id: str, bought_at: datetime) -> list[dict[str, Any]]:
    """Return the purchases that a paid order is."""
    lines = connection.execute(_LINES_OF_ORDER, {"key": order_id}).mappings()
    return [_row(line, How.ONLINE, bought_at, None) for line in lines]


def counter_rows(connection: Connection, *where: ColumnElement[bool]) -> list[dict[str, Any]]:
    """Return the purchases that counter sales of known shoppers are."""
    lines = connection.execute(_LINES_COUNTER.where(counter_sale.c.shopper_id.is_not(None), *where)).mappings()
    return [_row(line, How.COUNTER, line["sold_at"], line["refunded_at"]) for line in lines]


def rows_of_sale(connection: Connection, sale_id: str) -> list[dict[str, Any]]:
    """Return the purchases that one counter sale is; none while nobody said whose it is."""
    return counter_rows(connection, counter_sale.c.sale_id == sale_id)


def write_new(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Write those of these purchases that do not stand yet; return them."""
    write = _write_new(connection.dialect.name)
    return [row for row in rows if connection.scalar(write, row) is not None]


def give_back(connection: Connection, how: How, sale: str, now: datetime) -> int:
    """Mark what was bought with one order or sale as given back, once; return how many lines were."""
    column = purchase.c.order_id if how is How.ONLINE else purchase.c.sale_id
    where = (column == sale, purchase.c.given_back_at.is_(None))
    return connection.execute(update(purchase).where(*where).values(given_back_at=now)).rowcount


def purchases_of(connection: Connection, account_id: str, since: datetime | None, limit: int) -> list[RowMapping]:
    """Return what a shopper bought, the newest first."""
    where = [purchase.c.account_id == account_id, *([] if since is None else [purchase.c.bought_at >= since])]
    query = select(purchase).where(and_(*where)).order_by(purchase.c.bought_at.desc(), purchase.c.purchase_id)
    return list(connection.execute(query.limit(limit)).mappings())


def shoppers(connection: Connection) -> list[str]:
    """Return every account that bought something, or that stands in the record."""
    kept = (orders.c.account_id, counter_sale.c.shopper_id, purchase.c.account_id)
    return sorted({one for column in kept for one in connection.scalars(select(column).distinct()) if one})


def is_open(connection: Connection, account_id: str) -> bool:
    """Tell whether there is such an account, and it is not closed."""
    where = (account.c.account_id == account_id, account.c.is_closed.is_(False))
    return connection.scalar(select(account.c.account_id).where(*where)) is not None


def remove(connection: Connection, purchase_ids: Iterable[str]) -> None:
    """Take rows out of the record."""
    connection.execute(delete(purchase).where(purchase.c.purchase_id.in_(list(purchase_ids))))
