"""Use cases of a return: ask, answer, scan in. Money moves only through the order's own steps."""

import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from cloud_relay.accounts.roles import check_reach
from cloud_relay.catalog.reading import missing
from cloud_relay.notices import service as notices
from cloud_relay.orders import steps
from cloud_relay.orders import store as orders
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent, OrderState, Timer
from cloud_relay.orders.store import Order
from cloud_relay.orders.trade import Trade
from cloud_relay.refusals import RefusedError
from cloud_relay.returns import rules
from cloud_relay.returns.rules import ReturnEvent, ReturnState
from cloud_relay.tables import dispute, order_return, shop
from cloud_relay.web.pages import page_event
from wire.values import clean_text, format_time, new_id


def ask_return(
    connection: Connection, account_id: str, order_id: str, reason: str, now: datetime, trade: Trade
) -> dict[str, Any]:
    """Ask to send an order back, while it is delivered and its payment held; the payment then waits as in a dispute.

    RefusedError when it is not delivered, or the agreed time after delivery is over (the payment is the shop's then).
    """
    order = _settled(connection, order_id, now, trade)
    if order.account_id != account_id:
        raise missing()
    why = clean_text(reason, "reason", rules.REASON_LENGTH_MAX, lines=rules.REASON_LINES_MAX)
    if order.state != OrderState.DELIVERED or _row(connection, order_id) is not None:
        raise RefusedError(
            "no_return_possible", "A return can be asked for once, after delivery, while the payment is held",
            "收货后货款代管期间可申请一次退货",
        )  # fmt: skip
    happening = Happening(event=OrderEvent.DISPUTE_OPENED, actor=account_id, reason=why)
    disputed = steps.apply(connection, order_id, happening, now, trade)
    row = {
        "order_id": order_id, "return_id": new_id("ret"), "dispute_id": disputed.dispute_id, "state": "asked",
        "reason": why, "asked_at": now,
    }  # fmt: skip
    connection.execute(insert(order_return).values(row))
    _tell(connection, order, "return_asked", notices.members_of(connection, order.merchant_id), now, why)
    return {"order_id": order_id, "state": ReturnState.ASKED.value}


def answer_return(
    connection: Connection, merchant_ids: Iterable[str], account_id: str, order_id: str, event: ReturnEvent,
    reason: str, now: datetime, trade: Trade,
) -> dict[str, Any]:  # fmt: skip
    """Accept a return, or decline it with a reason: the operator then rules on the dispute.

    From the acceptance on the parcel has the whole time of a dispute to come back.
    """
    order, row, after = _stepped(connection, merchant_ids, order_id, event, now, trade)
    why = ""
    if event is ReturnEvent.DECLINE:
        why = clean_text(reason, "reason", rules.REASON_LENGTH_MAX, lines=rules.REASON_LINES_MAX)
    _save(connection, order_id, state=after.value, answer_reason=why, answered_by=account_id, answered_at=now)
    if after is ReturnState.ACCEPTED:
        terms = trade.terms(order.photo_window_s, order.release_after_s)
        orders.save_rule_until(connection, order, now + terms.of(Timer.RULE))
    kind = "return_accepted" if after is ReturnState.ACCEPTED else "return_declined"
    _tell(connection, order, kind, [order.account_id], now, why)
    return {"order_id": order_id, "return_id": row["return_id"], "state": after.value}


