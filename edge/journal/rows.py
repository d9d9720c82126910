"""What the journal answers: plain frozen values, no SQL."""

from dataclasses import dataclass
from enum import StrEnum

from wire.envelope import Envelope


class Receipt(StrEnum):
    """What became of a command at the door.

    NEW and in order; REPEAT (recorded answer again); HELD behind a gap; REFUSED (same id, other body; or a used-up
    sequence number): a security event; STALE: its deadline passed before it came.
    """

    NEW = "new"
    REPEAT = "repeat"
    HELD = "held"
    REFUSED = "refused"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class AckDecision:
    """What to publish now (`ack`, exact bytes) and which commands may be handled now, in order of sequence."""

    receipt: Receipt
    ack: bytes
    ready: tuple[Envelope, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingAck:
    """An acknowledgement that is recorded and was not published yet."""

    command_id: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsentReport:
    """A durable report, exactly as it goes on the report topic."""

    sequence: int
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far the journal is: number and hash of the newest entry; it never goes back in an honest journal."""

    sequence: int
    hash: str
