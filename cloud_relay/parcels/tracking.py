"""Tracking events: the bench's own, the couriers' scans, corrections; each reaches shop, shopper and relay."""

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from cloud_relay.notices import service as notices
from cloud_relay.orders import steps
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent
from cloud_relay.orders.trade import Trade
from cloud_relay.outbox import send_command
from cloud_relay.parcels import codes, epcis, store
from cloud_relay.parcels.rules import AFTER_HAND_OVER, ParcelState
from cloud_relay.parcels.store import ParcelRow
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import parcel
from cloud_relay.web.pages import page_event
from wire.commands import NoteForShop, RecordTracking
from wire.values import clean_text, new_id

REPEAT = timedelta(seconds=60)
"""The same step at the same place within this time is a second press of the button, not a second scan."""
PAST_MAX, FUTURE_MAX = timedelta(days=7), timedelta(minutes=5)
"""How old a scan may be that a courier kept while offline, and how far their clock may be ahead."""

PROOF_ASKED: dict[str, tuple[str, str, str]] = {
    epcis.DELIVERED: (
        "name_or_photo",
        "Say who took it, or take a photo: that is the proof of delivery",
        "请填写签收人或拍照，作为送达凭证",
    ),
    epcis.DAMAGED: ("photo", "Take a photo of the damage", "请拍下损坏情况"),
}
"""Which proof a step asks for, on the courier's page and by the API alike, and the sentence for a scan without it."""

STEP_WORDS: dict[str, tuple[str, str]] = {
    "shipping": ("Handed over", "已交寄"),
    "departing": ("Departed", "已发出"),
    "arriving": ("Arrived", "已到达"),
    "loading": ("Loaded", "已装车"),
    "unloading": ("Unloaded", "已卸车"),
    "storing": ("In storage", "已入库"),
    "holding": ("Held up", "暂留"),
    epcis.OUT_FOR_DELIVERY: ("Out for delivery", "派送中"),
    epcis.DELIVERED: ("Delivered", "已送达"),
    epcis.NOBODY_HOME: ("Nobody was home", "无人在家"),
    epcis.REFUSED: ("Refused at the door", "收件人拒收"),
    epcis.DAMAGED: ("Damaged on the way", "运输途中损坏"),
    "picking": ("Picked", "已拣货"),
    "packing": ("Packed", "已打包"),
    "commissioning": ("Labelled", "已贴标签"),
    epcis.VOIDED: ("Old label void", "旧标签作废"),
}
"""What a person reads of a step; a step without words is for machines alone."""


def at_bench(
    connection: Connection, found: ParcelRow, step: str, at: datetime, now: datetime, trade: Trade,
    *, epcs: tuple[str, ...], parent: str = "", action: str = "OBSERVE",
) -> None:  # fmt: skip
    """Write an event that happened in the shop; the shop knows of it already."""
    root = trade.resolver_url
    happened = epcis.Happened(
        event_id=new_id("evt"), step=step, at=at, epcs=epcs, parent=parent, action="ADD" if parent else action,
        read_point=f"{root}/s/{found.shop_id}", order_uri=_order_uri(found, root),
    )  # fmt: skip
    body = epcis.event(happened, root, now)
    place = found.shop_name_en or found.shop_name_zh
    store.add_tracking(connection, found, body, step=step, place=place, by="shop", at=at, now=now, source="shop")


def _order_uri(found: ParcelRow, root: str) -> str:
    return f"{root}/orders/{found.order_id}" if found.order_id else ""


def find_for_courier(connection: Connection, parcel_id: str, token: str) -> ParcelRow:
    """Return the parcel that this courier link is for; RefusedError (as if absent) for any other token."""
    found = store.load(connection, parcel_id)
    digest = hashlib.sha256(token.encode()).hexdigest()
    known = (found.courier_token_sha256 if found else None) or ""
    if found is None or not known or not hmac.compare_digest(digest, known):
        raise RefusedError("not_found", "Not found", "没有找到", 404)
    return found


