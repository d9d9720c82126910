"""Commands: stored once by id and in order of sequence, answered once, the answer repeated byte for byte."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from edge.journal.rows import AckDecision, PendingAck, Receipt
from edge.journal.transaction import Row, Transaction
from wire.codec import dump_bytes
from wire.envelope import Envelope, decode_envelope
from wire.reports import Ack, AckState
from wire.values import BadValueError

HELD = "held"
"""State of a command that came before one of a lower sequence number: kept, acknowledged, not yet handled."""

AHEAD_MAX = 1000
"""A command further ahead than this of the last one in order is not stored: the relay sends the missing ones first."""


def receive(tx: Transaction, envelope: Envelope, signed: bytes, relay_now: datetime | None) -> AckDecision:
    """Store a verified durable command; see `Journal.receive`."""
    sha256 = hashlib.sha256(signed).hexdigest()
    known = tx.get("commands", envelope.id)
    if known is not None:
        return _repeated(tx, known, sha256, envelope)
    if envelope.sequence is None or envelope.sequence < 1:
        raise BadValueError(f"command {envelope.id}: a durable command needs a sequence number from 1")
    last = last_in_order(tx)
    taken = tx.select("commands", "sequence = ?", (envelope.sequence,))
    if envelope.sequence <= last or taken or envelope.sequence > last + AHEAD_MAX:
        return _refused(tx, envelope.id, "sequence", sha256)
    is_next = envelope.sequence == last + 1
    is_late = is_past(envelope, relay_now)
    state = HELD if not is_next else AckState.STALE.value if is_late else AckState.ACCEPTED.value
    row = {
        "command_id": envelope.id,
        "sequence": envelope.sequence,
        "type": envelope.type,
        "sha256": sha256,
        "signed": signed,
        "state": state,
        "received_at": tx.at,
        "answered_at": tx.at if state == AckState.STALE else None,
    }
    tx.put("commands", row, "received", type=envelope.type, subject=envelope.subject)
    ack = _record_ack(tx, envelope.id, AckState.STALE if state == AckState.STALE else AckState.ACCEPTED)
    if state == HELD:
        return AckDecision(receipt=Receipt.HELD, ack=ack)
    ready = () if is_late else (envelope,)
    receipt = Receipt.STALE if is_late else Receipt.NEW
    return AckDecision(receipt=receipt, ack=ack, ready=(*ready, *_released(tx, envelope.sequence)))


def _repeated(tx: Transaction, known: Row, sha256: str, envelope: Envelope) -> AckDecision:
    is_same = known["sha256"] == sha256
    if not is_same and not _renumbered(tx, known, sha256, envelope):
        return _refused(tx, known["command_id"], "other_body", sha256)
    payload = tx.run("select payload from acks where command_id = ?", (known["command_id"],))[0][0]
    ready = () if is_same else _released(tx, last_in_order(tx))
    return AckDecision(receipt=Receipt.REPEAT, ack=payload, ready=ready)


def _renumbered(tx: Transaction, known: Row, sha256: str, envelope: Envelope) -> bool:
    """Whether this is the same command under a new number, as a relay gives that was put back from a backup.

    Its number is then used up, so that the commands after it do not wait behind a gap.
    """
    before = decode_envelope(known["signed"]) if known["signed"] is not None else None
    if before is None or (before.type, before.subject, before.data) != (envelope.type, envelope.subject, envelope.data):
        return False
    taken = tx.select("commands", "sequence = ?", (envelope.sequence,))
    if not taken and envelope.sequence is not None and envelope.sequence == last_in_order(tx) + 1:
        row = {
            "command_id": f"{envelope.id}/{envelope.sequence}",
            "sequence": envelope.sequence,
            "type": envelope.type,
            "sha256": sha256,
            "signed": None,
            "state": AckState.DONE.value,
            "received_at": tx.at,
            "answered_at": tx.at,
        }
        tx.put("commands", row, "renumbered", type=envelope.type, subject=envelope.subject)
    return True


def highest(tx: Transaction) -> int:
    """Return the highest sequence number of a command that is here, in order or not."""
    return int(tx.run("select coalesce(max(sequence), 0) from commands")[0][0])


def _refused(tx: Transaction, command_id: str, reason: str, sha256: str) -> AckDecision:
    """Say no without touching what is recorded: a security event, kept in the chain."""
    tx.note("security", command_id=command_id, reason=reason, sha256=sha256)
    return AckDecision(receipt=Receipt.REFUSED, ack=_ack_bytes(tx, command_id, AckState.REFUSED, reason, {}))


def _released(tx: Transaction, sequence: int) -> tuple[Envelope, ...]:
    """Let the commands go on that waited behind a gap which is filled now."""
    ready = []
    for row in tx.select("commands", "state = ? and sequence > ?", (HELD, sequence), "order by sequence"):
        if row["sequence"] != sequence + 1:
            break
        sequence += 1
        tx.put("commands", {**row, "state": AckState.ACCEPTED.value}, "released")
        ready.append(decode_envelope(row["signed"]))
    return tuple(ready)


def is_past(envelope: Envelope, relay_now: datetime | None) -> bool:
    """Whether the envelope's deadline has passed at this relay time; never while relay time is unknown."""
    if envelope.deadline_s is None or relay_now is None:
        return False
    return relay_now >= envelope.time + timedelta(seconds=envelope.deadline_s)


