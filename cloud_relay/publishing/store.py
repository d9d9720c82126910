"""Imports, changes of many listings and schedules in SQL."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, or_, select, update

from cloud_relay.tables import (
    account,
    bulk_change,
    goods_import,
    listing,
    listing_picture,
    listing_schedule,
    order_line,
    piece,
    reservation,
    shop,
    tag,
    variant,
)

LATEST = 30
CHUNK = 500
"""Values in one IN: far below the parameters that either database takes."""


def _chunks(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[place : place + CHUNK] for place in range(0, len(values), CHUNK))


def skus_of(connection: Connection, shop_id: str) -> list[str]:
    """Return the stock codes of a shop's listings and of their variants."""
    own = select(listing.c.sku).where(listing.c.shop_id == shop_id, listing.c.sku != "")
    of_variants = select(variant.c.sku).join(listing, listing.c.listing_id == variant.c.listing_id)
    of_variants = of_variants.where(listing.c.shop_id == shop_id, variant.c.sku != "")
    return list(connection.scalars(own.union(of_variants)))


def codes_of(connection: Connection, shop_id: str) -> list[str]:
    """Return the codes of a shop's pieces."""
    return list(connection.scalars(select(piece.c.code).where(piece.c.shop_id == shop_id)))


def insert_import(connection: Connection, values: dict[str, Any]) -> None:
    """Keep what was read of a table."""
    connection.execute(insert(goods_import).values(values))


def find_import(connection: Connection, import_id: str) -> RowMapping | None:
    """Return an import with its shop's merchant, or None."""
    query = select(goods_import, shop.c.merchant_id).join(shop, shop.c.shop_id == goods_import.c.shop_id)
    return connection.execute(query.where(goods_import.c.import_id == import_id)).mappings().one_or_none()


def update_import(connection: Connection, import_id: str, before: str, values: dict[str, Any]) -> bool:
    """Change an import if it is still in state `before`; return whether it was."""
    where = (goods_import.c.import_id == import_id, goods_import.c.state == before)
    return connection.execute(update(goods_import).where(*where).values(values)).rowcount == 1


def imports_of(connection: Connection, shop_ids: Sequence[str]) -> list[RowMapping]:
    """Return the newest imports of these shops, without their rows, with who made them."""
    plain = [one for one in goods_import.c if one.name not in ("rows", "faults")]
    query = (
        select(*plain, account.c.nickname)
        .join(account, account.c.account_id == goods_import.c.account_id)
        .where(goods_import.c.shop_id.in_(list(shop_ids)), goods_import.c.state.in_(("done", "undone")))
        .order_by(goods_import.c.created_at.desc())
        .limit(LATEST)
    )
    return list(connection.execute(query).mappings())


def drop_imports(connection: Connection, now: datetime) -> int:
    """Delete tables that were read and never confirmed; return how many."""
    where = (goods_import.c.state == "read", goods_import.c.drop_at <= now)
    return connection.execute(delete(goods_import).where(*where)).rowcount


def insert_goods(
    connection: Connection, listings: list[dict[str, Any]], variants: list[dict[str, Any]], pieces: list[dict[str, Any]]
) -> None:
    """Make listings, their variants and pieces, each kind with one statement."""
    connection.execute(insert(listing), listings)
    if variants:
        connection.execute(insert(variant), variants)
    if pieces:
        connection.execute(insert(piece), pieces)


def touched(connection: Connection, listing_ids: Sequence[str], version: int) -> int:
    """Return how many of these listings were changed, promised, sold, tagged or pictured since they were made."""
    count = 0
    for ids in _chunks(listing_ids):
        used = [
            select(table.c.listing_id).where(table.c.listing_id == listing.c.listing_id).exists()
            for table in (order_line, reservation, tag, listing_picture)
        ]
        moved = select(piece.c.piece_id).where(
            piece.c.listing_id == listing.c.listing_id, or_(piece.c.state != "free", piece.c.version > 1)
        )
        where = or_(listing.c.version != version, listing.c.reserved > 0, moved.exists(), *used)
        query = select(func.count()).select_from(listing).where(listing.c.listing_id.in_(ids), where)
        count += int(connection.scalar(query) or 0)
    return count


def delete_goods(connection: Connection, listing_ids: Sequence[str]) -> None:
    """Delete listings that nothing hangs on, with their pieces."""
    for ids in _chunks(listing_ids):
        connection.execute(delete(listing_schedule).where(listing_schedule.c.listing_id.in_(ids)))
        connection.execute(delete(piece).where(piece.c.listing_id.in_(ids)))
        connection.execute(delete(variant).where(variant.c.listing_id.in_(ids)))
        connection.execute(delete(listing).where(listing.c.listing_id.in_(ids)))


