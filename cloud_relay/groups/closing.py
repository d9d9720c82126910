"""How a group order ends: complete at once when the paid pledges reach it, else at its deadline with all money back.

Every function is one transaction of its caller: all orders of a group go on, or all are given back, together.
"""

from datetime import datetime

from sqlalchemy import Connection, RowMapping

from cloud_relay.escrow import service as escrow
from cloud_relay.groups import pledging, rules, service, store, telling
from cloud_relay.groups.rules import GroupEvent, GroupState
from cloud_relay.groups.store import Group
from cloud_relay.orders import steps
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent, OrderState
from cloud_relay.orders.trade import Trade
from cloud_relay.refusals import RefusedError
from cloud_relay.shipping.rules import tax_of
from wire.promotions import PromotionKind, missing, savings


def reach(connection: Connection, group_id: str, now: datetime, trade: Trade) -> bool:
    """Let an open group succeed if its paid pledges bring what the promotion asks for; return whether it did."""
    group = store.load(connection, group_id)
    if group is None or not rules.is_open(group.state, group.close_until, now):
        return False
    pledges = store.pledges(connection, group_id)
    paid = [one for one in pledges if one["state"] == pledging.COUNTED]
    items = pledging.brought(paid)
    if not missing(group.terms, items).is_nothing:
        return False
    each = savings(group.terms, items)
    for one, saving in zip(paid, each, strict=True):
        _go_on(connection, group, one, saving, now, trade)
    _end_rest(connection, pledges, OrderEvent.GROUP_SUCCEEDED, now, trade)
    _close(connection, group, GroupEvent.REACHED, now, saving_minor=sum(each), notice="group_complete")
    return True


def _go_on(connection: Connection, group: Group, one: RowMapping, saving: int, now: datetime, trade: Trade) -> None:
    """Write what a pledge costs now, promise back what was paid beyond it, and let the shop begin."""
    order_id, back = one["order_id"], 0
    if group.terms.kind is not PromotionKind.GROUP_PRICE:  # the group price was paid to begin with
        price = one["price_minor"] - saving
        tax = tax_of(price + one["shipping_minor"], one["goods_tax_ppm"], is_on_top=one["is_tax_on_top"])
        back = saving + (one["goods_tax_minor"] - tax if one["is_tax_on_top"] else 0)
        total = one["total_minor"] - back
        store.lower_price(connection, order_id, price_minor=price, tax_minor=tax, total_minor=total)
    happening = Happening(event=OrderEvent.GROUP_SUCCEEDED, actor="clock")
    steps.apply(connection, order_id, happening, now, trade)
    refund_id = escrow.start_refund(connection, order_id, one["currency"], back, now)
    store.save_pledge(connection, order_id, saving_minor=saving, back_minor=back, refund_id=refund_id or None)


def _end_rest(
    connection: Connection, pledges: list[RowMapping], event: OrderEvent, now: datetime, trade: Trade
) -> None:
    """Let the event happen to each pledge that waits still, as they were read before any of them went on."""
    waiting = pledging.WAITING if event is OrderEvent.GROUP_FAILED else (OrderState.UNPAID,)
    left = [one["order_id"] for one in pledges if one["state"] in waiting]
    if left:
        steps.apply_all(connection, left, Happening(event=event, actor="clock"), now, trade)


def _close(
    connection: Connection, group: Group, event: GroupEvent, now: datetime, *, saving_minor: int = 0, notice: str = ""
) -> None:
    state = rules.step(GroupState(group.state), event)
    store.save(connection, group, state=state, ended_at=now, end_reason=event, saving_minor=saving_minor)
    telling.tell_end(connection, group, state.value, notice, now)


def settle_due(connection: Connection, group_id: str, now: datetime, trade: Trade) -> bool:
    """Give everything back if the group's deadline is reached by `now`; return whether it was."""
    group = store.load(connection, group_id)
    if group is None or group.state != GroupState.OPEN or now < group.close_until:
        return False
    _fail(connection, group, GroupEvent.DUE, now, trade, notice="group_failed")
    return True


def _fail(
    connection: Connection, group: Group, event: GroupEvent, now: datetime, trade: Trade, *, notice: str = ""
) -> None:
    _end_rest(connection, store.pledges(connection, group.group_id), OrderEvent.GROUP_FAILED, now, trade)
    _close(connection, group, event, now, notice=notice)


def leave(connection: Connection, account_id: str, group_id: str, now: datetime, trade: Trade) -> None:
    """Leave an open group: one's pledges end and what was paid for them goes back; the last one closes it.

    RefusedError once the group is over: a complete one holds everybody to it, of a failed one all comes back anyway.
    """
    own = store.find_member(connection, group_id, account_id)
    group = service.require_open(connection, group_id, now) if own else None
    if own is None or group is None or own["state"] != store.JOINED:
        raise RefusedError("not_a_member", "You are not in this group", "您不在此拼单中", 404)
    for one in store.pledges(connection, group_id):
        if one["member_id"] == own["member_id"] and one["state"] in pledging.WAITING:
            happening = Happening(event=OrderEvent.PLEDGE_LEFT, actor=account_id)
            steps.apply(connection, one["order_id"], happening, now, trade)
    store.save_member(connection, own["member_id"], state=store.LEFT, left_at=now)
    telling.tell(connection, group_id, "members", now)
    if not store.members(connection, group_id):
        _fail(connection, group, GroupEvent.ALL_LEFT, now, trade)
