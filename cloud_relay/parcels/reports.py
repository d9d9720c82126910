"""What shops report of parcels, folded into parcel, labels, order and timeline in the inbox's own transaction."""

import re
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cloud_relay.notices import service as notices
from cloud_relay.orders import reservations, steps, stock
from cloud_relay.orders import store as order_store
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent
from cloud_relay.orders.trade import Trade
from cloud_relay.parcels import epcis, store, tracking
from cloud_relay.parcels.rules import ParcelView, fold
from cloud_relay.parcels.store import ParcelRow
from cloud_relay.refusals import RefusedError
from cloud_relay.shop_link.register import Register
from cloud_relay.web.pages import page_event
from wire.commands import CancelParcel
from wire.reports import (
    Ack,
    AckState,
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
    PictureKind,
    PieceCarried,
    PieceGone,
    PiecePacked,
    PiecePicked,
    PieceReturned,
    ReadyForPickup,
    StillTaken,
)
from wire.values import Sscc

KINDS: dict[type[ParcelReport], str] = {
    StillTaken: "still_taken",
    PiecePicked: "piece_picked",
    PiecePacked: "piece_packed",
    PieceCarried: "piece_carried",
    ReadyForPickup: "ready_for_pickup",
    PieceReturned: "piece_returned",
    PieceGone: "piece_gone",
    LabelPrinted: "label_printed",
    LabelApplied: "label_applied",
    LabelRead: "label_read",
    LabelVoided: "label_voided",
    ParcelPhotographed: "parcel_photographed",
    ParcelHeld: "parcel_held",
    ParcelResumed: "parcel_resumed",
    HandedOver: "handed_over",
    ParcelCancelled: "parcel_cancelled",
}
"""Each report's line in the timeline."""
ORDER_EVENTS: dict[type[ParcelReport], OrderEvent] = {
    ParcelPhotographed: OrderEvent.PHOTOGRAPHED,
    HandedOver: OrderEvent.HANDED_OVER,
    PieceGone: OrderEvent.PIECE_GONE,
}
SSCC_IN_CODE = re.compile(r"/00/([0-9]{18})(?:[?#/]|$)")
"""The parcel's number in the large code (GS1 Digital Link 1.2, AI 00)."""

SAME_DIGITS = 8
"""Extension digit and the shortest company prefix of today (GS1 General Specifications 1.4.4: from four digits on)."""

CANCEL_EVENTS: dict[AckState, OrderEvent] = {
    AckState.DONE: OrderEvent.CANCEL_DONE,
    AckState.REFUSED: OrderEvent.CANCEL_REFUSED,
    AckState.FAILED: OrderEvent.CANCEL_FAILED,
    AckState.STALE: OrderEvent.CANCEL_FAILED,
    AckState.UNSUPPORTED: OrderEvent.CANCEL_FAILED,
}


def join(register: Register, trade: Trade) -> None:
    """Have every parcel report and the answer to a cancel folded by this room."""

    def on_report(connection: Connection, shop_id: str, report: ParcelReport, now: datetime) -> None:
        take_report(connection, shop_id, report, now, trade)

    def on_cancel(connection: Connection, shop_id: str, row: dict[str, Any], ack: Ack, now: datetime) -> None:
        take_cancel_ack(connection, shop_id, str(row["subject"]), ack, now, trade)

    for type_ in KINDS:
        register.on_report(type_, on_report)
    register.on_picture(take_picture)
    register.on_ack(CancelParcel, on_cancel)


def _own(connection: Connection, shop_id: str, parcel_id: str) -> ParcelRow:
    found = store.load(connection, parcel_id)
    if found is None or found.shop_id != shop_id:
        raise RefusedError(
            "unknown_parcel", f"parcel {parcel_id}: is not this shop's", f"包裹 {parcel_id} 不属于该店铺"
        )
    return found


def take_report(connection: Connection, shop_id: str, report: ParcelReport, now: datetime, trade: Trade) -> None:
    """Fold one report; RefusedError for a parcel that is not this shop's."""
    found = _own(connection, shop_id, report.parcel_id)
    view = fold(found.view, report)
    store.save(connection, found.parcel_id, view, now)
    _labels(connection, found, report, now)
    if isinstance(report, PieceGone):
        stock.write_off(connection, found.piece_id)
        stock.tell(connection, found.listing_id, now)
        reservations.lose(connection, found.parcel_id, now)
    _timeline(connection, found, report, now)
    _track(connection, found, report, now, trade)
    event = ORDER_EVENTS.get(type(report))
    if isinstance(report, HandedOver) and report.is_collected:
        event = OrderEvent.COLLECTED
    order_id = order_store.find_by_parcel(connection, found.parcel_id)
    if event is not None and order_id is not None:
        picture = getattr(report, "picture_sha256", "")
        happening = Happening(event=event, actor="shop", picture_sha256=picture, reason=getattr(report, "reason", ""))
        steps.apply(connection, order_id, happening, now, trade)
    _tell(connection, found, view, report, now)


