"""Use cases of carriers: book a parcel once, take in what is said of it. Each is one transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from cloud_relay.carriers import store
from cloud_relay.carriers.base import Booked, Carrier, Shipment, Word
from cloud_relay.carriers.steps import step_for
from cloud_relay.notices import service as notices
from cloud_relay.orders.rules import AT_SHOP
from cloud_relay.orders.trade import Trade
from cloud_relay.parcels import epcis, tracking
from cloud_relay.parcels import store as parcels
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import listing, order_line, orders, shop
from cloud_relay.web.pages import page_event
from wire.codec import from_json
from wire.plan import Address

LATE = "The carrier booked it after all, as {number}: cancel it there. / 承运商之后仍已受理，请取消单号 {number}。"


def start_booking(connection: Connection, parcel_id: str, carrier: str, by: str, now: datetime) -> dict[str, Any]:
    """Write the intent to book a parcel with a carrier; the worker asks it. RefusedError for what cannot be sent.

    A parcel has one standing booking: while one is open, booked or not known of, no second is made.
    """
    found = parcels.load(connection, parcel_id)
    if found is None or not found.order_id:
        raise RefusedError("not_found", "Not found", "没有找到", 404)
    state = connection.scalar(select(orders.c.state).where(orders.c.order_id == found.order_id))
    if state not in AT_SHOP:
        raise RefusedError(
            "not_to_be_sent",
            "Only a paid parcel that is still at the shop is booked",
            "只有已付款且仍在店内的包裹可以下单寄件",
        )
    if any(one.state in store.STANDING for one in store.of_parcel(connection, parcel_id)):
        raise RefusedError("booked_already", "This parcel is booked already", "此包裹已下单寄件")
    shipment_id = store.start(connection, parcel_id, carrier, by, now)
    return {"shipment_id": shipment_id, "state": store.BOOKING}


def drop_booking(connection: Connection, parcel_id: str, reason: str, now: datetime) -> dict[str, Any]:
    """Give up a booking of which nobody knows, after a person asked the carrier: then it may be booked anew.

    Not while the carrier is being asked: the parcel would be booked twice.
    """
    standing = [one for one in store.of_parcel(connection, parcel_id) if one.state == store.BOOKING and one.attempts]
    if not standing:
        raise RefusedError("nothing_open", "No booking of this parcel is in doubt", "此包裹没有待确认的寄件单")
    if not store.drop(connection, standing[0].shipment_id, reason, now):
        raise RefusedError(
            "being_booked", "The carrier is being asked at this moment: wait for its answer, two minutes at the most",
            "正在向承运商下单，请等待其答复（最多两分钟）",
        )  # fmt: skip
    return {"shipment_id": standing[0].shipment_id, "state": store.REFUSED}


def take_booked(
    connection: Connection, row: store.BookingRow, booked: Booked, now: datetime, next_try_at: datetime
) -> None:
    """Keep a carrier's number and label; of a booking given up meanwhile the number, which the merchant must cancel."""
    is_kept = store.save_booked(connection, row, booked, now, next_try_at)
    left = None if is_kept else store.load(connection, row.shipment_id)
    if left is not None and left.state == store.REFUSED:
        told = LATE.format(number=booked.tracking_no)
        number = {"tracking_no": booked.tracking_no, "tracking_url": booked.tracking_url}
        store.save(connection, row.shipment_id, now, reason=f"{left.reason} {told}".strip(), **number)
        _tell_late(connection, row, booked.tracking_no, now)
    tell_booking(connection, row, now)


def _tell_late(connection: Connection, row: store.BookingRow, tracking_no: str, now: datetime) -> None:
    found = parcels.load(connection, row.parcel_id)
    if found is not None:
        people = notices.members_of(connection, found.merchant_id)
        words = {"carrier": row.carrier, "number": tracking_no}
        notices.notify(connection, people, "carrier_booked_late", f"/orders/{found.order_id}", now, **words)