def listings_in(connection: Connection, shop_id: str, listing_ids: Sequence[str]) -> list[RowMapping]:
    """Return those of these listings that stand in the shop, by title."""
    found: list[RowMapping] = []
    for ids in _chunks(listing_ids):
        query = select(listing).where(listing.c.shop_id == shop_id, listing.c.listing_id.in_(ids))
        found += connection.execute(query).mappings()
    return sorted(found, key=lambda row: (row["title_en"] or row["title_zh"], row["listing_id"]))


def all_ids(connection: Connection, shop_id: str) -> list[str]:
    """Return every listing of a shop."""
    return list(connection.scalars(select(listing.c.listing_id).where(listing.c.shop_id == shop_id)))


def differences_of(connection: Connection, listing_ids: Sequence[str]) -> dict[str, list[int]]:
    """Return the price differences of listings' variants."""
    found: dict[str, list[int]] = {}
    for ids in _chunks(listing_ids):
        query = select(variant.c.listing_id, variant.c.price_difference_minor).where(variant.c.listing_id.in_(ids))
        for row in connection.execute(query):
            found.setdefault(row.listing_id, []).append(row.price_difference_minor)
    return found


def in_house(connection: Connection, listing_ids: Sequence[str]) -> dict[str, int]:
    """Return how many pieces of listings are free or reserved."""
    found: dict[str, int] = {}
    for ids in _chunks(listing_ids):
        query = (
            select(piece.c.listing_id, func.count())
            .where(piece.c.listing_id.in_(ids), piece.c.state.in_(("free", "reserved")))
            .group_by(piece.c.listing_id)
        )
        found |= {row[0]: int(row[1]) for row in connection.execute(query)}
    return found


def insert_bulk(connection: Connection, values: dict[str, Any]) -> None:
    """Write down a change of many listings."""
    connection.execute(insert(bulk_change).values(values))


def find_bulk(connection: Connection, change_id: str) -> RowMapping | None:
    """Return a change of many listings, or None."""
    return connection.execute(select(bulk_change).where(bulk_change.c.change_id == change_id)).mappings().one_or_none()


def mark_undone(connection: Connection, change_id: str, now: datetime) -> bool:
    """Note that a change was undone; False when it was before."""
    where = (bulk_change.c.change_id == change_id, bulk_change.c.undone_at.is_(None))
    return connection.execute(update(bulk_change).where(*where).values(undone_at=now)).rowcount == 1


def bulks_of(connection: Connection, shop_ids: Sequence[str]) -> list[RowMapping]:
    """Return the newest changes of many listings of these shops, without their rows, with who made them."""
    plain = [one for one in bulk_change.c if one.name != "rows"]
    query = (
        select(*plain, account.c.nickname)
        .join(account, account.c.account_id == bulk_change.c.account_id)
        .where(bulk_change.c.shop_id.in_(list(shop_ids)))
        .order_by(bulk_change.c.at.desc(), bulk_change.c.change_id.desc())
        .limit(LATEST)
    )
    return list(connection.execute(query).mappings())


def find_schedule(connection: Connection, listing_id: str) -> RowMapping | None:
    """Return when a listing goes on show and off, or None."""
    query = select(listing_schedule).where(listing_schedule.c.listing_id == listing_id)
    return connection.execute(query).mappings().one_or_none()


def write_schedule(connection: Connection, values: dict[str, Any]) -> None:
    """Set when a listing goes on show and off."""
    connection.execute(delete(listing_schedule).where(listing_schedule.c.listing_id == values["listing_id"]))
    connection.execute(insert(listing_schedule).values(values))


def delete_schedule(connection: Connection, listing_id: str) -> bool:
    """Forget a listing's times; return whether it had any."""
    where = listing_schedule.c.listing_id == listing_id
    return connection.execute(delete(listing_schedule).where(where)).rowcount == 1


def due(connection: Connection, now: datetime) -> list[RowMapping]:
    """Return the schedules whose next time has come, with their listings and merchants."""
    query = (
        select(listing_schedule, listing.c.shop_id, listing.c.state, listing.c.title_en, listing.c.title_zh,
               shop.c.merchant_id)
        .join(listing, listing.c.listing_id == listing_schedule.c.listing_id)
        .join(shop, shop.c.shop_id == listing.c.shop_id)
        .where(listing_schedule.c.next_at <= now)
        .order_by(listing_schedule.c.next_at)
        .limit(CHUNK)
    )  # fmt: skip
    return list(connection.execute(query).mappings())


def next_at(connection: Connection) -> datetime | None:
    """Return when the next schedule is due, or None."""
    found: datetime | None = connection.scalar(select(func.min(listing_schedule.c.next_at)))
    return found


def move_schedule(connection: Connection, listing_id: str, before: datetime, values: dict[str, Any]) -> bool:
    """Change a schedule if its next time is still `before`: one relay process of several does it."""
    where = (listing_schedule.c.listing_id == listing_id, listing_schedule.c.next_at == before)
    return connection.execute(update(listing_schedule).where(*where).values(values)).rowcount == 1
