"""What a shopper would buy with others: a kind of goods or a listing, up to a price, until a day. Undone for a day."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from cloud_relay.records import rules
from cloud_relay.records.hooks import CHANGED
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import listing, pickup_point, shop, wish
from cloud_relay.web.pages import page_event
from wire.values import format_time, new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """What a shopper wishes for: `category` or `listing_id`; `budget_minor` is the most they would pay for one."""

    category: str = ""
    listing_id: str = ""
    budget_minor: int
    currency: str
    pickup_point_id: str = ""
    wished_until: datetime


def wish_for(connection: Connection, account_id: str, wished: Wished, now: datetime) -> dict[str, Any]:
    """Write a wish; RefusedError for one that cannot be, or one too many."""
    category = rules.clean_category(wished.category)
    rules.check_wish(category, wished.listing_id, wished.budget_minor, wished.wished_until, now)
    if wished.listing_id:
        _check_listing(connection, wished)
    if wished.pickup_point_id:
        _check_point(connection, wished.pickup_point_id)
    rules.check_wishes_left(_count_open(connection, account_id, now))
    wish_id = new_id("wsh")
    connection.execute(
        insert(wish).values(
            wish_id=wish_id, account_id=account_id, category=category, listing_id=wished.listing_id or None,
            budget_minor=wished.budget_minor, currency=wished.currency, created_at=now,
            pickup_point_id=wished.pickup_point_id or None, wished_until=wished.wished_until,
        )
    )  # fmt: skip
    _changed(connection, account_id, now)
    return _shown(_find(connection, account_id, wish_id))


def _check_listing(connection: Connection, wished: Wished) -> None:
    where = (listing.c.listing_id == wished.listing_id, listing.c.state == "published")
    currency = connection.scalar(select(listing.c.currency).where(*where))
    if currency is None:
        raise RefusedError(
            "no_such_listing", "This is not on show any more; wish for the kind of goods instead",
            "该商品已下架，可改为填写品类", 404,
        )  # fmt: skip
    if currency != wished.currency:
        raise RefusedError("other_currency", f"This is sold in {currency}", f"该商品以 {currency} 计价", 422)


def _check_point(connection: Connection, point_id: str) -> None:
    where = (pickup_point.c.point_id == point_id, pickup_point.c.deleted_at.is_(None))
    if connection.scalar(select(pickup_point.c.point_id).where(*where)) is None:
        raise RefusedError(
            "no_such_point", "There is no such pick-up point; choose another or none", "没有该自提点，请重新选择", 404
        )


def _count_open(connection: Connection, account_id: str, now: datetime) -> int:
    own = (wish.c.account_id == account_id, wish.c.deleted_at.is_(None), wish.c.wished_until > now)
    return int(connection.scalar(select(func.count()).select_from(wish).where(*own)) or 0)


def delete_wish(connection: Connection, account_id: str, wish_id: str, now: datetime) -> dict[str, Any]:
    """Delete one of one's wishes; it can be taken back for a day. What was deleted before that is forgotten."""
    _find(connection, account_id, wish_id)
    connection.execute(delete(wish).where(wish.c.account_id == account_id, wish.c.deleted_at <= now - rules.WISH_UNDO))
    connection.execute(update(wish).where(wish.c.wish_id == wish_id).values(deleted_at=now))
    _changed(connection, account_id, now)
    return {"wish_id": wish_id}


def restore_wish(connection: Connection, account_id: str, wish_id: str, now: datetime) -> dict[str, Any]:
    """Take a deleted wish back within a day; RefusedError (404) after it, and when there are too many by now."""
    own = (wish.c.account_id == account_id, wish.c.wish_id == wish_id, wish.c.deleted_at > now - rules.WISH_UNDO)
    if connection.execute(update(wish).where(*own).values(deleted_at=None)).rowcount != 1:
        raise missing()
    rules.check_wishes_left(_count_open(connection, account_id, now) - 1)
    _changed(connection, account_id, now)
    return _shown(_find(connection, account_id, wish_id))


def wishes_of(connection: Connection, account_id: str, now: datetime) -> dict[str, list[dict[str, Any]]]:
    """Return a shopper's open wishes, those whose day is over, and those whose deletion can be undone."""
    rows = [row for row in _rows(connection, account_id) if row["deleted_at"] is None]
    gone = [row for row in _rows(connection, account_id) if row["deleted_at"] is not None]
    return {
        "open": [_shown(row) for row in rows if row["wished_until"] > now],
        "over": [_shown(row) for row in rows if row["wished_until"] <= now],
        "deleted": [_shown(row) for row in gone if row["deleted_at"] > now - rules.WISH_UNDO],
    }


_QUERY = (
    select(
        wish, listing.c.title_en, listing.c.title_zh, pickup_point.c.name_en.label("point_en"),
        pickup_point.c.name_zh.label("point_zh"), shop.c.name_en.label("shop_en"), shop.c.name_zh.label("shop_zh"),
    )
    .outerjoin(listing, listing.c.listing_id == wish.c.listing_id)
    .outerjoin(pickup_point, pickup_point.c.point_id == wish.c.pickup_point_id)
    .outerjoin(shop, shop.c.shop_id == listing.c.shop_id)
    .order_by(wish.c.created_at.desc(), wish.c.wish_id)
)  # fmt: skip


def _rows(connection: Connection, account_id: str) -> list[RowMapping]:
    return list(connection.execute(_QUERY.where(wish.c.account_id == account_id)).mappings())


def _find(connection: Connection, account_id: str, wish_id: str) -> RowMapping:
    own = (wish.c.account_id == account_id, wish.c.wish_id == wish_id, wish.c.deleted_at.is_(None))
    found = connection.execute(_QUERY.where(*own)).mappings().one_or_none()
    if found is None:
        raise missing()
    return found


def missing() -> RefusedError:
    """Return the refusal for a wish that is not there or not yours."""
    return RefusedError("not_found", "Not found", "没有找到", 404)


def _shown(row: RowMapping) -> dict[str, Any]:
    plain = ("wish_id", "category", "listing_id", "budget_minor", "currency", "pickup_point_id")
    return {name: row[name] for name in plain} | {
        "title": {"en": row["title_en"] or "", "zh": row["title_zh"] or ""},
        "shop_name": {"en": row["shop_en"] or "", "zh": row["shop_zh"] or ""},
        "point_name": {"en": row["point_en"] or "", "zh": row["point_zh"] or ""},
        "wished_until": format_time(row["wished_until"]), "created_at": format_time(row["created_at"]),
    }  # fmt: skip


def _changed(connection: Connection, account_id: str, now: datetime) -> None:
    page_event(connection, f"account:{account_id}", "wishes", {}, now)
    for hear in CHANGED:
        hear(connection, account_id, now)
