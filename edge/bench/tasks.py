"""What the attendant is asked: one thing at a time, in both languages, with one large set of answers."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wire.plan import Text


class TaskKind(StrEnum):
    """What a person is asked to do. BRING_PIECE belongs to viewing; all others to the bench."""

    BRING_PIECE = "bring_piece"
    FETCH_PIECE = "fetch_piece"
    PACK_BY_HAND = "pack_by_hand"
    PACK_IN_DOUBT = "pack_in_doubt"
    STICK_LABEL = "stick_label"
    LABEL_IN_DOUBT = "label_in_doubt"
    READ_LABEL = "read_label"
    DESTROY_LABEL = "destroy_label"
    TEND_DEVICE = "tend_device"
    UNPACK = "unpack"
    PUT_BACK = "put_back"
    HAND_OVER = "hand_over"
    SHOW_COURIER_LINK = "show_courier_link"
    NOTE = "note"
    QUESTION = "question"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One large button: `answer` is its code, `text` what stands on it."""

    answer: str
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing asked. `needs_scan`: a scan must come first (or is the answer itself, when `answers` is empty).

    `scanned` is what was scanned for it so far; `link` is what to show as a QR code (the courier link), else empty.
    """

    task_id: str
    kind: TaskKind
    text: Text
    answers: tuple[Answer, ...]
    asked_at: datetime
    parcel_id: str = ""
    piece_id: str = ""
    session_id: str = ""
    needs_scan: bool = False
    scanned: str = ""
    link: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """What a scan meant: `accepted` or why not, as a sentence for the page; `task_id` is the task it touched, if any."""

    accepted: bool
    text: Text
    task_id: str = ""
