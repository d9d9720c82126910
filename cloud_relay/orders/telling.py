"""Who hears of a step of an order: open pages, notices, and the sentences with which a step is refused."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from cloud_relay.notices import service as notices
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent, OrderState, OrderView
from cloud_relay.orders.store import Order
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import PageEvent, page_events

E, S = OrderEvent, OrderState

SHOPPER_NOTICES: dict[OrderEvent, str] = {
    E.PAYMENT_FAILED: "payment_failed",
    E.PAYMENT_PLEDGED: "pledge_held",
    E.PAYMENT_TOO_LATE: "pledge_too_late",
    E.PAY_DUE: "order_expired",
    E.CANCEL_REFUSED: "cancel_refused",
    E.PHOTOGRAPHED: "photo_ready",
    E.PHOTO_DUE: "photo_silent",
    E.PIECE_GONE: "piece_gone",
    E.HANDED_OVER: "handed_over",
    E.DELIVERED: "delivered",
    E.COLLECTED: "collected",
    E.COLLECT_DUE: "not_collected",
}
MERCHANT_NOTICES: dict[OrderEvent, str] = {
    E.PHOTO_CONFIRMED: "photo_confirmed",
    E.PHOTO_DUE: "photo_confirmed",
    E.PHOTO_OBJECTED: "photo_objected",
    E.PIECE_GONE: "order_called_off",
    E.CHARGED_BACK: "charged_back",
    E.COLLECTED: "parcel_collected",
    E.COLLECT_DUE: "nobody_collected",
}
BOTH = {
    E.DISPUTE_OPENED: "dispute_opened",
    E.SHIP_DUE: "dispute_opened",
    E.ARRIVE_DUE: "dispute_opened",
    E.CANCEL_DUE: "dispute_opened",
    E.CANCEL_FAILED: "dispute_opened",
    E.DISPUTE_WITHDRAWN: "dispute_withdrawn",
    E.RULED_REFUND: "dispute_ruled",
    E.RULED_RELEASE: "dispute_ruled",
    E.RULED_SPLIT: "dispute_ruled",
    E.RULE_DUE: "dispute_ruled",
    E.OPERATOR_CALLED: "return_overdue",
}
TO_OPERATORS = frozenset({"dispute_opened", "return_overdue"})
"""Of what BOTH hear, this is for operators too: they rule on it."""
STATE_NOTICES: dict[OrderState, tuple[str, str]] = {
    S.PAID: ("order_paid", "order_received"),
    S.CANCELLING: ("cancelling", "cancelling"),
    S.CANCELLED: ("order_cancelled", "order_called_off"),
    S.RELEASED: ("money_released", "money_received"),
    S.REFUNDED: ("order_refunded", "order_called_off"),
}
"""(to the shopper, to the merchant) on entering a state, beside what the event itself says."""

REFUSALS: dict[OrderEvent, tuple[str, str, str]] = {
    E.PLEDGE_LEFT: ("group_is_complete", "Your group is complete: this order goes on", "拼单已成团，此订单继续进行"),
    E.CANCEL_ASKED: ("too_late_to_cancel", "This order can no longer be cancelled", "此订单已不能取消"),
    E.PHOTO_CONFIRMED: ("no_photo_to_answer", "There is no photo to answer now", "目前没有需要确认的照片"),
    E.PHOTO_OBJECTED: ("no_photo_to_answer", "There is no photo to answer now", "目前没有需要确认的照片"),
    E.RECEIPT: ("nothing_received", "This order has not been handed over", "此订单尚未交寄"),
    E.DISPUTE_OPENED: ("no_dispute_possible", "A dispute is not possible now", "目前不能发起争议"),
    E.DISPUTE_WITHDRAWN: ("no_dispute", "There is no open dispute", "没有进行中的争议"),
    E.RULED_REFUND: ("no_dispute", "There is no open dispute", "没有进行中的争议"),
    E.RULED_RELEASE: ("not_handed_over", "Money is released only after hand-over", "交寄之后才能放款"),
    E.RULED_SPLIT: ("not_handed_over", "Money is released only after hand-over", "交寄之后才能放款"),
}


def refusal(state: OrderState, event: OrderEvent) -> RefusedError:
    """Return why `event` is not possible in `state`, for the person who asked."""
    type_, english, chinese = REFUSALS.get(event, ("not_possible", "This is not possible now", "目前无法进行此操作"))
    return RefusedError(type_, english, chinese, state=state.value)


def tell(connection: Connection, steps: Iterable[tuple[Order, OrderView, Happening]], now: datetime) -> None:
    """Tell pages and people of steps (the order after, before, why), in as few statements as there are tables."""
    events: list[PageEvent] = []
    for order, before, happening in steps:
        events += _events(connection, order, before, happening, now)
    page_events(connection, events, now)


def _events(
    connection: Connection, order: Order, before: OrderView, happening: Happening, now: datetime
) -> list[PageEvent]:
    """Write the notices of one step; return what the pages are to be told."""
    data = {
        "order_id": order.order_id, "parcel_id": order.parcel_id, "state": order.state, "event": happening.event.value,
    }  # fmt: skip
    channels = (f"order:{order.order_id}", f"account:{order.account_id}", f"merchant:{order.merchant_id}")
    events: list[PageEvent] = [(channel, "order", data) for channel in channels]
    if order.group_id is not None:
        events.append((f"group:{order.group_id}", "pledge", {"group_id": order.group_id}))
    to_shopper, to_merchant = _kinds(order, before, happening)
    people = [(order.account_id, kind) for kind in to_shopper]
    if to_merchant:
        members = notices.members_of(connection, order.merchant_id)
        people += [(member, kind) for kind in to_merchant for member in members]
    values = {"title_en": order.title_en, "title_zh": order.title_zh, "reason": happening.reason}
    events += notices.write(connection, people, f"/orders/{order.order_id}", now, values)
    kind = BOTH.get(happening.event, "")
    if kind in TO_OPERATORS:
        to_operators = [(name, kind) for name in notices.operators(connection)]
        events += notices.write(connection, to_operators, "/operator", now, values)
        events.append(("operator", "dispute", data))
    return events


def _kinds(order: Order, before: OrderView, happening: Happening) -> tuple[list[str], list[str]]:
    """Return the kinds of notices (to the shopper, to the merchant's people)."""
    if not happening.is_told:
        return [], []
    event = happening.event
    if event in (E.GROUP_SUCCEEDED, E.GROUP_FAILED):  # those whose money counted hear it as members of the group
        return ["pledge_over"] if before.state is S.UNPAID else [], ["order_received"] if order.state == S.PAID else []
    both = [BOTH[event]] if event in BOTH else []
    to_shopper = [*both, *([SHOPPER_NOTICES[event]] if event in SHOPPER_NOTICES else [])]
    to_merchant = [*both, *([MERCHANT_NOTICES[event]] if event in MERCHANT_NOTICES else [])]
    state = OrderState(order.state)
    if before.state is not state and state in STATE_NOTICES and not _says_it_all(event):
        to_shopper.append(STATE_NOTICES[state][0])
        if before.state is not S.UNPAID or state is S.PAID:  # what was never paid the merchant never heard of
            to_merchant.append(STATE_NOTICES[state][1])
    return to_shopper, [] if before.state is S.PLEDGED else to_merchant


def _says_it_all(event: OrderEvent) -> bool:
    """Whether the event's own notice already tells where the order went."""
    return event in (E.PIECE_GONE, E.PHOTO_OBJECTED, E.DISPUTE_WITHDRAWN, E.CHARGED_BACK, E.COLLECT_DUE,
                     E.PAYMENT_TOO_LATE)  # fmt: skip
