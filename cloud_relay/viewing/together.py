"""Looking together: companions of one viewing, what they say, and the steering that is handed over among them.

One function, one transaction. Who steers stays the shop's own word: a hand-over is offered and accepted here, and the
shop decides by its turn number whether there is still something to hand over.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from cloud_relay.contact_words import refuse_contact
from cloud_relay.refusals import RefusedError
from cloud_relay.viewing import store, together_store
from cloud_relay.viewing.rules import SessionState
from cloud_relay.viewing.service import NoSuchSessionError, own_session
from cloud_relay.web.pages import page_event
from wire.commands import HandTurn
from wire.values import clean_text, new_id

COMPANIONS_MAX = 8
"""A pointer each on one picture: more would hide what they point at."""

SAID_LENGTH_MAX = 200
_WATCHING = (SessionState.WATCHING, SessionState.WAITING)

Row = together_store.Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """A hand-over that was accepted: what the shop is to be told."""

    shop_id: str
    command: HandTurn


def channel(together_id: str) -> str:
    """The page events of those who look together; who knows the id was invited."""
    return f"together:{together_id}"


def shown(rows: list[Row]) -> list[Row]:
    """Return what every companion may know of the others."""
    return [
        {"companion_id": row["companion_id"], "nickname": row["nickname"], "is_steering": row["state"] == "steering",
         "can_take": row["may_steer"] and row["state"] in _WATCHING}
        for row in rows
    ]  # fmt: skip


def own_companion(connection: Connection, session_id: str, account_id: str | None) -> Row:
    """Return the companion that this account's open session is; NoSuchSessionError for none."""
    session = own_session(connection, session_id, account_id)
    found = together_store.companion_of(connection, session_id)
    if found is None or session["ended_at"] is not None:
        raise NoSuchSessionError
    return {**found, "session": session}


def begin(connection: Connection, session_id: str, account_id: str | None, nickname: str, now: datetime) -> Row:
    """Begin looking together from this session, or return what it is part of already."""
    session = _open_session(connection, session_id, account_id)
    if account_id is None:
        raise RefusedError("sign_in_needed", "Sign in to invite others.", "请先登录再邀请他人。", status=401)
    return _join(connection, session, new_id("tog"), nickname, now)


def join(
    connection: Connection, session_id: str, account_id: str | None, together_id: str, nickname: str, now: datetime
) -> Row:
    """Come in by an invitation; the session must look through the same camera as the others."""
    session = _open_session(connection, session_id, account_id)
    others = together_store.companions(connection, together_id)
    if not others:
        raise RefusedError(
            "together_over", "Nobody is looking together there any more.", "那里已没有人在一起看了。", status=404
        )
    if len(others) >= COMPANIONS_MAX:
        raise RefusedError(
            "together_full", f"Already {COMPANIONS_MAX} look together.", f"已有 {COMPANIONS_MAX} 人在一起看。"
        )
    there = together_store.place_of(connection, others[0]["session_id"])
    if there != (session["shop_id"], session["camera"]):
        raise RefusedError("another_camera", "The others look through another camera.", "其他人看的是另一台镜头。")
    return _join(connection, session, together_id, nickname, now)


def _open_session(connection: Connection, session_id: str, account_id: str | None) -> Row:
    session = own_session(connection, session_id, account_id)
    if session["ended_at"] is not None or session["state"] == SessionState.REFUSED:
        raise NoSuchSessionError
    return session


def _join(connection: Connection, session: Row, together_id: str, nickname: str, now: datetime) -> Row:
    found = together_store.companion_of(connection, session["session_id"])
    if found is None:
        found = {"companion_id": new_id("cmp"), "together_id": together_id}
        together_store.insert_companion(
            connection, **found, session_id=session["session_id"], nickname=nickname, joined_at=now
        )
    together_id = found["together_id"]
    tell(connection, together_id, now)
    rows = together_store.companions(connection, together_id)
    return {"together_id": together_id, "companion_id": found["companion_id"], "companions": shown(rows)}


