"""SQL of looking together: companions, what they said of late, complaints about it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from cloud_relay.tables import page_event, viewing_companion, viewing_complaint, viewing_session

Row = dict[str, Any]


def companions(connection: Connection, together_id: str) -> list[Row]:
    """Return who is there now, first come first; sessions by their companion's id alone, as a session id is a key."""
    query = (
        select(viewing_companion, viewing_session.c.state, viewing_session.c.may_steer)
        .join(viewing_session, viewing_session.c.session_id == viewing_companion.c.session_id)
        .where(viewing_companion.c.together_id == together_id, viewing_companion.c.left_at.is_(None))
        .where(viewing_session.c.ended_at.is_(None))
        .order_by(viewing_companion.c.joined_at, viewing_companion.c.companion_id)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def companion_of(connection: Connection, session_id: str) -> Row | None:
    """Return the companion that a session is now, or None for who looks alone."""
    query = select(viewing_companion).where(
        viewing_companion.c.session_id == session_id, viewing_companion.c.left_at.is_(None)
    )
    row = connection.execute(query).mappings().first()
    return dict(row) if row else None


def insert_companion(connection: Connection, **values: Any) -> None:
    """Write a new companion, to whom nothing is offered yet."""
    connection.execute(insert(viewing_companion).values(offered_turn_no=0, offered_by="", **values))


def place_of(connection: Connection, session_id: str) -> tuple[str, str]:
    """Return shop and camera of a session."""
    query = select(viewing_session.c.shop_id, viewing_session.c.camera)
    row = connection.execute(query.where(viewing_session.c.session_id == session_id)).one()
    return row.shop_id, row.camera


def leave(connection: Connection, companion_id: str, now: datetime) -> None:
    """Note that a companion looks on alone."""
    row = viewing_companion.c.companion_id == companion_id
    connection.execute(update(viewing_companion).where(row).values(left_at=now))


def offer_turn(connection: Connection, companion_id: str, turn_no: int, offered_by: str) -> None:
    """Note that the steering of this turn is offered to a companion; an earlier offer is void."""
    row = viewing_companion.c.companion_id == companion_id
    connection.execute(update(viewing_companion).where(row).values(offered_turn_no=turn_no, offered_by=offered_by))


def take_offer(connection: Connection, companion_id: str, turn_no: int) -> bool:
    """Use up the offer of this turn; False when it was used or replaced."""
    query = (
        update(viewing_companion)
        .where(viewing_companion.c.companion_id == companion_id, viewing_companion.c.offered_turn_no == turn_no)
        .values(offered_turn_no=0, offered_by="")
    )
    return connection.execute(query).rowcount == 1


def find_said(connection: Connection, channel: str, said_id: str, not_before: datetime) -> Row | None:
    """Return what was said under this id on a channel since then, or None."""
    event = page_event.c
    query = select(event.data).where(event.channel == channel, event.kind == "said", event.created_at >= not_before)
    return next((data for data in connection.scalars(query) if data.get("said_id") == said_id), None)


def account_of_companion(connection: Connection, companion_id: str) -> str | None:
    """Return whose session a companion is; None for a visitor's."""
    query = (
        select(viewing_session.c.account_id)
        .join(viewing_companion, viewing_companion.c.session_id == viewing_session.c.session_id)
        .where(viewing_companion.c.companion_id == companion_id)
    )
    return connection.scalar(query)


def has_complained(connection: Connection, said_id: str, by_companion_id: str) -> bool:
    """Return whether this companion complained of this already."""
    query = select(viewing_complaint.c.complaint_id).where(
        viewing_complaint.c.said_id == said_id, viewing_complaint.c.by_companion_id == by_companion_id
    )
    return connection.execute(query).first() is not None


def insert_complaint(connection: Connection, **values: Any) -> None:
    """Write a complaint."""
    connection.execute(insert(viewing_complaint).values(**values))


def open_complaints(connection: Connection, count_max: int) -> list[Row]:
    """Return the complaints that nobody dealt with yet, oldest first."""
    query = (
        select(viewing_complaint)
        .where(viewing_complaint.c.closed_at.is_(None))
        .order_by(viewing_complaint.c.made_at, viewing_complaint.c.complaint_id)
        .limit(count_max)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def close_complaint(connection: Connection, complaint_id: str, now: datetime) -> bool:
    """Note that a complaint was dealt with; False when there is no open one of this id."""
    query = (
        update(viewing_complaint)
        .where(viewing_complaint.c.complaint_id == complaint_id, viewing_complaint.c.closed_at.is_(None))
        .values(closed_at=now)
    )
    return connection.execute(query).rowcount == 1
