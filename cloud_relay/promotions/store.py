"""Promotions in SQL."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, insert, select, update

from cloud_relay.promotions.rules import Goods
from cloud_relay.tables import listing, merchant, promotion, shop, variant

_OWN = promotion.c
_OPEN = (_OWN.deleted_at.is_(None), _OWN.ended_at.is_(None))


def insert_promotion(connection: Connection, values: dict[str, Any]) -> None:
    """Write a promotion."""
    connection.execute(insert(promotion).values(values))


def find(connection: Connection, promotion_id: str) -> RowMapping | None:
    """Return a promotion, deleted ones too, or None."""
    return connection.execute(select(promotion).where(_OWN.promotion_id == promotion_id)).mappings().one_or_none()


def change(connection: Connection, promotion_id: str, values: dict[str, Any], version: int | None = None) -> bool:
    """Change a promotion and raise its version; with `version` only if it is still that one."""
    where = [_OWN.promotion_id == promotion_id]
    if version is not None:
        where.append(_OWN.version == version)
    changed = {**values, "version": _OWN.version + 1}
    return connection.execute(update(promotion).where(*where).values(changed)).rowcount == 1


def of_merchant(connection: Connection, merchant_id: str, limit: int) -> list[RowMapping]:
    """Return a merchant's promotions with their shops, the latest to end first, deleted ones last."""
    query = (
        select(promotion, shop.c.name_en, shop.c.name_zh)
        .join(shop, shop.c.shop_id == _OWN.shop_id)
        .where(_OWN.merchant_id == merchant_id)
        .order_by(_OWN.deleted_at.is_not(None), _OWN.until_at.desc(), _OWN.promotion_id)
        .limit(limit)
    )
    return list(connection.execute(query).mappings())


def open_of(connection: Connection, shop_id: str) -> list[RowMapping]:
    """Return what is planned or runs in a shop, in the order of its beginning."""
    query = select(promotion).where(_OWN.shop_id == shop_id, *_OPEN).order_by(_OWN.from_at, _OWN.promotion_id)
    return list(connection.execute(query).mappings())


def running(connection: Connection, now: datetime, *, shop_id: str = "", promotion_id: str = "") -> list[RowMapping]:
    """Return what runs now in open shops of verified merchants, what ends first before the others."""
    query = _running(now)
    if shop_id:
        query = query.where(_OWN.shop_id == shop_id)
    if promotion_id:
        query = query.where(_OWN.promotion_id == promotion_id)
    return list(connection.execute(query.order_by(_OWN.until_at, _OWN.promotion_id)).mappings())


def _running(now: datetime) -> Select[Any]:
    return (
        select(promotion, shop.c.name_en, shop.c.name_zh)
        .join(shop, shop.c.shop_id == _OWN.shop_id)
        .join(merchant, merchant.c.merchant_id == shop.c.merchant_id)
        .where(*_OPEN, _OWN.from_at <= now, _OWN.until_at > now)
        .where(~shop.c.is_closed, merchant.c.state == "verified")
    )


def shop_of_listing(connection: Connection, listing_id: str) -> str | None:
    """Return in which shop a published listing stands, or None."""
    where = (listing.c.listing_id == listing_id, listing.c.state == "published")
    found: str | None = connection.scalar(select(listing.c.shop_id).where(*where))
    return found


def goods_of(connection: Connection, shop_id: str, listing_ids: Sequence[str]) -> list[Goods]:
    """Return the published listings of a shop, or those of them that are named, with what their styles cost."""
    difference = variant.c.price_difference_minor
    query = (
        select(
            listing.c.listing_id, (listing.c.price_minor + func.coalesce(func.min(difference), 0)).label("lowest"),
            (listing.c.price_minor + func.coalesce(func.max(difference), 0)).label("dearest"),
        )
        .outerjoin(variant, (variant.c.listing_id == listing.c.listing_id) & variant.c.is_offered)
        .where(listing.c.shop_id == shop_id, listing.c.state == "published")
        .group_by(listing.c.listing_id, listing.c.price_minor)
    )  # fmt: skip
    if listing_ids:
        query = query.where(listing.c.listing_id.in_(listing_ids))
    return [
        Goods(listing_id=row.listing_id, lowest_minor=row.lowest, dearest_minor=row.dearest)
        for row in connection.execute(query)
    ]


def titles_of(connection: Connection, listing_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the titles of listings."""
    query = select(listing.c.listing_id, listing.c.title_en, listing.c.title_zh)
    rows = connection.execute(query.where(listing.c.listing_id.in_(list(listing_ids))))
    return {row.listing_id: {"en": row.title_en, "zh": row.title_zh} for row in rows}


def begin_due(connection: Connection, now: datetime) -> list[RowMapping]:
    """Stamp what began by now and return it; each is returned to one caller only."""
    due = (_OWN.deleted_at.is_(None), _OWN.begun_at.is_(None), _OWN.from_at <= now)
    return _stamp(connection, due, {"begun_at": _OWN.from_at})


def end_due(connection: Connection, now: datetime) -> list[RowMapping]:
    """Stamp what is over by now and return it; each is returned to one caller only."""
    return _stamp(connection, (*_OPEN, _OWN.until_at <= now), {"ended_at": _OWN.until_at})


def _stamp(connection: Connection, due: tuple[ColumnElement[bool], ...], values: dict[str, Any]) -> list[RowMapping]:
    changed = update(promotion).where(*due).values({**values, "version": _OWN.version + 1})
    return list(connection.execute(changed.returning(_OWN.promotion_id, _OWN.shop_id)).mappings())


def next_edge(connection: Connection) -> datetime | None:
    """Return when the next promotion begins or is over."""
    alive = _OWN.deleted_at.is_(None)
    found = [
        connection.scalar(select(func.min(_OWN.from_at)).where(alive, _OWN.begun_at.is_(None))),
        connection.scalar(select(func.min(_OWN.until_at)).where(*_OPEN)),
    ]
    return min((one for one in found if one is not None), default=None)
