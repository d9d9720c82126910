"""Who wants to hear nothing more of whom: one list for groups, suggestions, talks and visits.

A person is muted under the nickname by which the other met them there. The list keeps it, and nothing else of the
muted one: two nicknames of one person stay two lines, each taken back by itself, so that the list joins no names.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select

from cloud_relay.accounts.service import missing
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import person_mute
from cloud_relay.web.pages import page_event
from wire.values import format_time, new_id

_MUTE = person_mute.c


def mute(connection: Connection, account_id: str, muted_id: str, now: datetime, nickname: str = "") -> str:
    """Let `account_id` hear nothing more of `muted_id`, whom they know as `nickname`; return the id to take it back by.

    Muted again under the same nickname it is the same one. RefusedError for oneself.
    """
    if account_id == muted_id:
        raise RefusedError("mute_oneself", "You cannot mute yourself", "不能屏蔽自己", 422)
    found = connection.scalar(select(_MUTE.mute_id).where(*_known_as(account_id, muted_id, nickname)))
    if found is not None:
        return str(found)
    row = {"mute_id": new_id("mut"), "account_id": account_id, "muted_id": muted_id, "nickname": nickname}
    connection.execute(insert(person_mute).values(**row, muted_at=now))
    page_event(connection, f"account:{account_id}", "muting", {}, now)
    return row["mute_id"]


def unmute(connection: Connection, account_id: str, muted_id: str, now: datetime, nickname: str = "") -> None:
    """Undo `mute` where the two meet under this nickname; nothing happens when it was not muted there."""
    if connection.execute(delete(person_mute).where(*_known_as(account_id, muted_id, nickname))).rowcount:
        page_event(connection, f"account:{account_id}", "muting", {}, now)


def undo(connection: Connection, account_id: str, mute_id: str, now: datetime) -> dict[str, Any]:
    """Take one line of one's own list back; RefusedError (404) for what is not on it."""
    own = (_MUTE.account_id == account_id, _MUTE.mute_id == mute_id)
    if connection.execute(delete(person_mute).where(*own)).rowcount != 1:
        raise missing()
    page_event(connection, f"account:{account_id}", "muting", {}, now)
    return {"mute_id": mute_id, "is_muted": False}


def muted_by(connection: Connection, account_id: str) -> frozenset[str]:
    """Return the accounts of whom somebody wants to hear nothing; for rooms alone, never for an answer."""
    return frozenset(connection.scalars(select(_MUTE.muted_id).where(_MUTE.account_id == account_id)))


def is_muted_as(connection: Connection, account_id: str, muted_id: str, nickname: str) -> bool:
    """Tell whether somebody muted another under this very nickname; under others it does not show here."""
    query = select(_MUTE.mute_id).where(*_known_as(account_id, muted_id, nickname))
    return connection.execute(query).first() is not None


def is_between(connection: Connection, one_id: str, other_id: str) -> bool:
    """Tell whether either of two muted the other, under whichever nickname."""
    query = select(_MUTE.mute_id).where(or_(_from_to(one_id, other_id), _from_to(other_id, one_id))).limit(1)
    return connection.execute(query).first() is not None


def list_of(connection: Connection, account_id: str) -> list[dict[str, str]]:
    """Return one's own list, newest first: nickname, since when, and the id to take it back by."""
    query = select(person_mute).where(_MUTE.account_id == account_id).order_by(_MUTE.muted_at.desc(), _MUTE.mute_id)
    return [
        {"mute_id": row["mute_id"], "nickname": row["nickname"], "muted_at": format_time(row["muted_at"])}
        for row in connection.execute(query).mappings()
    ]


def _known_as(account_id: str, muted_id: str, nickname: str) -> tuple[ColumnElement[bool], ...]:
    return _MUTE.account_id == account_id, _MUTE.muted_id == muted_id, _MUTE.nickname == nickname


def _from_to(account_id: str, muted_id: str) -> ColumnElement[bool]:
    return and_(_MUTE.account_id == account_id, _MUTE.muted_id == muted_id)
