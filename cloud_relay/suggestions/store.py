"""Suggestions in SQL: for whom to look, to whom they went, what those answered, who is left out."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, or_, select, union_all, update

from cloud_relay.catalog.store import some
from cloud_relay.suggestions import rules
from cloud_relay.tables import (
    Moment,
    account,
    group_member,
    group_order,
    listing,
    member,
    person_mute,
    promotion,
    shop,
    suggestion,
    suggestion_due,
    suggestion_person,
)

SENT, ACCEPTED, DECLINED = "sent", "accepted", "declined"
"""What became of one person's part: it waits for an answer, yes, no."""


def ask(connection: Connection, account_ids: Iterable[str], cause: str, now: datetime) -> None:
    """Have suggestions looked for soon for these accounts; who waits already waits on."""
    people = list(dict.fromkeys(account_ids))
    waiting = set(
        connection.scalars(select(suggestion_due.c.account_id).where(suggestion_due.c.account_id.in_(people)))
    )
    rows = [{"account_id": one, "cause": cause, "asked_at": now} for one in people if one not in waiting]
    if rows:
        connection.execute(insert(suggestion_due), rows)


def next_due(connection: Connection) -> RowMapping | None:
    """Return for whom to look next, who waits longest."""
    query = select(suggestion_due).order_by(suggestion_due.c.asked_at, suggestion_due.c.account_id).limit(1)
    return connection.execute(query).mappings().one_or_none()


def take_due(connection: Connection, account_id: str) -> bool:
    """Take somebody off the list of whom to look for; False when another process was first."""
    return connection.execute(delete(suggestion_due).where(suggestion_due.c.account_id == account_id)).rowcount == 1


def sent_to(connection: Connection, account_id: str, now: datetime) -> int:
    """Return how many suggestions somebody got this week."""
    own = suggestion_person.c
    query = select(func.count()).where(own.account_id == account_id, own.sent_at > now - rules.WEEK)
    return int(connection.scalar(query) or 0)


_BUSY = union_all(
    select(member.c.account_id).where(member.c.merchant_id == bindparam("merchant_id")),
    select(suggestion_person.c.account_id)
    .join(suggestion, suggestion.c.suggestion_id == suggestion_person.c.suggestion_id)
    .where(
        suggestion.c.promotion_id == bindparam("promotion_id"),
        or_(
            (suggestion.c.state == rules.State.OPEN.value)
            & (suggestion.c.open_until > bindparam("now", type_=Moment)),
            suggestion_person.c.state == DECLINED,
        ),
    ),
    select(group_member.c.account_id)
    .join(group_order, group_order.c.group_id == group_member.c.group_id)
    .where(
        group_order.c.promotion_id == bindparam("promotion_id"), group_order.c.state == "open",
        group_member.c.state == "joined",
    ),
)  # fmt: skip


def busy_with(connection: Connection, promotion_id: str, merchant_id: str, now: datetime) -> set[str]:
    """Return who is left out of a promotion: the merchant's own people, who is asked or in a group, who said no."""
    values = {"promotion_id": promotion_id, "merchant_id": merchant_id, "now": now}
    return set(connection.scalars(_BUSY, values))


_APART = select(person_mute.c.account_id, person_mute.c.muted_id).where(
    person_mute.c.account_id.in_(some("people")), person_mute.c.muted_id.in_(some("people"))
)


def muted_among(connection: Connection, account_ids: Iterable[str]) -> set[frozenset[str]]:
    """Return the pairs of these of whom one muted the other."""
    found = connection.execute(_APART, {"people": list(account_ids)})
    return {frozenset((one, other)) for one, other in found if one != other}


def nicknames(connection: Connection, account_ids: Iterable[str]) -> dict[str, str]:
    """Return the nicknames of accounts that are not closed."""
    query = select(account.c.account_id, account.c.nickname)
    found = connection.execute(query.where(account.c.account_id.in_(list(account_ids)), ~account.c.is_closed))
    return {row.account_id: row.nickname for row in found}


def insert_suggestions(
    connection: Connection, rows: Sequence[dict[str, Any]], people: Sequence[dict[str, Any]]
) -> None:
    """Write suggestions with those to whom they go."""
    connection.execute(insert(suggestion), list(rows))
    connection.execute(insert(suggestion_person), list(people))


_FOUND = (
    select(
        suggestion, shop.c.name_en, shop.c.name_zh, promotion.c.title_en, promotion.c.title_zh,
        or_(
            promotion.c.ended_at.is_not(None), promotion.c.deleted_at.is_not(None), ~promotion.c.is_online
        ).label("is_withdrawn"),
    )
    .join(promotion, promotion.c.promotion_id == suggestion.c.promotion_id)
    .join(shop, shop.c.shop_id == suggestion.c.shop_id)
)  # fmt: skip


def count(connection: Connection) -> int:
    """Return how many suggestions there ever were."""
    return int(connection.scalar(select(func.count()).select_from(suggestion)) or 0)