def scan_in(
    connection: Connection, merchant_ids: Iterable[str], account_id: str, order_id: str, scanned: str, now: datetime,
    trade: Trade,
) -> dict[str, Any]:  # fmt: skip
    """The parcel came back: its return label was scanned, and the held payment goes back to the shopper.

    RefusedError for another label's code, or a return that was not accepted.
    """
    order, row, after = _stepped(connection, merchant_ids, order_id, ReturnEvent.ARRIVE, now, trade)
    if not hmac.compare_digest(rules.read_code(scanned).encode(), row["return_id"].encode()):
        raise RefusedError("wrong_code", "This code is not this return's", "此码不属于这个退货", 422)
    _save(connection, order_id, state=after.value, arrived_at=now)
    happening = Happening(event=OrderEvent.RULED_REFUND, actor=account_id, reason="return_arrived")
    changed = steps.apply(connection, order_id, happening, now, trade)
    page_event(connection, f"order:{order.order_id}", "return", {"order_id": order_id}, now)
    return {"order_id": order_id, "state": after.value, "order_state": changed.state}


def read_return(connection: Connection, order_id: str) -> dict[str, Any] | None:
    """Return where an order's return is, None when nobody asked for one; who may read it the caller has checked."""
    row = _row(connection, order_id)
    if row is None:
        return None
    names = ("return_id", "reason", "answer_reason", "asked_at", "answered_at", "arrived_at")
    found = _dispute(connection, row["dispute_id"])
    state = rules.state_of(row["state"], is_dispute_open=found["state"] == "open")
    until = format_time(found["rule_until"]) if found["rule_until"] else None
    return {**{name: row[name] for name in names}, "state": state.value, "arrive_until": until}


def label_of(connection: Connection, account_id: str, order_id: str, now: datetime, trade: Trade) -> dict[str, Any]:
    """Return what the label of an accepted return says: where it goes and its code; only for the shopper."""
    order = _settled(connection, order_id, now, trade)
    found = read_return(connection, order_id)
    if order.account_id != account_id or found is None or found["state"] != ReturnState.ACCEPTED:
        raise missing()
    query = select(shop.c.name_en, shop.c.name_zh, shop.c.sender_lines).where(shop.c.shop_id == order.shop_id)
    row = connection.execute(query).one()
    return {
        "order_id": order_id, "return_id": found["return_id"], "shop_name": {"en": row.name_en, "zh": row.name_zh},
        "lines": list(row.sender_lines), "arrive_until": found["arrive_until"],
        "code": f"{trade.resolver_url}/orders/{order_id}#return={found['return_id']}",
    }  # fmt: skip


def _settled(connection: Connection, order_id: str, now: datetime, trade: Trade) -> Order:
    try:
        return steps.settle_due(connection, order_id, now, trade)
    except LookupError:
        raise missing() from None


def _row(connection: Connection, order_id: str) -> Any:
    query = select(order_return).where(order_return.c.order_id == order_id)
    return connection.execute(query).mappings().one_or_none()


def _dispute(connection: Connection, dispute_id: str) -> Any:
    query = select(dispute.c.state, dispute.c.rule_until).where(dispute.c.dispute_id == dispute_id)
    return connection.execute(query).mappings().one()


def _stepped(
    connection: Connection, merchant_ids: Iterable[str], order_id: str, event: ReturnEvent, now: datetime, trade: Trade
) -> tuple[Order, Any, ReturnState]:
    """Return order, row and next state for a merchant's deed; RefusedError when it is not theirs or not possible."""
    order, row = _settled(connection, order_id, now, trade), _row(connection, order_id)
    if row is None or not check_reach(merchant_ids, order.merchant_id):
        raise missing()
    is_open = _dispute(connection, row["dispute_id"])["state"] == "open"
    return order, row, rules.step(rules.state_of(row["state"], is_dispute_open=is_open), event)


def _save(connection: Connection, order_id: str, **values: Any) -> None:
    connection.execute(update(order_return).where(order_return.c.order_id == order_id).values(values))


def _tell(connection: Connection, order: Order, kind: str, people: Iterable[str], now: datetime, reason: str) -> None:
    words = {"title_en": order.title_en, "title_zh": order.title_zh, "reason": reason}
    notices.notify(connection, people, kind, f"/orders/{order.order_id}", now, **words)
    page_event(connection, f"order:{order.order_id}", "return", {"order_id": order.order_id}, now)
