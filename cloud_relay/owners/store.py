"""Owner lists and talks in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, exists, func, insert, or_, select, update

from cloud_relay.owners.rules import State
from cloud_relay.records import consent
from cloud_relay.tables import (
    account,
    listed_owner,
    listing,
    member,
    owner_list,
    owner_message,
    owner_talk,
    purchase,
    shop,
)
from wire.values import new_id

FORGOTTEN_AT_ONCE = 500
"""Lists of days that are over which one new list takes with it: more than one person makes in a day, and quick."""

_LIST, _OWNER, _TALK, _MESSAGE = owner_list.c, listed_owner.c, owner_talk.c, owner_message.c


def find_goods(connection: Connection, listing_id: str) -> RowMapping | None:
    """Return title, state and merchant of a listing."""
    query = (
        select(listing.c.listing_id, listing.c.title_en, listing.c.title_zh, listing.c.state, shop.c.merchant_id,
               shop.c.is_closed)
        .join(shop, shop.c.shop_id == listing.c.shop_id)
        .where(listing.c.listing_id == listing_id)
    )  # fmt: skip
    return connection.execute(query).mappings().one_or_none()


def title_of(connection: Connection, listing_id: str) -> dict[str, str]:
    """Return the title of a listing, published or not, as the sentences of notices want it."""
    row = find_goods(connection, listing_id)
    return {"title_en": row["title_en"], "title_zh": row["title_zh"]} if row is not None else {}


def is_member(connection: Connection, account_id: str, merchant_id: str) -> bool:
    """Tell whether somebody works for a merchant."""
    where = (member.c.account_id == account_id, member.c.merchant_id == merchant_id)
    return connection.execute(select(member.c.role).where(*where)).first() is not None


def _owners(listing_id: str, merchant_id: str, since: datetime, asker_id: str) -> Select[tuple[str]]:
    bought = purchase.c
    works_there = exists().where(member.c.account_id == account.c.account_id, member.c.merchant_id == merchant_id)
    return (
        select(bought.account_id)
        .join(account, account.c.account_id == bought.account_id)
        .where(
            bought.listing_id == listing_id, bought.bought_at >= since, bought.given_back_at.is_(None),
            bought.account_id != asker_id, account.c.is_closed.is_(False), ~works_there,
            consent.is_given_by(account.c.account_id, consent.Use.ASK_OWNERS),
        )
        .group_by(bought.account_id)
    )  # fmt: skip


def owners_of(
    connection: Connection, listing_id: str, merchant_id: str, since: datetime, asker_id: str, limit: int
) -> list[str]:
    """Return who bought a listing since then, kept it, and says yes to being asked; of very many the newest."""
    query = _owners(listing_id, merchant_id, since, asker_id)
    newest = query.order_by(func.max(purchase.c.bought_at).desc(), purchase.c.account_id).limit(limit)
    return sorted(connection.scalars(newest))


def still_owners(
    connection: Connection, listing_id: str, merchant_id: str, since: datetime, asker_id: str, of: Sequence[str]
) -> frozenset[str]:
    """Return which of these are such owners now."""
    query = _owners(listing_id, merchant_id, since, asker_id).where(purchase.c.account_id.in_(of))
    return frozenset(connection.scalars(query))


def find_list(
    connection: Connection, account_id: str, listing_id: str, days: int, list_until: datetime
) -> RowMapping | None:
    """Return somebody's list of the day that ends then."""
    own = (_LIST.account_id == account_id, _LIST.listing_id == listing_id, _LIST.days == days)
    query = select(owner_list).where(*own, _LIST.list_until == list_until)
    return connection.execute(query).mappings().one_or_none()


def lists_of(connection: Connection, account_id: str, listing_id: str, now: datetime) -> list[RowMapping]:
    """Return somebody's lists of this listing that hold now, the newest first."""
    own = (_LIST.account_id == account_id, _LIST.listing_id == listing_id, _LIST.list_until > now)
    return list(connection.execute(select(owner_list).where(*own).order_by(_LIST.asked_at.desc())).mappings())


