"""SQL of bookings and carriers' words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, insert, literal, or_, select, update

from cloud_relay.carriers.base import Booked, Word
from cloud_relay.db import wake
from cloud_relay.tables import carrier_shipment, carrier_word, parcel
from wire.values import new_id

BOOKING, BOOKED, REFUSED, ARRIVED = "booking", "booked", "refused", "arrived"
"""States of a booking; `booking` after a lost answer is asked about, never sent anew while nobody knows."""
STANDING = (BOOKING, BOOKED, ARRIVED)
BATCH = 50
TRY_S = 120.0
"""How long one try to book may take, its turn once come: two requests. An older one died with its process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRow:
    """One booking with a carrier; the label itself is read by `label_of`."""

    shipment_id: str
    parcel_id: str
    carrier: str
    state: str
    tracking_no: str
    tracking_url: str
    label_media_type: str
    reason: str
    attempts: int
    created_at: datetime
    changed_at: datetime


_COLUMNS = [carrier_shipment.c[name] for name in BookingRow.__dataclass_fields__]


def of_parcel(connection: Connection, parcel_id: str) -> list[BookingRow]:
    """Return a parcel's bookings: the one that stands, then the others, newest first."""
    query = select(*_COLUMNS).where(carrier_shipment.c.parcel_id == parcel_id)
    ordered = query.order_by(carrier_shipment.c.created_at.desc(), carrier_shipment.c.shipment_id)
    found = [BookingRow(**row) for row in connection.execute(ordered).mappings()]
    return sorted(found, key=lambda one: one.state not in STANDING)  # two of one moment: the later one stands


