"""Tags in SQL."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from cloud_relay.tables import listing, merchant, piece, shop, tag, variant

SHEETS_SHOWN = 40

_TAGS = (
    select(
        tag, shop.c.merchant_id, shop.c.name_en, shop.c.name_zh, shop.c.is_closed,
        merchant.c.state.label("merchant_state"),
        listing.c.title_en, listing.c.title_zh, listing.c.price_minor, listing.c.currency, listing.c.sku,
        listing.c.gtin, listing.c.state.label("listing_state"), variant.c.choices, variant.c.is_offered,
        variant.c.sku.label("variant_sku"), variant.c.gtin.label("variant_gtin"),
        func.coalesce(variant.c.price_difference_minor, 0).label("price_difference_minor"),
    )
    .join(shop, shop.c.shop_id == tag.c.shop_id)
    .join(merchant, merchant.c.merchant_id == shop.c.merchant_id)
    .outerjoin(listing, listing.c.listing_id == tag.c.listing_id)
    .outerjoin(variant, variant.c.variant_id == tag.c.variant_id)
)  # fmt: skip


def insert_tags(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Write fresh tags."""
    connection.execute(insert(tag), rows)


def find(connection: Connection, tag_id: str) -> RowMapping | None:
    """Return a tag with what stands on it, or None."""
    return connection.execute(_TAGS.where(tag.c.tag_id == tag_id)).mappings().one_or_none()


def of_sheet(connection: Connection, sheet_id: str) -> list[RowMapping]:
    """Return the tags that were made together, in their order."""
    return list(connection.execute(_TAGS.where(tag.c.sheet_id == sheet_id).order_by(tag.c.place)).mappings())


def newest(connection: Connection, shop_ids: Iterable[str]) -> list[RowMapping]:
    """Return the tags of the newest sheets of these shops, the newest sheet first."""
    own = tag.c.shop_id.in_(list(shop_ids))
    sheets = (
        select(tag.c.sheet_id).where(own).group_by(tag.c.sheet_id)
        .order_by(func.max(tag.c.made_at).desc(), tag.c.sheet_id).limit(SHEETS_SHOWN)
    )  # fmt: skip
    ids = list(connection.scalars(sheets))
    rows = connection.execute(_TAGS.where(tag.c.sheet_id.in_(ids)).order_by(tag.c.place)).mappings()
    return sorted(rows, key=lambda row: ids.index(row["sheet_id"]))


def void(connection: Connection, tag_ids: Iterable[str], now: datetime) -> int:
    """Make active tags void and return how many."""
    change = update(tag).where(tag.c.tag_id.in_(list(tag_ids)), tag.c.state == "active")
    return connection.execute(change.values(state="void", voided_at=now)).rowcount


def listings_at(connection: Connection, shop_id: str, location: str) -> list[str]:
    """Return the published listings of which a piece lies or stands at this place."""
    query = (
        select(piece.c.listing_id)
        .join(listing, listing.c.listing_id == piece.c.listing_id)
        .where(piece.c.shop_id == shop_id, piece.c.location == location, listing.c.state == "published")
        .where(piece.c.state.in_(("free", "sample")))
        .distinct()
    )
    return sorted(connection.scalars(query))


def pieces_at(connection: Connection, shop_id: str, location: str) -> list[RowMapping]:
    """Return the pieces that the shop noted at this place."""
    query = (
        select(piece.c.code, piece.c.state, listing.c.listing_id, listing.c.title_en, listing.c.title_zh)
        .join(listing, listing.c.listing_id == piece.c.listing_id)
        .where(piece.c.shop_id == shop_id, piece.c.location == location)
        .where(piece.c.state.in_(("free", "reserved", "sample")))
        .order_by(piece.c.code)
    )  # fmt: skip
    return list(connection.execute(query).mappings())
