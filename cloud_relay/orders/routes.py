"""HTTP of orders: reservations, checkout, placing, answering, disputes. Thin: each route is one use case."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed, check_reach
from cloud_relay.escrow import payments
from cloud_relay.escrow.payments import Payment
from cloud_relay.orders import reading, service
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent, OrderState
from cloud_relay.orders.searching import WORDS_LENGTH_MAX, OrderSearch, read_search
from cloud_relay.orders.trade import Trade
from cloud_relay.parcels.work import photo_of
from cloud_relay.refusals import RefusedError
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.signing import service as signing
from cloud_relay.signing.rules import Signature, read_signature
from cloud_relay.web import idempotency
from cloud_relay.web.idempotency import ClaimDep, OnceDep
from cloud_relay.web.principal import Operator, Principal, SignedIn, account_id_of, require_deed
from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router
from wire.plan import Address
from wire.values import BadValueError, clean_text, format_time

router = Router(prefix="/api")

Id = Annotated[str, Field(min_length=1, max_length=64)]
Country = Annotated[str, Query(min_length=2, max_length=2)]
"""ISO 3166-1 alpha-2, where it goes."""
PostalCode = Annotated[str, Query(max_length=20)]


def search_of(
    q: Annotated[str, Query(max_length=WORDS_LENGTH_MAX)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
    first: Annotated[str, Query(alias="from", max_length=10)] = "",
    last: Annotated[str, Query(alias="until", max_length=10)] = "",
) -> OrderSearch:
    """Return the search of a request: words, state, first and last day."""
    return read_search(q, state, first, last)


SearchDep = Annotated[OrderSearch, Depends(search_of)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReservationBody(_Body):
    """Which piece, and the viewing session that shows it now; or how many of a listing's variant, unseen."""

    piece_id: str = Field(default="", max_length=64)
    session_id: Annotated[str, Field(max_length=64)] | None = None
    listing_id: str = Field(default="", max_length=64)
    variant_id: str = Field(default="", max_length=64)
    quantity: int = Field(default=1, ge=1, le=99)


class AddressBody(_Body):
    """Where the parcel goes."""

    name: str = Field(max_length=300)
    lines: list[str] = Field(min_length=1, max_length=4)
    postal_code: str = Field(default="", max_length=20)
    city: str = Field(max_length=300)
    country: str = Field(min_length=2, max_length=2)
    phone: str = Field(default="", max_length=40)


class OrderBody(_Body):
    """A reserved parcel, or a listing bought unseen; `total_minor`, if given, is the total that the shopper saw."""

    parcel_id: str = Field(default="", max_length=64)
    listing_id: str = Field(default="", max_length=64)
    variant_id: str = Field(default="", max_length=64)
    more_parcel_ids: list[Id] = Field(default_factory=list, max_length=98)
    address: AddressBody | None = None
    pickup_point_id: str = Field(default="", max_length=64)
    delivery_from: datetime | None = None
    delivery_until: datetime | None = None
    payment_method: str = Field(max_length=100)
    agrees_photo_window: bool
    total_minor: int | None = None


class PayBody(_Body):
    """Another way of payment after a declined one."""

    payment_method: str = Field(max_length=100)


class PhotoBody(_Body):
    """The shopper's answer to the photo that they saw."""

    answer: Literal["confirmed", "objected"]
    picture_sha256: str = Field(min_length=64, max_length=64)
    reason: str = Field(default="", max_length=300)


class ReceiptBody(_Body):
    """The shopper's signature, if they give one: strokes as SVG path data in a box of 1000 by 300, or a typed name."""

    signature_path: str = Field(default="", max_length=20_000)
    signature_name: str = Field(default="", max_length=300)


class ReasonBody(_Body):
    """Why, in the person's own words."""

    reason: str = Field(min_length=1, max_length=1000)


class RulingBody(_Body):
    """The operator's ruling; `to_shopper_minor` only for `split`."""

    ruling: Literal["refund", "release", "split"]
    reason: str = Field(min_length=1, max_length=1000)
    to_shopper_minor: int = Field(default=0, ge=0)


def _trade(relay: Relay) -> Trade:
    return relay.trading.trade


def _reserved(
    connection: Connection, account_id: str, body: ReservationBody, now: datetime, trade: Trade
) -> dict[str, Any]:
    if body.piece_id:
        seen = service.confirm_seen(connection, account_id, body.piece_id, body.session_id, now, trade)
        return _reservation_json(seen)
    choice = service.Choice(listing_id=body.listing_id, variant_id=body.variant_id, quantity=body.quantity)
    chosen = service.choose(connection, account_id, choice, now, trade)
    return {**_reservation_json(chosen[0]), "parcel_ids": [one.parcel_id for one in chosen]}


