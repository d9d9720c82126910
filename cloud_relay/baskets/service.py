"""Filling a basket and paying it: each use case is one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cloud_relay.baskets import reading, rules, store
from cloud_relay.baskets.reading import Line, Prices
from cloud_relay.orders import placing, reservations, steps
from cloud_relay.orders import store as orders
from cloud_relay.orders.choosing import require_variant
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.placing import OrderWish, Placed
from cloud_relay.orders.rules import OrderEvent, OrderState
from cloud_relay.orders.trade import Trade
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.plan import Address
from wire.values import new_id

GONE = frozenset({"out_of_stock", "reservation_over", "not_for_sale", "too_few"})
"""Refusals of an order that a basket answers with the names of the goods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketWish:
    """What a shopper pays at once: lines and kept pieces of one currency, all to one address.

    `total_minor` is the total that the shopper saw.
    """

    line_ids: tuple[str, ...] = ()
    parcel_ids: tuple[str, ...] = ()
    address: Address
    delivery_from: datetime | None = None
    delivery_until: datetime | None = None
    payment_method: str
    agrees_photo_window: bool
    total_minor: int


def _tell(connection: Connection, account_id: str, now: datetime) -> dict[str, Any]:
    count = reading.count(connection, account_id, now)
    page_event(connection, f"account:{account_id}", "basket", {"count": count}, now)
    return {"count": count}


def add_line(
    connection: Connection, account_id: str, listing_id: str, variant_id: str, quantity: int, now: datetime
) -> dict[str, Any]:
    """Put goods in; more of what lies there already make that line larger. RefusedError: not for sale, basket full."""
    require_variant(connection, listing_id, variant_id)
    sale = reservations.sale_of(connection, listing_id, now, variant_id)
    if variant_id and not sale.is_offered:
        raise reservations.not_for_sale()
    store.forget(connection, account_id, reading.done_lines(connection, account_id, now), now)
    lines = [one for one in reading.open_lines(connection, account_id, now) if not one.parcel_id]
    same = next(
        (one for one in lines if (one.row["listing_id"], one.row["variant_id"] or "") == (listing_id, variant_id)), None
    )
    if same is not None:
        _set_quantity(connection, same.key, same.quantity + quantity)
        return {"line_id": same.key, **_tell(connection, account_id, now)}
    if len(lines) >= rules.LINES_MAX:
        raise rules.too_much(rules.LINES_MAX)
    line_id = new_id("bln")
    values = {
        "line_id": line_id, "account_id": account_id, "listing_id": listing_id, "variant_id": variant_id or None,
        "quantity": quantity, "added_at": now,
    }  # fmt: skip
    store.add(connection, values)
    return {"line_id": line_id, **_tell(connection, account_id, now)}


def _set_quantity(connection: Connection, line_id: str, quantity: int) -> None:
    if quantity > rules.QUANTITY_MAX:
        raise rules.too_much(rules.QUANTITY_MAX)
    store.change(connection, [line_id], quantity=quantity, basket_id=None)


def _require_open(connection: Connection, account_id: str, line_id: str, now: datetime) -> Line:
    """Return an open line of this account; 404 for another's, 409 for one that is being paid."""
    found = next((one for one in reading.open_lines(connection, account_id, now) if one.key == line_id), None)
    if found is not None and not found.parcel_id:
        return found
    is_own = any(row["line_id"] == line_id for row in store.lines_of(connection, account_id, now))
    if is_own:
        raise rules.basket_changed()
    raise RefusedError("not_found", "Not found", "没有找到", 404)


def change_line(connection: Connection, account_id: str, line_id: str, quantity: int, now: datetime) -> dict[str, Any]:
    """Have so many of a line."""
    _require_open(connection, account_id, line_id, now)
    _set_quantity(connection, line_id, quantity)
    return {"line_id": line_id, **_tell(connection, account_id, now)}


def remove_line(connection: Connection, account_id: str, line_id: str, now: datetime) -> dict[str, Any]:
    """Take a line out; it can be taken back for a day."""
    _require_open(connection, account_id, line_id, now)
    store.change(connection, [line_id], removed_at=now, basket_id=None)
    return {"line_id": line_id, **_tell(connection, account_id, now)}


def restore_line(connection: Connection, account_id: str, line_id: str, now: datetime) -> dict[str, Any]:
    """Put a line back that was taken out."""
    if not store.restore(connection, account_id, line_id, now):
        raise RefusedError("not_found", "Not found", "没有找到", 404)
    return {"line_id": line_id, **_tell(connection, account_id, now)}


