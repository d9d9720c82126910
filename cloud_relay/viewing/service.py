"""Use cases of viewing: ask to look, hold a pass, open a stream, ask the attendant. One function, one transaction."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cloud_relay.bench_checks.rules import refusal
from cloud_relay.bookings.store import has_booked
from cloud_relay.notices.service import notify
from cloud_relay.outbox import send_command
from cloud_relay.refusals import RefusedError
from cloud_relay.viewing import store
from cloud_relay.viewing.rules import LOOKING, SessionState, pass_until, state_of_answer
from cloud_relay.web.pages import page_event
from wire.codec import from_json, to_json
from wire.commands import AskAttendant
from wire.reports import CameraState, DeviceState, LookAnswered, QuestionAnswered, ViewingChanged
from wire.values import clean_text, new_id

QUESTION_LENGTH_MAX = 200
"""A question is read standing at a bench: two lines of large type."""

QUESTION_KINDS = ("open_it", "measure_it", "show_inside", "text")


class NoSuchSessionError(RefusedError):
    """There is no such viewing session for whoever asks."""

    def __init__(self) -> None:
        super().__init__("no_such_session", "There is no such viewing session.", "没有这个看货会话。", status=404)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A session that was just written, and those of the same account that it replaces."""

    session_id: str
    shop_id: str
    camera: str
    may_steer: bool
    shop_is_online: bool
    is_booked: bool
    replaced: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A session after the shop's word, the viewing pass that comes with it while it is open, and the stream that was
    opened along with the ask (empty: none).
    """

    session: dict[str, Any]
    viewing_pass: str | None
    stream_id: str = ""


def ask_to_look(
    connection: Connection, account_id: str | None, piece_id: str, now: datetime, *, may_steer: bool,
    merchant_ids: frozenset[str] = frozenset(),
) -> Asked:  # fmt: skip
    """Write a new viewing session of a piece; a visitor (no account) may watch, not steer.

    People of `merchant_ids` also look at their own drafts: to teach the camera and to take pictures.
    """
    piece = store.find_piece(connection, piece_id)
    is_own = piece is not None and store.merchant_of_shop(connection, piece["shop_id"]) in merchant_ids
    if piece is None or not (is_own or piece["listing_state"] == "published"):
        raise RefusedError("no_such_piece", "This piece is not on offer.", "这件货品未上架。", status=404)
    if piece["live_reason"]:
        raise refusal(piece["live_reason"])
    if not piece["spot"]:
        raise RefusedError("not_offered", "This piece cannot be looked at live.", "这件货品不提供实时看货。")
    if piece["state"] == "sold":
        raise RefusedError("piece_gone", "This piece is sold.", "这件货品已售出。")
    replaced = store.open_sessions(connection, account_id, piece["shop_id"]) if account_id else []
    for session_id in replaced:
        end_session(connection, session_id, "replaced", now)
    session_id = new_id("ses")
    steers = may_steer and account_id is not None
    store.insert_session(
        connection, session_id=session_id, account_id=account_id, shop_id=piece["shop_id"], piece_id=piece_id,
        camera=piece["spot"]["camera"], state=SessionState.ASKED.value, answer={}, may_steer=steers,
        created_at=now, changed_at=now,
    )  # fmt: skip
    online = store.shop_is_online(connection, piece["shop_id"])
    is_booked = steers and has_booked(connection, account_id, piece["shop_id"], piece["spot"]["camera"], now)
    return Asked(
        session_id=session_id, shop_id=piece["shop_id"], camera=piece["spot"]["camera"], may_steer=steers,
        shop_is_online=online, is_booked=is_booked, replaced=tuple(replaced),
    )  # fmt: skip


def take_look_answer(connection: Connection, shop_id: str, report: LookAnswered, now: datetime) -> bool:
    """Keep the shop's answer and tell the page; False for a session that is not this shop's, or has ended."""
    session = store.find_session(connection, report.session_id)
    if session is None or session["shop_id"] != shop_id:
        return False
    state, answer = state_of_answer(report.answer, report.turn_no).value, to_json(report)
    if session["state"] in LOOKING:  # a change that followed the word at once was kept before it
        state, answer = session["state"], {**answer, **session["answer"]}
    camera = report.camera or session["camera"]
    values: dict[str, Any] = {"state": state, "answer": answer, "camera": camera}
    is_taken = store.change_session(connection, report.session_id, now, **values)
    if is_taken:
        page_event(connection, f"session:{report.session_id}", "viewing", {**answer, "state": state}, now)
    return is_taken


def take_viewing_change(connection: Connection, shop_id: str, report: ViewingChanged, now: datetime) -> None:
    """Fold a change of place, turn or end into the session and tell the page."""
    session = store.find_session(connection, report.session_id)
    if session is None or session["shop_id"] != shop_id or session["ended_at"] is not None:
        return
    data = {**session["answer"], **to_json(report)}
    values: dict[str, Any] = {"state": report.state, "answer": data}
    if report.state == SessionState.ENDED:
        values |= {"ended_at": now, "end_reason": report.reason}
    store.change_session(connection, report.session_id, now, **values)
    page_event(connection, f"session:{report.session_id}", "viewing", data, now)
    has_waited = session["state"] in (SessionState.WAITING, SessionState.BEING_BROUGHT)
    if report.state == SessionState.STEERING and has_waited and session["account_id"]:
        found = store.find_piece(connection, session["piece_id"]) or {"title_en": "", "title_zh": ""}
        title = {name: found[name] for name in ("title_en", "title_zh")}
        notify(connection, [session["account_id"]], "your_turn", f"/look/{session['piece_id']}", now, **title)


def end_session(connection: Connection, session_id: str, reason: str, now: datetime) -> bool:
    """End a session from this side; the caller tells the shop. False when it had ended."""
    ended = store.change_session(
        connection, session_id, now, state=SessionState.ENDED.value, ended_at=now, end_reason=reason
    )
    if ended:
        page_event(connection, f"session:{session_id}", "viewing", {"state": "ended", "reason": reason}, now)
    return ended


def own_session(connection: Connection, session_id: str, account_id: str | None) -> dict[str, Any]:
    """Return a session of this account (a visitor's session belongs to whoever knows its id)."""
    session = store.find_session(connection, session_id)
    if session is None or session["account_id"] not in (account_id, None):
        raise NoSuchSessionError
    return session


def give_pass(connection: Connection, session_id: str, account_id: str | None, now: datetime) -> str:
    """Return a new viewing pass of a session that is open."""
    session = own_session(connection, session_id, account_id)
    if session["ended_at"] is not None or session["state"] == SessionState.REFUSED:
        raise RefusedError(
            "session_ended", "This viewing has ended. Ask to look again.", "本次看货已结束，请重新申请。"
        )
    text = secrets.token_urlsafe(24)
    store.insert_pass(connection, hash_of_pass(text), session_id, pass_until(now))
    return text


def look(
    connection: Connection, asked: Asked, answer: LookAnswered, account_id: str | None, now: datetime, stream_id: str
) -> tuple[Looked, bool]:
    """Keep the shop's answer; return how the session stands and whether the answer was taken.

    While the session is open it has a viewing pass: that of `stream_id` if one is being opened, else one for the first.
    """
    is_taken = take_look_answer(connection, asked.shop_id, answer, now)
    session = own_session(connection, asked.session_id, account_id)
    if session["ended_at"] is not None or session["state"] not in LOOKING:
        return Looked(session=session, viewing_pass=None), is_taken
    text = give_pass(connection, asked.session_id, account_id, now)
    if stream_id:
        store.use_pass(connection, hash_of_pass(text), stream_id, now)
    return Looked(session=session, viewing_pass=text, stream_id=stream_id), is_taken


def hash_of_pass(text: str) -> str:
    """Return what is stored of a pass: whoever reads the database cannot use it."""
    return hashlib.sha256(text.encode()).hexdigest()


def use_pass(connection: Connection, text: str, session_id: str, now: datetime) -> tuple[str, dict[str, Any]]:
    """Take a pass for one stream; return the stream's id and the session. 401 by RefusedError for any other pass."""
    found = store.find_pass(connection, hash_of_pass(text))
    stream_id = new_id("str")
    if found is None or found["session_id"] != session_id or not store.use_pass(
        connection, found["pass_sha256"], stream_id, now
    ):  # fmt: skip
        raise RefusedError("bad_pass", "This viewing pass is expired or used. Ask for a new one.",
                           "看货凭证已过期或已使用，请重新获取。", status=401)  # fmt: skip
    session = store.find_session(connection, session_id)
    if session is None or session["ended_at"] is not None:
        raise NoSuchSessionError
    return stream_id, session


def stream_of_pass(connection: Connection, text: str, stream_id: str) -> dict[str, Any]:
    """Return the session of a stream that this pass opened."""
    found = store.find_pass(connection, hash_of_pass(text))
    if found is None or found["stream_id"] != stream_id:
        raise NoSuchSessionError
    session = store.find_session(connection, found["session_id"])
    if session is None:
        raise NoSuchSessionError
    return session


def ask_attendant(
    connection: Connection, session_id: str, account_id: str | None, kind: str, text: str, now: datetime
) -> str:
    """Send a question to the attendant of the shop; return its id."""
    session = own_session(connection, session_id, account_id)
    if session["ended_at"] is not None:
        raise NoSuchSessionError
    if account_id is None:
        raise RefusedError("sign_in_needed", "Sign in to ask a question.", "请先登录再提问。", status=401)
    words = clean_text(text, "text", QUESTION_LENGTH_MAX) if kind == "text" else ""
    question_id = new_id("qst")
    store.insert_question(
        connection, question_id=question_id, session_id=session_id, kind=kind, text=words, asked_at=now
    )
    command = AskAttendant(session_id=session_id, question_id=question_id, kind=kind, text=words)
    send_command(connection, session["shop_id"], command, now)
    return question_id


def take_question_answer(connection: Connection, shop_id: str, report: QuestionAnswered, now: datetime) -> None:
    """Keep the attendant's answer once and tell the page."""
    session = store.find_session(connection, report.session_id)
    if session is None or session["shop_id"] != shop_id:
        return
    session_id = store.answer_question(connection, report.question_id, report.answer, now)
    if session_id is not None:
        data = {"question_id": report.question_id, "answer": report.answer}
        page_event(connection, f"session:{session_id}", "question_answered", data, now)


def take_device_state(connection: Connection, shop_id: str, state: DeviceState, now: datetime) -> None:
    """Tell open pages that a camera's line changed."""
    if state.camera is not None:
        page_event(connection, f"shop:{shop_id}", "camera", {"camera": state.device, **to_json(state.camera)}, now)


def camera_device(document: dict[str, Any] | None) -> DeviceState | None:
    """Return the typed state of a retained device document."""
    return from_json(DeviceState, document) if document else None


def camera_of_shop(connection: Connection, shop_id: str, camera: str) -> CameraState | None:
    """Return a camera's retained line, or None when the shop never said."""
    device = camera_device(store.camera_states(connection, shop_id).get(camera))
    return device.camera if device else None


def merchant_of_shop(connection: Connection, shop_id: str) -> str | None:
    """Return the merchant that owns a shop."""
    return store.merchant_of_shop(connection, shop_id)


def read_session(
    connection: Connection, session_id: str, account_id: str | None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return an own session and its questions."""
    return own_session(connection, session_id, account_id), store.questions(connection, session_id)
