"""What pages show of owner lists and talks: nicknames and words, never who stands behind them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay import muting
from cloud_relay.owners import rules, store
from cloud_relay.owners.asking import shown_list
from cloud_relay.owners.nicknames import Nickname
from cloud_relay.owners.rules import Seen
from cloud_relay.owners.talking import own_talk, seen
from wire.values import format_time

TALKS_SHOWN = 100
REPORTS_SHOWN = 50


def of_listing(connection: Connection, listing_id: str, account_id: str | None, now: datetime) -> dict[str, Any] | None:
    """Return one's own newest list of today and how many questions are left; None on one's own goods.

    For a visitor there is no list, and the page asks them to sign in.
    """
    goods = store.find_goods(connection, listing_id)
    if goods is None or goods["state"] != "published":
        return None
    if account_id is None:
        return {"list": None, "asks_left": rules.ASKS_A_DAY, "days": rules.DAYS}
    if store.is_member(connection, account_id, goods["merchant_id"]):
        return None
    lists = store.lists_of(connection, account_id, listing_id, now)
    asked = store.count_asks(connection, account_id, rules.day_of(now))
    return {
        "list": shown_list(connection, lists[0], goods["merchant_id"]) if lists else None,
        "asks_left": max(0, rules.ASKS_A_DAY - asked), "days": rules.DAYS,
    }  # fmt: skip


def talks_of(connection: Connection, account_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return one's own talks on either side, newest first."""
    return [_head(row, account_id, now) for row in store.talks_of(connection, account_id, TALKS_SHOWN)]


def read_talk(connection: Connection, talk_id: str, account_id: str, now: datetime) -> dict[str, Any]:
    """Return one talk with its messages; RefusedError (404) for what is not one's own."""
    row, is_asker = own_talk(connection, talk_id, account_id)
    title = store.title_of(connection, row["listing_id"])
    state = seen(row, is_asker, now)
    messages = [_message(one, is_asker) for one in store.messages_of(connection, talk_id)]
    return {
        **_head({**row, **title}, account_id, now), "messages": messages,
        "can_write": state is Seen.OPEN or (state is Seen.WAITING and not is_asker),
        "can_decline": state is Seen.WAITING and not is_asker,
        "is_muted": muting.is_muted_as(connection, account_id, *_other(row, is_asker)),
        "can_end": state is Seen.OPEN or (state is Seen.WAITING and is_asker),
    }  # fmt: skip


def _head(row: Mapping[Any, Any], account_id: str, now: datetime) -> dict[str, Any]:
    is_asker = row["asker_id"] == account_id
    mine, other = ("asker", "asked") if is_asker else ("asked", "asker")
    return {
        "talk_id": row["talk_id"], "listing_id": row["listing_id"],
        "title": {"en": row["title_en"], "zh": row["title_zh"]}, "is_asker": is_asker,
        "state": seen(row, is_asker, now), "asked_at": format_time(row["asked_at"]),
        "answer_until": format_time(rules.answer_until(row["asked_at"])),
        "my_nickname": _nickname(row, mine), "nickname": _nickname(row, other),
    }  # fmt: skip


def _nickname(row: Mapping[Any, Any], side: str) -> dict[str, str]:
    return {"en": row[f"{side}_nickname_en"], "zh": row[f"{side}_nickname_zh"]}


def _other(row: Mapping[Any, Any], is_asker: bool) -> tuple[str, str]:
    side = "asked" if is_asker else "asker"
    return row[f"{side}_id"], Nickname(row[f"{side}_nickname_en"], row[f"{side}_nickname_zh"]).both


def _message(row: RowMapping, is_asker: bool) -> dict[str, Any]:
    is_mine = row["is_from_asker"] == is_asker
    return {
        "message_id": row["message_id"], "text": row["text"], "sent_at": format_time(row["sent_at"]),
        "is_mine": is_mine, "is_reported": not is_mine and row["reported_at"] is not None,
    }  # fmt: skip


def reported(connection: Connection) -> list[dict[str, Any]]:
    """Return what waits for an operator: the words, why they were reported, and the account that wrote them."""
    return [
        {
            "message_id": row["message_id"], "text": row["text"], "reason": row["report_reason"],
            "reported_at": format_time(row["reported_at"]),
            "nickname": _nickname(row, "asker" if row["is_from_asker"] else "asked"),
            "account_id": row["asker_id"] if row["is_from_asker"] else row["asked_id"],
        }
        for row in store.reported(connection, REPORTS_SHOWN)
    ]  # fmt: skip
