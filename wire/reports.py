"""Reports: what a shop tells the relay. Past tense; the set only grows. Pure.

Durable reports leave the journal in sequence and are sent until the relay confirms them; transient ones are not kept.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from wire.bench_card import AskEcho, BenchChecked, CheckAnswered, CheckMoved
from wire.codec import from_json, to_json
from wire.counter import CounterRefunded, CounterSold, ListingWritten
from wire.locations import LocationChanged
from wire.plan import Face, Position, Text
from wire.report_root import Report as Report  # noqa: PLC0414  # the way in which a name is passed on under mypy
from wire.report_root import TransientReport as TransientReport  # noqa: PLC0414  # as above
from wire.tags import TagsPrinted


class AckState(StrEnum):
    """What became of a command. ACCEPTED is followed by one of the others; those are final."""

    ACCEPTED = "accepted"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    STALE = "stale"
    UNSUPPORTED = "unsupported"


class LookAnswer(StrEnum):
    """The piece's actual state: can be looked at now, in line, on its way to the turntable, or why not."""

    NOW = "now"
    QUEUED = "queued"
    BEING_BROUGHT = "being_brought"
    NOT_OFFERED = "not_offered"
    CLOSED = "closed"
    CAMERA_OFFLINE = "camera_offline"
    PIECE_GONE = "piece_gone"
    PRIVATE = "private"
    FULL = "full"


class PictureKind(StrEnum):
    """Which step of an order a picture shows."""

    STILL = "still"
    PACKED = "packed"
    PARCEL = "parcel"
    HANDED_OVER = "handed_over"
    LISTING = "listing"
    BENCH_CHECK = "bench_check"
    SPIN = "spin"


class Health(StrEnum):
    """State of a device: works, needs a person (reason says what), cannot be reached, or nobody asked yet."""

    ONLINE = "online"
    NEEDS_ATTENDANT = "needs_attendant"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


NO_TEXT = Text()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """Application acknowledgement on the ack topic, sent after the journal's commit and repeated byte for byte.

    `journal_sequence` and `journal_hash` are the shop's mark: the relay never sends physical work to a shop whose mark
    went back.
    """

    command_id: str
    state: AckState
    at: datetime
    journal_sequence: int
    journal_hash: str
    reason: str = ""
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopPresence:
    """Retained birth and last will: `session` is the same number in both, so an old will cannot hide a new birth.

    `command_sequence` is the highest number of a command that the shop holds: a relay that was put back from a backup
    learns from it which numbers are used.
    """

    session: str
    is_online: bool
    at: datetime
    wire_version: int = 1
    software: str = ""
    commands: tuple[str, ...] = ()
    journal_sequence: int = 0
    journal_hash: str = ""
    plan_version: int = 0
    command_sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraState:
    """Who is at a camera: the session that steers (empty: nobody), its turn, how many wait, how long a turn takes."""

    can_view: bool
    reason: str = ""
    turn_no: int = 0
    session_id: str = ""
    waiting: int = 0
    spectators: int = 0
    wait_s: float = 0.0
    piece_id: str = ""
    can_steer: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """Retained state of one device: what it is, how it is, what a person should do."""

    device: str
    kind: str
    model: str
    health: Health
    at: datetime
    text: Text = NO_TEXT
    reason: str = ""
    camera: CameraState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanApplied(Report):
    """This version of the shop plan is in force."""

    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelReport(Report):
    """The root of what happens to a parcel on the bench."""

    parcel_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StillTaken(ParcelReport):
    """The full-resolution still pinned to the parcel; `previous_sha256` chains the pictures of one parcel."""

    picture_sha256: str
    camera: str = ""
    session_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PiecePicked(ParcelReport):
    """The piece was scanned at the bench."""

    scanned: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceCarried(ParcelReport):
    """The sorter carried the piece from the location where it lay to a place; `by` is the machine's name."""

    location: str
    place: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyForPickup(ParcelReport):
    """Packed, labelled, its photo confirmed: it waits at the pick-up point for the shopper and their code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PiecePacked(ParcelReport):
    """Packed, waiting for its label."""

    packer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceReturned(ParcelReport):
    """Unpacked and back at its spot (or, when `to_stock` is False, it never left it)."""

    to_stock: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceGone(ParcelReport):
    """The piece is not there (sold at the counter, broken): the order cannot be kept."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPrinted(ParcelReport):
    """The printer took the label and answered that it is well; `label_serial` stands on it."""

    label_serial: str
    label_no: int
    first_byte_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelApplied(ParcelReport):
    """The labeller (or the attendant) put the label on."""

    label_serial: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRead(ParcelReport):
    """Camera and scanner read this label back off the parcel and it is the right one."""

    label_serial: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelVoided(ParcelReport):
    """This label counts no more and its destruction was confirmed."""

    label_serial: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelPhotographed(ParcelReport):
    """The photo with the label legible: what the shopper is asked to confirm."""

    picture_sha256: str
    label_serial: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelHeld(ParcelReport):
    """Stopped until a person decides; `reason` is a code, `text` the sentence for the person who must act."""

    reason: str
    text: Text = NO_TEXT
    stage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelResumed(ParcelReport):
    """The attendant answered and the work goes on."""

    answer: str = ""
    stage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver(ParcelReport):
    """The post took it: scanned at the bench. `courier_token_sha256` is the hash of the token in the link shown
    once. `is_collected`: the shopper took it at the pick-up point and showed their code; no courier has a link.
    """

    label_serial: str
    scanned: str
    courier_token_sha256: str
    picture_sha256: str = ""
    is_collected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelCancelled(ParcelReport):
    """Nothing more will happen to this parcel; its label, if any, is void."""

    label_serial: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOffered(Report):
    """A picture of an order step wants to be uploaded; `signature` is the shop key's over `signed_picture(…)`.

    `previous_sha256` is the picture before it of the same parcel.
    """

    parcel_id: str
    kind: PictureKind
    picture_sha256: str
    size_bytes: int
    taken_at: datetime
    signature: str
    previous_sha256: str = ""
    clock: str = "synced"


