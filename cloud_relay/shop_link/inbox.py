"""What shops say, folded once and in order: reports, acknowledgements, presence, device states. SQL only."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from cloud_relay import put_back
from cloud_relay.refusals import RefusedError
from cloud_relay.shop_link.register import Register
from cloud_relay.tables import device_state, shop_command, shop_link, shop_report
from cloud_relay.web.pages import page_event
from wire.codec import from_json, to_json
from wire.envelope import Envelope
from wire.reports import Ack, AckState, DeviceState, ShopPresence, decode_report
from wire.values import BadValueError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch of reports: the mark to confirm (None: nothing may be confirmed) and what stood out."""

    mark: int | None
    applied: int = 0
    repeated: int = 0
    refused: int = 0
    has_gap: bool = False


def take_reports(
    connection: Connection, register: Register, shop_id: str, envelopes: Sequence[Envelope], now: datetime
) -> Taken:
    """Store durable reports of one shop and run their handlers, all in this transaction.

    Exactly the next sequence number is taken; a repeat changes nothing; after a gap the rest waits to be sent again.
    """
    link = shop_link.c
    row = connection.execute(
        select(link.report_sequence, link.quarantine_reason).where(link.shop_id == shop_id)
    ).one_or_none()
    if row is None or row.quarantine_reason:
        return Taken(None)
    mark, applied, repeated, refused = row.report_sequence, 0, 0, 0
    has_gap = False
    for envelope in envelopes:
        sequence = envelope.sequence or 0
        if sequence <= mark:
            repeated += 1
        elif sequence != mark + 1:
            has_gap = True
        else:
            is_applied = _take(connection, register, shop_id, envelope, now)
            mark, applied, refused = sequence, applied + is_applied, refused + (not is_applied)
    if mark != row.report_sequence:
        connection.execute(update(shop_link).where(link.shop_id == shop_id).values(report_sequence=mark))
    return Taken(mark, applied, repeated, refused, has_gap)


def _take(connection: Connection, register: Register, shop_id: str, envelope: Envelope, now: datetime) -> bool:
    """Store one report and run its handlers; False when its content was refused: it is kept, and never comes again."""
    row = {
        "shop_id": shop_id, "sequence": envelope.sequence, "report_id": envelope.id[:64], "type": envelope.type[:64],
        "data": envelope.data, "at": envelope.time, "received_at": now,
    }  # fmt: skip
    connection.execute(insert(shop_report).values(row))
    try:
        with connection.begin_nested():
            report = decode_report(envelope.type, envelope.data)
            for handler in register.reports.get(type(report), ()):
                handler(connection, shop_id, report, now)
    except KeyError as error:
        if error.args != (envelope.type,):
            raise
        log.warning("report of an unknown type", extra={"shop_id": shop_id, "type": envelope.type[:64]})
        return False
    except (BadValueError, RefusedError) as error:
        log.warning("report refused: %s", error, extra={"shop_id": shop_id, "type": envelope.type[:64]})
        return False
    return True


def take_ack(connection: Connection, register: Register, shop_id: str, ack: Ack, now: datetime) -> str:
    """Record what became of a command; return "applied", "repeated" or "unknown". A final state never changes."""
    command = shop_command.c
    found = connection.execute(
        select(shop_command).where(command.command_id == ack.command_id, command.shop_id == shop_id)
    ).mappings().one_or_none()  # fmt: skip
    if found is None:
        return "unknown"
    _raise_mark(connection, shop_id, ack.journal_sequence, ack.journal_hash)
    is_open = found["ack_state"] in ("", AckState.ACCEPTED)
    if not is_open or found["ack_state"] == ack.state:
        return "repeated"
    values: dict[str, Any] = {"ack_state": ack.state.value, "ack": to_json(ack)}
    if ack.state is not AckState.ACCEPTED:
        values["acked_at"] = now
    connection.execute(update(shop_command).where(command.command_id == ack.command_id).values(values))
    for handler in register.acks.get(found["type"], ()):
        handler(connection, shop_id, {**found, **values}, ack, now)
    return "applied"


def _raise_mark(connection: Connection, shop_id: str, sequence: int, hash_: str) -> None:
    link = shop_link.c
    is_higher = (link.shop_id == shop_id, link.journal_sequence < sequence)
    connection.execute(update(shop_link).where(*is_higher).values(journal_sequence=sequence, journal_hash=hash_[:64]))


