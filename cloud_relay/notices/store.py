"""SQL of how people are told: choices, push places, deliveries."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from cloud_relay.notices.quiet import OVER_BY_THEN, QuietHours, ends_at
from cloud_relay.notices.rules import TOPICS, Choice, Way, default_choice, topic_of
from cloud_relay.tables import account, notice, notice_choice, notice_delivery, notice_quiet, notice_reader, push_place
from wire.values import new_id

BATCH = 50
PLACES_MAX = 10
"""Browsers of one account that are told; the oldest makes room."""


def choices_of(connection: Connection, account_id: str) -> dict[str, Choice]:
    """Return how an account wants to be told of every topic."""
    rows = connection.execute(select(notice_choice).where(notice_choice.c.account_id == account_id)).mappings()
    chosen = {row["topic"]: Choice(by_push=row["by_push"], by_mail=row["by_mail"]) for row in rows}
    return {topic: chosen.get(topic, default_choice(topic)) for topic in TOPICS}


def choose(connection: Connection, account_id: str, topic: str, ways: dict[str, bool]) -> None:
    """Switch ways of one topic (by_push, by_mail); what is not named stays."""
    before = choices_of(connection, account_id)[topic]
    values = {"by_push": before.by_push, "by_mail": before.by_mail, **ways}
    own = (notice_choice.c.account_id == account_id, notice_choice.c.topic == topic)
    if connection.execute(update(notice_choice).where(*own).values(values)).rowcount == 0:
        connection.execute(insert(notice_choice).values(account_id=account_id, topic=topic, **values))


def quiet_of(connection: Connection, account_id: str) -> QuietHours | None:
    """Return an account's quiet hours, or None."""
    row = connection.execute(select(notice_quiet).where(notice_quiet.c.account_id == account_id)).one_or_none()
    if row is None:
        return None
    return QuietHours(quiet_from=row.quiet_from, quiet_until=row.quiet_until, time_zone=row.time_zone)


def keep_quiet(connection: Connection, account_id: str, hours: QuietHours | None) -> None:
    """Set an account's quiet hours, or (None) have none."""
    connection.execute(delete(notice_quiet).where(notice_quiet.c.account_id == account_id))
    if hours is not None:
        connection.execute(insert(notice_quiet).values(account_id=account_id, **asdict(hours)))


def mail_key_of(connection: Connection, account_id: str) -> str:
    """Return the key in this account's unsubscribe links, made on first use."""
    key = connection.scalar(select(notice_reader.c.mail_key).where(notice_reader.c.account_id == account_id))
    if key is None:
        key = secrets.token_urlsafe(24)
        connection.execute(insert(notice_reader).values(account_id=account_id, mail_key=key))
    return str(key)


def account_of_mail_key(connection: Connection, mail_key: str) -> str | None:
    """Return whose key this is."""
    return connection.scalar(select(notice_reader.c.account_id).where(notice_reader.c.mail_key == mail_key))


def keep_place(
    connection: Connection, account_id: str, endpoint: str, p256dh: str, auth: str, language: str, now: datetime
) -> str:
    """Remember where a browser of this account is told; a place belongs to who signed in there last."""
    hashed = hashlib.sha256(endpoint.encode()).hexdigest()
    connection.execute(delete(push_place).where(push_place.c.endpoint_sha256 == hashed))
    older = select(push_place.c.push_id).where(push_place.c.account_id == account_id)
    ids = list(connection.scalars(older.order_by(push_place.c.created_at.desc()).offset(PLACES_MAX - 1)))
    connection.execute(delete(push_place).where(push_place.c.push_id.in_(ids)))
    push_id = new_id("psh")
    connection.execute(
        insert(push_place).values(
            push_id=push_id, account_id=account_id, endpoint_sha256=hashed, endpoint=endpoint, p256dh=p256dh,
            auth=auth, language=language, created_at=now,
        )
    )  # fmt: skip
    return push_id


def forget_place(connection: Connection, account_id: str, endpoint: str) -> None:
    """Tell this browser nothing more; another account's place is left alone."""
    hashed = hashlib.sha256(endpoint.encode()).hexdigest()
    own = (push_place.c.account_id == account_id, push_place.c.endpoint_sha256 == hashed)
    connection.execute(delete(push_place).where(*own))


def forget_place_by_id(connection: Connection, push_id: str) -> None:
    """Forget a browser that its push service does not know any more."""
    connection.execute(delete(push_place).where(push_place.c.push_id == push_id))


def has_work(connection: Connection, now: datetime) -> bool:
    """Tell whether a notice waits to be planned or a delivery is due: asked often, so it only reads."""
    untold = select(notice.c.notice_id).where(notice.c.planned_at.is_(None)).limit(1)
    own = notice_delivery.c
    due = select(own.delivery_id).where(own.next_try_at <= now, own.state == "waiting").limit(1)
    return connection.execute(untold).first() is not None or connection.execute(due).first() is not None


