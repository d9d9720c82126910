"""Visits and what is in hand, in SQL."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, exists, func, insert, select, update

from cloud_relay.announcements.prices import price_at
from cloud_relay.records import consent
from cloud_relay.records.rules import How
from cloud_relay.records.uses import Use
from cloud_relay.tables import (
    account,
    group_order,
    in_hand,
    listing,
    member,
    person_mute,
    purchase,
    shop,
    variant,
    visit,
)
from wire.promotions import Brought

_VISIT, _HAND = visit.c, in_hand.c


def find(connection: Connection, account_id: str, shop_id: str, now: datetime) -> RowMapping | None:
    """Return somebody's visit of a shop while it lasts, or None."""
    own = (_VISIT.account_id == account_id, _VISIT.shop_id == shop_id, _VISIT.present_until > now)
    return connection.execute(select(visit).where(*own)).mappings().one_or_none()


def of_account(connection: Connection, account_id: str) -> list[RowMapping]:
    """Return all of somebody's visits, also those that are over and not forgotten yet."""
    return list(connection.execute(select(visit).where(_VISIT.account_id == account_id)).mappings())


def is_here(connection: Connection, account_id: str | None, shop_id: str, now: datetime) -> bool:
    """Tell whether somebody is in a shop now."""
    return account_id is not None and find(connection, account_id, shop_id, now) is not None


def insert_visit(connection: Connection, values: dict[str, Any]) -> None:
    """Write a visit."""
    connection.execute(insert(visit).values(values))


def change(connection: Connection, account_id: str, shop_id: str, values: dict[str, Any]) -> None:
    """Change a visit."""
    own = (_VISIT.account_id == account_id, _VISIT.shop_id == shop_id)
    connection.execute(update(visit).where(*own).values(values))


def forget(connection: Connection, account_id: str, shop_id: str = "") -> None:
    """Forget somebody's visit of a shop (of every shop without one) and what they held there."""
    for table in (in_hand, visit):
        own = [table.c.account_id == account_id, *([table.c.shop_id == shop_id] if shop_id else [])]
        connection.execute(delete(table).where(*own))


def forget_over(connection: Connection, now: datetime) -> None:
    """Forget every visit that is over: where somebody was is nobody's business any more."""
    is_over = exists().where(
        _VISIT.account_id == _HAND.account_id, _VISIT.shop_id == _HAND.shop_id, _VISIT.present_until <= now
    )
    connection.execute(delete(in_hand).where(is_over))
    connection.execute(delete(visit).where(_VISIT.present_until <= now))


def seen_by(connection: Connection, account_id: str, shop_id: str, now: datetime) -> list[RowMapping]:
    """Return the visits that somebody may see: others who are here, want to be seen, and are not muted either way."""
    muted = exists().where(
        ((person_mute.c.account_id == account_id) & (person_mute.c.muted_id == _VISIT.account_id))
        | ((person_mute.c.account_id == _VISIT.account_id) & (person_mute.c.muted_id == account_id))
    )
    query = (
        select(visit)
        .join(account, account.c.account_id == _VISIT.account_id)
        .where(_VISIT.shop_id == shop_id, _VISIT.present_until > now, _VISIT.account_id != account_id)
        .where(_VISIT.is_visible, ~account.c.is_closed, consent.is_given_by(_VISIT.account_id, Use.ON_SITE), ~muted)
        .order_by(_VISIT.person_id)
    )
    return list(connection.execute(query).mappings())


def muted_pairs(connection: Connection, account_ids: Iterable[str]) -> frozenset[frozenset[str]]:
    """Return which of these (by account) muted one another."""
    ids = list(account_ids)
    query = select(person_mute.c.account_id, person_mute.c.muted_id)
    query = query.where(person_mute.c.account_id.in_(ids), person_mute.c.muted_id.in_(ids))
    return frozenset(frozenset(row) for row in connection.execute(query))


def quantity(connection: Connection, account_id: str, shop_id: str, listing_id: str, variant_id: str) -> int:
    """Return how many of these somebody holds."""
    return int(
        connection.scalar(select(_HAND.quantity).where(*_piece(account_id, shop_id, listing_id, variant_id))) or 0
    )


