"""SQL of shipping terms: one document a shop, replaced whole by who saw its newest version."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from cloud_relay.shipping.rules import Terms, read_terms
from cloud_relay.tables import shipping_terms

_LOAD = select(shipping_terms).where(shipping_terms.c.shop_id == bindparam("key"))


def find(connection: Connection, shop_id: str) -> RowMapping | None:
    """Return the row of a shop, or None when it never wrote terms."""
    return connection.execute(_LOAD, {"key": shop_id}).mappings().one_or_none()


def terms_of(connection: Connection, shop_id: str) -> Terms:
    """Return the terms that hold for a shop now: none of its own means its one price and no tax."""
    row = find(connection, shop_id)
    return read_terms(row["terms"]) if row is not None and row["is_used"] else Terms()


def save(connection: Connection, shop_id: str, terms: Any, version: int, now: datetime, *, is_used: bool) -> bool:
    """Write a shop's terms if `version` is still the newest (0: there are none yet); False when it is not."""
    values = {"terms": terms, "is_used": is_used, "version": version + 1, "changed_at": now}
    if version == 0:
        if find(connection, shop_id) is not None:
            return False
        connection.execute(insert(shipping_terms).values(shop_id=shop_id, **values))
        return True
    own = (shipping_terms.c.shop_id == shop_id, shipping_terms.c.version == version)
    return connection.execute(update(shipping_terms).where(*own).values(values)).rowcount == 1