def count_lists(connection: Connection, account_id: str, since: datetime) -> int:
    """Return how many lists somebody made since then."""
    query = select(func.count()).where(_LIST.account_id == account_id, _LIST.asked_at >= since)
    return int(connection.scalar(query) or 0)


def insert_list(connection: Connection, row: dict[str, Any], owners: Sequence[dict[str, Any]]) -> None:
    """Write a list, empty or not."""
    connection.execute(insert(owner_list).values(row))
    if owners:
        connection.execute(insert(listed_owner), owners)


def forget_lists(connection: Connection, now: datetime) -> None:
    """Delete lists whose day is over: nobody needs to know any more who stood on them."""
    over = list(connection.scalars(select(_LIST.list_id).where(_LIST.list_until <= now).limit(FORGOTTEN_AT_ONCE)))
    if over:
        delete_lists(connection, over)


def delete_lists(connection: Connection, list_ids: Sequence[str]) -> None:
    """Delete lists with all who stand on them."""
    connection.execute(delete(listed_owner).where(_OWNER.list_id.in_(list_ids)))
    connection.execute(delete(owner_list).where(_LIST.list_id.in_(list_ids)))


def lists_made_by(connection: Connection, account_id: str) -> list[str]:
    """Return the ids of all lists that somebody made."""
    return list(connection.scalars(select(_LIST.list_id).where(_LIST.account_id == account_id)))


def take_off_lists(connection: Connection, account_id: str) -> None:
    """Delete somebody from every list on which they stand."""
    connection.execute(delete(listed_owner).where(_OWNER.account_id == account_id))


def listed_on(connection: Connection, list_id: str) -> list[RowMapping]:
    """Return who stands on a list, in its order, with the talk that came of it."""
    query = (
        select(listed_owner, _TALK.talk_id)
        .outerjoin(owner_talk, _TALK.owner_id == _OWNER.owner_id)
        .where(_OWNER.list_id == list_id)
        .order_by(_OWNER.place)
    )
    return list(connection.execute(query).mappings())


def find_list_with(connection: Connection, owner_id: str, account_id: str, now: datetime) -> RowMapping | None:
    """Return somebody's own list that holds now and on which this owner stands."""
    query = (
        select(owner_list)
        .join(listed_owner, _LIST.list_id == _OWNER.list_id)
        .where(_OWNER.owner_id == owner_id, _LIST.account_id == account_id, _LIST.list_until > now)
    )
    return connection.execute(query).mappings().one_or_none()


def talk_of_owner(connection: Connection, owner_id: str, asker_id: str) -> str | None:
    """Return the talk that somebody began with one of their list."""
    return connection.scalar(select(_TALK.talk_id).where(_TALK.owner_id == owner_id, _TALK.asker_id == asker_id))


def count_asks(connection: Connection, asker_id: str, since: datetime) -> int:
    """Return how many people somebody asked since then."""
    query = select(func.count()).where(_TALK.asker_id == asker_id, _TALK.asked_at >= since)
    return int(connection.scalar(query) or 0)


def count_heard(connection: Connection, asked_id: str, since: datetime) -> int:
    """Return how many questions somebody was told of since then."""
    where = (_TALK.asked_id == asked_id, _TALK.asked_at >= since, _TALK.is_heard)
    return int(connection.scalar(select(func.count()).where(*where)) or 0)


def has_talked(connection: Connection, asker_id: str, asked_id: str, listing_id: str, since: datetime) -> bool:
    """Tell whether one asked another about this listing since then, who heard of it, under whichever nicknames."""
    where = (_TALK.asker_id == asker_id, _TALK.asked_id == asked_id, _TALK.listing_id == listing_id, _TALK.is_heard)
    return connection.execute(select(_TALK.talk_id).where(*where, _TALK.asked_at > since)).first() is not None


def insert_talk(connection: Connection, row: dict[str, Any]) -> None:
    """Write a talk."""
    connection.execute(insert(owner_talk).values(row))


def find_talk(connection: Connection, talk_id: str) -> RowMapping | None:
    """Return a talk."""
    return connection.execute(select(owner_talk).where(_TALK.talk_id == talk_id)).mappings().one_or_none()


def update_talk(connection: Connection, talk_id: str, values: dict[str, Any]) -> None:
    """Change a talk."""
    connection.execute(update(owner_talk).where(_TALK.talk_id == talk_id).values(values))


