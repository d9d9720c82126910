"""Complaints of what a companion said: kept with its words for the operator, who decides what comes of it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from cloud_relay.refusals import RefusedError
from cloud_relay.viewing import together_store
from cloud_relay.viewing.together import channel, own_companion
from cloud_relay.web.pages import page_event
from wire.values import format_time, new_id

SAID_AGO_MAX = timedelta(hours=6)
"""What was said longer ago stands on no open page any more."""

SHOWN_MAX = 50


def complain(connection: Connection, session_id: str, account_id: str | None, said_id: str, now: datetime) -> None:
    """Keep what somebody said, for the operator; the words are taken from what was sent, not from who complains.

    A second complaint of the same by the same changes nothing.
    """
    own = own_companion(connection, session_id, account_id)
    said = together_store.find_said(connection, channel(own["together_id"]), said_id, now - SAID_AGO_MAX)
    if said is None or said["companion_id"] == own["companion_id"]:
        raise RefusedError("not_said", "Nobody else said this here.", "这里没有别人说过这句话。", status=404)
    if together_store.has_complained(connection, said_id, own["companion_id"]):
        return
    together_store.insert_complaint(
        connection, complaint_id=new_id("cpl"), together_id=own["together_id"], said_id=said_id, text=said["text"],
        nickname=said["nickname"], account_id=together_store.account_of_companion(connection, said["companion_id"]),
        by_companion_id=own["companion_id"], by_nickname=own["nickname"], by_account_id=account_id, made_at=now,
    )  # fmt: skip
    page_event(connection, "operator", "complaint", {"said_id": said_id}, now)


def open_complaints(connection: Connection) -> list[dict[str, Any]]:
    """Return what waits for the operator, oldest first; who said it by account, None for a visitor."""
    names = ("complaint_id", "text", "nickname", "account_id", "by_nickname", "by_account_id")
    return [
        {**{name: row[name] for name in names}, "made_at": format_time(row["made_at"])}
        for row in together_store.open_complaints(connection, SHOWN_MAX)
    ]


def close(connection: Connection, complaint_id: str, now: datetime) -> None:
    """Note that the operator dealt with a complaint."""
    if not together_store.close_complaint(connection, complaint_id, now):
        raise RefusedError(
            "no_such_complaint", "There is no such open complaint.", "没有这条待处理的举报。", status=404
        )
    page_event(connection, "operator", "complaint", {"complaint_id": complaint_id}, now)
