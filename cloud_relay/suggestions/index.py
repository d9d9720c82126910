"""The indexes: what consenting shoppers look for, by area and pick-up point; what promotions sell; never the truth.

What is found here is proved by `wanting` before anybody is told of it.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, String, bindparam, case, delete, func, insert, literal, or_, select

from cloud_relay.announcements.prices import price_at
from cloud_relay.catalog.store import some
from cloud_relay.records.rules import category_of
from cloud_relay.suggestions import rules
from cloud_relay.suggestions.rules import Good, Want, WantKind
from cloud_relay.suggestions.wanting import Reason
from cloud_relay.tables import (
    Moment,
    listing,
    merchant,
    promotion,
    shop,
    suggestion_good,
    suggestion_person,
    suggestion_promotion,
    suggestion_want,
    variant,
)

PROMOTIONS_MAX = 100
"""So many are looked at for one shopper, those that end first: the next purchase asks again."""
GOODS_MAX = 200
"""Listings of one promotion in the index, the newest: a shop that offers all it has."""
PEERS_MAX = 40
"""Others read for one category of one area, wishes first, then the newest purchases: a group is 12 of them."""


def index_wants(connection: Connection, account_id: str, reasons: Iterable[Reason]) -> None:
    """Have the index say of this account what these reasons say, and nothing else."""
    forget_wants(connection, account_id)
    rows = [
        {**one.want._asdict(), "area": one.area, "point_id": one.point_id, "wanted_until": one.wanted_until}
        for one in reasons
        if one.area or one.point_id
    ]
    if rows:
        connection.execute(insert(suggestion_want), rows)


def forget_wants(connection: Connection, account_id: str) -> None:
    """Take an account out of the index."""
    connection.execute(delete(suggestion_want).where(suggestion_want.c.account_id == account_id))


_SENT = (
    select(func.count())
    .where(
        suggestion_person.c.account_id == suggestion_want.c.account_id,
        suggestion_person.c.sent_at > bindparam("week", type_=Moment),
    )
    .scalar_subquery()
)
_PEER = (*(suggestion_want.c[name] for name in Want._fields), _SENT.label("sent"))


def _peers(near: Any) -> Any:
    """Return the query of all keys at once: a shopper's wishes lead to a dozen, and each way to a database costs."""
    own = suggestion_want.c
    order = (own.kind.desc(), own.wanted_until.desc())
    rank = func.row_number().over(partition_by=own.goods_key, order_by=order).label("rank")
    ranked = (
        select(*_PEER, rank)
        .where(near == bindparam("near"), own.goods_key.in_(some("keys")), _SENT < rules.WEEKLY_MAX)
        .where(own.wanted_until > bindparam("now", type_=Moment))
        .subquery()
    )
    columns = [one for one in ranked.c if one.name != "rank"]
    return select(*columns).where(ranked.c.rank <= PEERS_MAX).order_by(ranked.c.goods_key, ranked.c.rank)


_IN_AREA, _AT_POINT = _peers(suggestion_want.c.area), _peers(suggestion_want.c.point_id)


def peers(
    connection: Connection, near: str, keys: Collection[str], now: datetime, *, is_point: bool
) -> tuple[dict[str, list[Want]], dict[str, int]]:
    """Return who looks for goods of these keys in one area or at one pick-up point, by key, and what each got lately.

    Only who may still get a suggestion this week, and of each key PEERS_MAX.
    """
    found: dict[str, list[Want]] = {key: [] for key in keys}
    sent: dict[str, int] = {}
    values = {"near": near, "now": now, "week": now - rules.WEEK, "keys": list(keys)}
    for row in connection.execute(_AT_POINT if is_point else _IN_AREA, values):
        want = Want(*row[:-1])
        found[want.goods_key].append(want)
        sent[want.account_id] = row[-1]
    return found, sent


_RUNS = (
    promotion.c.deleted_at.is_(None), promotion.c.ended_at.is_(None), promotion.c.is_online,
    promotion.c.from_at <= bindparam("now", type_=Moment), promotion.c.until_at > bindparam("now", type_=Moment),
)  # fmt: skip
_TERMS = (
    "promotion_id", "shop_id", "merchant_id", "kind", "title_en", "title_zh", "listing_ids", "threshold_minor",
    "saving_minor", "count", "price_minor", "currency", "from_at", "until_at",
)  # fmt: skip
_OF_KEYS = (
    select(*(promotion.c[name] for name in _TERMS))
    .join(shop, shop.c.shop_id == promotion.c.shop_id)
    .join(merchant, merchant.c.merchant_id == shop.c.merchant_id)
    .where(*_RUNS, ~shop.c.is_closed, shop.c.is_live, merchant.c.state == "verified")
    .where(promotion.c.promotion_id.in_(
        select(suggestion_good.c.promotion_id).where(suggestion_good.c.goods_key.in_(some("keys")))
    ))
    .order_by(promotion.c.until_at, promotion.c.promotion_id)
    .limit(PROMOTIONS_MAX)
)  # fmt: skip


