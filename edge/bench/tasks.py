"""What the attendant is asked: one thing at a time, in both languages, with one large set of answers."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from edge.journal.transaction import Row, Transaction
from wire.codec import from_json, to_json
from wire.plan import Text


class TaskKind(StrEnum):
    """What a person is asked to do.

    BRING_PIECE and QUESTION belong to viewing, TEND_SORTER to the locations, the four of the test card to the bench
    check, the three of tags to their printing; all others to the bench.
    """

    TAKEN_OVER = "taken_over"
    BRING_PIECE = "bring_piece"
    FETCH_PIECE = "fetch_piece"
    PACK_BY_HAND = "pack_by_hand"
    PACK_IN_DOUBT = "pack_in_doubt"
    SET_ASIDE = "set_aside"
    BRING_BACK = "bring_back"
    STICK_LABEL = "stick_label"
    LABEL_IN_DOUBT = "label_in_doubt"
    READ_LABEL = "read_label"
    DESTROY_LABEL = "destroy_label"
    TEND_DEVICE = "tend_device"
    TEND_SORTER = "tend_sorter"
    UNPACK = "unpack"
    PUT_BACK = "put_back"
    HAND_OVER = "hand_over"
    COLLECT = "collect"
    SHOW_COURIER_LINK = "show_courier_link"
    NOTE = "note"
    QUESTION = "question"
    LAY_TEST_CARD = "lay_test_card"
    STICK_TEST_LABEL = "stick_test_label"
    SCAN_TEST_LABEL = "scan_test_label"
    TAKE_TEST_CARD = "take_test_card"
    TAKE_TAGS = "take_tags"
    TAGS_IN_DOUBT = "tags_in_doubt"
    TEND_TAGS = "tend_tags"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One large button: `answer` is its code, `text` what stands on it."""

    answer: str
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing asked. `needs_scan`: a scan must come first, or is the answer itself.

    `scanned` is what was scanned for it so far; `link` is what to show as a QR code (the courier link), else empty;
    `picture_sha256` names a picture that helps to decide; `reason` is the code of a device's trouble.
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
    picture_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """What a scan or an answer meant: `accepted`, or why not, as a sentence; `task_id` is the task it touched."""

    accepted: bool
    text: Text
    task_id: str = ""


def save_task(tx: Transaction, task: Task, kind: str = "asked", *, is_open: bool = True) -> None:
    """Store a task. A courier link stands in it only while it is open."""
    row: Row = {
        "task_id": task.task_id,
        "kind": task.kind.value,
        "parcel_id": task.parcel_id,
        "piece_id": task.piece_id,
        "is_open": int(is_open),
        "body": json.dumps(to_json(task), ensure_ascii=False, separators=(",", ":")),
        "asked_at": to_json(task.asked_at),
    }
    tx.put("tasks", row, kind, task=task.kind.value, parcel_id=task.parcel_id)


def close_task(tx: Transaction, task: Task, answer: str) -> None:
    """Note the answer (`withdrawn` when nobody needs it any more) and take the task down."""
    save_task(tx, replace(task, link=""), f"task_{answer}", is_open=False)


def load_task(tx: Transaction, task_id: str) -> Task | None:
    """Return an open task, or None when it is answered or unknown."""
    row = tx.get("tasks", task_id)
    return _task(row) if row and row["is_open"] else None


def open_tasks(tx: Transaction, parcel_id: str | None = None) -> list[Task]:
    """Return open tasks, oldest first; of one parcel if it is named."""
    if parcel_id is None:
        rows = tx.select("tasks", "is_open = 1", (), "order by asked_at, rowid")
    else:
        rows = tx.select("tasks", "is_open = 1 and parcel_id = ?", (parcel_id,), "order by asked_at, rowid")
    return [_task(row) for row in rows]


def _task(row: Row) -> Task:
    task: Task = from_json(Task, json.loads(row["body"]))
    return task
