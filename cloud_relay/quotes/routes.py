"""HTTP of quote requests, for shoppers and for merchants; and the timer that tells of requests that ran out."""

import asyncio
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed
from cloud_relay.orders.placing import Placed
from cloud_relay.orders.routes import OrderBody, place_and_pay, wish_of
from cloud_relay.quotes import reading, rules, service, store
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.web.idempotency import ClaimDep, OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of, require_deed
from cloud_relay.web.routing import Router

router = Router(prefix="/api")

LOOK_S = 20.0
"""A shopper hears this late, at most, that a request ran out, and its pictures are gone; no right waits for it."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class QuoteRequestBody(_Body):
    """What is wanted, for how much at most, to which country, until when quotes may come; sealed unless said."""

    title: str = Field(max_length=300)
    detail: str = Field(default="", max_length=3000)
    budget_minor: int
    currency: str = Field(pattern="^[A-Z]{3}$")
    country: str = Field(pattern="^[A-Z]{2}$")
    is_sealed: bool = True
    open_until: AwareDatetime


class QuoteBody(_Body):
    """A binding price for each of `quantity` pieces of a listing, or of one very piece, until when."""

    listing_id: str = Field(max_length=64)
    variant_id: str = Field(default="", max_length=64)
    piece_id: str = Field(default="", max_length=64)
    quantity: int = Field(default=1, ge=1, le=rules.QUANTITY_MAX)
    price_minor: int
    note: str = Field(default="", max_length=3000)
    quoted_until: AwareDatetime


class AcceptBody(OrderBody):
    """Where it goes and how it is paid, as for an order; goods and price are the quote's."""

    parcel_id: Literal[""] = ""
    listing_id: Literal[""] = ""
    variant_id: Literal[""] = ""
    more_parcel_ids: list[str] = Field(default_factory=list, max_length=0)


def _our_host(relay: Relay) -> str:
    return urlsplit(relay.settings.relay.public_url).netloc


@router.post("/quote-requests", status_code=201)
async def request_quotes(body: QuoteRequestBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Say what one wants; matching merchants are told."""
    wish = service.RequestWish(**body.model_dump())
    return await once(201, service.request_quotes, account_id_of(principal), wish, relay.clock.now(), _our_host(relay))


@router.get("/quote-requests")
async def my_requests(relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """One's own requests, newest first."""
    return {"quote_requests": await relay.db.read(reading.read_mine, account_id_of(principal), relay.clock.now())}


@router.get("/quote-requests/{quote_request_id}")
async def read_request(quote_request_id: str, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """One's own request with every quote to it."""
    return await relay.db.read(reading.read_one, account_id_of(principal), quote_request_id, relay.clock.now())


@router.post("/quote-requests/{quote_request_id}/withdraw")
async def withdraw(quote_request_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """End one's own request."""
    return await once(200, service.withdraw_request, account_id_of(principal), quote_request_id, relay.clock.now())


@router.get("/quotes/{quote_id}")
async def read_acceptance(
    quote_id: str, relay: RelayDep, principal: SignedIn, country: Annotated[str, Query(max_length=2)] = "",
    postal_code: Annotated[str, Query(max_length=20)] = "",
) -> dict[str, Any]:  # fmt: skip
    """What accepting a quote costs, with shipping and tax to a destination."""
    trading = relay.trading
    return await relay.db.read(
        reading.read_acceptance, account_id_of(principal), quote_id, trading.trade, trading.methods, relay.clock.now(),
        country=country, postal_code=postal_code,
    )  # fmt: skip


@router.post("/quotes/{quote_id}/accept", status_code=201)
async def accept(quote_id: str, body: AcceptBody, relay: RelayDep, principal: SignedIn, claim: ClaimDep) -> Response:
    """Accept a quote and pay: order and hold in one step, as for any order."""
    account_id, wish, now = account_id_of(principal), wish_of(body), relay.clock.now()

    def work(connection: Connection) -> list[Placed]:
        return service.accept_quote(connection, account_id, quote_id, wish, now, relay.trading.trade)

    return await place_and_pay(relay, claim, work)


@router.post("/quotes/{quote_id}/withdraw")
async def take_back(quote_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """A merchant takes a quote back that nobody accepted."""
    return await once(200, service.take_back, principal.reach(Deed.LIST), quote_id, relay.clock.now())


@router.get("/merchants/{merchant_id}/quote-requests")
async def inbox(merchant_id: str, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """The requests that a merchant was told of."""
    require_deed(principal, merchant_id, Deed.SEE)
    return {"quote_requests": await relay.db.read(reading.read_inbox, merchant_id, relay.clock.now())}


@router.get("/merchants/{merchant_id}/quote-requests/{quote_request_id}")
async def read_for_merchant(
    merchant_id: str, quote_request_id: str, relay: RelayDep, principal: SignedIn
) -> dict[str, Any]:
    """A request as its merchant sees it; sealed prices of others are not in it."""
    require_deed(principal, merchant_id, Deed.SEE)
    return await relay.db.read(reading.read_for_merchant, merchant_id, quote_request_id, relay.clock.now())


@router.post("/merchants/{merchant_id}/quote-requests/{quote_request_id}/quotes", status_code=201)
async def give_quote(
    merchant_id: str, quote_request_id: str, body: QuoteBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> Response:
    """Answer a request with a binding price."""
    who = (principal.reach(Deed.LIST), account_id_of(principal))
    wish, now = service.QuoteWish(**body.model_dump()), relay.clock.now()
    return await once(201, service.give_quote, *who, quote_request_id, merchant_id, wish, now, _our_host(relay))


async def work(relay: Relay) -> None:
    """Tell of requests that ran out and delete what was shown with them, for ever."""
    while True:
        now = relay.clock.now()
        if await relay.db.read(store.untold_ends, now, 1):
            await relay.db.keep_running(service.tell_ends, now)
        if await relay.db.read(store.has_ended, now):
            await relay.db.keep_running(store.drop_ended, now)
        await asyncio.sleep(LOOK_S)
