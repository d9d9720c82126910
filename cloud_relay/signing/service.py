"""Keeping and reading what was signed; each in the caller's transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from cloud_relay.orders import store as orders
from cloud_relay.signing.rules import HEIGHT, WIDTH, Signature
from cloud_relay.tables import order_signature, pickup

CODE = "code"


def sign(connection: Connection, order_id: str, account_id: str, signed: Signature, now: datetime) -> None:
    """Keep the shopper's signature; the first one stands for ever."""
    if connection.scalar(select(order_signature.c.order_id).where(order_signature.c.order_id == order_id)):
        return
    row = {
        "order_id": order_id, "account_id": account_id, "way": signed.way, "path": signed.path, "name": signed.name,
        "signed_at": now,
    }  # fmt: skip
    connection.execute(insert(order_signature).values(row))
    found = orders.load(connection, order_id)
    assert found is not None
    orders.add_event(connection, order_id, found.parcel_id, "signed", {"way": signed.way}, account_id, now)


def read_signature(connection: Connection, order_id: str) -> dict[str, Any] | None:
    """Return how an order was signed for, or None; the right code at a pick-up point is a signature too."""
    query = select(order_signature).where(order_signature.c.order_id == order_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is not None:
        names = ("way", "path", "name", "signed_at")
        return {**{name: row[name] for name in names}, "width": WIDTH, "height": HEIGHT}
    query = select(pickup.c.ended_at).where(pickup.c.order_id == order_id, pickup.c.state == "collected")
    collected_at = connection.scalar(query)
    if collected_at is None:
        return None
    return {"way": CODE, "path": "", "name": "", "signed_at": collected_at, "width": WIDTH, "height": HEIGHT}
