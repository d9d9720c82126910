"""Variants in SQL."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, exists, insert, select, update

from cloud_relay.catalog.store import some
from cloud_relay.tables import listing, order_line, piece, tag, variant

VARIANTS_OF = (
    select(variant).where(variant.c.listing_id.in_(some("listing_ids"))).order_by(variant.c.listing_id, variant.c.place)
)


def variants_of(connection: Connection, listing_ids: Iterable[str]) -> dict[str, list[RowMapping]]:
    """Return the variants of these listings, in their order, by listing."""
    found: dict[str, list[RowMapping]] = {}
    for row in connection.execute(VARIANTS_OF, {"listing_ids": list(listing_ids)}).mappings():
        found.setdefault(row["listing_id"], []).append(row)
    return found


def find(connection: Connection, variant_id: str) -> RowMapping | None:
    """Return a variant with its listing's shop, or None."""
    query = (
        select(variant, listing.c.shop_id)
        .join(listing, listing.c.listing_id == variant.c.listing_id)
        .where(variant.c.variant_id == variant_id)
    )
    return connection.execute(query).mappings().one_or_none()


def insert_variant(connection: Connection, values: dict[str, Any]) -> None:
    """Make a variant."""
    connection.execute(insert(variant).values(values))


def update_variant(connection: Connection, variant_id: str, values: dict[str, Any]) -> None:
    """Change a variant."""
    connection.execute(update(variant).where(variant.c.variant_id == variant_id).values(values))


def delete_unused(connection: Connection, variant_id: str) -> bool:
    """Delete a variant that no piece, order or tag names; return whether it was one."""
    used = [exists().where(table.c.variant_id == variant_id) for table in (piece, order_line, tag)]
    where = (variant.c.variant_id == variant_id, *(~one for one in used))
    return connection.execute(delete(variant).where(*where)).rowcount == 1