@dataclass(frozen=True, slots=True, kw_only=True)
class FacesTaught(Report):
    """The shop taught the faces of a piece at its spot; `home` is the view to start with, None: as it was."""

    piece_id: str
    camera: str
    faces: tuple[Face, ...]
    home: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAnswered(Report):
    """The attendant's answer to a shopper's question."""

    session_id: str
    question_id: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpinView:
    """One view of a piece on the turntable; its picture is offered with the piece's id in place of a parcel's.

    `face` names a face taught for the piece's spot; empty for a view of the round itself.
    """

    angle_deg: float
    picture_sha256: str
    taken_at: datetime
    face: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpinTaken(Report):
    """An idle piece was photographed all round; it replaces what was taken of it before."""

    piece_id: str
    camera: str
    views: tuple[SpinView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAnswered(TransientReport):
    """The answer to AskToLook. `still_age_s`: how old the picture is that follows; None when none does."""

    session_id: str
    answer: LookAnswer
    camera: str = ""
    place: int = 0
    wait_s: float = 0.0
    turn_no: int = 0
    opens_at: datetime | None = None
    text: Text = NO_TEXT
    faces: tuple[Face, ...] = ()
    can_turn: bool = False
    can_pan: bool = True
    can_zoom: bool = True
    still_age_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewingChanged(TransientReport):
    """A session's place changed: waiting, watching, steering or ended, with the reason; `turn_s` None means no
    clock.
    """

    session_id: str
    state: str
    answer: LookAnswer = LookAnswer.NOW
    place: int = 0
    wait_s: float = 0.0
    turn_no: int = 0
    turn_s: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAnswered(TransientReport):
    """The SDP answer to OpenStream, all of the shop's candidates inside; or, with an empty one, why not."""

    stream_id: str
    session_id: str
    answer_sdp: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillsAnswered(TransientReport):
    """The answer to OpenStills: empty `reason` means frames follow. `age_s` is how old the first of them is already:
    the newest picture that the shop had kept is shown before its camera gives another.
    """

    session_id: str
    reason: str = ""
    age_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionTold(TransientReport):
    """The answer to AskPosition: where head and table stand; with a `reason` they could not be asked."""

    session_id: str
    position: Position | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoupeTaken(TransientReport):
    """The answer to TakeLoupe: the picture comes too, `shrunk` below 1 to fit; with a `reason` there is none."""

    session_id: str
    loupe_id: str
    reason: str = ""
    width_px: int = 0
    height_px: int = 0
    sensor_width_px: int = 0
    sensor_height_px: int = 0
    shrunk: float = 1.0
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskClock(TransientReport):
    """A round trip to learn relay time: the answer carries the nonce back.

    `offset_s` is how far the box's own clock is ahead of the relay's by the trips before; None while it can't know.
    """

    nonce: str
    offset_s: float | None = None


REPORTS: dict[str, type[Report]] = {
    cls.__name__: cls
    for cls in (
        PlanApplied, StillTaken, PiecePicked, PiecePacked, PieceReturned, PieceGone, LabelPrinted, LabelApplied,
        LabelRead, LabelVoided, ParcelPhotographed, ParcelHeld, ParcelResumed, HandedOver, ParcelCancelled,
        PictureOffered, FacesTaught, QuestionAnswered, LookAnswered, ViewingChanged, StreamAnswered, StillsAnswered,
        AskClock, BenchChecked, AskEcho, PositionTold, LoupeTaken, SpinTaken, CheckAnswered, CheckMoved,
        CounterSold, ListingWritten, LocationChanged, PieceCarried, ReadyForPickup, CounterRefunded, TagsPrinted,
    )
}  # fmt: skip


def encode_report(report: Report) -> dict[str, Any]:
    """Return the `data` of a report's envelope; its `type` is the class name."""
    data: dict[str, Any] = to_json(report)
    return data


def decode_report(type_name: str, data: dict[str, Any]) -> Report:
    """Return the report of an envelope; BadValueError for a bad body, KeyError for a type this version does not
    know.
    """
    report: Report = from_json(REPORTS[type_name], data)
    return report


def signed_picture(shop_id: str, parcel_id: str, kind: PictureKind, sha256: str, taken_at: str, previous: str) -> bytes:
    """Return the bytes that the shop's key signs for one picture: one field a line, in this order, for ever."""
    fields = ("vitrine-picture-1", shop_id, parcel_id, kind.value, sha256, taken_at, previous)
    return "\n".join(fields).encode()
