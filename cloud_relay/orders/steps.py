"""The one road by which an order changes: due timers first, then the table, its effects, the timeline, the pages."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cloud_relay.orders import stock, store, telling
from cloud_relay.orders.effects import EFFECTS, Happening, Scene
from cloud_relay.orders.rules import (
    AT_SHOP,
    FINAL,
    UNDONE,
    Effect,
    OrderEvent,
    OrderState,
    OrderView,
    StepRefusedError,
    due_event,
    is_ignored,
    step,
)
from cloud_relay.orders.store import Order
from cloud_relay.orders.trade import Trade
from cloud_relay.records import purchases
from cloud_relay.refusals import RefusedError

CHAIN_MAX = 8
"""More deadlines than this can never be due one after the other; the table has no such path."""


def apply(connection: Connection, order_id: str, happening: Happening, now: datetime, trade: Trade) -> Order:
    """Let `happening` happen to an order and return the order after it.

    Deadlines reached by `now` happen first, so the outcome never depends on how late the timer task is. An event that
    the state ignores changes nothing; one that it refuses raises RefusedError with the sentence for the person.
    """
    order = settle_due(connection, order_id, now, trade)
    return _apply(connection, [(order, _meant(connection, order, happening, now))], now, trade)[0]


def apply_all(
    connection: Connection, order_ids: Sequence[str], happening: Happening, now: datetime, trade: Trade
) -> list[Order]:
    """As `apply`, to several orders at the same moment, in about as few statements as one of them takes."""
    found = [
        order if due_event(order.view, now) is None else settle_due(connection, order.order_id, now, trade)
        for order in store.load_all(connection, order_ids)
    ]
    return _apply(connection, [(order, _meant(connection, order, happening, now)) for order in found], now, trade)


def _meant(connection: Connection, order: Order, happening: Happening, now: datetime) -> Happening:
    """Return what a happening means for this order; RefusedError for what its group does not allow."""
    if happening.event is OrderEvent.PAYMENT_SUCCEEDED:
        return _paid(connection, order, happening, now)
    if happening.event is OrderEvent.CANCEL_ASKED:
        _refuse_after_success(order, happening)
    return happening


def settle_due(connection: Connection, order_id: str, now: datetime, trade: Trade) -> Order:
    """Let every deadline of the order that is reached by `now` happen; return the order."""
    order = store.load(connection, order_id)
    if order is None:
        raise LookupError(f"order {order_id}: is not there")
    for _ in range(CHAIN_MAX):
        event = due_event(order.view, now)
        if event is None:
            return order
        order = _apply(connection, [(order, Happening(event=event, actor="clock"))], now, trade)[0]
    raise RuntimeError(f"order {order_id}: its deadlines never end")


def _paid(connection: Connection, order: Order, happening: Happening, now: datetime) -> Happening:
    """Choose what a payment means: of an ordinary order that expired, or of a pledge in a group order."""
    if order.group_id is not None:
        return _pledged(order, happening, now)
    return _late(connection, order, happening) if order.state == OrderState.EXPIRED else happening


def _pledged(order: Order, happening: Happening, now: datetime) -> Happening:
    """A pledge's payment counts while its group is open, up to, not including, the deadline; a second one goes back."""
    assert order.group_until is not None
    is_open = order.group_state == "open" and now < order.group_until
    if order.state == OrderState.UNPAID and is_open:
        return replace(happening, event=OrderEvent.PAYMENT_PLEDGED)
    is_late = order.state in (OrderState.UNPAID, OrderState.EXPIRED, OrderState.CANCELLED)
    return replace(happening, event=OrderEvent.PAYMENT_TOO_LATE) if is_late else happening


def _refuse_after_success(order: Order, happening: Happening) -> None:
    """The others' price counts on everybody: who is in a complete group cannot step out any more."""
    if order.group_state == "succeeded" and order.state in AT_SHOP and happening.actor == order.account_id:
        raise RefusedError(
            "group_is_complete",
            "Your group is complete: the others' price counts on your order. You can still object to the photo, open a"
            " dispute or send it back",
            "拼单已成团，其他人的优惠以您的订单为前提，不能再取消。您仍可对照片提出异议、发起争议或申请退货",
        )


def _late(connection: Connection, order: Order, happening: Happening) -> Happening:
    """A payment after the order expired takes the piece if it is free again; otherwise the payment goes back."""
    is_retaken = stock.retake(connection, order.piece_id)
    return replace(happening, event=OrderEvent.PAYMENT_RETAKEN) if is_retaken else happening