def _extended(connection: Connection, *args: Any) -> dict[str, Any]:
    return _reservation_json(service.extend_reservation(connection, *args))


def _reservation_json(found: service.Reservation) -> dict[str, Any]:
    return {
        "parcel_id": found.parcel_id, "piece_id": found.piece_id, "listing_id": found.listing_id, "until": found.until,
        "can_extend": found.extensions == 0, "state": found.state,
    }  # fmt: skip


@router.post("/reservations", status_code=201)
async def confirm_piece(body: ReservationBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Confirm this piece, or choose style and number: it is kept for a while and goes to packing."""
    if bool(body.piece_id) == bool(body.listing_id):
        raise BadValueError("piece_id, listing_id: exactly one of them must be given")
    return await once(201, _reserved, account_id_of(principal), body, relay.clock.now(), _trade(relay))


@router.post("/reservations/{parcel_id}/extend")
async def extend_reservation(parcel_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Ask for more time, once."""
    return await once(200, _extended, account_id_of(principal), parcel_id, relay.clock.now(), _trade(relay))


@router.delete("/reservations/{parcel_id}", status_code=204)
async def give_up_reservation(parcel_id: str, relay: RelayDep, principal: SignedIn) -> Response:
    """Let the piece go."""
    await relay.db.run(service.give_up_reservation, account_id_of(principal), parcel_id, relay.clock.now())
    return Response(status_code=204)


@router.get("/checkout/{parcel_id}")
async def checkout(
    parcel_id: str, relay: RelayDep, principal: SignedIn, country: Country = "CN", postal_code: PostalCode = ""
) -> dict[str, Any]:
    """Price, shipping and tax to a destination, total, ways of payment and agreed times, before paying."""
    trading = relay.trading
    found = await relay.db.read(
        reading.read_checkout, account_id_of(principal), parcel_id, trading.trade, trading.methods, relay.clock.now(),
        country=country, postal_code=postal_code,
    )  # fmt: skip
    if found is None:
        raise not_found()
    return found


def wish_of(body: OrderBody) -> service.OrderWish:
    """Return what a body asks for."""
    given = body.model_dump(exclude={"address", "more_parcel_ids"})
    given["more_parcel_ids"] = tuple(body.more_parcel_ids)
    address = None
    if body.address is not None:
        address = Address(**{**body.address.model_dump(), "lines": tuple(body.address.lines)})
    return service.OrderWish(**given, address=address)


@router.post("/orders", status_code=201)
async def place_order(body: OrderBody, relay: RelayDep, principal: SignedIn, claim: ClaimDep) -> Response:
    """Place an order and pay it. `state` is `paid`, or `unpaid` with the reason in `payment_state`."""
    return await place(relay, account_id_of(principal), body, claim)


async def place(
    relay: Relay,
    account_id: str,
    body: OrderBody,
    claim: idempotency.Claim | None,
    also: Callable[[Connection, str], None] | None = None,
) -> Response:
    """Place the orders of a wish for this account, whatever device sent it; the answer is about the first one.

    `also(connection, order_id)` joins the transaction.
    """
    now, wish = relay.clock.now(), wish_of(body)

    def work(connection: Connection) -> list[service.Placed]:
        placed = service.place_orders(connection, account_id, wish, now, _trade(relay))
        if also is not None:
            also(connection, placed[0].order_id)
        return placed

    return await place_and_pay(relay, claim, work)


async def place_and_pay(
    relay: Relay, claim: idempotency.Claim | None, work: Callable[[Connection], list[service.Placed]]
) -> Response:
    """Place orders by `work(connection)` in one transaction, then ask the provider; the answer is about the first."""
    now = relay.clock.now()

    def begin(connection: Connection) -> tuple[idempotency.StoredAnswer, list[service.Placed], list[Payment | None]]:
        stored = idempotency.begin(connection, claim, now)
        if stored is not None:
            return stored, [], []
        placed = work(connection)
        answer = _placed_json(placed, placed[0].state, payments.STARTED)
        idempotency.finish(connection, claim, 201, answer)
        to_pay = [payments.load(connection, one.payment_id) for one in placed]
        return idempotency.StoredAnswer(201, answer), placed, to_pay

    def settled(connection: Connection, payment_state: str) -> dict[str, Any]:
        answer = _placed_json(placed, reading.state_of(connection, placed[0].order_id), payment_state)
        idempotency.finish(connection, claim, 201, answer)
        return answer

    stored, placed, to_pay = await relay.db.run(begin)
    answer: dict[str, Any] | None = None
    for paid in reversed(to_pay):  # the first one last: the answer tells how it went
        if paid is not None:
            then = settled if paid is to_pay[0] else _nothing_more
            answer = await relay.trading.worker.attempt(paid, then)
    return JSONResponse(answer or stored.body, stored.status)


def _nothing_more(_connection: Connection, _payment_state: str) -> None:
    return None


def _placed_json(placed: list[service.Placed], state: str, payment_state: str) -> dict[str, Any]:
    first = placed[0]
    return {
        "order_id": first.order_id, "parcel_id": first.parcel_id, "state": state, "payment_state": payment_state,
        "total_minor": sum(one.total_minor for one in placed), "currency": first.currency,
        "pay_until": format_time(first.pay_until), "order_ids": [one.order_id for one in placed],
    }  # fmt: skip


@router.post("/orders/{order_id}/pay")
async def pay(order_id: str, body: PayBody, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """Pay an order whose payment was declined, another way."""
    await _require(relay, principal, order_id, shopper_only=True)
    now, trade = relay.clock.now(), _trade(relay)

    def start(connection: Connection) -> Payment | None:
        args = (account_id_of(principal), order_id, body.payment_method, now, trade)
        return payments.load(connection, service.pay_again(connection, *args))

    def settled(connection: Connection, payment_state: str) -> dict[str, Any]:
        return {"state": reading.state_of(connection, order_id), "payment_state": payment_state}

    paid = await relay.db.run(start)
    assert paid is not None
    answer = await relay.trading.worker.attempt(paid, settled)
    return {"order_id": order_id, **(answer or {"state": OrderState.UNPAID, "payment_state": payments.STARTED})}


async def _require(
    relay: Relay, principal: Principal, order_id: str, *, shopper_only: bool = False, deed: Deed = Deed.SEE
) -> bool:
    """Answer 404 unless the principal is a party of the order (or an operator); return whether it is the shopper."""
    found = await relay.db.read(reading.parties, order_id)
    is_shopper = found is not None and found[0] == principal.account_id
    if found is None or (shopper_only and not is_shopper):
        raise not_found()
    if not (is_shopper or principal.is_operator or check_reach(principal.reach(deed), found[1])):
        raise not_found()
    return is_shopper


@router.get("/orders")
async def my_orders(relay: RelayDep, principal: SignedIn, search: SearchDep) -> dict[str, Any]:
    """One's own orders, newest first: all, or those that fit a search."""
    return {"orders": await relay.db.read(reading.orders_of, account_id_of(principal), search)}


@router.get("/orders/{order_id}")
async def read_order(order_id: str, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """The whole story of an order, for its parties and the operator."""
    is_shopper = await _require(relay, principal, order_id)
    return await relay.db.read(reading.read_order, order_id, relay.trading.methods, for_shopper=is_shopper)


@router.get("/orders/{order_id}/evidence")
async def evidence(order_id: str, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """Story, signed pictures, labels, journey and money of an order."""
    await _require(relay, principal, order_id)
    return await relay.db.read(reading.evidence, order_id, _trade(relay), relay.clock.now())


def _apply(connection: Connection, order_id: str, happening: Happening, now: datetime, trade: Trade) -> dict[str, Any]:
    order = service.apply(connection, order_id, happening, now, trade)
    return {"order_id": order_id, "state": order.state}


@router.post("/orders/{order_id}/cancel")
async def cancel(order_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Ask to cancel; once paid, the shop answers whether it could stop. The merchant may cancel too."""
    await _require(relay, principal, order_id, deed=Deed.CANCEL_ORDER)
    happening = Happening(event=OrderEvent.CANCEL_ASKED, actor=account_id_of(principal))
    return await once(200, _apply, order_id, happening, relay.clock.now(), _trade(relay))


def _answer_photo(
    connection: Connection, order_id: str, happening: Happening, now: datetime, trade: Trade
) -> dict[str, Any]:
    order = service.settle_due(connection, order_id, now, trade)
    if photo_of(connection, order.parcel_id) != happening.picture_sha256:
        raise RefusedError("newer_photo", "There is another photo by now; please look again", "照片已更新，请重新查看")
    return _apply(connection, order_id, happening, now, trade)


@router.post("/orders/{order_id}/photo")
async def answer_photo(order_id: str, body: PhotoBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Confirm the photo of the parcel, or object with a reason."""
    await _require(relay, principal, order_id, shopper_only=True)
    is_objection = body.answer == "objected"
    reason = clean_text(body.reason, "reason", lines=5) if is_objection else ""
    event = OrderEvent.PHOTO_OBJECTED if is_objection else OrderEvent.PHOTO_CONFIRMED
    happening = Happening(
        event=event, actor=account_id_of(principal), picture_sha256=body.picture_sha256, reason=reason
    )
    return await once(200, _answer_photo, order_id, happening, relay.clock.now(), _trade(relay))


def _receive(
    connection: Connection, order_id: str, happening: Happening, signed: Signature | None, now: datetime, trade: Trade
) -> dict[str, Any]:
    answer = _apply(connection, order_id, happening, now, trade)
    if signed is not None:
        signing.sign(connection, order_id, happening.actor, signed, now)
    return answer


@router.post("/orders/{order_id}/receipt")
async def confirm_receipt(
    order_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn, body: ReceiptBody | None = None
) -> Response:
    """Confirm receipt, with a signature or without: the held money goes to the merchant."""
    await _require(relay, principal, order_id, shopper_only=True)
    signed = read_signature(body.signature_path, body.signature_name) if body is not None else None
    happening = Happening(event=OrderEvent.RECEIPT, actor=account_id_of(principal))
    return await once(200, _receive, order_id, happening, signed, relay.clock.now(), _trade(relay))


@router.post("/orders/{order_id}/dispute")
async def open_dispute(
    order_id: str, body: ReasonBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> Response:
    """Open a dispute: every clock of the order stands still until it is ruled on or withdrawn."""
    await _require(relay, principal, order_id, shopper_only=True)
    reason = clean_text(body.reason, "reason", 1000, lines=30)
    happening = Happening(event=OrderEvent.DISPUTE_OPENED, actor=account_id_of(principal), reason=reason)
    return await once(200, _apply, order_id, happening, relay.clock.now(), _trade(relay))


@router.post("/orders/{order_id}/dispute/withdraw")
async def withdraw_dispute(order_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Withdraw the dispute: the order goes on with the time that was left."""
    await _require(relay, principal, order_id, shopper_only=True)
    happening = Happening(event=OrderEvent.DISPUTE_WITHDRAWN, actor=account_id_of(principal))
    return await once(200, _apply, order_id, happening, relay.clock.now(), _trade(relay))


@router.get("/merchants/{merchant_id}/orders")
async def merchant_orders(merchant_id: str, relay: RelayDep, principal: SignedIn, search: SearchDep) -> dict[str, Any]:
    """A merchant's orders, newest first: all, or those that fit a search."""
    require_deed(principal, merchant_id, Deed.SEE)
    return {"orders": await relay.db.read(reading.orders_of_merchant, merchant_id, search)}


@router.get("/operator/disputes")
async def disputes(relay: RelayDep, _: Operator) -> dict[str, Any]:
    """Disputes that wait for a ruling."""
    return {"disputes": await relay.db.read(reading.open_disputes)}


RULINGS = {
    "refund": OrderEvent.RULED_REFUND,
    "release": OrderEvent.RULED_RELEASE,
    "split": OrderEvent.RULED_SPLIT,
}


@router.post("/operator/disputes/{dispute_id}/rule")
async def rule(dispute_id: str, body: RulingBody, relay: RelayDep, once: OnceDep, principal: Operator) -> Response:
    """Rule on a dispute."""
    reason = clean_text(body.reason, "reason", 1000, lines=30)
    happening = Happening(
        event=RULINGS[body.ruling],
        actor=account_id_of(principal),
        reason=reason,
        to_shopper_minor=body.to_shopper_minor,
    )
    return await once(200, _rule, dispute_id, happening, relay.clock.now(), _trade(relay))


def _rule(connection: Connection, dispute_id: str, happening: Happening, now: datetime, trade: Trade) -> dict[str, Any]:
    order_id, total_minor = reading.disputed_order(connection, dispute_id)
    if (happening.event is OrderEvent.RULED_SPLIT) is not (0 < happening.to_shopper_minor < total_minor):
        text = (f"A split gives the shopper 1 to {total_minor - 1}", f"分配给买家的金额应为 1 至 {total_minor - 1}")
        raise RefusedError("bad_split", *text, 422)
    return _apply(connection, order_id, happening, now, trade)