def promotions_for(connection: Connection, keys: Collection[str], now: datetime) -> list[RowMapping]:
    """Return the promotions that run online now with goods of these keys, what ends first before the others."""
    return list(connection.execute(_OF_KEYS, {"keys": list(keys), "now": now}).mappings())


_DIFFERENCE = (
    select(func.min(variant.c.price_difference_minor))
    .where(variant.c.listing_id == listing.c.listing_id, variant.c.is_offered)
    .correlate(listing)
    .scalar_subquery()
)
_GOODS = (
    select(
        suggestion_good.c.promotion_id, listing.c.listing_id, suggestion_good.c.goods_key,
        (price_at() + func.coalesce(_DIFFERENCE, 0)).label("price"), (listing.c.on_hand - listing.c.reserved),
    )
    .join(listing, listing.c.listing_id == suggestion_good.c.listing_id)
    .where(suggestion_good.c.promotion_id.in_(some("promotions")), listing.c.state == "published")
    .where(listing.c.on_hand > listing.c.reserved)
)  # fmt: skip


def goods_of(connection: Connection, promotion_ids: Iterable[str], now: datetime) -> dict[str, list[Good]]:
    """Return what each promotion has to sell now, at the price that a shopper pays for the cheapest style."""
    found: dict[str, list[Good]] = {one: [] for one in promotion_ids}
    for promotion_id, *good in connection.execute(_GOODS, {"promotions": list(found), "now": now}):
        found[promotion_id].append(Good(*good))
    return found


def stale_promotions(connection: Connection, now: datetime, before: datetime, limit: int) -> list[str]:
    """Return promotions that run online and are not in the index as they are now, or not since `before`."""
    own = suggestion_promotion.c
    query = (
        select(promotion.c.promotion_id)
        .outerjoin(suggestion_promotion, own.promotion_id == promotion.c.promotion_id)
        .where(*_RUNS, or_(own.version.is_(None), own.version != promotion.c.version, own.indexed_at <= before))
        .order_by(promotion.c.until_at, promotion.c.promotion_id)
    )
    return list(connection.scalars(query.limit(limit), {"now": now}))


def ended_promotions(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Return promotions that are in the index and do not run online any more."""
    own = suggestion_promotion.c
    running = select(promotion.c.promotion_id).where(*_RUNS)
    query = select(own.promotion_id).where(own.promotion_id.not_in(running)).order_by(own.promotion_id)
    return list(connection.scalars(query.limit(limit), {"now": now}))


def forget_promotion(connection: Connection, promotion_id: str) -> int | None:
    """Take a promotion out of the index; return the version that was there, None when it was not."""
    own = suggestion_promotion.c
    version: int | None = connection.scalar(select(own.version).where(own.promotion_id == promotion_id))
    connection.execute(delete(suggestion_good).where(suggestion_good.c.promotion_id == promotion_id))
    connection.execute(delete(suggestion_promotion).where(own.promotion_id == promotion_id))
    return version


def index_promotion(connection: Connection, promotion_id: str, now: datetime) -> tuple[list[str], bool]:
    """Put a promotion's goods into the index; return their keys, and whether this version was not there before."""
    before = forget_promotion(connection, promotion_id)
    row = connection.execute(select(promotion).where(promotion.c.promotion_id == promotion_id)).mappings().one()
    query = select(listing.c.listing_id, listing.c.attributes).where(
        listing.c.shop_id == row["shop_id"], listing.c.state == "published", listing.c.currency == row["currency"]
    )
    if row["listing_ids"]:
        query = query.where(listing.c.listing_id.in_(row["listing_ids"]))
    newest = query.order_by(listing.c.published_at.desc(), listing.c.listing_id).limit(GOODS_MAX)
    goods = [
        {"promotion_id": promotion_id, "listing_id": one.listing_id,
         "goods_key": rules.key_of(category_of(one.attributes), one.listing_id)}
        for one in connection.execute(newest)
    ]  # fmt: skip
    if goods:
        connection.execute(insert(suggestion_good), goods)
    values = {"promotion_id": promotion_id, "version": row["version"], "indexed_at": now}
    connection.execute(insert(suggestion_promotion).values(values))
    return sorted({one["goods_key"] for one in goods}), before != row["version"]


def seekers(connection: Connection, keys: Collection[str], now: datetime, limit: int) -> list[str]:
    """Return who looks for goods of these keys: who wishes for them first, then who bought them last."""
    own = suggestion_want.c
    rank = func.max(case((own.kind == WantKind.WISH.value, literal("~", String)), else_=own.wanted_until))
    query = (
        select(own.account_id)
        .where(own.goods_key.in_(list(keys)), own.wanted_until > now)
        .group_by(own.account_id)
        .order_by(rank.desc(), own.account_id)
    )
    return list(connection.scalars(query.limit(limit)))
