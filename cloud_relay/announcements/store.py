"""Announcements in SQL."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, or_, select, update

from cloud_relay.tables import announcement, listing, merchant, shop

_OWN = announcement.c


def insert_announcement(connection: Connection, values: dict[str, Any]) -> None:
    """Write an announcement."""
    connection.execute(insert(announcement).values(values))


def find(connection: Connection, announcement_id: str) -> RowMapping | None:
    """Return an announcement, deleted ones too, or None."""
    query = select(announcement).where(_OWN.announcement_id == announcement_id)
    return connection.execute(query).mappings().one_or_none()


def change(connection: Connection, announcement_id: str, values: dict[str, Any], version: int | None = None) -> bool:
    """Change an announcement and raise its version; with `version` only if it is still that one."""
    where = [_OWN.announcement_id == announcement_id]
    if version is not None:
        where.append(_OWN.version == version)
    changed = {**values, "version": _OWN.version + 1}
    return connection.execute(update(announcement).where(*where).values(changed)).rowcount == 1


def of_merchant(connection: Connection, merchant_id: str, limit: int) -> list[RowMapping]:
    """Return a merchant's announcements with what they are about, the latest to end first."""
    query = (
        select(
            announcement, shop.c.name_en, shop.c.name_zh, shop.c.currency, listing.c.title_en.label("listing_en"),
            listing.c.title_zh.label("listing_zh"), listing.c.price_minor.label("usual_price_minor"),
        )
        .join(shop, shop.c.shop_id == _OWN.shop_id)
        .outerjoin(listing, listing.c.listing_id == _OWN.listing_id)
        .where(_OWN.merchant_id == merchant_id)
        .order_by(_OWN.deleted_at.is_not(None), _OWN.shown_until.desc(), _OWN.announcement_id)
        .limit(limit)
    )  # fmt: skip
    return list(connection.execute(query).mappings())


def shown(
    connection: Connection, now: datetime, limit: int, *, shop_ids: Iterable[str] | None = None, listing_id: str = ""
) -> list[RowMapping]:
    """Return what shoppers see now, newest first: of these shops (all open ones without), or of one listing.

    A listing shows its own and its shop's; a shop shows all of its published listings too.
    """
    query = (
        select(announcement, shop.c.name_en, shop.c.name_zh)
        .join(shop, shop.c.shop_id == _OWN.shop_id)
        .join(merchant, merchant.c.merchant_id == _OWN.merchant_id)
        .outerjoin(listing, listing.c.listing_id == _OWN.listing_id)
        .where(_OWN.deleted_at.is_(None), _OWN.shown_from <= now, _OWN.shown_until > now)
        .where(~shop.c.is_closed, merchant.c.state == "verified")
        .where(or_(_OWN.listing_id.is_(None), listing.c.state == "published"))
    )
    if shop_ids is not None:
        query = query.where(_OWN.shop_id.in_(list(shop_ids)))
    if listing_id:
        query = query.where(or_(_OWN.listing_id.is_(None), _OWN.listing_id == listing_id))
    query = query.order_by(_OWN.shown_from.desc(), _OWN.announcement_id).limit(limit)
    return list(connection.execute(query).mappings())


def edges(connection: Connection, after: datetime, until: datetime) -> list[str]:
    """Return the shops of which something begins or ends in (`after`, `until`]."""
    begins = (_OWN.shown_from > after) & (_OWN.shown_from <= until)
    ends = (_OWN.shown_until > after) & (_OWN.shown_until <= until)
    query = select(_OWN.shop_id).where(_OWN.deleted_at.is_(None), or_(begins, ends)).distinct()
    return list(connection.scalars(query))


def next_edge(connection: Connection, after: datetime) -> datetime | None:
    """Return when the next announcement begins or ends."""
    alive = _OWN.deleted_at.is_(None)
    found = [
        connection.scalar(select(func.min(column)).where(alive, column > after))
        for column in (_OWN.shown_from, _OWN.shown_until)
    ]
    return min((one for one in found if one is not None), default=None)
