"""What each command of the relay does to a parcel, inside the transaction that also answers it."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from edge.bench import parcel as rows
from edge.bench import taking_over
from edge.bench.parcel import Parcel
from edge.bench.questions import BUTTONS
from edge.bench.steps import Steps
from edge.bench.tasks import Answer, Task, TaskKind, save_task
from edge.flows.errors import IllegalStepError
from edge.flows.fulfilment import Event, Stage
from edge.journal.inbox import is_past
from edge.journal.transaction import Transaction
from wire.codec import to_json
from wire.commands import (
    AnswerPhoto,
    CancelParcel,
    Command,
    LabelParcel,
    NoteForShop,
    PhotoAnswer,
    PreparePiece,
    RecordTracking,
    ReleasePiece,
    TakeOverParcel,
)
from wire.envelope import Envelope
from wire.plan import Text
from wire.values import format_time

OBJECTION_LENGTH_MAX = 200


class RefusedCommandError(Exception):
    """The command is answered `refused`, or `stale`, with this reason; nothing changed."""

    def __init__(self, reason: str, *, is_stale: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_stale = is_stale


class Orders:
    """Commands of one transaction."""

    def __init__(
        self,
        tx: Transaction,
        steps: Steps,
        relay_now: datetime | None,
        ids: Callable[[str], str],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._tx, self._steps, self._relay_now, self._ids, self._random = tx, steps, relay_now, ids, random_bytes

    def take(self, envelope: Envelope, command: Command) -> None:
        """Apply one command; raises RefusedCommandError, which undoes everything."""
        if is_past(envelope, self._relay_now):
            raise RefusedCommandError("deadline_passed", is_stale=True)
        try:
            self._take(envelope, command)
        except IllegalStepError:
            parcel = rows.load(self._tx, getattr(command, "parcel_id", ""))
            raise RefusedCommandError(parcel.stage.value if parcel else "unknown_parcel") from None

    def _take(self, envelope: Envelope, command: Command) -> None:
        match command:
            case PreparePiece():
                self._prepare(envelope, command)
            case LabelParcel():
                self._label(envelope, command)
            case ReleasePiece():
                self._release(command)
            case CancelParcel():
                parcel = rows.load(self._tx, command.parcel_id) or self._new(command.parcel_id, "")
                self._steps.feed(parcel, Event.CANCEL)
            case TakeOverParcel():
                if rows.load(self._tx, command.parcel_id) is not None:
                    raise RefusedCommandError("known_parcel")
                parcel = self._new(command.parcel_id, command.piece_id)
                taking_over.take_over(self._tx, self._steps, parcel, command, _deadline(envelope, command))
            case AnswerPhoto():
                self._answer_photo(command)
            case RecordTracking():
                row = {
                    "event_id": command.event_id,
                    "parcel_id": command.parcel_id,
                    "body": json.dumps(command.event, ensure_ascii=False, separators=(",", ":")),
                    "at": self._tx.at,
                }
                self._tx.put("tracking", row, "tracking", parcel_id=command.parcel_id)
            case NoteForShop():
                self._note(command)
            case _:
                raise RefusedCommandError("not_for_the_bench")

    def _new(self, parcel_id: str, piece_id: str) -> Parcel:
        first_job_no = int.from_bytes(self._random(2), "big") % 0xFFFF + 1
        return rows.new_parcel(self._tx, parcel_id, piece_id, first_job_no)

    def _prepare(self, envelope: Envelope, command: PreparePiece) -> None:
        if rows.load(self._tx, command.parcel_id) is not None:
            raise RefusedCommandError("known_parcel")
        self._check_piece(command.piece_id, command.parcel_id)
        parcel = self._new(command.parcel_id, command.piece_id)
        parcel.session_id, parcel.act_until = command.session_id, _deadline(envelope, command)
        self._steps.feed(parcel, Event.PREPARE_SEEN if command.session_id else Event.PREPARE_UNSEEN)

    def _check_piece(self, piece_id: str, parcel_id: str) -> None:
        if self._steps.piece(piece_id) is None:
            raise RefusedCommandError("unknown_piece")
        for other in rows.open_parcels(self._tx):
            if other.piece_id == piece_id and other.parcel_id != parcel_id:
                raise RefusedCommandError("piece_taken")

    def _label(self, envelope: Envelope, command: LabelParcel) -> None:
        parcel = rows.load(self._tx, command.parcel_id)
        if parcel is None:
            self._check_piece(command.piece_id, command.parcel_id)
            parcel = self._new(command.parcel_id, command.piece_id)
        if parcel.piece_id != command.piece_id:
            raise RefusedCommandError("other_piece")
        if command.label.label_no <= parcel.label_no:
            raise RefusedCommandError("old_label")
        parcel.order_id, parcel.label_no = command.order_id, command.label.label_no
        parcel.label, parcel.act_until = to_json(command.label), _deadline(envelope, command)
        self._steps.feed(parcel, Event.LABEL_ORDERED)

    def _release(self, command: ReleasePiece) -> None:
        parcel = rows.load(self._tx, command.parcel_id) or self._new(command.parcel_id, "")
        if parcel.label_no:
            raise RefusedCommandError("paid")
        self._steps.feed(parcel, Event.RELEASE)

    def _answer_photo(self, command: AnswerPhoto) -> None:
        parcel = rows.load(self._tx, command.parcel_id)
        if parcel is None:
            raise RefusedCommandError("unknown_parcel")
        answerable = (Stage.PHOTO_OFFERED, Stage.READY, Stage.TAKEN_OVER)
        if parcel.photo_sha256 != command.picture_sha256 or parcel.stage not in answerable:
            raise RefusedCommandError("other_picture")
        if parcel.stage is Stage.TAKEN_OVER:
            parcel.photo_answer, parcel.objection = command.answer.value, command.reason[:OBJECTION_LENGTH_MAX]
            rows.save(self._tx, parcel, "photo_answered")
            return
        if command.answer is PhotoAnswer.OBJECTED:
            parcel.objection = command.reason[:OBJECTION_LENGTH_MAX]
            self._steps.feed(parcel, Event.OBJECTED)
        else:
            self._steps.feed(parcel, Event.CONFIRMED)

    def _note(self, command: NoteForShop) -> None:
        parcel = rows.load(self._tx, command.parcel_id) if command.parcel_id else None
        task = Task(
            task_id=self._ids("t"),
            kind=TaskKind.NOTE,
            text=Text(en=command.note, zh=command.note),
            answers=(Answer(answer="seen", text=BUTTONS["seen"]),),
            asked_at=self._tx.now,
            parcel_id=command.parcel_id,
            piece_id=parcel.piece_id if parcel else "",
        )
        save_task(self._tx, task)


def _deadline(envelope: Envelope, command: Command) -> str:
    life_s = envelope.deadline_s if envelope.deadline_s is not None else command.DEADLINE_S
    return format_time(envelope.time + timedelta(seconds=life_s))