def record_scan(
    connection: Connection, parcel_id: str, token: str, code: str, step: str, place: str, at: datetime | None,
    now: datetime, trade: Trade, proof: epcis.Proof = epcis.NO_PROOF,
) -> dict[str, Any]:  # fmt: skip
    """Record a courier's scan of this parcel with what they laid beside it, and return the tracking event.

    RefusedError for another parcel's code, a label that counts no more, a parcel that is not on its way, a photo that
    was not taken of this parcel, or a step without the proof that it asks for.
    """
    found = find_for_courier(connection, parcel_id, token)
    _check_scan(connection, found, code, step)
    place = clean_text(place, "place", 120)
    at = at or now
    if not now - PAST_MAX <= at <= now + FUTURE_MAX:
        raise RefusedError("bad_time", "The time of this scan cannot be right", "扫描时间不正确", 422)
    proof = _clean(connection, found, proof)
    _check_proof(step, proof)
    repeated = _repeated(connection, parcel_id, step, place, at)
    if repeated is not None:
        return repeated
    return _record(connection, found, step, place, at, now, trade, proof)


def _clean(connection: Connection, found: ParcelRow, proof: epcis.Proof) -> epcis.Proof:
    picture = proof.picture_sha256
    if picture and not store.is_of_parcel(connection, picture, found.parcel_id):
        raise RefusedError("unknown_picture", "This photo is not of this parcel", "照片不属于该包裹", 422)
    names = {"received_by": (proof.received_by, 80), "note": (proof.note, 300)}
    words = {name: clean_text(text, name, length) if text else "" for name, (text, length) in names.items()}
    return epcis.Proof(picture, **words)


def _check_proof(step: str, proof: epcis.Proof) -> None:
    if step not in PROOF_ASKED:
        return
    kind, text_en, text_zh = PROOF_ASKED[step]
    if not (proof.picture_sha256 or (kind == "name_or_photo" and proof.received_by)):
        raise RefusedError("proof_missing", text_en, text_zh, 422, needs=kind)


def _check_scan(connection: Connection, found: ParcelRow, code: str, step: str) -> None:
    if step not in epcis.COURIER_STEPS:
        raise RefusedError("unknown_step", "This step is not known", "未知的步骤", 422, known=list(epcis.COURIER_STEPS))
    if not codes.same_code(code, found.parcel_id, found.sscc):
        raise RefusedError("wrong_parcel", "This code is not this parcel's", "此码不属于该包裹", 422)
    serial = code.partition("?s=")[2]
    if serial and (serial != found.label_serial or store.label_state(connection, serial) == "voided"):
        raise RefusedError(
            "void_label", "This label counts no more: stop and call the shop", "此标签已作废，请联系店铺", 422
        )
    if ParcelState(found.state) not in AFTER_HAND_OVER:
        raise RefusedError("not_on_its_way", "This parcel was not handed over", "此包裹尚未交寄")


def _repeated(connection: Connection, parcel_id: str, step: str, place: str, at: datetime) -> dict[str, Any] | None:
    for row in reversed(store.tracking_of(connection, parcel_id)):
        is_same: bool = (row["biz_step"], row["place"]) == (step, place) and row["source"] == "courier"
        is_close = abs(row["at"] - at) < REPEAT
        if is_same and (step == epcis.DELIVERED or is_close):
            return dict(row)
    return None


def record_carrier_word(
    connection: Connection, parcel_id: str, step: str, place: str, at: datetime, now: datetime, trade: Trade,
    *, carrier: str, note: str,
) -> bool:  # fmt: skip
    """Record what a carrier says of a parcel that was handed over; False while it was not, and nothing is kept then.

    A carrier's delivery is its own evidence; who took the parcel stands in its word.
    """
    found = store.load(connection, parcel_id)
    if found is None or ParcelState(found.state) not in AFTER_HAND_OVER:
        return False
    is_known = any(
        row["biz_step"] == step == epcis.DELIVERED and "errorDeclaration" not in row["epcis"]
        for row in store.tracking_of(connection, parcel_id)
    )
    if not is_known:
        proof = epcis.Proof(note=note)
        _record(connection, found, step, place or carrier, at, now, trade, proof, by=carrier, source="carrier")
    return True


def _record(
    connection: Connection, found: ParcelRow, step: str, place: str, at: datetime, now: datetime, trade: Trade,
    proof: epcis.Proof, *, by: str = "courier", source: str = "courier",
) -> dict[str, Any]:  # fmt: skip
    root = trade.resolver_url
    happened = epcis.Happened(
        event_id=new_id("evt"), step=step, at=at, epcs=(found.uri(root),), read_point=epcis.place_uri(root, place),
        place=place, by=by, order_uri=_order_uri(found, root), proof=proof,
    )  # fmt: skip
    body = epcis.event(happened, root, now)
    event_id = store.add_tracking(connection, found, body, step=step, place=place, by=by, at=at, now=now, source=source)
    if event_id is not None:
        _spread(connection, found, event_id, body, now)
        _follow(connection, found, step, place, now, trade)
        if step in epcis.EXCEPTIONS:
            _call(connection, found, step, place, proof, now)
    return next(row for row in store.tracking_of(connection, found.parcel_id) if row["epcis"] == body)