def take_presence(
    connection: Connection,
    register: Register,
    shop_id: str,
    presence: ShopPresence,
    now: datetime,
    *,
    is_retained: bool,
) -> bool:
    """Record that a shop came or went; return True if it newly came.

    A birth with a journal mark below (or beside) the one we know means a journal that was lost or put back: the shop
    is quarantined and gets no more work until an operator readmits it.
    """
    link = shop_link.c
    row = connection.execute(select(shop_link).where(link.shop_id == shop_id)).mappings().one_or_none()
    if row is None:
        return False
    is_same = row["session"] == presence.session
    if not presence.is_online and not is_same:
        return False
    if is_retained and not row["session"] and put_back.is_marked(connection):
        return (
            False  # what lies at the broker may be older than the shop's last command; it speaks within half a minute
        )
    is_old = is_retained and bool(row["presence"]) and presence.at < _presence_of(row["presence"]).at
    values: dict[str, Any] = {"is_online": presence.is_online, "session": presence.session[:64], "seen_at": now}
    if not is_old:
        values["presence"] = to_json(presence)
    if presence.is_online and not is_same and not is_old:
        values |= _judge_mark(row, presence) | _judge_numbers(row, presence)
    connection.execute(update(shop_link).where(link.shop_id == shop_id).values(values))
    if row["is_online"] != presence.is_online or values.get("quarantine_reason"):
        page_event(connection, f"shop:{shop_id}", "presence", {"is_online": presence.is_online}, now)
        for handler in register.presences:
            handler(connection, shop_id, presence, now)
    return presence.is_online and (not is_same or not row["is_online"])


def _presence_of(stored: dict[str, Any]) -> ShopPresence:
    found: ShopPresence = from_json(ShopPresence, stored)
    return found


def _judge_mark(row: Any, presence: ShopPresence) -> dict[str, Any]:
    known, told = row["journal_sequence"], presence.journal_sequence
    if told < known:
        reason = f"journal went back from {known} to {told}"
    elif told == known and known and presence.journal_hash[:64] != row["journal_hash"]:
        reason = f"journal differs at {known}"
    else:
        return {"journal_sequence": told, "journal_hash": presence.journal_hash[:64]}
    log.error("shop quarantined: %s", reason, extra={"shop_id": row["shop_id"]})
    return {"quarantine_reason": reason}


def _judge_numbers(row: Any, presence: ShopPresence) -> dict[str, Any]:
    """Go on above every number that the shop holds: they were given before this relay was put back from a backup."""
    if presence.command_sequence < row["next_sequence"]:
        return {}
    log.warning("shop holds commands up to %s, we gave none from %s: this relay was put back",
        presence.command_sequence, row["next_sequence"], extra={"shop_id": row["shop_id"]},
    )  # fmt: skip
    return {"next_sequence": presence.command_sequence + 1}


def report_mark(connection: Connection, shop_id: str) -> int | None:
    """Return up to which number this shop's reports are known; None while nothing of it may be confirmed."""
    link = shop_link.c
    where = (link.shop_id == shop_id, link.quarantine_reason == "")
    found = connection.execute(select(link.report_sequence).where(*where)).scalar_one_or_none()
    return None if found is None else int(found)


def take_device_state(
    connection: Connection, register: Register, shop_id: str, state: DeviceState, now: datetime
) -> bool:
    """Keep the newest state of one device; return True if it changed."""
    known = device_state.c
    stored = to_json(state)
    where = (known.shop_id == shop_id, known.device == state.device)
    row = connection.execute(select(known.state).where(*where)).one_or_none()
    if row is not None and {**row.state, "at": None} == {**stored, "at": None}:
        return False
    if row is None:
        values = {"shop_id": shop_id, "device": state.device, "state": stored, "changed_at": now}
        connection.execute(insert(device_state).values(values))
    else:
        connection.execute(update(device_state).where(*where).values(state=stored, changed_at=now))
    page_event(connection, f"shop:{shop_id}", "device_state", stored, now)
    for handler in register.devices:
        handler(connection, shop_id, state, now)
    return True


def take_offset(connection: Connection, shop_id: str, offset_s: float, now: datetime) -> None:
    """Note how far the box's own clock is ahead of ours, for the operator."""
    values = {"clock_offset_s": offset_s, "clock_at": now}
    connection.execute(update(shop_link).where(shop_link.c.shop_id == shop_id).values(values))


def readmit(connection: Connection, shop_id: str) -> bool:
    """End a quarantine: the mark of the shop's next birth is taken as it comes. False when there was none."""
    link = shop_link.c
    where = (link.shop_id == shop_id, link.quarantine_reason != "")
    values = {"quarantine_reason": "", "journal_sequence": 0, "journal_hash": None, "session": ""}
    return connection.execute(update(shop_link).where(*where).values(values)).rowcount == 1