def hold(
    connection: Connection, account_id: str, shop_id: str, listing_id: str, variant_id: str, count: int, now: datetime
) -> None:
    """Write how many of these somebody holds; 0: none."""
    where = _piece(account_id, shop_id, listing_id, variant_id)
    connection.execute(delete(in_hand).where(*where))
    if count:
        connection.execute(insert(in_hand).values(
            account_id=account_id, shop_id=shop_id, listing_id=listing_id, variant_id=variant_id, quantity=count,
            taken_at=now,
        ))  # fmt: skip


def _piece(account_id: str, shop_id: str, listing_id: str, variant_id: str) -> tuple[Any, ...]:
    return (
        _HAND.account_id == account_id, _HAND.shop_id == shop_id, _HAND.listing_id == listing_id,
        _HAND.variant_id == variant_id,
    )  # fmt: skip


def count_held(connection: Connection, account_id: str, shop_id: str) -> int:
    """Return how many pieces somebody holds in a shop."""
    own = (_HAND.account_id == account_id, _HAND.shop_id == shop_id)
    return int(connection.scalar(select(func.coalesce(func.sum(_HAND.quantity), 0)).where(*own)) or 0)


def held(connection: Connection, shop_id: str, account_ids: Iterable[str], now: datetime) -> list[RowMapping]:
    """Return what these hold in a shop, each line with its price now as the till takes it."""
    price = price_at(now) + func.coalesce(variant.c.price_difference_minor, 0)
    query = (
        select(
            in_hand,
            listing.c.title_en,
            listing.c.title_zh,
            listing.c.currency,
            variant.c.choices,
            price.label("price_minor"),
        )
        .join(listing, listing.c.listing_id == _HAND.listing_id)
        .outerjoin(variant, variant.c.variant_id == _HAND.variant_id)
        .where(_HAND.shop_id == shop_id, _HAND.account_id.in_(list(account_ids)))
        .order_by(_HAND.taken_at, _HAND.listing_id, _HAND.variant_id)
    )
    return list(connection.execute(query).mappings())


def brought(rows: Iterable[RowMapping], person_id: str) -> tuple[Brought, ...]:
    """Return lines in hand as single pieces of one person."""
    return tuple(
        Brought(person=person_id, listing_id=row["listing_id"], price_minor=row["price_minor"])
        for row in rows
        for _ in range(row["quantity"])
    )


def open_groups(connection: Connection, shop_id: str, now: datetime) -> list[str]:
    """Return the groups at a shop's counter that still wait, the newest last."""
    own = group_order.c
    where = (own.shop_id == shop_id, own.place == "on_site", own.state == "open", own.close_until > now)
    return list(connection.scalars(select(own.group_id).where(*where).order_by(own.started_at, own.group_id)))


def counter_purchase(connection: Connection, purchase_id: str) -> RowMapping | None:
    """Return a purchase that was paid at a shop's counter, or None."""
    return connection.execute(_COUNTER_PURCHASE, {"key": purchase_id}).mappings().one_or_none()


_COUNTER_PURCHASE = select(purchase).where(
    purchase.c.purchase_id == bindparam("key"), purchase.c.how == How.COUNTER.value
)
"""Made once: every purchase asks it."""


def nickname_of(connection: Connection, account_id: str) -> str:
    """Return somebody's nickname."""
    return str(connection.scalar(select(account.c.nickname).where(account.c.account_id == account_id)) or "")


def works_for(connection: Connection, account_id: str, shop_id: str) -> bool:
    """Tell whether somebody belongs to the merchant of a shop."""
    query = select(member.c.account_id).join(shop, shop.c.merchant_id == member.c.merchant_id)
    own = (shop.c.shop_id == shop_id, member.c.account_id == account_id)
    return connection.execute(query.where(*own)).first() is not None


def shop_of(connection: Connection, shop_id: str) -> RowMapping | None:
    """Return an open shop's name and currency, or None."""
    query = select(shop.c.shop_id, shop.c.name_en, shop.c.name_zh, shop.c.currency)
    return connection.execute(query.where(shop.c.shop_id == shop_id, ~shop.c.is_closed)).mappings().one_or_none()