def tell(connection: Connection, together_id: str, now: datetime) -> None:
    """Tell every companion's page who is there and who steers."""
    rows = shown(together_store.companions(connection, together_id))
    page_event(connection, channel(together_id), "companions", {"companions": rows}, now)


def session_changed(connection: Connection, session_id: str, now: datetime) -> None:
    """A session steers now, watches or is over: its companions see it."""
    together_id = together_of(connection, session_id)
    if together_id is not None:
        tell(connection, together_id, now)


def together_of(connection: Connection, session_id: str) -> str | None:
    """Return with whom a session looks, or None for who looks alone."""
    found = together_store.companion_of(connection, session_id)
    return found["together_id"] if found is not None else None


def leave(connection: Connection, session_id: str, account_id: str | None, now: datetime) -> None:
    """Look on alone."""
    own = own_companion(connection, session_id, account_id)
    together_store.leave(connection, own["companion_id"], now)
    tell(connection, own["together_id"], now)


def say(
    connection: Connection, session_id: str, account_id: str | None, text: str, now: datetime, *, our_host: str = ""
) -> None:
    """Say something to the others, but no way to reach each other elsewhere (`contact_words`); our own links pass."""
    own = own_companion(connection, session_id, account_id)
    words = refuse_contact(clean_text(text, "text", SAID_LENGTH_MAX), our_host)
    data = {
        "said_id": new_id("said"), "companion_id": own["companion_id"], "nickname": own["nickname"], "text": words,
    }  # fmt: skip
    page_event(connection, channel(own["together_id"]), "said", data, now)


def offer(connection: Connection, session_id: str, account_id: str | None, to: str, now: datetime) -> None:
    """Offer the steering of the turn that runs now to a companion."""
    own = own_companion(connection, session_id, account_id)
    turn_no = int(own["session"]["answer"].get("turn_no") or 0)
    if own["session"]["state"] != SessionState.STEERING or not turn_no:
        raise RefusedError("not_your_turn", "You do not steer the camera just now.", "现在不是由您操控镜头。")
    others = together_store.companions(connection, own["together_id"])
    taker = next((row for row in others if row["companion_id"] == to), None)
    if taker is None or not taker["may_steer"] or taker["state"] not in _WATCHING:
        raise RefusedError(
            "cannot_take", "They cannot steer: not there, or not signed in.", "对方不在场或未登录，无法操控。"
        )
    together_store.offer_turn(connection, to, turn_no, own["companion_id"])
    data = {"to": to, "companion_id": own["companion_id"], "nickname": own["nickname"]}
    page_event(connection, channel(own["together_id"]), "offered", data, now)


def answer(
    connection: Connection, session_id: str, account_id: str | None, now: datetime, *, accepts: bool
) -> Handing | None:
    """Accept or decline what was offered; an accepted offer of a turn that is over is refused. An offer works once."""
    own = own_companion(connection, session_id, account_id)
    turn_no, giver_id = own["offered_turn_no"], own["offered_by"]
    if not turn_no or not together_store.take_offer(connection, own["companion_id"], turn_no):
        raise RefusedError("nothing_offered", "Nothing is offered to you.", "没有人要把镜头交给您。")
    data = {"companion_id": own["companion_id"], "nickname": own["nickname"], "accepts": accepts}
    page_event(connection, channel(own["together_id"]), "answered", data, now)
    if not accepts:
        return None
    others = together_store.companions(connection, own["together_id"])
    giver = next((row for row in others if row["companion_id"] == giver_id), None)
    session = store.find_session(connection, giver["session_id"]) if giver else None
    is_on = session is not None and session["state"] == SessionState.STEERING
    if giver is None or session is None or not is_on or session["answer"].get("turn_no") != turn_no:
        raise RefusedError("turn_over", "That turn is over.", "那一轮操控已经结束。")
    command = HandTurn(session_id=giver["session_id"], to_session_id=session_id, turn_no=turn_no)
    return Handing(shop_id=session["shop_id"], command=command)
