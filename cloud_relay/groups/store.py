"""Group orders in SQL: groups, who is in, what each pledged."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, update

from cloud_relay.groups import rules
from cloud_relay.groups.rules import GroupState, Place
from cloud_relay.tables import (
    account,
    group_member,
    group_order,
    listing,
    member,
    order_line,
    orders,
    piece,
    pledge,
    shop,
)
from cloud_relay.tables import promotion as promotions
from wire.codec import from_json
from wire.promotions import Promotion

JOINED, LEFT = "joined", "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group order as use cases see it; `terms` are the promotion as it was when the group began."""

    group_id: str
    promotion_id: str
    shop_id: str
    merchant_id: str
    listing_id: str | None
    terms: Promotion
    place: str
    state: str
    started_by: str
    suggestion_id: str | None
    started_at: datetime
    close_until: datetime
    ended_at: datetime | None
    end_reason: str
    saving_minor: int
    joint_id: str | None
    version: int


class StaleGroupError(RuntimeError):
    """The group changed between reading and writing: the transaction is not serializable, which is a bug."""


_COLUMNS = [group_order.c[name] for name in Group.__dataclass_fields__]
_LOAD = select(*_COLUMNS).where(group_order.c.group_id == bindparam("key"))
_OF_ORDER = select(pledge.c.group_id).where(pledge.c.order_id == bindparam("key"))


def _group(row: RowMapping) -> Group:
    return Group(**{**row, "terms": from_json(Promotion, row["terms"])})


def load(connection: Connection, group_id: str) -> Group | None:
    """Return a group order, or None."""
    row = connection.execute(_LOAD, {"key": group_id}).mappings().one_or_none()
    return None if row is None else _group(row)


def group_of(connection: Connection, order_id: str) -> str | None:
    """Return the group that an order is a pledge of, or None for an ordinary order."""
    found: str | None = connection.scalar(_OF_ORDER, {"key": order_id})
    return found


def insert_group(connection: Connection, row: dict[str, Any]) -> None:
    """Write a new group order."""
    connection.execute(insert(group_order).values(row))


def save(connection: Connection, group: Group, **values: Any) -> None:
    """Change a group that is as it was read; StaleGroupError otherwise."""
    where = (group_order.c.group_id == group.group_id, group_order.c.version == group.version)
    changed = connection.execute(update(group_order).where(*where).values(**values, version=group.version + 1))
    if changed.rowcount != 1:
        raise StaleGroupError(f"group {group.group_id}: changed under a running transaction")


def find_promotion(connection: Connection, promotion_id: str) -> RowMapping | None:
    """Return a promotion's row, or None."""
    query = select(promotions).where(promotions.c.promotion_id == promotion_id)
    return connection.execute(query).mappings().one_or_none()


def is_offered(connection: Connection, shop_id: str, listing_id: str) -> bool:
    """Tell whether a listing of this shop is on show."""
    own = (listing.c.listing_id == listing_id, listing.c.shop_id == shop_id, listing.c.state == "published")
    return connection.scalar(select(listing.c.listing_id).where(*own)) is not None


def is_of_merchant(connection: Connection, merchant_id: str, account_ids: Iterable[str]) -> bool:
    """Tell whether any of these accounts works for the merchant."""
    own = (member.c.merchant_id == merchant_id, member.c.account_id.in_(list(account_ids)))
    return connection.execute(select(member.c.account_id).where(*own).limit(1)).first() is not None


def nicknames(connection: Connection, account_ids: Iterable[str]) -> dict[str, str]:
    """Return the nicknames of accounts that are not closed."""
    own = (account.c.account_id.in_(list(account_ids)), ~account.c.is_closed)
    return {row.account_id: row.nickname for row in connection.execute(
        select(account.c.account_id, account.c.nickname).where(*own)
    )}  # fmt: skip


def find_member(connection: Connection, group_id: str, account_id: str) -> RowMapping | None:
    """Return somebody's membership, also of who left."""
    own = (group_member.c.group_id == group_id, group_member.c.account_id == account_id)
    return connection.execute(select(group_member).where(*own)).mappings().one_or_none()


def insert_member(connection: Connection, row: dict[str, Any]) -> None:
    """Write a new membership."""
    connection.execute(insert(group_member).values(row))


def save_member(connection: Connection, member_id: str, **values: Any) -> None:
    """Change a membership."""
    connection.execute(update(group_member).where(group_member.c.member_id == member_id).values(**values))


def members(connection: Connection, group_id: str) -> list[RowMapping]:
    """Return who is in a group, in the order in which they came."""
    query = select(group_member).where(group_member.c.group_id == group_id, group_member.c.state == JOINED)
    query = query.order_by(group_member.c.joined_at, group_member.c.member_id)
    return list(connection.execute(query).mappings())


def count_open(connection: Connection, account_id: str) -> int:
    """Return in how many open groups somebody is."""
    own = (group_member.c.account_id == account_id, group_member.c.state == JOINED)
    is_open = group_order.c.state == GroupState.OPEN
    query = select(func.count()).join(group_order, group_order.c.group_id == group_member.c.group_id)
    return int(connection.scalar(query.select_from(group_member).where(*own, is_open)) or 0)


def on_site_groups(connection: Connection, promotion_id: str, account_ids: Iterable[str]) -> list[Group]:
    """Return the on-site groups of a promotion that any of these is in, the newest first."""
    own = (group_member.c.account_id.in_(list(account_ids)), group_member.c.state == JOINED)
    theirs = select(group_member.c.group_id).where(*own)
    query = select(*_COLUMNS).where(
        group_order.c.promotion_id == promotion_id, group_order.c.place == Place.ON_SITE,
        group_order.c.group_id.in_(theirs),
    )  # fmt: skip
    found = [_group(row) for row in connection.execute(query).mappings()]
    return sorted(found, key=lambda one: (one.started_at, one.group_id), reverse=True)


