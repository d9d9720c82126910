"""What the members of a group order say to each other: under nicknames, without contact data, reported and muted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select

from cloud_relay import muting
from cloud_relay.catalog.reading import missing
from cloud_relay.contact_words import refuse_contact
from cloud_relay.groups import rules, store, telling
from cloud_relay.refusals import RefusedError
from cloud_relay.reporting import report_once
from cloud_relay.tables import group_member, group_message
from cloud_relay.viewing import together
from wire.values import clean_text, new_id

_MESSAGE = group_message.c
SAID, LOOK = "said", "look"
"""Words of a member; an invitation to look at a piece together, whose text is the way there."""


def say(
    connection: Connection, account_id: str, group_id: str, words: str, now: datetime, our_host: str = ""
) -> dict[str, Any]:
    """Say something to the group; open pages show it at once. RefusedError for contact data, or a chat that is full."""
    own = require_member(connection, group_id, account_id)
    cleaned = clean_text(words, "text", rules.TEXT_LENGTH_MAX, lines=rules.TEXT_LINES_MAX)
    refuse_contact(cleaned, our_host)
    return _write(connection, own, SAID, cleaned, now)


def invite_to_look(
    connection: Connection, account_id: str, group_id: str, session_id: str, now: datetime
) -> dict[str, Any]:
    """Post the way into a live viewing that this member looks through with companions, for the others to come in."""
    own = require_member(connection, group_id, account_id)
    companion = together.own_companion(connection, session_id, account_id)
    piece_id = companion["session"]["piece_id"]
    way = f"/look/{piece_id}?with={companion['together_id']}"
    return _write(connection, own, LOOK, way, now)


def _write(connection: Connection, own: RowMapping, kind: str, words: str, now: datetime) -> dict[str, Any]:
    group_id = own["group_id"]
    count = connection.scalar(select(func.count()).where(_MESSAGE.group_id == group_id)) or 0
    if count >= rules.MESSAGES_MAX:
        raise RefusedError(
            "chat_full", "This chat is full; start another group order to talk on", "聊天已满，如需继续请另开一单"
        )
    message_id = new_id("msg")
    row = {"message_id": message_id, "group_id": group_id, "member_id": own["member_id"], "sent_at": now}
    connection.execute(insert(group_message).values(**row, kind=kind, text=words))
    telling.tell(connection, group_id, "message", now)
    return {"message_id": message_id, "group_id": group_id}


def read(connection: Connection, group_id: str, account_id: str, *, is_operator: bool = False) -> list[dict[str, Any]]:
    """Return what was said, oldest first, without those whom the reader muted; who may read it the caller has checked.

    Operators see all of it.
    """
    query = (
        select(group_message, group_member.c.nickname, group_member.c.account_id)
        .join(group_member, group_member.c.member_id == _MESSAGE.member_id)
        .where(_MESSAGE.group_id == group_id)
        .order_by(_MESSAGE.sent_at, _MESSAGE.message_id)
    )
    muted = frozenset() if is_operator else muting.muted_by(connection, account_id)
    return [_shown(row, account_id) for row in connection.execute(query).mappings() if row["account_id"] not in muted]


def _shown(row: RowMapping, account_id: str) -> dict[str, Any]:
    plain = ("message_id", "member_id", "nickname", "kind", "text", "sent_at")
    mine = {"is_mine": row["account_id"] == account_id, "is_reported": row["reported_at"] is not None}
    return {**{name: row[name] for name in plain}, **mine}


def report(connection: Connection, account_id: str, message_id: str, reason: str, now: datetime) -> dict[str, Any]:
    """Report another member's message to the operators, once; they read it on the group's page."""
    row = connection.execute(select(group_message).where(_MESSAGE.message_id == message_id)).mappings().one_or_none()
    if row is None:
        raise missing()
    own = require_member(connection, row["group_id"], account_id)
    if row["member_id"] == own["member_id"]:
        raise RefusedError("own_message", "This is your own message", "不能举报自己的消息", 422)
    link = f"/together/{row['group_id']}#chat"
    if report_once(connection, group_message, message_id, account_id, reason, link, now):
        telling.tell(connection, row["group_id"], "message", now)
    return {"message_id": message_id, "is_reported": True}


def mute(
    connection: Connection, account_id: str, group_id: str, member_id: str, now: datetime, *, is_muted: bool
) -> dict[str, Any]:
    """Hear nothing more of another member, or hear them again; nobody is told of it."""
    require_member(connection, group_id, account_id)
    other = _member(connection, group_id, member_id)
    if is_muted:
        muting.mute(connection, account_id, other["account_id"], now, other["nickname"])
    else:
        muting.unmute(connection, account_id, other["account_id"], now, other["nickname"])
    return {"member_id": member_id, "is_muted": is_muted}


def _member(connection: Connection, group_id: str, member_id: str) -> Mapping[Any, Any]:
    own = (group_member.c.group_id == group_id, group_member.c.member_id == member_id)
    row = connection.execute(select(group_member).where(*own)).mappings().one_or_none()
    if row is None:
        raise missing()
    return row


def require_member(connection: Connection, group_id: str, account_id: str) -> RowMapping:
    """Return somebody's membership; RefusedError (404) for everybody else, who left too."""
    own = store.find_member(connection, group_id, account_id)
    if own is None or own["state"] != store.JOINED:
        raise missing()
    return own
