"""A pledge: an ordinary order with its own held money, paid now and begun by the shop once the group is complete."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from cloud_relay.groups import rules, service, store
from cloud_relay.groups.store import Group
from cloud_relay.orders import placing
from cloud_relay.orders.placing import OrderWish, Placed
from cloud_relay.orders.rules import OrderState
from cloud_relay.orders.trade import Trade
from cloud_relay.refusals import RefusedError
from wire.promotions import Brought
from wire.values import BadValueError

COUNTED = OrderState.PLEDGED
"""Only what is paid counts towards a promotion."""
WAITING = (OrderState.UNPAID, OrderState.PLEDGED)


def pledge(
    connection: Connection, account_id: str, group_id: str, wish: OrderWish, now: datetime, trade: Trade
) -> Placed:
    """Order one piece in a group, to be paid now; who is not in the group yet comes in by it.

    Raises as `place_order`; RefusedError for a group that is over, goods that are not of its promotion, or too many
    pledges.
    """
    if wish.parcel_id or wish.more_parcel_ids:
        raise BadValueError("parcel_id: a pledge is for a listing, or for one piece of it")
    member_id = service.join(connection, account_id, group_id, now)
    group = service.require_open(connection, group_id, now)
    _require_room(connection, group, member_id)
    is_of_it = not group.terms.listing_ids or wish.listing_id in group.terms.listing_ids
    if not is_of_it or not store.is_offered(connection, group.shop_id, wish.listing_id):
        raise service.not_of_promotion()
    usual = placing.price_of(connection, account_id, wish, now)
    agreed = rules.agreed_minor(group.terms, usual)
    placed = placing.place_order(connection, account_id, replace(wish, agreed_minor=agreed), now, trade)
    if placed.currency != group.terms.currency:
        raise service.not_of_promotion()
    store.end_payment(connection, placed.order_id, group.close_until)
    store.insert_pledge(connection, {
        "order_id": placed.order_id, "group_id": group_id, "member_id": member_id, "listing_id": wish.listing_id,
        "usual_minor": usual, "pledged_at": now,
    })  # fmt: skip
    return replace(placed, pay_until=min(placed.pay_until, group.close_until))


def _require_room(connection: Connection, group: Group, member_id: str) -> None:
    own = [one for one in store.pledges(connection, group.group_id) if one["member_id"] == member_id]
    if sum(one["state"] in WAITING for one in own) >= rules.PLEDGES_MAX:
        raise RefusedError(
            "too_many_pledges", f"At most {rules.PLEDGES_MAX} pieces in one group; start another one for more",
            f"每人每个拼单最多 {rules.PLEDGES_MAX} 件，如需更多请另开一单",
        )  # fmt: skip


def brought(pledges: list[RowMapping]) -> list[Brought]:
    """Return what these pledges bring to their group."""
    return [
        Brought(person=one["member_id"], listing_id=one["listing_id"], price_minor=one["usual_minor"])
        for one in pledges
    ]
