"""SQL of booked viewing times."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from cloud_relay.bookings.rules import EARLY
from cloud_relay.tables import listing, piece, shop, viewing_booking

BOOKED, CANCELLED, OVER = "booked", "cancelled", "over"
LISTED = 50

_own = viewing_booking.c


def find_place(connection: Connection, piece_id: str) -> dict[str, Any] | None:
    """Return a piece with its listing and what its shop says of hours; None if it is not on show."""
    query = (
        select(
            piece.c.piece_id, piece.c.spot, piece.c.state, piece.c.code, piece.c.listing_id, listing.c.title_en,
            listing.c.title_zh, shop.c.shop_id, shop.c.name_en, shop.c.name_zh, shop.c.hours, shop.c.time_zone,
            shop.c.holidays,
        )
        .join(listing, listing.c.listing_id == piece.c.listing_id)
        .join(shop, shop.c.shop_id == piece.c.shop_id)
        .where(piece.c.piece_id == piece_id, listing.c.state == "published", shop.c.is_closed.is_(False))
    )  # fmt: skip
    row = connection.execute(query).mappings().one_or_none()
    return dict(row) if row is not None and row["spot"] else None


def taken(connection: Connection, shop_id: str, camera: str, now: datetime) -> set[datetime]:
    """Return the beginnings that are booked at a camera."""
    where = (_own.shop_id == shop_id, _own.camera == camera, _own.state == BOOKED, _own.ends_at > now)
    return set(connection.scalars(select(_own.starts_at).where(*where)))


def count_open(connection: Connection, account_id: str, now: datetime) -> int:
    """Return how many bookings an account has ahead."""
    where = (_own.account_id == account_id, _own.state == BOOKED, _own.ends_at > now)
    return connection.scalar(select(func.count()).where(*where)) or 0


def add(connection: Connection, values: dict[str, Any]) -> None:
    """Write a booking; its `place_key` is unique, so one slot has one holder."""
    connection.execute(insert(viewing_booking).values(**values))


def cancel(connection: Connection, booking_id: str, account_id: str, now: datetime) -> bool:
    """Give a booking back; False when it is not this account's or over."""
    where = (_own.booking_id == booking_id, _own.account_id == account_id, _own.state == BOOKED, _own.ends_at > now)
    ended = connection.execute(update(viewing_booking).where(*where).values(state=CANCELLED, place_key=None))
    return ended.rowcount == 1


def has_booked(connection: Connection, account_id: str | None, shop_id: str, camera: str, now: datetime) -> bool:
    """Tell whether this account booked this camera for now."""
    where = (
        _own.account_id == account_id, _own.shop_id == shop_id, _own.camera == camera, _own.state == BOOKED,
        _own.starts_at <= now + EARLY, _own.ends_at > now,
    )  # fmt: skip
    return connection.execute(select(_own.booking_id).where(*where).limit(1)).first() is not None


def to_remind(connection: Connection, until: datetime, now: datetime) -> list[str]:
    """Return the bookings that begin by `until` and of which nobody was reminded."""
    where = (_own.state == BOOKED, _own.reminded_at.is_(None), _own.starts_at <= until, _own.ends_at > now)
    return list(connection.scalars(select(_own.booking_id).where(*where).limit(LISTED)))


def mark_reminded(connection: Connection, booking_id: str, now: datetime) -> bool:
    """Note a reminder; False when another process was first."""
    where = (_own.booking_id == booking_id, _own.reminded_at.is_(None))
    return connection.execute(update(viewing_booking).where(*where).values(reminded_at=now)).rowcount == 1


def listed(connection: Connection, *where: Any) -> list[dict[str, Any]]:
    """Return bookings with what they are for, the next one first."""
    query = (
        select(
            viewing_booking, listing.c.title_en, listing.c.title_zh, shop.c.name_en, shop.c.name_zh, shop.c.time_zone,
            piece.c.state.label("piece_state"),
        )
        .join(piece, piece.c.piece_id == _own.piece_id)
        .join(listing, listing.c.listing_id == piece.c.listing_id)
        .join(shop, shop.c.shop_id == _own.shop_id)
        .where(*where)
        .order_by(_own.starts_at)
        .limit(LISTED)
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query).mappings()]


def ahead_of(connection: Connection, account_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return an account's bookings that are not over."""
    return listed(connection, _own.account_id == account_id, _own.state == BOOKED, _own.ends_at > now)


def one(connection: Connection, booking_id: str) -> dict[str, Any] | None:
    """Return one booking with what it is for."""
    return next(iter(listed(connection, _own.booking_id == booking_id)), None)
