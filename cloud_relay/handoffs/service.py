"""Use cases of hand-offs: make one, look at it, use it once, let a television in."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from cloud_relay.handoffs import rules
from cloud_relay.handoffs.rules import Made, Purpose
from cloud_relay.orders import reservations
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import handoff
from cloud_relay.viewing import service as viewing
from cloud_relay.web.pages import page_event
from wire.values import new_id

KEPT_DAYS = 1
"""Ended hand-offs are forgotten after this."""


def make(connection: Connection, purpose: Purpose, subject: str, account_id: str | None, now: datetime) -> Made:
    """Make a hand-off of something that is this account's own; RefusedError for anything else."""
    if purpose in rules.PRIVATE and account_id is None:
        raise RefusedError("sign_in_first", "Please sign in first", "请先登录", 401)
    if purpose is Purpose.ORDER:
        found = reservations.find(connection, subject, account_id or "")
        if found is None or found.state != reservations.ACTIVE:
            raise RefusedError("not_found", "Nothing is reserved for you here", "这里没有为您保留的货品", 404)
    if purpose is Purpose.REMOTE and viewing.own_session(connection, subject, account_id)["account_id"] != account_id:
        raise viewing.NoSuchSessionError
    connection.execute(delete(handoff).where(handoff.c.expires_until < now - timedelta(days=KEPT_DAYS)))
    made = Made(
        handoff_id=new_id("hnd"), secret=secrets.token_urlsafe(18), screen=secrets.token_urlsafe(24),
        expires_until=rules.until(purpose, now),
    )  # fmt: skip
    is_private = purpose in rules.PRIVATE
    values = {
        "handoff_id": made.handoff_id, "link_sha256": rules.hash_of(made.secret), "purpose": purpose.value,
        "account_id": account_id if is_private else None, "subject": subject if is_private else "",
        "screen_sha256": rules.hash_of(made.screen), "phone_sha256": "", "created_at": now,
        "expires_until": made.expires_until,
    }  # fmt: skip
    connection.execute(insert(handoff).values(values))
    return made


def _find(connection: Connection, secret: str) -> dict[str, Any] | None:
    query = select(handoff).where(handoff.c.link_sha256 == rules.hash_of(secret))
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else dict(row)


def look(connection: Connection, secret: str, phone: str, now: datetime) -> Mapping[str, Any]:
    """Return a hand-off as this phone may see it; RefusedError when it has ended or is another phone's."""
    return rules.check(_find(connection, secret), None, phone, now)


def use(connection: Connection, secret: str, purpose: Purpose, phone: str, now: datetime) -> Mapping[str, Any]:
    """Take the one act of a link for this phone, in the caller's transaction; of two at once one is refused."""
    if not phone:  # whoever opened the page has a name; a bare request has not
        raise rules.ended()
    row = rules.check(_find(connection, secret), purpose, phone, now)
    own = handoff.c
    where = [own.handoff_id == row["handoff_id"], own.phone_sha256.in_(("", rules.hash_of(phone)))]
    if purpose not in rules.REPEATS:
        where.append(own.used_at.is_(None))
    taken = connection.execute(update(handoff).where(*where).values(used_at=now, phone_sha256=rules.hash_of(phone)))
    if taken.rowcount != 1:
        raise rules.ended()
    return row


def tell(connection: Connection, row: Mapping[str, Any], kind: str, data: dict[str, Any], now: datetime) -> None:
    """Tell the television that shows this hand-off."""
    page_event(connection, f"handoff:{row['handoff_id']}", kind, data, now)


def send_words(connection: Connection, secret: str, phone: str, path: str, now: datetime) -> None:
    """Have the television go to what the phone typed."""
    tell(connection, use(connection, secret, Purpose.WORDS, phone, now), "go", {"path": path}, now)


def steer(connection: Connection, secret: str, phone: str, wish: dict[str, Any], now: datetime) -> None:
    """Pass a press on the phone to the page that holds the camera's turn; the session must still be open."""
    row = use(connection, secret, Purpose.REMOTE, phone, now)
    session = viewing.own_session(connection, row["subject"], row["account_id"])
    if session["ended_at"] is not None:
        raise rules.ended()
    tell(connection, row, "steer", wish, now)


def let_in(connection: Connection, secret: str, phone: str, account_id: str, now: datetime) -> None:
    """Let the television that shows this link into the account of whoever holds the phone."""
    row = use(connection, secret, Purpose.SIGN_IN, phone, now)
    connection.execute(update(handoff).where(handoff.c.handoff_id == row["handoff_id"]).values(account_id=account_id))
    tell(connection, row, "claim", {}, now)


def claim(connection: Connection, handoff_id: str, screen: str, now: datetime) -> str:
    """Return the account that let this very screen in, once; RefusedError for any other screen."""
    own = handoff.c
    row = connection.execute(select(handoff).where(own.handoff_id == handoff_id)).mappings().one_or_none()
    is_its = row is not None and row["screen_sha256"] == rules.hash_of(screen)
    if row is None or not is_its or row["purpose"] != Purpose.SIGN_IN or not row["account_id"]:
        raise rules.ended()
    if row["expires_until"] <= now or row["used_at"] is None:
        raise rules.ended()
    connection.execute(update(handoff).where(own.handoff_id == handoff_id).values(screen_sha256=""))
    return str(row["account_id"])
