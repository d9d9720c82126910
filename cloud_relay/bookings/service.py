"""Use cases of booked viewing times: see what is free, book, give back, be reminded."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from cloud_relay.bookings import rules, store
from cloud_relay.notices.service import notify
from cloud_relay.refusals import RefusedError
from wire.values import format_time, new_id


def _place(connection: Connection, piece_id: str) -> dict[str, Any]:
    found = store.find_place(connection, piece_id)
    if found is None or found["state"] == "sold":
        raise RefusedError("not_found", "Not found", "没有找到", 404)
    return found


def _slot_gone() -> RefusedError:
    return RefusedError("slot_gone", "This time is not free any more; choose another", "该时间已不可预约，请另选")


def free(connection: Connection, piece_id: str, now: datetime) -> dict[str, Any]:
    """Return what may be booked for a piece: days and times on the shop's clock."""
    place = _place(connection, piece_id)
    starts = rules.slots(place, store.taken(connection, place["shop_id"], place["spot"]["camera"], now), now)
    return {
        "piece_id": piece_id, "listing_id": place["listing_id"], "code": place["code"],
        "title": {"en": place["title_en"], "zh": place["title_zh"]},
        "shop_name": {"en": place["name_en"], "zh": place["name_zh"]}, "time_zone": place["time_zone"],
        "days": rules.by_day(starts, place["time_zone"]), "minutes": int(rules.SLOT.total_seconds()) // 60,
    }  # fmt: skip


def book(connection: Connection, account_id: str, piece_id: str, starts_at: datetime, now: datetime) -> dict[str, Any]:
    """Book one slot; RefusedError when it is taken, the shop is closed then, or one has enough of them."""
    place = _place(connection, piece_id)
    camera = place["spot"]["camera"]
    if store.count_open(connection, account_id, now) >= rules.OPEN_MAX:
        words = (f"You have {rules.OPEN_MAX} bookings already", f"您已有 {rules.OPEN_MAX} 个预约")
        raise RefusedError("too_many_bookings", *words)
    if starts_at not in rules.slots(place, store.taken(connection, place["shop_id"], camera, now), now):
        raise _slot_gone()
    values = {
        "booking_id": new_id("bkg"), "account_id": account_id, "shop_id": place["shop_id"], "piece_id": piece_id,
        "camera": camera, "state": store.BOOKED, "starts_at": starts_at, "ends_at": starts_at + rules.SLOT,
        "place_key": f"{place['shop_id']}/{camera}/{format_time(starts_at)}", "created_at": now,
    }  # fmt: skip
    try:
        store.add(connection, values)
    except IntegrityError:  # on PostgreSQL two may look at the same moment; the unique key lets one in
        raise _slot_gone() from None
    _tell(connection, values["booking_id"], "booking_made", now)
    return {"booking_id": values["booking_id"], "starts_at": starts_at, "ends_at": values["ends_at"]}


def give_back(connection: Connection, account_id: str, booking_id: str, now: datetime) -> None:
    """Cancel one's own booking; the slot is free for others at once."""
    if not store.cancel(connection, booking_id, account_id, now):
        raise RefusedError("not_found", "Not found", "没有找到", 404)
    _tell(connection, booking_id, "booking_cancelled", now)


def remind(connection: Connection, now: datetime) -> int:
    """Remind of bookings that begin soon, each once; return how many."""
    due = store.to_remind(connection, now + rules.REMIND, now)
    reminded = [one for one in due if store.mark_reminded(connection, one, now)]
    for booking_id in reminded:
        _tell(connection, booking_id, "booking_soon", now)
    return len(reminded)


def _tell(connection: Connection, booking_id: str, kind: str, now: datetime) -> None:
    found = store.one(connection, booking_id)
    assert found is not None
    title = {name: found[name] for name in ("title_en", "title_zh")}
    link = "/account#bookings" if kind == "booking_cancelled" else f"/look/{found['piece_id']}"
    when = rules.said(found["starts_at"], found["time_zone"])
    notify(connection, [found["account_id"]], kind, link, now, when=when, **title)
