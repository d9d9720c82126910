"""Use cases of asking: who may be asked about a listing today, and a question to one of them.

What an asker is told depends on the day's list and on their own deeds alone: not on who muted whom, who was asked
before, or who says no. A question that would disturb somebody is written all the same and never told of.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay import muting
from cloud_relay.accounts.service import missing
from cloud_relay.contact_words import refuse_contact
from cloud_relay.notices import service as notices
from cloud_relay.owners import rules, store
from cloud_relay.owners.nicknames import Nickname, another, draw
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.values import clean_text, format_time, new_id


def list_owners(
    connection: Connection, account_id: str, listing_id: str, days: int, now: datetime, random: Random
) -> dict[str, Any]:
    """Return who may be asked about a listing, drawn by lot once a day; asked again that day it is the same list.

    RefusedError: not a listing that is shown, one's own goods, too many lists on one day.
    """
    goods = _goods(connection, account_id, listing_id)
    found = store.find_list(connection, account_id, listing_id, days, rules.day_end(now))
    row = _draw(connection, account_id, goods, days, now, random) if found is None else found
    return shown_list(connection, row, goods["merchant_id"])


def _goods(connection: Connection, account_id: str, listing_id: str) -> RowMapping:
    goods = store.find_goods(connection, listing_id)
    if goods is None or goods["state"] != "published" or goods["is_closed"]:
        raise missing()
    if store.is_member(connection, account_id, goods["merchant_id"]):
        raise RefusedError(
            "own_goods",
            "These are your own goods; shoppers ask each other here",
            "这是您自己店里的货品，此处供买家之间询问",
        )
    return goods


def _draw(
    connection: Connection, account_id: str, goods: RowMapping, days: int, now: datetime, random: Random
) -> Mapping[Any, Any]:
    if store.count_lists(connection, account_id, rules.day_of(now)) >= rules.LISTS_A_DAY:
        raise RefusedError(
            "too_many_lists", f"You asked of {rules.LISTS_A_DAY} things today; ask again tomorrow",
            f"您今天已查询 {rules.LISTS_A_DAY} 次，请明天再来",
        )  # fmt: skip
    store.forget_lists(connection, now)
    who = (goods["listing_id"], goods["merchant_id"], rules.bought_since(now, days), account_id)
    able = store.owners_of(connection, *who, rules.POOL_MAX)
    chosen = random.sample(able, min(len(able), rules.LISTED_MAX)) if rules.is_enough(len(able)) else []
    row = {
        "list_id": new_id("owl"), "account_id": account_id, "listing_id": goods["listing_id"], "days": days,
        "asked_at": now, "list_until": rules.day_end(now),
    }  # fmt: skip
    owners = [
        {"owner_id": new_id("own"), "list_id": row["list_id"], "account_id": owner, "place": place,
         "nickname_en": name.en, "nickname_zh": name.zh}
        for place, (owner, name) in enumerate(zip(chosen, draw(random, len(chosen)), strict=True))
    ]  # fmt: skip
    store.insert_list(connection, row, owners)
    return row


def owners_now(connection: Connection, row: Mapping[Any, Any], merchant_id: str) -> list[RowMapping]:
    """Return who of a list may be asked now; nobody when fewer are left than may be shown."""
    listed = store.listed_on(connection, row["list_id"])
    since = rules.bought_since(row["asked_at"], row["days"])
    who = (row["listing_id"], merchant_id, since, row["account_id"])
    able = store.still_owners(connection, *who, [one["account_id"] for one in listed])
    left = [one for one in listed if one["account_id"] in able]
    return left if rules.is_enough(len(left)) else []


def shown_list(connection: Connection, row: Mapping[Any, Any], merchant_id: str) -> dict[str, Any]:
    """Return a list as its asker sees it: handles and nicknames of this list alone."""
    return {
        "list_id": row["list_id"], "listing_id": row["listing_id"], "days": row["days"],
        "list_until": format_time(row["list_until"]),
        "owners": [
            {"owner_id": one["owner_id"], "nickname": {"en": one["nickname_en"], "zh": one["nickname_zh"]},
             "talk_id": one["talk_id"]}
            for one in owners_now(connection, row, merchant_id)
        ],
    }  # fmt: skip


def ask(
    connection: Connection,
    account_id: str,
    owner_id: str,
    words: str,
    now: datetime,
    random: Random,
    our_host: str = "",
) -> dict[str, Any]:
    """Put a question to one of today's list; to the same one again it is the same talk.

    RefusedError: contact data, the day's questions are asked, or this one cannot be asked. The last says nothing of
    why: no such one, the day is over, consent taken back, goods given back.
    """
    known = store.talk_of_owner(connection, owner_id, account_id)
    if known is not None:
        return {"talk_id": known}
    text = clean_text(words, "text", rules.TEXT_LENGTH_MAX, lines=rules.TEXT_LINES_MAX)
    refuse_contact(text, our_host)
    if store.count_asks(connection, account_id, rules.day_of(now)) >= rules.ASKS_A_DAY:
        raise RefusedError(
            "asked_enough", f"You asked {rules.ASKS_A_DAY} people today; ask the next one tomorrow",
            f"您今天已询问 {rules.ASKS_A_DAY} 人，请明天再问",
        )  # fmt: skip
    listed, owner = _listed(connection, account_id, owner_id, now)
    return {"talk_id": _begin(connection, listed, owner, text, now, random)}


def _listed(connection: Connection, account_id: str, owner_id: str, now: datetime) -> tuple[RowMapping, RowMapping]:
    row = store.find_list_with(connection, owner_id, account_id, now)
    goods = _goods(connection, account_id, row["listing_id"]) if row is not None else None
    if row is not None and goods is not None:
        for one in owners_now(connection, row, goods["merchant_id"]):
            if one["owner_id"] == owner_id:
                return row, one
    raise RefusedError(
        "cannot_be_asked", "This one cannot be asked now; choose another, or ask for a new list tomorrow",
        "现在无法询问此人，请另选一位，或明天重新查询",
    )  # fmt: skip


def _begin(connection: Connection, row: RowMapping, owner: RowMapping, text: str, now: datetime, random: Random) -> str:
    asker_id, asked_id, listing_id = row["account_id"], owner["account_id"], row["listing_id"]
    is_heard = _is_heard(connection, asker_id, asked_id, listing_id, now)
    own = another(random, Nickname(owner["nickname_en"], owner["nickname_zh"]))
    talk = {
        "talk_id": new_id("tlk"), "owner_id": owner["owner_id"], "asker_id": asker_id, "asked_id": asked_id,
        "listing_id": listing_id, "state": rules.State.ASKED, "is_heard": is_heard, "asker_nickname_en": own.en,
        "asker_nickname_zh": own.zh, "asked_nickname_en": owner["nickname_en"],
        "asked_nickname_zh": owner["nickname_zh"], "asked_at": now, "asked_told_at": now,
    }  # fmt: skip
    store.insert_talk(connection, talk)
    store.insert_message(connection, talk["talk_id"], 0, text, now, is_from_asker=True)
    page_event(connection, f"account:{asker_id}", "talk", {"talk_id": talk["talk_id"]}, now)
    if is_heard:
        title = store.title_of(connection, listing_id)
        notices.notify(connection, [asked_id], "owner_asked", f"/account/talks/{talk['talk_id']}", now, **title)
        page_event(connection, f"account:{asked_id}", "talk", {"talk_id": talk["talk_id"]}, now)
    return str(talk["talk_id"])


def _is_heard(connection: Connection, asker_id: str, asked_id: str, listing_id: str, now: datetime) -> bool:
    again_since = now - timedelta(days=rules.AGAIN_DAYS)
    return not (
        muting.is_between(connection, asker_id, asked_id)
        or store.has_talked(connection, asker_id, asked_id, listing_id, again_since)
        or store.count_heard(connection, asked_id, rules.day_of(now)) >= rules.HEARD_A_DAY
    )