def _chosen(connection: Connection, account_id: str, wish: BasketWish, now: datetime) -> list[Line]:
    """Return the wished lines; RefusedError unless every one is open, can be had, and of one currency."""
    wished = list(dict.fromkeys((*wish.line_ids, *wish.parcel_ids)))
    if not wished:
        raise rules.nothing_chosen()
    known = {line.key: line for line in reading.open_lines(connection, account_id, now)}
    if any(key not in known for key in wished):
        raise rules.basket_changed()
    lines = [known[key] for key in wished]
    gone = [line.title for line in lines if line.problem is not None]
    if gone:
        raise rules.sold_meanwhile(gone)
    if len({line.row["currency"] for line in lines}) > 1:
        raise rules.one_currency()
    if sum(line.quantity for line in lines) > rules.PIECES_MAX:
        raise rules.too_much(rules.PIECES_MAX)
    return lines


def place_basket(
    connection: Connection, account_id: str, wish: BasketWish, now: datetime, trade: Trade
) -> tuple[str, list[Placed]]:
    """Place an order for every piece, all or none, with one charge over all of them; return (basket, orders).

    Every order has its own parcel and its own hold. RefusedError as `place_order`; goods that are gone are named.
    """
    lines = _chosen(connection, account_id, wish, now)
    address = placing.clean_address(wish.address)
    together = Prices(connection, lines, address.country, address.postal_code).together
    basket_id, joint_id = new_id("bsk"), new_id("pay")
    placed: list[Placed] = []
    for line in lines:
        each = OrderWish(
            parcel_id=line.parcel_id, listing_id="" if line.parcel_id else line.row["listing_id"],
            variant_id="" if line.parcel_id else line.row["variant_id"] or "", address=wish.address,
            delivery_from=wish.delivery_from, delivery_until=wish.delivery_until, payment_method=wish.payment_method,
            agrees_photo_window=wish.agrees_photo_window, together_minor=together[line.row["shop_id"]],
            basket_id=basket_id, joint_id=joint_id,
        )  # fmt: skip
        placed += [_place(connection, account_id, line, each, now, trade) for _ in range(line.quantity)]
    total = sum(one.total_minor for one in placed)
    if total != wish.total_minor:
        raise placing.price_changed(total)
    store.change(connection, wish.line_ids, basket_id=basket_id)
    _tell(connection, account_id, now)
    return basket_id, placed


def _place(connection: Connection, account_id: str, line: Line, wish: OrderWish, now: datetime, trade: Trade) -> Placed:
    try:
        return placing.place_order(connection, account_id, wish, now, trade)
    except RefusedError as error:
        if error.type in GONE:
            raise rules.sold_meanwhile([line.title]) from None
        raise


def _own_orders(connection: Connection, account_id: str, basket_id: str) -> Sequence[orders.Order]:
    found = [orders.load(connection, one) for one in store.order_ids_of(connection, account_id, basket_id)]
    if not found:
        raise RefusedError("not_found", "Not found", "没有找到", 404)
    return [one for one in found if one is not None]


def pay_basket(
    connection: Connection, account_id: str, basket_id: str, payment_method: str, now: datetime, trade: Trade
) -> str:
    """Charge once more, another way, for all orders of a basket that wait for it; return the first one's payment.

    RefusedError when none waits, or while an earlier charge is still open: nobody shall pay twice.
    """
    waiting = [
        one for one in _own_orders(connection, account_id, basket_id)
        if one.state == OrderState.UNPAID and (one.due_at is None or one.due_at > now)
    ]  # fmt: skip
    if not waiting:
        raise RefusedError("not_payable", "Nothing of it waits for payment", "没有待付款的订单")
    joint_id = new_id("pay")
    begun = [
        placing.pay_again(connection, account_id, one.order_id, payment_method, now, trade, joint_id) for one in waiting
    ]
    return begun[0]


def give_up_basket(
    connection: Connection, account_id: str, basket_id: str, now: datetime, trade: Trade
) -> dict[str, Any]:
    """Cancel what waits for payment: its goods are free again, and its lines may be changed."""
    for one in _own_orders(connection, account_id, basket_id):
        if one.state == OrderState.UNPAID:
            happening = Happening(event=OrderEvent.CANCEL_ASKED, actor=account_id)
            steps.apply(connection, one.order_id, happening, now, trade)
    return {"basket_id": basket_id, **_tell(connection, account_id, now)}
