"""What becomes of a parcel that is collected: ready, reminded of, taken with its code, or gone back."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from cloud_relay.notices import service as notices
from cloud_relay.orders import steps
from cloud_relay.orders import store as order_store
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent, OrderState
from cloud_relay.orders.trade import Trade
from cloud_relay.parcels.rules import ParcelState
from cloud_relay.pickup import rules
from cloud_relay.pickup.rules import Next, PickupState, PickupTerms
from cloud_relay.tables import order_line, orders, parcel, pickup
from cloud_relay.web.pages import page_event
from wire.reports import HandedOver, ReadyForPickup

__all__ = ["collected", "due_orders", "of_order", "ready", "work_on"]

BATCH = 100


def of_order(connection: Connection, order_id: str, *, for_shopper: bool) -> dict[str, Any] | None:
    """Return where and until when an order is collected, None for one that is delivered.

    The code is the shopper's alone, and only once the parcel waits for them.
    """
    row = connection.execute(select(pickup).where(pickup.c.order_id == order_id)).mappings().one_or_none()
    if row is None:
        return None
    return {
        "point_id": row["point_id"], "name": {"en": row["name_en"], "zh": row["name_zh"]}, "address": row["address"],
        "hours": {"en": row["hours_en"], "zh": row["hours_zh"]}, "state": row["state"],
        "code": row["code"] if for_shopper and row["state"] == PickupState.READY else "",
        "ready_at": row["ready_at"], "collect_until": row["collect_until"],
    }  # fmt: skip


def ready(connection: Connection, shop_id: str, report: ReadyForPickup, now: datetime, terms: PickupTerms) -> None:
    """The shop says that it waits: the shopper is told at once, and the clock of the collection begins."""
    found = _of_parcel(connection, shop_id, report.parcel_id)
    if found is None or found["state"] not in (PickupState.WAITING, PickupState.READY):
        return
    ready_at = found["ready_at"] or now
    values = {
        "state": PickupState.READY.value, "ready_at": ready_at, "next_at": rules.next_at(ready_at, 0, terms),
        "collect_until": rules.next_at(ready_at, len(terms.remind_s), terms),
    }  # fmt: skip
    _save(connection, found["order_id"], values)
    _tell(connection, found, "ready_to_collect", now)


def collected(connection: Connection, shop_id: str, report: HandedOver, now: datetime) -> None:
    """The shopper took it and their code was right: signed for. The order's own step is folded with the report."""
    found = _of_parcel(connection, shop_id, report.parcel_id) if report.is_collected else None
    if found is not None and found["ended_at"] is None:
        change = update(parcel).where(parcel.c.parcel_id == report.parcel_id)
        connection.execute(change.values(state=ParcelState.DELIVERED.value))
        _end(connection, found["order_id"], PickupState.COLLECTED, now)


def due_orders(connection: Connection, now: datetime) -> list[str]:
    """Return orders whose collection has something due, the most overdue first."""
    query = (
        select(pickup.c.order_id)
        .join(orders, orders.c.order_id == pickup.c.order_id)
        .where(pickup.c.next_at <= now, orders.c.state != OrderState.DISPUTED.value)
        .order_by(pickup.c.next_at)
        .limit(BATCH)
    )
    return list(connection.scalars(query))


def work_on(connection: Connection, order_id: str, now: datetime, trade: Trade, terms: PickupTerms) -> Next:
    """Do what is due for one collection: remind once, or have the shop take it back. Returns what it was."""
    found = _load(connection, order_id)
    if found is None or found["next_at"] is None or found["ready_at"] is None:
        return Next.NOTHING
    order = order_store.load(connection, order_id)
    assert order is not None, f"pickup of {order_id} has no order"
    if order.state != OrderState.CONFIRMED:
        # not there any more: cancelled, objected, taken; a new photo that is confirmed makes it ready anew
        is_over = order.state not in (OrderState.PAID, OrderState.PHOTO_OFFERED)
        if is_over:
            _end(connection, order_id, PickupState.ENDED, now)
        else:
            _save(connection, order_id, {"next_at": None, "state": PickupState.WAITING.value})
        return Next.NOTHING
    what = rules.due(found["ready_at"], found["reminders"], now, terms)
    if what is Next.GO_BACK:
        _save(connection, order_id, {"state": PickupState.RETURNING.value, "next_at": None})
        happening = Happening(event=OrderEvent.COLLECT_DUE, actor="clock", reason="not_collected")
        steps.apply(connection, order_id, happening, now, trade)
    elif what is Next.REMIND:
        reminders = rules.passed(found["ready_at"], now, terms)
        values = {"reminders": reminders, "next_at": rules.next_at(found["ready_at"], reminders, terms)}
        _save(connection, order_id, values)
        _tell(connection, found, "collect_reminder", now)
    return what


_PICKUP = (
    select(pickup, orders.c.account_id, order_line.c.parcel_id, order_line.c.title_en, order_line.c.title_zh)
    .join(orders, orders.c.order_id == pickup.c.order_id)
    .join(order_line, order_line.c.order_id == pickup.c.order_id)
)


def _of_parcel(connection: Connection, shop_id: str, parcel_id: str) -> dict[str, Any] | None:
    where = (order_line.c.parcel_id == parcel_id, pickup.c.shop_id == shop_id)
    row = connection.execute(_PICKUP.where(*where)).mappings().one_or_none()
    return dict(row) if row is not None else None


def _load(connection: Connection, order_id: str) -> dict[str, Any] | None:
    row = connection.execute(_PICKUP.where(pickup.c.order_id == order_id)).mappings().one_or_none()
    return dict(row) if row is not None else None


def _save(connection: Connection, order_id: str, values: dict[str, Any]) -> None:
    connection.execute(update(pickup).where(pickup.c.order_id == order_id).values(values))


def _end(connection: Connection, order_id: str, state: PickupState, now: datetime) -> None:
    """Nothing more is due, and the code opens nothing any more."""
    _save(connection, order_id, {"state": state.value, "next_at": None, "ended_at": now, "code": ""})


def _tell(connection: Connection, found: dict[str, Any], kind: str, now: datetime) -> None:
    words = {
        "title_en": found["title_en"], "title_zh": found["title_zh"],
        "place": found["name_en"] or found["name_zh"], "place_zh": found["name_zh"] or found["name_en"],
    }  # fmt: skip
    order_id = found["order_id"]
    notices.notify(connection, [found["account_id"]], kind, f"/orders/{order_id}", now, **words)
    page_event(connection, f"order:{order_id}", "pickup", {"order_id": order_id, "event": kind}, now)