_Wishes = tuple[dict[str, Choice], QuietHours | None, list[str]]


def _wishes_of(connection: Connection, account_ids: set[str]) -> dict[str, _Wishes]:
    """Return how each account wants to be told: its choices, quiet hours and push places, one read for each kind."""
    chosen: dict[str, dict[str, Choice]] = {one: {} for one in account_ids}
    for row in connection.execute(select(notice_choice).where(notice_choice.c.account_id.in_(account_ids))):
        chosen[row.account_id][row.topic] = Choice(by_push=row.by_push, by_mail=row.by_mail)
    quiet = {
        row.account_id: QuietHours(quiet_from=row.quiet_from, quiet_until=row.quiet_until, time_zone=row.time_zone)
        for row in connection.execute(select(notice_quiet).where(notice_quiet.c.account_id.in_(account_ids)))
    }
    places: dict[str, list[str]] = {one: [] for one in account_ids}
    own = select(push_place.c.account_id, push_place.c.push_id).where(push_place.c.account_id.in_(account_ids))
    for row in connection.execute(own.order_by(push_place.c.push_id)):
        places[row.account_id].append(row.push_id)
    return {
        one: ({topic: chosen[one].get(topic, default_choice(topic)) for topic in TOPICS}, quiet.get(one), places[one])
        for one in account_ids
    }


def plan(connection: Connection, now: datetime, *, with_mail: bool) -> int:
    """Turn notices that were just written into deliveries, each once; return how many notices were looked at."""
    found = connection.execute(
        select(notice).where(notice.c.planned_at.is_(None)).order_by(notice.c.created_at).limit(BATCH)
    )
    rows = list(found.mappings())
    deliveries: list[dict[str, Any]] = []
    wishes = _wishes_of(connection, {row["account_id"] for row in rows})
    for row in rows:
        choices, hours, places = wishes[row["account_id"]]
        choice = choices[topic_of(row["kind"])]
        quiet_until = ends_at(hours, now) if hours else None
        if quiet_until is not None and row["kind"] in OVER_BY_THEN:
            continue
        at = quiet_until or now
        if choice.by_push:
            deliveries += [_delivery(row, Way.PUSH, push_id, at) for push_id in places]
        if choice.by_mail and with_mail:
            deliveries.append(_delivery(row, Way.MAIL, "", at))
    if deliveries:
        connection.execute(insert(notice_delivery), deliveries)
    ids = [row["notice_id"] for row in rows]
    connection.execute(update(notice).where(notice.c.notice_id.in_(ids)).values(planned_at=now))
    return len(rows)


def _delivery(row: Any, way: Way, push_id: str, now: datetime) -> dict[str, Any]:
    return {
        "delivery_id": new_id("dlv"), "notice_id": row["notice_id"], "account_id": row["account_id"],
        "way": way.value, "push_id": push_id, "state": "waiting", "attempts": 0, "next_try_at": now, "reason": "",
    }  # fmt: skip


def take_due(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """Take the deliveries that are due, each for one process only: marked as under way before anything is sent."""
    own = notice_delivery.c
    due = list(
        connection.scalars(select(own.delivery_id).where(own.state == "waiting", own.next_try_at <= now).limit(BATCH))
    )
    taken = [one for one in due if _mark(connection, one)]
    query = (
        select(
            notice_delivery, notice.c.kind, notice.c.text_en, notice.c.text_zh, notice.c.link, notice.c.read_at,
            account.c.email, account.c.language.label("account_language"), push_place.c.endpoint, push_place.c.p256dh,
            push_place.c.auth, push_place.c.language.label("push_language"),
        )
        .join(notice, notice.c.notice_id == own.notice_id)
        .join(account, account.c.account_id == own.account_id)
        .outerjoin(push_place, push_place.c.push_id == own.push_id)
        .where(own.delivery_id.in_(taken))
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query).mappings()]


def _mark(connection: Connection, delivery_id: str) -> bool:
    own = (notice_delivery.c.delivery_id == delivery_id, notice_delivery.c.state == "waiting")
    values = {"state": "sending", "attempts": notice_delivery.c.attempts + 1}
    return connection.execute(update(notice_delivery).where(*own).values(values)).rowcount == 1


def settle(connection: Connection, delivery_id: str, **values: Any) -> None:
    """Write down what became of a delivery."""
    connection.execute(update(notice_delivery).where(notice_delivery.c.delivery_id == delivery_id).values(**values))


def deliveries_of(connection: Connection, account_ids: Iterable[str]) -> list[dict[str, Any]]:
    """Return the deliveries to these accounts, oldest first."""
    query = select(notice_delivery).where(notice_delivery.c.account_id.in_(list(account_ids)))
    return [dict(row) for row in connection.execute(query.order_by(notice_delivery.c.delivery_id)).mappings()]