_PLEDGES = (
    select(
        pledge.c.order_id, pledge.c.group_id, pledge.c.member_id, pledge.c.listing_id, pledge.c.usual_minor,
        pledge.c.saving_minor, pledge.c.back_minor, pledge.c.refund_id, pledge.c.pledged_at, orders.c.state,
        orders.c.account_id, orders.c.price_minor, orders.c.total_minor, orders.c.shipping_minor,
        orders.c.goods_tax_minor, orders.c.goods_tax_ppm, orders.c.is_tax_on_top, orders.c.currency,
        orders.c.pay_until, order_line.c.title_en, order_line.c.title_zh, order_line.c.variant_id,
    )
    .join(orders, orders.c.order_id == pledge.c.order_id)
    .join(order_line, order_line.c.order_id == pledge.c.order_id)
    .where(pledge.c.group_id == bindparam("key"), order_line.c.line == 1)
    .order_by(pledge.c.pledged_at, pledge.c.order_id)
)  # fmt: skip


def pledges(connection: Connection, group_id: str) -> list[RowMapping]:
    """Return every pledge of a group with where its order stands, in the order in which they were made."""
    return list(connection.execute(_PLEDGES, {"key": group_id}).mappings())


def insert_pledge(connection: Connection, row: dict[str, Any]) -> None:
    """Write a new pledge."""
    connection.execute(insert(pledge).values(row))


def end_payment(connection: Connection, order_id: str, until: datetime) -> None:
    """Let an unpaid pledge wait for its payment no longer than its group waits for it."""
    change = update(orders).where(orders.c.order_id == order_id, orders.c.pay_until > until)
    connection.execute(change.values(pay_until=until, due_at=until))


_SAVE_PLEDGE = update(pledge).where(pledge.c.order_id == bindparam("key"))
_SAVE_ORDER = update(orders).where(orders.c.order_id == bindparam("key"))
_SAVE_LINE = update(order_line).where(order_line.c.order_id == bindparam("key"), order_line.c.line == 1)


def save_pledge(connection: Connection, order_id: str, **values: Any) -> None:
    """Change a pledge."""
    connection.execute(_SAVE_PLEDGE, {**values, "key": order_id})


def lower_price(connection: Connection, order_id: str, *, price_minor: int, tax_minor: int, total_minor: int) -> None:
    """Write what an order costs now that its group is complete."""
    row = {"price_minor": price_minor, "goods_tax_minor": tax_minor, "total_minor": total_minor, "key": order_id}
    connection.execute(_SAVE_ORDER, row)
    connection.execute(_SAVE_LINE, {"price_minor": price_minor, "key": order_id})


def find_due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Return open groups whose deadline is reached, the most overdue first."""
    is_due = (group_order.c.state == GroupState.OPEN, group_order.c.close_until <= now)
    query = select(group_order.c.group_id).where(*is_due).order_by(group_order.c.close_until)
    return list(connection.scalars(query.limit(limit)))


def find_nearly(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Return open online groups that end within rules.NEARLY_S and began before that, nobody told yet."""
    near = timedelta(seconds=rules.NEARLY_S)
    is_near = (group_order.c.state == GroupState.OPEN, group_order.c.close_until <= now + near,
               group_order.c.close_until > now, group_order.c.place == Place.ONLINE,
               group_order.c.warned_at.is_(None), group_order.c.started_at <= now - near)  # fmt: skip
    query = select(group_order.c.group_id).where(*is_near).order_by(group_order.c.close_until)
    return list(connection.scalars(query.limit(limit)))


def groups_of(connection: Connection, account_id: str, limit: int) -> list[Group]:
    """Return the groups that somebody is in or was in to the end, the open ones first, then the newest."""
    own = (group_member.c.account_id == account_id, group_member.c.state == JOINED)
    theirs = select(group_member.c.group_id).where(*own)
    query = select(*_COLUMNS).where(group_order.c.group_id.in_(theirs))
    query = query.order_by(group_order.c.state != GroupState.OPEN, group_order.c.started_at.desc())
    return [_group(row) for row in connection.execute(query.limit(limit)).mappings()]


def shop_name(connection: Connection, shop_id: str) -> dict[str, str]:
    """Return what a shop is called, in both languages."""
    row = connection.execute(select(shop.c.name_en, shop.c.name_zh).where(shop.c.shop_id == shop_id)).one()
    return {"en": row.name_en or row.name_zh, "zh": row.name_zh or row.name_en}


def offered(connection: Connection, shop_id: str, listing_ids: Sequence[str], limit: int) -> list[str]:
    """Return a shop's listings on show, those of a list or all, the cheapest first."""
    query = select(listing.c.listing_id).where(listing.c.shop_id == shop_id, listing.c.state == "published")
    if listing_ids:
        query = query.where(listing.c.listing_id.in_(list(listing_ids)))
    return list(connection.scalars(query.order_by(listing.c.price_minor, listing.c.listing_id).limit(limit)))


def piece_to_look_at(connection: Connection, listing_id: str) -> str | None:
    """Return a piece of a listing that stands before a camera and is not sold, or None."""
    own = (piece.c.listing_id == listing_id, piece.c.state.in_(("free", "reserved", "sample")))
    query = select(piece.c.piece_id, piece.c.spot).where(*own).order_by(piece.c.state, piece.c.code)
    return next((row.piece_id for row in connection.execute(query) if row.spot), None)
