"""A shopper's purchases, written in the sale's own transaction: online when paid, at the counter when taken or claimed.

The rows follow from orders and counter sales alone, so `rebuilding` can make them again.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cloud_relay.records import store
from cloud_relay.records.hooks import PURCHASED
from cloud_relay.records.rules import How
from cloud_relay.web.pages import page_event


def order_paid(connection: Connection, order_id: str, now: datetime) -> None:
    """Write what an order bought, when it is paid; again it changes nothing."""
    _write(connection, store.order_rows(connection, order_id, now), now)


def sold_at_counter(connection: Connection, sale_id: str, now: datetime) -> None:
    """Write what a counter sale bought, as soon as it is known whose it is; again it changes nothing."""
    _write(connection, store.rows_of_sale(connection, sale_id), now)


def order_undone(connection: Connection, order_id: str, account_id: str, now: datetime) -> None:
    """Mark what an order bought as given back: cancelled, refunded or charged back. Nothing for one never paid."""
    if store.give_back(connection, How.ONLINE, order_id, now):
        page_event(connection, f"account:{account_id}", "purchase", {}, now)


def counter_sale_undone(connection: Connection, sale_id: str, shopper_id: str | None, refunded_at: datetime) -> None:
    """Mark what a counter sale bought as given back at the till."""
    if shopper_id and store.give_back(connection, How.COUNTER, sale_id, refunded_at):
        page_event(connection, f"account:{shopper_id}", "purchase", {}, refunded_at)


def _write(connection: Connection, rows: list[dict[str, Any]], now: datetime) -> None:
    for row in store.write_new(connection, rows):
        page_event(connection, f"account:{row['account_id']}", "purchase", {"purchase_id": row["purchase_id"]}, now)
        for hear in PURCHASED:
            hear(connection, row["purchase_id"], row["account_id"], now)
