"""Makes a shopper's purchases again from orders and counter sales, for a record that was lost or is doubted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from cloud_relay.orders.rules import UNDONE, OrderState
from cloud_relay.records import store
from cloud_relay.tables import counter_sale, order_event, orders, purchase


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many rows were missing, were too many, and said something else than orders and sales do."""

    missing: int
    surplus: int
    different: int


def rebuild(connection: Connection, account_id: str) -> Rebuilt:
    """Make one shopper's purchases what orders and counter sales say. Who erased their account keeps none.

    A row that stands keeps its category: the listing may have another by now. Nobody is told, nothing is suggested.
    """
    wanted = {row["purchase_id"]: row for row in _wanted(connection, account_id)}
    own = purchase.c.account_id == account_id
    standing = {row["purchase_id"]: dict(row) for row in connection.execute(select(purchase).where(own)).mappings()}
    surplus = standing.keys() - wanted.keys()
    store.remove(connection, surplus)
    fresh = store.write_new(connection, [row for name, row in wanted.items() if name not in standing])
    different = 0
    for name in wanted.keys() & standing.keys():
        row = wanted[name] | {"category": standing[name]["category"]}
        if row != standing[name]:
            connection.execute(update(purchase).where(purchase.c.purchase_id == name).values(row))
            different += 1
    return Rebuilt(len(fresh), len(surplus), different)


def _wanted(connection: Connection, account_id: str) -> list[dict[str, Any]]:
    if not store.is_open(connection, account_id):
        return []
    bought = store.counter_rows(connection, counter_sale.c.shopper_id == account_id)
    for order_id, (paid_at, undone_at) in _paid_orders(connection, account_id).items():
        rows = store.order_rows(connection, order_id, paid_at)
        bought += [row | {"given_back_at": undone_at} for row in rows]
    return bought


def _paid_orders(connection: Connection, account_id: str) -> dict[str, tuple[datetime, datetime | None]]:
    """Return when each of a shopper's orders was first paid, and when it was undone, by its own timeline."""
    query = (
        select(order_event.c.order_id, order_event.c.detail, order_event.c.at)
        .join(orders, orders.c.order_id == order_event.c.order_id)
        .where(orders.c.account_id == account_id)
        .order_by(order_event.c.event_no)
    )
    found: dict[str, tuple[datetime, datetime | None]] = {}
    for row in connection.execute(query):
        state, known = row.detail.get("state"), found.get(row.order_id)
        if known is None and state == OrderState.PAID:
            found[row.order_id] = (row.at, None)
        elif known is not None and known[1] is None and state in UNDONE:
            found[row.order_id] = (known[0], row.at)
    return found