def talks_of(connection: Connection, account_id: str, limit: int) -> list[RowMapping]:
    """Return somebody's newest talks on either side with the listing's title; not those that they never heard of."""
    heard = (_TALK.asked_id == account_id) & _TALK.is_heard
    query = (
        select(owner_talk, listing.c.title_en, listing.c.title_zh)
        .join(listing, listing.c.listing_id == _TALK.listing_id)
        .where(or_(_TALK.asker_id == account_id, heard))
        .order_by(_TALK.asked_at.desc(), _TALK.talk_id)
        .limit(limit)
    )
    return list(connection.execute(query).mappings())


def talks_with(connection: Connection, account_id: str) -> list[RowMapping]:
    """Return every talk of somebody that has not ended, on either side, heard of or not."""
    query = select(owner_talk).where(or_(_TALK.asker_id == account_id, _TALK.asked_id == account_id))
    return list(connection.execute(query.where(_TALK.state != State.ENDED).order_by(_TALK.talk_id)).mappings())


def insert_message(
    connection: Connection, talk_id: str, number: int, text: str, now: datetime, *, is_from_asker: bool
) -> str:
    """Write the message of this number and return its id."""
    row = {"message_id": new_id("msg"), "talk_id": talk_id, "number": number, "text": text, "sent_at": now}
    connection.execute(insert(owner_message).values(**row, is_from_asker=is_from_asker))
    return str(row["message_id"])


def count_messages(connection: Connection, talk_id: str) -> int:
    """Return how many messages a talk has."""
    return int(connection.scalar(select(func.count()).where(_MESSAGE.talk_id == talk_id)) or 0)


def messages_of(connection: Connection, talk_id: str) -> list[RowMapping]:
    """Return the messages of a talk, oldest first."""
    query = select(owner_message).where(_MESSAGE.talk_id == talk_id).order_by(_MESSAGE.number)
    return list(connection.execute(query).mappings())


def find_message(connection: Connection, message_id: str) -> RowMapping | None:
    """Return a message."""
    return connection.execute(select(owner_message).where(_MESSAGE.message_id == message_id)).mappings().one_or_none()


def mark_reported(connection: Connection, message_id: str, reason: str, now: datetime) -> bool:
    """Note that a message was reported; False when it was before."""
    fresh = (_MESSAGE.message_id == message_id, _MESSAGE.reported_at.is_(None))
    values = {"reported_at": now, "report_reason": reason}
    return connection.execute(update(owner_message).where(*fresh).values(values)).rowcount == 1


def mark_closed(connection: Connection, message_id: str, now: datetime) -> bool:
    """Note that an operator dealt with a reported message; False when there is none that waits."""
    waiting = (_MESSAGE.message_id == message_id, _MESSAGE.reported_at.is_not(None), _MESSAGE.closed_at.is_(None))
    return connection.execute(update(owner_message).where(*waiting).values(closed_at=now)).rowcount == 1


def reported(connection: Connection, limit: int) -> list[RowMapping]:
    """Return reported messages that wait for an operator, oldest first, with the talk of each."""
    query = (
        select(owner_message, owner_talk)
        .join(owner_talk, _TALK.talk_id == _MESSAGE.talk_id)
        .where(_MESSAGE.reported_at.is_not(None), _MESSAGE.closed_at.is_(None))
        .order_by(_MESSAGE.reported_at, _MESSAGE.message_id)
        .limit(limit)
    )
    return list(connection.execute(query).mappings())


def blank_messages(connection: Connection, account_id: str) -> None:
    """Delete the words that somebody wrote; that there was a message stays, in the other one's talk."""
    own = select(_TALK.talk_id)
    asking = update(owner_message).where(_MESSAGE.talk_id.in_(own.where(_TALK.asker_id == account_id)))
    connection.execute(asking.where(_MESSAGE.is_from_asker).values(text=""))
    asked = update(owner_message).where(_MESSAGE.talk_id.in_(own.where(_TALK.asked_id == account_id)))
    connection.execute(asked.where(~_MESSAGE.is_from_asker).values(text=""))
