"""HTTP of visits."""

from typing import Annotated

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.on_site import reading, rules, service
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.routing import Router

router = Router(prefix="/api")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class VisitBody(_Body):
    """A tag that was scanned in the shop."""

    tag_id: str = Field(max_length=40)


class TakeBody(_Body):
    """So many pieces of the goods of a tag."""

    tag_id: str = Field(max_length=40)
    quantity: int = Field(default=1, ge=1, le=rules.PIECES_MAX)


class HandBody(_Body):
    """How many of something that one holds stay in hand."""

    listing_id: str = Field(max_length=64)
    variant_id: str = Field(default="", max_length=64)
    quantity: int = Field(ge=0, le=rules.PIECES_MAX)


class SeenBody(_Body):
    """Whether the others there see one."""

    is_visible: bool


class AskBody(_Body):
    """The people whom the page proposed, oneself left out."""

    person_ids: list[Annotated[str, Field(max_length=64)]] = Field(min_length=1, max_length=rules.PEOPLE_MAX)


@router.post("/visits", status_code=201)
async def come(body: VisitBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Be in a shop, by a tag that was scanned there."""
    return await once(201, service.come, account_id_of(principal), body.tag_id, relay.clock.now())


@router.post("/visits/hand", status_code=201)
async def take(body: TakeBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Take goods in hand, by their tag."""
    return await once(201, service.take, account_id_of(principal), body.tag_id, body.quantity, relay.clock.now())


@router.get("/visits/{shop_id}")
async def of_visit(shop_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """One's own visit of a shop: what is in hand, how far each promotion is, and with whom one would reach it."""
    return JSONResponse(await relay.db.read(reading.of_visit, account_id_of(principal), shop_id, relay.clock.now()))


@router.put("/visits/{shop_id}/hand")
async def put_back(shop_id: str, body: HandBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Hold more or fewer of something that is in hand; 0: none."""
    what = (shop_id, body.listing_id, body.variant_id, body.quantity)
    return await once(200, service.put_back, account_id_of(principal), *what, relay.clock.now())


@router.put("/visits/{shop_id}/seen")
async def show(shop_id: str, body: SeenBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Be seen by the others there, or not."""
    account_id, now = account_id_of(principal), relay.clock.now()
    return await once(200, service.show, account_id, shop_id, now, is_visible=body.is_visible)


@router.post("/visits/{shop_id}/promotions/{promotion_id}/ask", status_code=201)
async def ask(
    shop_id: str, promotion_id: str, body: AskBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> JSONResponse:
    """Ask the proposed people to pay together at the till."""
    what = (shop_id, promotion_id, body.person_ids)
    return await once(201, service.ask, account_id_of(principal), *what, relay.clock.now())


@router.delete("/visits/{shop_id}")
async def leave(shop_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Be there no more."""
    return await once(200, service.leave, account_id_of(principal), shop_id, relay.clock.now())