def find(connection: Connection, suggestion_id: str) -> RowMapping | None:
    """Return a suggestion with its shop and its promotion's title, and whether that was withdrawn; or None."""
    return connection.execute(_FOUND.where(suggestion.c.suggestion_id == suggestion_id)).mappings().one_or_none()


_PEOPLE = select(suggestion_person, listing.c.title_en, listing.c.title_zh).join(
    listing, listing.c.listing_id == suggestion_person.c.listing_id
)


def people_of(connection: Connection, suggestion_id: str) -> list[RowMapping]:
    """Return everybody of a suggestion with what they would bring, in an order that tells nothing."""
    query = _PEOPLE.where(suggestion_person.c.suggestion_id == suggestion_id)
    return list(connection.execute(query.order_by(suggestion_person.c.person_id)).mappings())


def own_open(connection: Connection, account_id: str, now: datetime, limit: int) -> list[str]:
    """Return the suggestions that somebody can answer or has accepted, while they last; the newest first."""
    own = (
        suggestion_person.c.account_id == account_id, suggestion_person.c.state != DECLINED,
        suggestion.c.state == rules.State.OPEN.value, suggestion.c.open_until > now,
        promotion.c.ended_at.is_(None), promotion.c.deleted_at.is_(None), promotion.c.is_online,
    )  # fmt: skip
    query = (
        select(suggestion.c.suggestion_id)
        .join(suggestion_person, suggestion_person.c.suggestion_id == suggestion.c.suggestion_id)
        .join(promotion, promotion.c.promotion_id == suggestion.c.promotion_id)
        .where(*own)
    )
    ordered = query.order_by(suggestion.c.created_at.desc(), suggestion.c.suggestion_id)
    return list(connection.scalars(ordered.limit(limit)))


def open_with(connection: Connection, account_id: str) -> list[RowMapping]:
    """Return the open suggestions that somebody is in, whatever they answered."""
    query = select(suggestion).join(
        suggestion_person, suggestion_person.c.suggestion_id == suggestion.c.suggestion_id
    ).where(suggestion_person.c.account_id == account_id, suggestion.c.state == rules.State.OPEN.value)  # fmt: skip
    return list(connection.execute(query.order_by(suggestion.c.suggestion_id)).mappings())


def answer(connection: Connection, suggestion_id: str, account_id: str, state: str, now: datetime) -> None:
    """Write somebody's answer."""
    own = suggestion_person.c
    where = (own.suggestion_id == suggestion_id, own.account_id == account_id)
    connection.execute(update(suggestion_person).where(*where).values(state=state, answered_at=now))


def save_savings(connection: Connection, suggestion_id: str, savings_minor: dict[str, int]) -> None:
    """Write what each of those who are left saves now, and all of them together."""
    for account_id, saving in savings_minor.items():
        where = (suggestion_person.c.suggestion_id == suggestion_id, suggestion_person.c.account_id == account_id)
        connection.execute(update(suggestion_person).where(*where).values(saving_minor=saving))
    values = {"saving_minor": sum(savings_minor.values())}
    connection.execute(update(suggestion).where(suggestion.c.suggestion_id == suggestion_id).values(values))


def set_group(connection: Connection, suggestion_id: str, group_id: str) -> bool:
    """Say which group came of a suggestion; False when there is one already."""
    where = (suggestion.c.suggestion_id == suggestion_id, suggestion.c.group_id.is_(None))
    return connection.execute(update(suggestion).where(*where).values(group_id=group_id)).rowcount == 1


def end(connection: Connection, suggestion_id: str, state: str, now: datetime) -> bool:
    """End an open suggestion; False when it ended already."""
    where = (suggestion.c.suggestion_id == suggestion_id, suggestion.c.state == rules.State.OPEN.value)
    changed = connection.execute(update(suggestion).where(*where).values(state=state, ended_at=now))
    return changed.rowcount == 1


def due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Return open suggestions whose time is over."""
    own = suggestion.c
    query = select(own.suggestion_id).where(own.state == rules.State.OPEN.value, own.open_until <= now)
    return list(connection.scalars(query.order_by(own.open_until, own.suggestion_id).limit(limit)))


def open_of_promotion(connection: Connection, promotion_id: str) -> list[str]:
    """Return the open suggestions of a promotion."""
    own = suggestion.c
    query = select(own.suggestion_id).where(own.promotion_id == promotion_id, own.state == rules.State.OPEN.value)
    return list(connection.scalars(query.order_by(own.suggestion_id)))


def erase_person(connection: Connection, account_id: str) -> None:
    """Take somebody out of every suggestion that ever went to them, and off the list of whom to look for."""
    connection.execute(delete(suggestion_person).where(suggestion_person.c.account_id == account_id))
    connection.execute(delete(suggestion_due).where(suggestion_due.c.account_id == account_id))