def _labels(connection: Connection, found: ParcelRow, report: ParcelReport, now: datetime) -> None:
    if isinstance(report, LabelPrinted):
        if store.label_state(connection, report.label_serial) is not None:
            raise RefusedError("label_known", f"label {report.label_serial}: was printed before", "标签序列号重复")
        store.add_label(connection, found, report.label_serial, report.label_no, now)
    elif isinstance(report, LabelApplied):
        store.set_label(connection, report.label_serial, "applied", now)
    elif isinstance(report, LabelRead):
        store.set_label(connection, report.label_serial, "read", now)
        _keep_true_sscc(connection, found, report)
    elif isinstance(report, LabelVoided) or (isinstance(report, ParcelCancelled) and report.label_serial):
        store.set_label(connection, report.label_serial, "voided", now)


def _keep_true_sscc(connection: Connection, found: ParcelRow, report: LabelRead) -> None:
    """The number on the parcel is the one that counts: a relay put back from a backup may have given another.

    Only one of the same prefix that no other parcel bears, so that no shop can name itself after another's parcel.
    """
    read = [match[1] for match in map(SSCC_IN_CODE.search, report.codes) if match]
    if not read or not found.sscc or found.sscc in read or read[0][:SAME_DIGITS] != found.sscc[:SAME_DIGITS]:
        return
    if store.find_by_sscc(connection, str(Sscc(read[0]))) is None:
        store.set_sscc(connection, found.parcel_id, read[0])


def _timeline(connection: Connection, found: ParcelRow, report: ParcelReport, now: datetime) -> None:
    detail: dict[str, Any] = {"at": report.at.isoformat()}
    for name in ("picture_sha256", "label_serial", "reason", "answer"):
        if getattr(report, name, ""):
            detail[name] = getattr(report, name)
    if isinstance(report, ParcelHeld):
        detail["text"] = {"en": report.text.en, "zh": report.text.zh}
    kind = KINDS[type(report)]
    order_store.add_event(connection, found.order_id or "", found.parcel_id, kind, detail, "shop", now)


def _track(connection: Connection, found: ParcelRow, report: ParcelReport, now: datetime, trade: Trade) -> None:
    """The steps at the bench that are facts about things are EPCIS events too, from picking to hand-over."""
    root = trade.resolver_url
    piece, parcel = (found.piece_uri(root),), (found.uri(root),)
    if isinstance(report, PiecePicked):
        tracking.at_bench(connection, found, "picking", report.at, now, trade, epcs=piece)
    elif isinstance(report, PiecePacked):
        tracking.at_bench(connection, found, "packing", report.at, now, trade, epcs=piece)
    elif isinstance(report, LabelRead):
        tracking.at_bench(connection, found, "commissioning", report.at, now, trade, epcs=parcel, action="ADD")
        # only now does the parcel have the name that stands on its label, under which the piece can be looked for
        tracking.at_bench(connection, found, epcis.ENCLOSED, report.at, now, trade, epcs=piece, parent=parcel[0])
    elif isinstance(report, LabelVoided):
        old = (store.label_uri(connection, found, report.label_serial, root),)
        tracking.at_bench(connection, found, epcis.VOIDED, report.at, now, trade, epcs=old, action="DELETE")
    elif isinstance(report, HandedOver):
        step = epcis.DELIVERED if report.is_collected else "shipping"
        tracking.at_bench(connection, found, step, report.at, now, trade, epcs=parcel)


def _tell(connection: Connection, found: ParcelRow, view: ParcelView, report: ParcelReport, now: datetime) -> None:
    data = {
        "parcel_id": found.parcel_id, "order_id": found.order_id, "state": view.state.value, "held": view.held_reason,
        "event": KINDS[type(report)],
    }  # fmt: skip
    for channel in _channels(found):
        page_event(connection, channel, "parcel", data, now)
    if isinstance(report, ParcelHeld):
        members = notices.members_of(connection, found.merchant_id)
        words = {"title_en": found.title_en, "title_zh": found.title_zh, "reason": report.text.en or report.reason}
        link = f"/orders/{found.order_id}" if found.order_id else "/merchant"
        notices.notify(connection, members, "parcel_held", link, now, **words)


def take_picture(
    connection: Connection, shop_id: str, parcel_id: str, kind: PictureKind, picture_sha256: str, now: datetime
) -> None:
    """A picture of an order step is stored: pages that show the parcel may show it."""
    if kind is PictureKind.LISTING:
        return
    found = _own(connection, shop_id, parcel_id)
    if kind is PictureKind.PACKED:
        store.save_packed_picture(connection, parcel_id, picture_sha256, now)
        detail = {"picture_sha256": picture_sha256}
        order_store.add_event(connection, found.order_id or "", parcel_id, "packed_picture", detail, "shop", now)
    data = {"parcel_id": parcel_id, "order_id": found.order_id, "kind": kind.value, "picture_sha256": picture_sha256}
    for channel in _channels(found):
        page_event(connection, channel, "picture", data, now)


def _channels(found: ParcelRow) -> list[str]:
    channels = [f"account:{found.account_id}", f"merchant:{found.merchant_id}"]
    return [*channels, f"order:{found.order_id}"] if found.order_id else channels


def take_cancel_ack(
    connection: Connection, shop_id: str, parcel_id: str, ack: Ack, now: datetime, trade: Trade
) -> None:
    """The shop's answer to a cancel ends the state `cancelling`, once."""
    event, order_id = CANCEL_EVENTS.get(ack.state), order_store.find_by_parcel(connection, parcel_id)
    if event is None or order_id is None:
        return
    _own(connection, shop_id, parcel_id)
    steps.apply(connection, order_id, Happening(event=event, actor="shop", reason=ack.reason), now, trade)