def load(connection: Connection, shipment_id: str) -> BookingRow | None:
    """Return the booking, or None."""
    query = select(*_COLUMNS).where(carrier_shipment.c.shipment_id == shipment_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else BookingRow(**row)


def by_tracking_no(connection: Connection, carrier: str, tracking_no: str) -> BookingRow | None:
    """Return the booking that a carrier knows by this number, or None."""
    is_it = (carrier_shipment.c.carrier == carrier, carrier_shipment.c.tracking_no == tracking_no)
    row = connection.execute(select(*_COLUMNS).where(*is_it)).mappings().first() if tracking_no else None
    return None if row is None else BookingRow(**row)


def start(connection: Connection, parcel_id: str, carrier: str, by: str, now: datetime) -> str:
    """Write the intent to book, before the carrier is asked; its id is the key at the carrier."""
    # the parcel's row is written too: two people who book at once wait for one another, and the second sees the first
    connection.execute(update(parcel).where(parcel.c.parcel_id == parcel_id).values(changed_at=now))
    shipment_id = new_id("shp")
    row = {
        "shipment_id": shipment_id, "parcel_id": parcel_id, "carrier": carrier, "state": BOOKING, "booked_by": by,
        "created_at": now, "changed_at": now, "next_try_at": now,
    }  # fmt: skip
    connection.execute(insert(carrier_shipment).values(row))
    wake(connection, "carriers")
    return shipment_id


def save(connection: Connection, shipment_id: str, now: datetime, **values: Any) -> None:
    """Change a booking."""
    change = update(carrier_shipment).where(carrier_shipment.c.shipment_id == shipment_id)
    connection.execute(change.values(changed_at=now, **values))


def end_try(connection: Connection, row: BookingRow, now: datetime, **values: Any) -> bool:
    """Write what a try brought; False, and nothing written, when the booking has left the state that was tried."""
    is_it = (carrier_shipment.c.shipment_id == row.shipment_id, carrier_shipment.c.state == row.state)
    change = update(carrier_shipment).where(*is_it)
    return connection.execute(change.values(changed_at=now, trying_since=None, **values)).rowcount == 1


def save_booked(connection: Connection, row: BookingRow, booked: Booked, now: datetime, next_try_at: datetime) -> bool:
    """Write that a booking stands, with its number and label; False when it was given up meanwhile."""
    return end_try(
        connection, row, now, state=BOOKED, tracking_no=booked.tracking_no, tracking_url=booked.tracking_url,
        label=booked.label or None, label_media_type=booked.label_media_type, reason="", next_try_at=next_try_at,
    )  # fmt: skip


def label_of(connection: Connection, parcel_id: str) -> tuple[bytes, str] | None:
    """Return (bytes, media type) of the standing booking's label, or None."""
    query = (
        select(carrier_shipment.c.label, carrier_shipment.c.label_media_type)
        .where(carrier_shipment.c.parcel_id == parcel_id, carrier_shipment.c.label.is_not(None))
        .where(carrier_shipment.c.state.in_(STANDING))
        .order_by(carrier_shipment.c.created_at.desc())
    )
    row = connection.execute(query.limit(1)).first()
    return None if row is None else (bytes(row.label), str(row.label_media_type))


def drop(connection: Connection, shipment_id: str, reason: str, now: datetime) -> bool:
    """Give up a booking that nobody is trying at this moment; False when somebody is, or it has an answer."""
    is_it = (carrier_shipment.c.shipment_id == shipment_id, carrier_shipment.c.state == BOOKING, _is_untried(now))
    values = {"state": REFUSED, "reason": reason, "next_try_at": None, "changed_at": now}
    return connection.execute(update(carrier_shipment).where(*is_it).values(values)).rowcount == 1


def _is_untried(now: datetime) -> ColumnElement[bool]:
    since = carrier_shipment.c.trying_since
    return or_(since.is_(None), since <= now - timedelta(seconds=TRY_S))


def find_due(connection: Connection, state: str, carriers: Iterable[str], now: datetime) -> list[tuple[str, str]]:
    """Return (booking, carrier) of this state and these carriers: to be made, asked about, or looked after."""
    columns = carrier_shipment.c
    is_due = (columns.state == state, columns.carrier.in_(carriers), columns.next_try_at <= now)
    query = select(columns.shipment_id, columns.carrier).where(*is_due).order_by(columns.next_try_at)
    return [(row.shipment_id, row.carrier) for row in connection.execute(query.limit(BATCH))]


def claim(connection: Connection, shipment_id: str, now: datetime, again_at: datetime) -> BookingRow | None:
    """Take a due booking for one try; None when another relay process took it. `attempts` counts this one."""
    is_due = (carrier_shipment.c.state.in_((BOOKING, BOOKED)), carrier_shipment.c.next_try_at <= now)
    change = update(carrier_shipment).where(carrier_shipment.c.shipment_id == shipment_id, *is_due, _is_untried(now))
    since = case((carrier_shipment.c.state == BOOKING, literal(now, carrier_shipment.c.trying_since.type)), else_=None)
    values = {"attempts": carrier_shipment.c.attempts + 1, "next_try_at": again_at, "trying_since": since}
    return load(connection, shipment_id) if connection.execute(change.values(values)).rowcount == 1 else None


def add_word(connection: Connection, shipment_id: str, word: Word, step: str, now: datetime) -> bool:
    """Keep what a carrier said; False when it is known already, and then its time is kept as it is read now."""
    written = word.written or word.at.isoformat()
    columns = carrier_word.c
    is_it = (columns.shipment_id == shipment_id, columns.raw == word.raw, columns.written == written)
    known = connection.execute(select(columns.at, columns.is_zone_known).where(*is_it)).first()
    if known is not None:
        if tuple(known) != (word.at, word.is_zone_known):
            better = {"at": word.at, "is_zone_known": word.is_zone_known}
            connection.execute(update(carrier_word).where(*is_it).values(better))
        return False
    row = {
        "shipment_id": shipment_id, "raw": word.raw, "written": written, "at": word.at, "text": word.text,
        "place": word.place, "step": step, "received_at": now, "is_zone_known": word.is_zone_known,
    }  # fmt: skip
    connection.execute(insert(carrier_word).values(row))
    return True


def words_of(connection: Connection, shipment_id: str, *, unapplied: bool = False) -> list[dict[str, Any]]:
    """Return a booking's words in the carrier's own order of time."""
    query = select(carrier_word).where(carrier_word.c.shipment_id == shipment_id)
    if unapplied:
        query = query.where(carrier_word.c.step != "", carrier_word.c.applied_at.is_(None))
    return [dict(row) for row in connection.execute(query.order_by(carrier_word.c.at, carrier_word.c.raw)).mappings()]


def applied(connection: Connection, word: dict[str, Any], now: datetime) -> None:
    """Note that a word has had its effect."""
    is_it = tuple(carrier_word.c[name] == word[name] for name in ("shipment_id", "raw", "written"))
    connection.execute(update(carrier_word).where(*is_it).values(applied_at=now))