def shipment_of(connection: Connection, row: store.BookingRow) -> Shipment | None:
    """Return what the carrier is told of a booking, or None when its parcel has no order any more."""
    found = parcels.load(connection, row.parcel_id)
    if found is None or not found.order_id:
        return None
    address = connection.scalar(select(orders.c.address).where(orders.c.order_id == found.order_id))
    lines = connection.scalar(select(shop.c.sender_lines).where(shop.c.shop_id == found.shop_id))
    return Shipment(
        shipment_id=row.shipment_id, parcel_id=row.parcel_id, order_id=found.order_id,
        to=from_json(Address, address), sender_name=found.shop_name_en or found.shop_name_zh,
        sender_lines=tuple(lines or ()), weight_g=_weight_g(connection, row.parcel_id),
    )  # fmt: skip


def _weight_g(connection: Connection, parcel_id: str) -> int:
    """Return what the goods in a parcel weigh, 0 unless all of their listings say it."""
    query = select(listing.c.weight_g, order_line.c.quantity)
    joined = query.join(order_line, order_line.c.listing_id == listing.c.listing_id)
    rows = connection.execute(joined.where(order_line.c.parcel_id == parcel_id)).all()
    return sum(row.weight_g * row.quantity for row in rows) if all(row.weight_g for row in rows) else 0


def take_words(
    connection: Connection, carrier: Carrier, row: store.BookingRow, words: list[Word], now: datetime, trade: Trade
) -> int:
    """Keep what a carrier says and carry out what it means; return how many words were new.

    What is said before the shop handed the parcel over has its effect when it has. A word that the table does not know
    is kept and shown as it came, and moves nothing. Of a booking that was given up nothing is kept: another one stands.
    """
    if row.state == store.REFUSED:
        return 0
    steps = dict(carrier.steps)
    fresh = sum(
        store.add_word(connection, row.shipment_id, one, step_for(one.raw, steps), now)
        for one in words
        if one.tracking_no == row.tracking_no
    )
    for word in store.words_of(connection, row.shipment_id, unapplied=True):
        _apply(connection, carrier, row, word, now, trade)
    if fresh:
        _tell(connection, row.parcel_id, now)
    return fresh


def _apply(
    connection: Connection, carrier: Carrier, row: store.BookingRow, word: dict[str, Any], now: datetime, trade: Trade
) -> None:
    said_at = word["at"] if word["is_zone_known"] else word["received_at"]
    at = min(said_at, now)  # a carrier's clock may be ahead of ours; nothing happens in the future
    is_done = tracking.record_carrier_word(
        connection, row.parcel_id, word["step"], word["place"], at, now, trade,
        carrier=carrier.title.en or carrier.name, note=word["text"],
    )  # fmt: skip
    if is_done:
        store.applied(connection, word, now)
        if word["step"] == epcis.DELIVERED:
            store.save(connection, row.shipment_id, now, state=store.ARRIVED, next_try_at=None)


def _tell(connection: Connection, parcel_id: str, now: datetime) -> None:
    found = parcels.load(connection, parcel_id)
    if found is not None and found.order_id:
        page_event(connection, f"order:{found.order_id}", "carrier", {"parcel_id": parcel_id}, now)


def tell_booking(connection: Connection, row: store.BookingRow, now: datetime) -> None:
    """Tell open pages that a booking has moved on."""
    _tell(connection, row.parcel_id, now)


def shown(connection: Connection, parcel_id: str, *, for_merchant: bool) -> dict[str, Any]:
    """Return a parcel's newest booking as pages show it; the shopper sees no refusals."""
    rows = store.of_parcel(connection, parcel_id)
    row = rows[0] if rows else None
    if row is None or (not for_merchant and row.state not in (store.BOOKED, store.ARRIVED)):
        return {"booking": None, "words": []}
    booking = {
        name: getattr(row, name)
        for name in ("shipment_id", "carrier", "state", "tracking_no", "tracking_url", "label_media_type", "reason")
    }
    is_doubtful = row.state == store.BOOKING and row.attempts > 0
    words = [
        {name: word[name] for name in ("raw", "text", "place", "step", "at", "is_zone_known")}
        for word in reversed(store.words_of(connection, row.shipment_id))
    ]
    return {"booking": {**booking, "is_doubtful": is_doubtful}, "words": words}
