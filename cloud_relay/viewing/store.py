"""SQL of viewing sessions, passes and questions."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, insert, select, update

from cloud_relay.tables import (
    device_state,
    listing,
    piece,
    shop,
    shop_link,
    viewing_pass,
    viewing_question,
    viewing_session,
)

Row = dict[str, Any]

OPEN_STATES = ("asked", "waiting", "being_brought", "watching", "steering")


def find_piece(connection: Connection, piece_id: str) -> Row | None:
    """Return a piece with its listing's titles and its shop, or None."""
    query = (
        select(
            piece,
            listing.c.title_en,
            listing.c.title_zh,
            listing.c.state.label("listing_state"),
            shop.c.is_closed,
            shop.c.live_reason,
        )
        .join(listing, listing.c.listing_id == piece.c.listing_id)
        .join(shop, shop.c.shop_id == piece.c.shop_id)
        .where(piece.c.piece_id == piece_id)
    )
    row = connection.execute(query).mappings().first()
    return dict(row) if row else None


def shop_is_online(connection: Connection, shop_id: str) -> bool:
    """Return whether the shop's last presence said online."""
    return bool(connection.scalar(select(shop_link.c.is_online).where(shop_link.c.shop_id == shop_id)))


def camera_states(connection: Connection, shop_id: str) -> dict[str, Row]:
    """Return the retained state documents of a shop's devices by device name."""
    query = select(device_state.c.device, device_state.c.state).where(device_state.c.shop_id == shop_id)
    return {row.device: row.state for row in connection.execute(query)}


def insert_session(connection: Connection, **values: Any) -> None:
    """Write a new viewing session."""
    connection.execute(insert(viewing_session).values(**values))


def find_session(connection: Connection, session_id: str) -> Row | None:
    """Return a session, or None."""
    row = (
        connection.execute(select(viewing_session).where(viewing_session.c.session_id == session_id)).mappings().first()
    )
    return dict(row) if row else None


def open_sessions(connection: Connection, account_id: str, shop_id: str) -> list[str]:
    """Return the sessions that this account has open at this shop: a new one replaces them."""
    query = select(viewing_session.c.session_id).where(
        and_(
            viewing_session.c.account_id == account_id,
            viewing_session.c.shop_id == shop_id,
            viewing_session.c.state.in_(OPEN_STATES),
        )
    )
    return list(connection.scalars(query))


def change_session(connection: Connection, session_id: str, now: datetime, **values: Any) -> bool:
    """Change a session that has not ended; return whether there was one."""
    query = (
        update(viewing_session)
        .where(viewing_session.c.session_id == session_id, viewing_session.c.ended_at.is_(None))
        .values(changed_at=now, **values)
    )
    return connection.execute(query).rowcount == 1


def insert_pass(connection: Connection, pass_sha256: str, session_id: str, expires_until: datetime) -> None:
    """Write a pass by its hash."""
    row = {"pass_sha256": pass_sha256, "session_id": session_id, "expires_until": expires_until}
    connection.execute(insert(viewing_pass).values(row))


def find_pass(connection: Connection, pass_sha256: str) -> Row | None:
    """Return a pass by its hash, or None."""
    row = connection.execute(select(viewing_pass).where(viewing_pass.c.pass_sha256 == pass_sha256)).mappings().first()
    return dict(row) if row else None


def use_pass(connection: Connection, pass_sha256: str, stream_id: str, now: datetime) -> bool:
    """Take a pass for its first use; False when it is used, expired or unknown."""
    query = (
        update(viewing_pass)
        .where(
            viewing_pass.c.pass_sha256 == pass_sha256,
            viewing_pass.c.used_at.is_(None),
            viewing_pass.c.expires_until > now,
        )
        .values(used_at=now, stream_id=stream_id)
    )
    return connection.execute(query).rowcount == 1


def insert_question(connection: Connection, **values: Any) -> None:
    """Write a shopper's question."""
    connection.execute(insert(viewing_question).values(**values))


def answer_question(connection: Connection, question_id: str, answer: str, now: datetime) -> str | None:
    """Write the attendant's answer once; return the session it belongs to, None when unknown or answered."""
    query = (
        update(viewing_question)
        .where(viewing_question.c.question_id == question_id, viewing_question.c.answered_at.is_(None))
        .values(answer=answer, answered_at=now)
    )
    if connection.execute(query).rowcount != 1:
        return None
    return connection.scalar(select(viewing_question.c.session_id).where(viewing_question.c.question_id == question_id))


def questions(connection: Connection, session_id: str) -> list[Row]:
    """Return the questions of a session, oldest first."""
    query = (
        select(viewing_question)
        .where(viewing_question.c.session_id == session_id)
        .order_by(viewing_question.c.asked_at, viewing_question.c.question_id)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def merchant_of_shop(connection: Connection, shop_id: str) -> str | None:
    """Return the merchant that owns a shop."""
    return connection.scalar(select(shop.c.merchant_id).where(shop.c.shop_id == shop_id))


def open_questions(connection: Connection, shop_ids: list[str], asked_after: datetime) -> list[Row]:
    """Return the questions at these shops' benches that nobody answered while their session goes on."""
    query = (
        select(viewing_question, viewing_session.c.shop_id, viewing_session.c.piece_id)
        .join(viewing_session, viewing_session.c.session_id == viewing_question.c.session_id)
        .where(viewing_session.c.shop_id.in_(shop_ids), viewing_session.c.ended_at.is_(None))
        .where(viewing_question.c.answered_at.is_(None), viewing_question.c.asked_at > asked_after)
        .order_by(viewing_question.c.asked_at)
    )
    return [dict(row) for row in connection.execute(query).mappings()]
