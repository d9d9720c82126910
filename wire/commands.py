"""Commands: what the relay asks of a shop. Imperative; each is signed; the set only grows. Pure.

A *durable* command has a sequence number, is kept in the shop's journal before it is acknowledged, and is sent again
until
it is. A *transient* one (the viewing handshake) is worth nothing a few seconds later, so nobody keeps it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from wire.codec import from_json, to_json
from wire.plan import LabelContent, Position, ShopPlan
from wire.tags import TagFace


class PhotoAnswer(StrEnum):
    """What the shopper said of the parcel's photo; silence for the agreed time counts as confirmed."""

    CONFIRMED = "confirmed"
    OBJECTED = "objected"
    SILENT = "silent"


class SteerKind(StrEnum):
    """MOVE is a speed held until the next beat, GO_TO a place, FACE a taught view, STOP ends every motion.

    CENTRE brings a point of the picture to its middle: `pan` right of it, `tilt` above it, in halves of its width.
    """

    MOVE = "move"
    GO_TO = "go_to"
    FACE = "face"
    CENTRE = "centre"
    STOP = "stop"
    BEAT = "beat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """One wish of the one who steers. Speeds are shares of the head's fastest at zoom 1, −1…1; `turn` speeds the
    turntable.

    `turn_no` fences: a beat of an older turn is dropped. `sequence` only rises within a turn; an older one is dropped.
    """

    kind: SteerKind
    turn_no: int
    sequence: int
    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0
    turn: float = 0.0
    position: Position | None = None
    face: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The root of all commands; DEADLINE_S is how long after issue an effect may still start."""

    DURABLE: ClassVar[bool] = True
    DEADLINE_S: ClassVar[float] = 14 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacePlan(Command):
    """Take this plan if its version is newer than the one applied."""

    plan: ShopPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparePiece(Command):
    """A shopper confirmed this piece: take the full-resolution still, then fetch, pack and wait for the label.

    With `session_id` the still is what that viewing session sees now; without, it is taken at picking (bought unseen).
    """

    parcel_id: str
    piece_id: str
    session_id: str = ""
    reserved_until: datetime | None = None
    DEADLINE_S: ClassVar[float] = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePiece(Command):
    """Not paid in time, or given up before paying: unpack and put back to its spot."""

    parcel_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelParcel(Command):
    """Paid: print, apply, read back, photograph. The only command that may lead to a printed label."""

    parcel_id: str
    piece_id: str
    order_id: str
    label: LabelContent


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPhoto(Command):
    """The shopper's answer to the photo with this hash; only `confirmed` or `silent` lets the parcel be handed over."""

    parcel_id: str
    picture_sha256: str
    answer: PhotoAnswer
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelParcel(Command):
    """Stop everything for this parcel; acknowledged `done`, or `refused` when it is handed over already."""

    parcel_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOverParcel(Command):
    """For a new box in a dead one's place: a parcel that the old box worked on, as far as the relay knows.

    Nothing is done before the attendant said where the parcel is. `serials` are labels that were printed and not
    voided, the newest last; `void_serials` must never be used again. `photo_sha256` is set once the relay holds that
    picture; `photo_answer` is what the shopper said of it. `ends`: "release" or "cancel" was asked of the old box and
    has not come to its end.
    """

    parcel_id: str
    piece_id: str
    order_id: str = ""
    label: LabelContent | None = None
    serials: tuple[str, ...] = ()
    void_serials: tuple[str, ...] = ()
    still_sha256: str = ""
    photo_sha256: str = ""
    photo_answer: PhotoAnswer | None = None
    ends: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTracking(Command):
    """A later scan of the journey, for the shop's own record: `event` is the relay's tracking event as EPCIS JSON."""

    parcel_id: str
    event_id: str
    event: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPicture(Command):
    """Put the picture with this hash to this one-time HTTPS address."""

    picture_sha256: str
    url: str
    DEADLINE_S: ClassVar[float] = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAttendant(Command):
    """A shopper's question while looking: `kind` is open_it, measure_it, show_inside or text; `text` is what they
    typed.
    """

    session_id: str
    question_id: str
    kind: str
    text: str = ""
    DEADLINE_S: ClassVar[float] = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteForShop(Command):
    """For the attendant's bell and hand-over list: the courier expected, or a word from the merchant."""

    note: str
    parcel_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectLocation(Command):
    """These pieces were found in this location by somebody who saw `version`; refused when it is another by now."""

    location: str
    version: int
    pieces: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintTags(Command):
    """Print these tags on the shop's label printer, each once, while no parcel needs it; TagsPrinted tells how far."""

    job_id: str
    tags: tuple[TagFace, ...]
    DEADLINE_S: ClassVar[float] = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTags(Command):
    """Print no more of this job; what came out counts."""

    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransientCommand(Command):
    """The root of what nobody stores."""

    DURABLE: ClassVar[bool] = False
    DEADLINE_S: ClassVar[float] = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AskToLook(TransientCommand):
    """A shopper asks to look at a piece; answered by LookAnswered and then ViewingChanged whenever it changes.

    `is_booked`: the shopper booked this time and goes before those who came without. `waits`: they stand in line; who
    does not, watches, and may still be handed a turn. `still_width_px`: the newest picture, so wide, follows the answer
    unasked; 0 for none.
    """

    session_id: str
    piece_id: str
    account_id: str = ""
    nickname: str = ""
    may_steer: bool = True
    language: str = "en"
    is_booked: bool = False
    waits: bool = True
    still_width_px: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveViewing(TransientCommand):
    """The shopper left, or the relay ends the session."""

    session_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStream(TransientCommand):
    """A browser's SDP offer with the viewing ticket that admits it; `.local` candidates are already stripped."""

    stream_id: str
    session_id: str
    ticket: str
    offer_sdp: str
    ice_servers: tuple[dict[str, Any], ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCandidate(TransientCommand):
    """Trickle: one or more `candidate:` lines for a stream (WHEP PATCH body, RFC 8840 fragment)."""

    stream_id: str
    sdp_fragment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseStream(TransientCommand):
    """WHEP DELETE: this stream ends; the session and its turn may go on."""

    stream_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStills(TransientCommand):
    """The fallback rung: send JPEGs on the frame topic, the next one when the last is credited; or a single one."""

    session_id: str
    ticket: str
    width_px: int = 640
    is_single: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditFrame(TransientCommand):
    """The page showed frame `frame_no`: the newest one may follow."""

    session_id: str
    frame_no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A part of the picture that a session sees, as shares (0…1) of its width and height."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeLoupe(TransientCommand):
    """The loupe on the fallback rung: send this region as sharp as the sensor has it, on the frame topic under
    `loupe_id`; answered by LoupeTaken.
    """

    session_id: str
    loupe_id: str
    region: Region


@dataclass(frozen=True, slots=True, kw_only=True)
class SteerCamera(TransientCommand):
    """Steering on the fallback rung."""

    session_id: str
    steering: Steering
    DEADLINE_S: ClassVar[float] = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeCamera(TransientCommand):
    """The merchant takes the camera over; every turn on it ends with this reason."""

    camera: str
    reason: str
    session_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandTurn(TransientCommand):
    """The one who steers gives the rest of turn `turn_no` to a spectator who accepted; void for another turn."""

    session_id: str
    to_session_id: str
    turn_no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPosition(TransientCommand):
    """The merchant teaches: say where head and table of this session's camera stand now; answered by PositionTold."""

    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellClock(TransientCommand):
    """The answer to AskClock: relay time when it was answered."""

    nonce: str
    relay_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TellEcho(TransientCommand):
    """The answer to AskEcho: its nonce and code as they came, so that both ways of the link are proved."""

    nonce: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckBench(TransientCommand):
    """The merchant asks for a bench check now; answered by CheckAnswered, and then CheckMoved tells how far it is.

    Never kept: machines that begin to move later, when nobody expects it any more, would be worse than none.
    """

    ask_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmReports(TransientCommand):
    """Every durable report up to this sequence number is committed at the relay; the shop may forget it."""

    up_to_sequence: int


COMMANDS: dict[str, type[Command]] = {
    cls.__name__: cls
    for cls in (
        ReplacePlan, PreparePiece, ReleasePiece, LabelParcel, AnswerPhoto, CancelParcel, RecordTracking, UploadPicture,
        AskAttendant, NoteForShop, AskToLook, LeaveViewing, OpenStream, AddCandidate, CloseStream, OpenStills,
        CreditFrame, TakeOverParcel, CorrectLocation, PrintTags, StopTags,
        TakeLoupe, SteerCamera, TakeCamera, HandTurn, AskPosition, TellClock, ConfirmReports, TellEcho,
        CheckBench,
    )
}  # fmt: skip


def encode_command(command: Command) -> dict[str, Any]:
    """Return the `data` of a command's envelope; its `type` is the class name."""
    data: dict[str, Any] = to_json(command)
    return data


def decode_command(type_name: str, data: dict[str, Any]) -> Command:
    """Return the command of an envelope; BadValueError for a bad body, KeyError for a type this version does not
    know.
    """
    command: Command = from_json(COMMANDS[type_name], data)
    return command
