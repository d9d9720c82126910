"""Carries out what the state table decided, all in the transaction of the new state.

Each function carries out one effect of the orders to which the same happens at the same moment: mostly one, all pledges
of a group when it ends.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, update

from cloud_relay.escrow import payments
from cloud_relay.escrow import rules as money
from cloud_relay.escrow import service as escrow
from cloud_relay.orders import stock, store
from cloud_relay.orders.rules import Effect, OrderEvent, OrderView
from cloud_relay.orders.store import Order
from cloud_relay.orders.trade import Trade
from cloud_relay.outbox import send_command
from cloud_relay.parcels import work as parcels
from cloud_relay.rebates import joining as rebates
from cloud_relay.tables import dispute
from wire.commands import AnswerPhoto, CancelParcel, PhotoAnswer
from wire.values import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """An event of an order with what belongs to it; `actor` is an account id, `shop`, `provider` or `clock`."""

    event: OrderEvent
    actor: str = ""
    payment_id: str = ""
    picture_sha256: str = ""
    reason: str = ""
    to_shopper_minor: int = 0
    is_told: bool = True
    """False for what another order of the same payment tells already: one notice for one event."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What an effect may look at: the order before, where it goes, with which effects, why, when."""

    connection: Connection
    order: Order
    after: OrderView
    effects: tuple[Effect, ...]
    happening: Happening
    now: datetime
    trade: Trade


def _take_stock(scene: Scene) -> None:
    stock.take(scene.connection, scene.order.piece_id)
    stock.tell(scene.connection, scene.order.listing_id, scene.now)


def _give_back_stock(scene: Scene) -> None:
    stock.give_back(scene.connection, scene.order.piece_id)
    parcels.release_piece(scene.connection, scene.order, scene.happening.event.value, scene.now)
    stock.tell(scene.connection, scene.order.listing_id, scene.now)


def _return_stock(scenes: Sequence[Scene]) -> None:
    connection, now = scenes[0].connection, scenes[0].now
    stock.put_back_all(connection, [scene.order.piece_id for scene in scenes])
    stock.tell_all(connection, [scene.order.listing_id for scene in scenes], now)


def _drop_parcel(scenes: Sequence[Scene]) -> None:
    """No command goes out: the shop is told of a pledged parcel only once it is paid for good."""
    asked = [(scene.order, scene.happening.event.value) for scene in scenes]
    parcels.release_pieces(scenes[0].connection, asked, scenes[0].now)


def _retake_stock(scene: Scene) -> None:
    """The piece itself was taken by `steps` when it chose this event; the shop begins again with a new parcel."""
    parcels.begin_again(scene.connection, scene.order, scene.now)
    stock.tell(scene.connection, scene.order.listing_id, scene.now)


def _order_label(scene: Scene) -> None:
    order: Order | None = scene.order
    if scene.happening.event is OrderEvent.PAYMENT_RETAKEN:
        order = store.load(scene.connection, scene.order.order_id)  # it has a new parcel by now
    assert order is not None
    parcels.order_label(scene.connection, order, scene.now, scene.trade)


def _answer(answer: PhotoAnswer) -> Callable[[Scene], None]:
    def send(scene: Scene) -> None:
        order = scene.order
        command = AnswerPhoto(
            parcel_id=order.parcel_id,
            picture_sha256=parcels.photo_of(scene.connection, order.parcel_id),
            answer=answer,
            reason=scene.happening.reason,
        )
        send_command(scene.connection, order.shop_id, command, scene.now, order.trace, order.parcel_id)

    return send


def _cancel_parcel(scene: Scene) -> None:
    order = scene.order
    command = CancelParcel(parcel_id=order.parcel_id, reason=scene.happening.reason or scene.happening.event.value)
    send_command(scene.connection, order.shop_id, command, scene.now, order.trace, order.parcel_id)


def _refund(scenes: Sequence[Scene]) -> None:
    currencies = {scene.order.order_id: scene.order.currency for scene in scenes}
    escrow.start_whole_refunds(scenes[0].connection, currencies, scenes[0].now)


def _refund_payment(scene: Scene) -> None:
    escrow.refund_payment(scene.connection, scene.happening.payment_id, scene.now)