def last_in_order(tx: Transaction) -> int:
    """Return the sequence number up to which every command has come."""
    return int(tx.run("select coalesce(max(sequence), 0) from commands where state <> ?", (HELD,))[0][0])


def answer(
    tx: Transaction, command_id: str, state: AckState, reason: str = "", result: dict[str, Any] | None = None
) -> bytes:
    """Record the final answer of a command; the first one stands. Returns the recorded bytes."""
    row = tx.get("commands", command_id)
    if row is None:
        raise BadValueError(f"command {command_id}: was never received here")
    if row["answered_at"] is not None:
        payload: bytes = tx.run("select payload from acks where command_id = ?", (command_id,))[0][0]
        return payload
    tx.put(
        "commands", {**row, "state": state.value, "answered_at": tx.at}, "answered", state=state.value, reason=reason
    )
    return _record_ack(tx, command_id, state, reason, result)


def _ack_bytes(tx: Transaction, command_id: str, state: AckState, reason: str, result: dict[str, Any]) -> bytes:
    ack = Ack(
        command_id=command_id,
        state=state,
        at=tx.now,
        journal_sequence=tx.mark.sequence,
        journal_hash=tx.mark.hash,
        reason=reason,
        result=result,
    )
    return dump_bytes(ack)


def _record_ack(
    tx: Transaction, command_id: str, state: AckState, reason: str = "", result: dict[str, Any] | None = None
) -> bytes:
    payload = _ack_bytes(tx, command_id, state, reason, result or {})
    tx.run(
        "insert or replace into acks (command_id, payload, sha256) values (?, ?, ?)",
        (command_id, payload, hashlib.sha256(payload).hexdigest()),
        touched="acks",
    )
    return payload


def open_commands(tx: Transaction) -> list[Envelope]:
    """Return accepted commands without a final answer, in order."""
    rows = tx.select("commands", "state = ?", (AckState.ACCEPTED.value,), "order by sequence")
    return [decode_envelope(row["signed"]) for row in rows if row["signed"] is not None]


def pending_acks(tx: Transaction) -> list[PendingAck]:
    """Return recorded acknowledgements that were not published, oldest first."""
    rows = tx.run("select command_id, payload from acks where is_sent = 0 order by number")
    return [PendingAck(command_id=command_id, payload=payload) for command_id, payload in rows]


def ack_sent(tx: Transaction, ack: PendingAck) -> None:
    """Note that exactly these bytes were published; a newer answer of the same command stays pending."""
    sha256 = hashlib.sha256(ack.payload).hexdigest()
    tx.run("update acks set is_sent = 1 where command_id = ? and sha256 = ?", (ack.command_id, sha256))
