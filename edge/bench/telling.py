"""What the bench tells the relay, and what becomes of labels and pictures on the way; inside one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edge.bench import parcel as rows
from edge.bench.parcel import LabelRow, LabelState, Parcel
from edge.flows.fulfilment import HELD, Effect
from edge.journal.outbox import append_report
from edge.journal.shop import set_place
from edge.journal.transaction import Transaction
from edge.locations import shelves
from edge.pictures import Kept, Pictures
from edge.reasons import sentence_for
from wire import reports
from wire.reports import PictureKind

X = Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about an event beyond its name; each effect takes what it needs."""

    picture: Kept | None = None
    camera: str = ""
    first_byte_at: datetime | None = None
    by: str = ""
    codes: tuple[str, ...] = ()
    scanned: str = ""
    reason: str = ""
    answer: str = ""
    is_offline: bool = False


NO_FACTS = Facts()


class Telling:
    """The effects that write reports and the state of labels."""

    def __init__(self, tx: Transaction, pictures: Pictures) -> None:
        self._tx, self._pictures = tx, pictures
        self.effects: dict[Effect, Callable[[Parcel, Facts], None]] = {
            X.VOID_LABEL: self._void_label,
            X.RETIRE_LABEL: self._retire_label,
            X.REPORT_STILL: self._still,
            X.REPORT_PICKED: self._picked,
            X.REPORT_PACKED: self._packed,
            X.REPORT_NEVER_LEFT: self._never_left,
            X.REPORT_RETURNED: self._returned,
            X.REPORT_GONE: self._gone,
            X.REPORT_PRINTED: self._printed,
            X.REPORT_APPLIED: self._applied,
            X.REPORT_READ: self._read,
            X.REPORT_PHOTO: self._photo,
            X.REPORT_HELD: self._held,
            X.REPORT_RESUMED: self._resumed,
            X.REPORT_READY: self._ready,
            X.REPORT_HANDED_OVER: self._handed_over,
            X.REPORT_CANCELLED: self._cancelled,
        }

    def _void_label(self, parcel: Parcel, facts: Facts) -> None:
        label = rows.load_label(self._tx, parcel.serial) if parcel.serial else None
        parcel.serial = ""
        if label is None:
            return
        label.state = LabelState.VOID
        rows.save_label(self._tx, label, "label_void")
        if label.is_reported:
            reason = facts.answer or facts.reason or "superseded"
            self._report(reports.LabelVoided, parcel, label_serial=label.serial, reason=reason)

    def _retire_label(self, parcel: Parcel, _facts: Facts) -> None:
        parcel.retired_no = max(parcel.retired_no, self._live(parcel).label_no)

    def _live(self, parcel: Parcel) -> LabelRow:
        label = rows.load_label(self._tx, parcel.serial)
        if label is None:
            raise AssertionError(f"parcel {parcel.parcel_id} is {parcel.stage} without a label")
        return label

    def _mark(self, parcel: Parcel, state: LabelState) -> LabelRow:
        label = self._live(parcel)
        label.state = state
        label.is_reported = True
        rows.save_label(self._tx, label, f"label_{state.value}")
        return label

    def _report(self, kind: type[reports.ParcelReport], parcel: Parcel, **fields: Any) -> None:
        append_report(self._tx, kind(parcel_id=parcel.parcel_id, at=self._tx.now, **fields))

    def _offer(self, parcel: Parcel, kept: Kept, kind: PictureKind) -> None:
        self._pictures.offer(self._tx, parcel.parcel_id, kept, kind, previous=parcel.last_sha256)
        parcel.last_sha256 = kept.sha256

    def _still(self, parcel: Parcel, facts: Facts) -> None:
        if facts.picture is None:
            return
        self._offer(parcel, facts.picture, PictureKind.STILL)
        parcel.still_sha256 = facts.picture.sha256
        self._report(
            reports.StillTaken,
            parcel,
            picture_sha256=facts.picture.sha256,
            camera=facts.camera,
            session_id=parcel.session_id,
        )

    def _picked(self, parcel: Parcel, facts: Facts) -> None:
        set_place(self._tx, parcel.piece_id, "bench")
        shelves.leave(self._tx, parcel.piece_id)
        self._report(reports.PiecePicked, parcel, scanned=facts.scanned)

    def _packed(self, parcel: Parcel, facts: Facts) -> None:
        set_place(self._tx, parcel.piece_id, "parcel")
        if facts.picture is not None:
            self._offer(parcel, facts.picture, PictureKind.PACKED)
        self._report(reports.PiecePacked, parcel, packer=facts.by or "attendant")

    def _never_left(self, parcel: Parcel, _facts: Facts) -> None:
        self._report(reports.PieceReturned, parcel, to_stock=False)

    def _returned(self, parcel: Parcel, _facts: Facts) -> None:
        set_place(self._tx, parcel.piece_id, "spot")
        shelves.back(self._tx, parcel.piece_id)
        self._report(reports.PieceReturned, parcel)

    def _gone(self, parcel: Parcel, facts: Facts) -> None:
        set_place(self._tx, parcel.piece_id, "gone")
        shelves.forget(self._tx, parcel.piece_id)
        self._report(reports.PieceGone, parcel, reason=facts.answer or "not_found")

    def _printed(self, parcel: Parcel, facts: Facts) -> None:
        if self._live(parcel).is_reported:
            return  # the box before this one told of it
        label = self._mark(parcel, LabelState.PRINTED)
        at = facts.first_byte_at
        self._report(reports.LabelPrinted, parcel, label_serial=label.serial, label_no=label.label_no, first_byte_at=at)

    def _applied(self, parcel: Parcel, facts: Facts) -> None:
        label = self._mark(parcel, LabelState.APPLIED)
        self._report(reports.LabelApplied, parcel, label_serial=label.serial, by=facts.by or "attendant")

    def _read(self, parcel: Parcel, facts: Facts) -> None:
        label = self._mark(parcel, LabelState.READ)
        self._report(reports.LabelRead, parcel, label_serial=label.serial, codes=facts.codes)

    def _photo(self, parcel: Parcel, facts: Facts) -> None:
        if facts.picture is None:
            raise AssertionError(f"parcel {parcel.parcel_id}: photographed without a picture")
        self._offer(parcel, facts.picture, PictureKind.PARCEL)
        parcel.photo_sha256 = facts.picture.sha256
        self._report(
            reports.ParcelPhotographed,
            parcel,
            picture_sha256=facts.picture.sha256,
            label_serial=parcel.serial,
            codes=facts.codes,
        )

    def _held(self, parcel: Parcel, facts: Facts) -> None:
        reason = facts.reason or parcel.stage.value
        text, stage = sentence_for(reason), HELD[parcel.stage].value
        self._report(reports.ParcelHeld, parcel, reason=reason, text=text, stage=stage)

    def _resumed(self, parcel: Parcel, facts: Facts) -> None:
        self._report(reports.ParcelResumed, parcel, answer=facts.answer, stage=parcel.stage.value)

    def _ready(self, parcel: Parcel, _facts: Facts) -> None:
        """Only a shopper who comes for it must hear of this: a courier comes anyway."""
        if parcel.is_pickup:
            parcel.is_code_shown = False
            self._report(reports.ReadyForPickup, parcel)

    def _handed_over(self, parcel: Parcel, facts: Facts) -> None:
        label = self._mark(parcel, LabelState.HANDED_OVER)
        set_place(self._tx, parcel.piece_id, "gone")
        shelves.forget(self._tx, parcel.piece_id)
        parcel.scanned = facts.scanned
        self._report(
            reports.HandedOver,
            parcel,
            label_serial=label.serial,
            scanned=facts.scanned,
            courier_token_sha256=parcel.courier_sha256,
            is_collected=parcel.is_pickup,
        )

    def _cancelled(self, parcel: Parcel, _facts: Facts) -> None:
        self._report(reports.ParcelCancelled, parcel)