def _release_money(scene: Scene) -> None:
    order = scene.order
    escrow.release(
        scene.connection,
        order.order_id,
        scene.now,
        currency=order.currency,
        merchant_id=order.merchant_id,
        market=order.market,
        commission_ppm=order.commission_ppm,
        tax_ppm=order.tax_ppm,
    )
    rebates.order_settled(
        scene.connection, order.order_id, scene.now, market=order.market, currency=order.currency,
        merchant_id=order.merchant_id, account_id=order.account_id,
        beside_goods_minor=order.total_minor - order.price_minor,
    )  # fmt: skip


def _split_money(scene: Scene) -> None:
    order, part = scene.order, scene.happening.to_shopper_minor
    escrow.start_refund(scene.connection, order.order_id, order.currency, part, scene.now)
    _release_money(scene)


def _open_dispute(scene: Scene) -> None:
    order, dispute_id = scene.order, new_id("dis")
    row = {
        "dispute_id": dispute_id, "order_id": order.order_id, "state": "open", "opened_at": scene.now,
        "reason": scene.happening.reason or scene.happening.event.value, "resume_state": scene.after.resume,
        "timers_left": store.timers_left(scene.after), "rule_until": scene.after.until,
    }  # fmt: skip
    scene.connection.execute(insert(dispute).values(row))
    escrow.set_aside(scene.connection, dispute_id, order.order_id, order.currency, scene.now)


def _close_dispute(scene: Scene) -> None:
    order, why = scene.order, scene.happening
    assert order.dispute_id is not None
    values = {
        "state": "closed", "ruling": why.event.value, "ruling_reason": why.reason, "ruled_by": why.actor,
        "ruled_at": scene.now,
    }  # fmt: skip
    scene.connection.execute(update(dispute).where(dispute.c.dispute_id == order.dispute_id).values(values))
    escrow.bring_back(scene.connection, order.dispute_id, order.order_id, order.currency, scene.now)


def _call_operator(scene: Scene) -> None:
    change = update(dispute).where(dispute.c.dispute_id == scene.order.dispute_id)
    scene.connection.execute(change.values(rule_until=scene.after.until))


def _charge_back(scene: Scene) -> None:
    taken = payments.load(scene.connection, scene.happening.payment_id)
    assert taken is not None
    escrow.charge_back(scene.connection, taken, scene.order.merchant_id, scene.now)
    source = money.release_reference(scene.order.order_id)
    rebates.sale_given_back(scene.connection, source, scene.now, is_commission_back=False)


def _each(one: Callable[[Scene], None]) -> Callable[[Sequence[Scene]], None]:
    """Return an effect that is carried out for one order after the other."""

    def all_of_them(scenes: Sequence[Scene]) -> None:
        for scene in scenes:
            one(scene)

    return all_of_them


EFFECTS: dict[Effect, Callable[[Sequence[Scene]], None]] = {
    Effect.TAKE_STOCK: _each(_take_stock),
    Effect.RETAKE_STOCK: _each(_retake_stock),
    Effect.GIVE_BACK_STOCK: _each(_give_back_stock),
    Effect.RETURN_STOCK: _return_stock,
    Effect.DROP_PARCEL: _drop_parcel,
    Effect.ORDER_LABEL: _each(_order_label),
    Effect.ORDER_NEXT_LABEL: _each(_order_label),
    Effect.ANSWER_CONFIRMED: _each(_answer(PhotoAnswer.CONFIRMED)),
    Effect.ANSWER_SILENT: _each(_answer(PhotoAnswer.SILENT)),
    Effect.ANSWER_OBJECTED: _each(_answer(PhotoAnswer.OBJECTED)),
    Effect.CANCEL_PARCEL: _each(_cancel_parcel),
    Effect.REFUND: _refund,
    Effect.REFUND_PAYMENT: _each(_refund_payment),
    Effect.RELEASE_MONEY: _each(_release_money),
    Effect.SPLIT_MONEY: _each(_split_money),
    Effect.OPEN_DISPUTE: _each(_open_dispute),
    Effect.CLOSE_DISPUTE: _each(_close_dispute),
    Effect.CALL_OPERATOR: _each(_call_operator),
    Effect.CHARGE_BACK: _each(_charge_back),
}
