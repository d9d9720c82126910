"""Use cases of a talk: answer, decline, write, end, mute, report. One function, one transaction.

A deed that the other side must not learn of tells no page of theirs, writes them no notice, and answers alike.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay import muting
from cloud_relay.accounts.service import missing
from cloud_relay.contact_words import refuse_contact
from cloud_relay.notices import service as notices
from cloud_relay.owners import rules, store
from cloud_relay.owners.nicknames import Nickname
from cloud_relay.owners.rules import Deed, Seen, State
from cloud_relay.refusals import RefusedError
from cloud_relay.reporting import clean_reason
from cloud_relay.threads.rules import is_told
from cloud_relay.web.pages import page_event
from wire.values import clean_text


def own_talk(connection: Connection, talk_id: str, account_id: str) -> tuple[RowMapping, bool]:
    """Return a talk and whether one is its asker; RefusedError (404) for strangers and for what one never heard of."""
    row = store.find_talk(connection, talk_id)
    if row is not None and row["asker_id"] == account_id:
        return row, True
    if row is not None and row["asked_id"] == account_id and row["is_heard"]:
        return row, False
    raise missing()


def seen(row: Mapping[Any, Any], is_asker: bool, now: datetime) -> Seen:
    """Return what one side sees of a talk's state."""
    state = State(row["state"])
    return (rules.seen_by_asker if is_asker else rules.seen_by_asked)(state, row["asked_at"], now)


def write(
    connection: Connection, talk_id: str, account_id: str, words: str, now: datetime, our_host: str = ""
) -> dict[str, Any]:
    """Write to the other one; the first words of who was asked are the answer that opens the talk.

    RefusedError: contact data, no answer yet, the talk is over or full.
    """
    row, is_asker = own_talk(connection, talk_id, account_id)
    text = clean_text(words, "text", rules.TEXT_LENGTH_MAX, lines=rules.TEXT_LINES_MAX)
    refuse_contact(text, our_host)
    is_first = not is_asker and seen(row, is_asker, now) is Seen.WAITING
    if not is_first and seen(row, is_asker, now) is not Seen.OPEN:
        raise _closed(seen(row, is_asker, now))
    number = store.count_messages(connection, talk_id)
    if number >= rules.MESSAGES_MAX:
        raise RefusedError("talk_full", "This talk is full; end it and ask anew", "消息已满，请结束后重新询问")
    message_id = store.insert_message(connection, talk_id, number, text, now, is_from_asker=is_asker)
    if is_first:
        store.update_talk(connection, talk_id, {"state": _after(row, Deed.ANSWER)})
    _tell_other(connection, row, is_asker, "owner_answered" if is_first else "owner_wrote", now)
    _show(connection, row, now)
    return {"message_id": message_id, "talk_id": talk_id}


def _closed(state: Seen) -> RefusedError:
    if state is Seen.WAITING:
        return RefusedError("wait_for_answer", "Your question waits for its answer", "请等待对方答复")
    return RefusedError("talk_over", "This talk is over; nothing more can be written", "此对话已结束，无法再发送")


def _after(row: RowMapping, deed: Deed) -> State:
    after = rules.step(State(row["state"]), deed)
    if after is None:
        raise RefusedError("not_now", "This cannot be done any more; reload the page", "当前无法操作，请刷新页面")
    return after


def _tell_other(connection: Connection, row: RowMapping, is_asker: bool, kind: str, now: datetime) -> None:
    """Tell who did not write: at the answer, then once per quiet time; the open page shows all at once."""
    column, other = ("asked_told_at", "asked_id") if is_asker else ("asker_told_at", "asker_id")
    if not is_told(row[column], now):
        return
    store.update_talk(connection, row["talk_id"], {column: now})
    title = store.title_of(connection, row["listing_id"])
    notices.notify(connection, [row[other]], kind, f"/account/talks/{row['talk_id']}", now, **title)


def _show(connection: Connection, row: RowMapping, now: datetime) -> None:
    page_event(connection, f"account:{row['asker_id']}", "talk", {"talk_id": row["talk_id"]}, now)
    if row["is_heard"]:
        page_event(connection, f"account:{row['asked_id']}", "talk", {"talk_id": row["talk_id"]}, now)


def decline(connection: Connection, talk_id: str, account_id: str, now: datetime) -> dict[str, Any]:
    """Say no to a question; who asked sees what they see of silence."""
    row, is_asker = own_talk(connection, talk_id, account_id)
    if is_asker:
        raise missing()
    if seen(row, is_asker, now) is Seen.NO_ANSWER:
        return {"talk_id": talk_id}
    store.update_talk(connection, talk_id, {"state": _after(row, Deed.DECLINE)})
    page_event(connection, f"account:{account_id}", "talk", {"talk_id": talk_id}, now)
    return {"talk_id": talk_id}


def end(connection: Connection, talk_id: str, account_id: str, now: datetime) -> dict[str, Any]:
    """End a talk, or take a question back; the other one reads that it is over, not by whom."""
    row, is_asker = own_talk(connection, talk_id, account_id)
    move(connection, row, Deed.END_BY_ASKER if is_asker else Deed.END_BY_ASKED, now)
    return {"talk_id": talk_id}


def move(connection: Connection, row: RowMapping, deed: Deed, now: datetime) -> None:
    """Let a talk go on by a deed of one side or of nobody, and show it where it may be seen."""
    after = _after(row, deed)
    if after is State.DECLINED:
        store.update_talk(connection, row["talk_id"], {"state": after})
        if row["is_heard"]:
            page_event(connection, f"account:{row['asked_id']}", "talk", {"talk_id": row["talk_id"]}, now)
        return
    if row["state"] != State.ENDED:
        store.update_talk(connection, row["talk_id"], {"state": after, "ended_at": now})
        _show(connection, row, now)


def mute(connection: Connection, talk_id: str, account_id: str, now: datetime) -> dict[str, Any]:
    """End a talk and hear nothing more of the other one, wherever; they are not told."""
    row, is_asker = own_talk(connection, talk_id, account_id)
    other = "asked" if is_asker else "asker"
    nickname = Nickname(row[f"{other}_nickname_en"], row[f"{other}_nickname_zh"])
    muting.mute(connection, account_id, row[f"{other}_id"], now, nickname.both)
    return end(connection, talk_id, account_id, now)


def report(connection: Connection, message_id: str, account_id: str, reason: str, now: datetime) -> dict[str, Any]:
    """Report a message of the other one to the operators, once; who wrote it does not learn of it."""
    found = store.find_message(connection, message_id)
    if found is None:
        raise missing()
    _, is_asker = own_talk(connection, found["talk_id"], account_id)
    if found["is_from_asker"] == is_asker:
        raise RefusedError("own_message", "This is your own message", "不能举报自己的消息", 422)
    why = clean_reason(reason)
    if store.mark_reported(connection, message_id, why, now):
        notices.notify(connection, notices.operators(connection), "talk_reported", "/operator#talks", now, reason=why)
        page_event(connection, "operator", "talk_reported", {"message_id": message_id}, now)
        page_event(connection, f"account:{account_id}", "talk", {"talk_id": found["talk_id"]}, now)
    return {"message_id": message_id, "is_reported": True}


def close_report(connection: Connection, message_id: str, now: datetime) -> dict[str, Any]:
    """Note that an operator dealt with a reported message; RefusedError (404) when none waits."""
    if not store.mark_closed(connection, message_id, now):
        raise missing()
    page_event(connection, "operator", "talk_reported", {"message_id": message_id}, now)
    return {"message_id": message_id}
