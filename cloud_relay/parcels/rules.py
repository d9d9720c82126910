"""The relay's view of a parcel: a fold of what the shop and the couriers report, never a second machine. Pure."""

from dataclasses import dataclass, replace
from enum import StrEnum

from wire.reports import (
    HandedOver,
    LabelApplied,
    LabelPrinted,
    LabelRead,
    LabelVoided,
    ParcelCancelled,
    ParcelHeld,
    ParcelPhotographed,
    ParcelReport,
    ParcelResumed,
    PieceGone,
    PiecePacked,
    PiecePicked,
    PieceReturned,
    StillTaken,
)


class ParcelState(StrEnum):
    """Where a parcel is, as last reported; `waiting` and `releasing` are set by the relay's own asking."""

    WAITING = "waiting"
    PREPARING = "preparing"
    PICKED = "picked"
    PACKED = "packed"
    LABELLED = "labelled"
    PHOTOGRAPHED = "photographed"
    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    RELEASING = "releasing"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    GONE = "gone"


AFTER_HAND_OVER = frozenset({ParcelState.HANDED_OVER, ParcelState.IN_TRANSIT, ParcelState.DELIVERED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelView:
    """What is folded. `held_reason` says that a person at the bench must decide; the state stays what it was."""

    state: ParcelState
    held_reason: str = ""
    held_text: dict[str, str] | None = None
    still_sha256: str = ""
    photo_sha256: str = ""
    label_serial: str = ""
    courier_token_sha256: str = ""


_STATES: dict[type[ParcelReport], ParcelState] = {
    PiecePicked: ParcelState.PICKED,
    PiecePacked: ParcelState.PACKED,
    PieceReturned: ParcelState.RETURNED,
    PieceGone: ParcelState.GONE,
    LabelApplied: ParcelState.LABELLED,
    LabelRead: ParcelState.LABELLED,
    ParcelPhotographed: ParcelState.PHOTOGRAPHED,
    HandedOver: ParcelState.HANDED_OVER,
    ParcelCancelled: ParcelState.CANCELLED,
}


def fold(view: ParcelView, report: ParcelReport) -> ParcelView:
    """Return the view after one report; reports come once and in order."""
    state = _STATES.get(type(report), view.state)
    if view.state in AFTER_HAND_OVER and not isinstance(report, HandedOver):
        state = view.state  # the bench has it no more; a late word changes only the rest
    view = replace(view, state=state)
    if isinstance(report, ParcelHeld):
        text = {"en": report.text.en, "zh": report.text.zh}
        return replace(view, held_reason=report.reason or "held", held_text=text)
    if isinstance(report, ParcelResumed) or type(report) in _STATES:
        view = replace(view, held_reason="", held_text=None)
    return _with_marks(view, report)


def _with_marks(view: ParcelView, report: ParcelReport) -> ParcelView:
    if isinstance(report, StillTaken):
        return replace(view, still_sha256=report.picture_sha256)
    if isinstance(report, LabelPrinted):
        return replace(view, label_serial=report.label_serial)
    if isinstance(report, LabelVoided) and report.label_serial == view.label_serial:
        is_labelled = view.state in (ParcelState.LABELLED, ParcelState.PHOTOGRAPHED)
        return replace(view, label_serial="", state=ParcelState.PACKED if is_labelled else view.state)
    if isinstance(report, ParcelPhotographed):
        return replace(view, photo_sha256=report.picture_sha256, label_serial=report.label_serial)
    if isinstance(report, HandedOver):
        return replace(view, courier_token_sha256=report.courier_token_sha256, label_serial=report.label_serial)
    return view