def _apply(
    connection: Connection, meant: Sequence[tuple[Order, Happening]], now: datetime, trade: Trade
) -> list[Order]:
    """Let something happen to each of these orders, all different; return them as they are then."""
    scenes = [_scene(connection, order, happening, now, trade) for order, happening in meant]
    moving = [scene for scene in scenes if not is_ignored(scene.order.view, scene.happening.event)]
    _carry_out(moving)
    for scene in moving:
        if scene.after.state is OrderState.DISPUTED and scene.order.state == OrderState.DISPUTED:
            store.save_shadow(connection, scene.order, scene.after)
    store.save_all(connection, [(one.order, one.after, _moments(one)) for one in moving])
    changed = {one.order.order_id: _changed(one) for one in moving}
    store.add_events(connection, [_line(changed[one.order.order_id], one.happening) for one in moving], now)
    for one in moving:
        _keep_purchase(connection, changed[one.order.order_id], one.order.view, now)
    telling.tell(connection, [(changed[one.order.order_id], one.order.view, one.happening) for one in moving], now)
    return [changed.get(order.order_id, order) for order, _ in meant]


def _scene(connection: Connection, order: Order, happening: Happening, now: datetime, trade: Trade) -> Scene:
    """Return where an event leads an order; RefusedError when it may not happen now."""
    terms = trade.terms(order.photo_window_s, order.release_after_s)
    try:
        after, effects = step(order.view, happening.event, now, terms)
    except StepRefusedError as error:
        raise telling.refusal(error.state, error.event) from None
    return Scene(connection, order, after, effects, happening, now, trade)


def _carry_out(scenes: Sequence[Scene]) -> None:
    """Carry out each effect, for all orders that have the same ones at once."""
    of_effects: dict[tuple[Effect, ...], list[Scene]] = {}
    for scene in scenes:
        of_effects.setdefault(scene.effects, []).append(scene)
    for effects, those in of_effects.items():
        for effect in effects:
            EFFECTS[effect](those)


RELOADING = frozenset({Effect.OPEN_DISPUTE, Effect.CLOSE_DISPUTE, Effect.RETAKE_STOCK})
"""Effects that change more of the order than its state."""


def _changed(scene: Scene) -> Order:
    order, after = scene.order, scene.after
    if after.state is OrderState.DISPUTED or RELOADING & set(scene.effects):
        changed = store.load(scene.connection, order.order_id)
        assert changed is not None
        return changed
    state, version = after.state.value, order.version + 1
    return replace(order, state=state, objections=after.objections, due_at=after.until, version=version)


def _moments(scene: Scene) -> dict[str, Any]:
    """Return the times of the order's row that this step sets."""
    before, after, happening, now = scene.order.view, scene.after, scene.happening, scene.now
    values: dict[str, Any] = {}
    is_paid_now = after.state in (OrderState.PAID, OrderState.PLEDGED)
    if before.state in (OrderState.UNPAID, OrderState.EXPIRED) and is_paid_now:
        values |= {"paid_at": now, "ended_at": None, "end_reason": ""}
    if after.state is OrderState.PHOTO_OFFERED:
        values["photo_until"] = after.until
    if happening.event in (OrderEvent.HANDED_OVER, OrderEvent.COLLECTED, OrderEvent.CANCEL_REFUSED):
        values["handed_over_at"] = now
    if happening.event in (OrderEvent.DELIVERED, OrderEvent.COLLECTED):
        values["delivered_at"] = now
    values["release_at"] = after.until if after.state is OrderState.DELIVERED else None
    if after.state in FINAL and before.state is not after.state:
        values |= {"ended_at": now, "end_reason": happening.event.value}
    return values


NEVER_BOUGHT = frozenset({OrderState.UNPAID, OrderState.PLEDGED})
"""An order that ends out of these was in nobody's record."""


def _keep_purchase(connection: Connection, order: Order, before: OrderView, now: datetime) -> None:
    """Goods are bought once their payment is held for good, and given back once the order is undone."""
    state = OrderState(order.state)
    if state is before.state:
        return
    if state is OrderState.PAID:
        purchases.order_paid(connection, order.order_id, now)
    elif state in UNDONE and before.state not in NEVER_BOUGHT:
        purchases.order_undone(connection, order.order_id, order.account_id, now)


def _line(order: Order, happening: Happening) -> tuple[str, str, str, dict[str, Any], str]:
    """Return a step's line in the timeline of its order."""
    detail: dict[str, Any] = {"state": order.state}
    if happening.picture_sha256:
        detail["picture_sha256"] = happening.picture_sha256
    if happening.reason:
        detail["reason"] = happening.reason
    if happening.to_shopper_minor:
        detail["to_shopper_minor"] = happening.to_shopper_minor
    return order.order_id, order.parcel_id, happening.event.value, detail, happening.actor
