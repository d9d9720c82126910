"""HTTP of baskets: filling one, paying all of it at once, paying again, giving up."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.baskets import reading, rules, service
from cloud_relay.escrow import payments
from cloud_relay.escrow.payments import Payment
from cloud_relay.notices.service import unread_of
from cloud_relay.orders import reading as orders
from cloud_relay.orders.placing import Placed
from cloud_relay.orders.routes import AddressBody
from cloud_relay.orders.rules import OrderState
from cloud_relay.relay import RelayDep
from cloud_relay.web import idempotency
from cloud_relay.web.idempotency import ClaimDep, OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router
from wire.plan import Address
from wire.values import format_time

router = Router(prefix="/api")

Id = Annotated[str, Field(min_length=1, max_length=64)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LineBody(_Body):
    """Goods to put in."""

    listing_id: Id
    variant_id: str = Field(default="", max_length=64)
    quantity: int = Field(default=1, ge=1, le=rules.QUANTITY_MAX)


class QuantityBody(_Body):
    """How many of a line."""

    quantity: int = Field(ge=1, le=rules.QUANTITY_MAX)


class BasketBody(_Body):
    """What is paid at once and where it goes; `total_minor` is the total that the shopper saw."""

    line_ids: list[Id] = Field(default_factory=list, max_length=rules.LINES_MAX)
    parcel_ids: list[Id] = Field(default_factory=list, max_length=rules.PIECES_MAX)
    address: AddressBody
    delivery_from: datetime | None = None
    delivery_until: datetime | None = None
    payment_method: str = Field(max_length=100)
    agrees_photo_window: bool
    total_minor: int


class PayBody(_Body):
    """Another way of payment."""

    payment_method: str = Field(max_length=100)


@router.get("/basket")
async def read_basket(
    relay: RelayDep, principal: SignedIn, country: Annotated[str, Query(min_length=2, max_length=2)] = "CN",
    postal_code: Annotated[str, Query(max_length=20)] = "",
) -> dict[str, Any]:  # fmt: skip
    """One's basket with shipping and tax to a destination."""
    args = (account_id_of(principal), relay.clock.now(), country, postal_code)
    return await relay.db.read(reading.read_basket, *args)


def _counts(connection: Connection, account_id: str, now: datetime) -> dict[str, int]:
    return {"count": reading.count(connection, account_id, now), "unread": unread_of(connection, account_id)}


@router.get("/basket/count")
async def count(relay: RelayDep, principal: SignedIn) -> dict[str, int]:
    """How many pieces lie in the basket, and how many messages are unread: what stands at the head of every page."""
    return await relay.db.read(_counts, account_id_of(principal), relay.clock.now())


@router.post("/basket/lines", status_code=201)
async def add_line(body: LineBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Put goods into the basket."""
    goods = (body.listing_id, body.variant_id, body.quantity)
    return await once(201, service.add_line, account_id_of(principal), *goods, relay.clock.now())


@router.patch("/basket/lines/{line_id}")
async def change_line(
    line_id: str, body: QuantityBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> Response:
    """Have more or fewer of a line."""
    return await once(200, service.change_line, account_id_of(principal), line_id, body.quantity, relay.clock.now())


@router.delete("/basket/lines/{line_id}")
async def remove_line(line_id: str, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """Take a line out; it can be taken back for a day."""
    return await relay.db.run(service.remove_line, account_id_of(principal), line_id, relay.clock.now())


@router.post("/basket/lines/{line_id}/restore")
async def restore_line(line_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Put a line back that was taken out."""
    return await once(200, service.restore_line, account_id_of(principal), line_id, relay.clock.now())


@router.post("/basket/orders", status_code=201)
async def place_basket(body: BasketBody, relay: RelayDep, principal: SignedIn, claim: ClaimDep) -> Response:
    """Place an order for every piece and pay all of them at once."""
    now, account_id, trading = relay.clock.now(), account_id_of(principal), relay.trading
    given = body.model_dump(exclude={"address", "line_ids", "parcel_ids"})
    address = Address(**{**body.address.model_dump(), "lines": tuple(body.address.lines)})
    wish = service.BasketWish(
        **given, address=address, line_ids=tuple(body.line_ids), parcel_ids=tuple(body.parcel_ids)
    )

    def begin(connection: Connection) -> tuple[idempotency.StoredAnswer, str, list[Placed], Payment | None]:
        stored = idempotency.begin(connection, claim, now)
        if stored is not None:
            return stored, "", [], None
        basket_id, placed = service.place_basket(connection, account_id, wish, now, trading.trade)
        answer = _answer(basket_id, placed, placed[0].state, payments.STARTED)
        idempotency.finish(connection, claim, 201, answer)
        return idempotency.StoredAnswer(201, answer), basket_id, placed, payments.load(connection, placed[0].payment_id)

    def settled(connection: Connection, payment_state: str) -> dict[str, Any]:
        answer = _answer(basket_id, placed, orders.state_of(connection, placed[0].order_id), payment_state)
        idempotency.finish(connection, claim, 201, answer)
        return answer

    stored, basket_id, placed, to_pay = await relay.db.run(begin)
    answer = None if to_pay is None else await trading.worker.attempt(to_pay, settled)
    return JSONResponse(answer or stored.body, stored.status)


def _answer(basket_id: str, placed: list[Placed], state: str, payment_state: str) -> dict[str, Any]:
    return {
        "basket_id": basket_id, "order_ids": [one.order_id for one in placed], "state": state,
        "payment_state": payment_state, "total_minor": sum(one.total_minor for one in placed),
        "currency": placed[0].currency, "pay_until": format_time(placed[0].pay_until),
    }  # fmt: skip


@router.get("/baskets/{basket_id}")
async def read_placed(basket_id: str, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """The orders that were paid together, and how their payment stands."""
    try:
        return await relay.db.read(reading.read_placed, account_id_of(principal), basket_id)
    except LookupError:
        raise not_found() from None


@router.post("/baskets/{basket_id}/pay")
async def pay_basket(basket_id: str, body: PayBody, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """Pay all of a basket's waiting orders another way, after a declined payment."""
    now, trade = relay.clock.now(), relay.trading.trade
    args = (account_id_of(principal), basket_id, body.payment_method, now, trade)

    def start(connection: Connection) -> Payment | None:
        return payments.load(connection, service.pay_basket(connection, *args))

    paid = await relay.db.run(start)
    assert paid is not None
    order_id = paid.order_id

    def settled(connection: Connection, payment_state: str) -> dict[str, Any]:
        return {"state": orders.state_of(connection, order_id), "payment_state": payment_state}

    answer = await relay.trading.worker.attempt(paid, settled)
    return {"basket_id": basket_id, **(answer or {"state": OrderState.UNPAID, "payment_state": payments.STARTED})}


@router.post("/baskets/{basket_id}/give-up")
async def give_up_basket(basket_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Do not pay: the goods are free again, and the lines lie in the basket as before."""
    args = (account_id_of(principal), basket_id, relay.clock.now(), relay.trading.trade)
    return await once(200, service.give_up_basket, *args)