def _spread(connection: Connection, found: ParcelRow, event_id: str, body: dict[str, Any], now: datetime) -> None:
    """Send the event to the shop box and to every open page that shows this parcel."""
    command = RecordTracking(parcel_id=found.parcel_id, event_id=event_id, event=body)
    send_command(connection, found.shop_id, command, now, found.trace, found.parcel_id)
    data = {"parcel_id": found.parcel_id, "order_id": found.order_id, "event_id": event_id, "bizStep": body["bizStep"]}
    channels = [f"account:{found.account_id}", f"merchant:{found.merchant_id}"]
    for channel in [*channels, *([f"order:{found.order_id}"] if found.order_id else [])]:
        page_event(connection, channel, "tracking", data, now)


def _follow(connection: Connection, found: ParcelRow, step: str, place: str, now: datetime, trade: Trade) -> None:
    """Move the parcel on; delivery moves the order too, any other step is told to the shopper."""
    is_delivered = step == epcis.DELIVERED
    state = ParcelState.DELIVERED if is_delivered or found.state == ParcelState.DELIVERED else ParcelState.IN_TRANSIT
    change = parcel.update().where(parcel.c.parcel_id == found.parcel_id)
    connection.execute(change.values(state=state.value, changed_at=now))
    if is_delivered and found.order_id:
        steps.apply(connection, found.order_id, Happening(event=OrderEvent.DELIVERED, actor="courier"), now, trade)
        return
    step_en, step_zh = STEP_WORDS[step]
    words = {
        "title_en": found.title_en,
        "title_zh": found.title_zh,
        "step": step_en,
        "step_zh": step_zh,
        "place": place,
    }
    link = f"/orders/{found.order_id}" if found.order_id else f"/p/{found.parcel_id}"
    notices.notify(connection, [found.account_id], "tracking", link, now, **words)


def _call(connection: Connection, found: ParcelRow, step: str, place: str, proof: epcis.Proof, now: datetime) -> None:
    """Something went wrong at the door: the merchant is told, and the attendant gets a note at the bench."""
    step_en, step_zh = STEP_WORDS[step]
    words = {
        "title_en": found.title_en, "title_zh": found.title_zh, "step": step_en, "step_zh": step_zh, "place": place,
        "reason": proof.note,
    }  # fmt: skip
    link = f"/orders/{found.order_id}" if found.order_id else f"/p/{found.parcel_id}"
    notices.notify(connection, notices.members_of(connection, found.merchant_id), "courier_calls", link, now, **words)
    title = found.title_zh or found.title_en
    text = f"{step_en} · {step_zh}: {title}, {place}" + (f" — {proof.note}" if proof.note else "")
    note = NoteForShop(note=text, parcel_id=found.parcel_id)
    send_command(connection, found.shop_id, note, now, found.trace, found.parcel_id)


def correct(connection: Connection, parcel_id: str, token: str, event_id: str, now: datetime) -> dict[str, Any]:
    """Declare one of the courier's own scans wrong; the wrong event stays and the declaration stands beside it."""
    found = find_for_courier(connection, parcel_id, token)
    rows = {row["event_id"]: row for row in store.tracking_of(connection, parcel_id) if row["source"] == "courier"}
    wrong = rows.get(event_id)
    if wrong is None or "errorDeclaration" in wrong["epcis"]:
        raise RefusedError("not_found", "Not found", "没有找到", 404)
    if wrong["biz_step"] == epcis.DELIVERED:
        raise RefusedError("delivery_stands", "A delivery is undone only by the operator", "签收只能由平台更正")
    for row in rows.values():
        if "errorDeclaration" in row["epcis"] and row["epcis"]["eventID"] == wrong["epcis"]["eventID"]:
            return row
    body = epcis.correction(wrong["epcis"], "did_not_occur", now)
    new = store.add_tracking(
        connection, found, body, step=wrong["biz_step"], place=wrong["place"], by="courier", at=wrong["at"], now=now,
        source="courier",
    )  # fmt: skip
    assert new is not None
    _spread(connection, found, new, body, now)
    return next(row for row in store.tracking_of(connection, parcel_id) if row["event_id"] == new)
