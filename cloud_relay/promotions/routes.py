"""HTTP of promotions."""

from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cloud_relay.accounts.roles import Deed
from cloud_relay.promotions import reading, rules, service
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of, require_deed
from cloud_relay.web.problems import Problem
from cloud_relay.web.routing import Router
from wire.promotions import PromotionKind

router = Router(prefix="/api")

Id = Annotated[str, Field(max_length=64)]
Ids = Annotated[list[Id], Field(max_length=rules.LISTINGS_MAX)]
Minor = Annotated[int, Field(ge=0, le=rules.AMOUNT_MAX)]
Title = Annotated[str, Field(max_length=200)]
Wish = Annotated[str, Query(max_length=64)]


class PromotionBody(BaseModel):
    """What is offered, of which shop (and of which goods of it; none: all), from when (left out: now) until when."""

    model_config = ConfigDict(extra="forbid")

    shop_id: Id
    kind: PromotionKind
    title_en: Title = ""
    title_zh: Title = ""
    listing_ids: Ids = []
    threshold_minor: Minor = 0
    saving_minor: Minor = 0
    count: int = Field(default=0, ge=0, le=rules.GROUP_COUNT_MAX)
    price_minor: Minor = 0
    is_online: bool = True
    is_at_counter: bool = True
    from_at: AwareDatetime | None = None
    until_at: AwareDatetime


class PromotionChange(BaseModel):
    """What changes; `version` refuses a change of something one has not seen."""

    model_config = ConfigDict(extra="forbid")

    title_en: Title | None = None
    title_zh: Title | None = None
    listing_ids: Ids | None = None
    threshold_minor: Minor | None = None
    saving_minor: Minor | None = None
    count: int | None = Field(default=None, ge=0, le=rules.GROUP_COUNT_MAX)
    price_minor: Minor | None = None
    is_online: bool | None = None
    is_at_counter: bool | None = None
    from_at: AwareDatetime | None = None
    until_at: AwareDatetime | None = None
    version: int | None = None


@router.get("/promotions")
async def current(relay: RelayDep, shop_id: Wish = "", listing_id: Wish = "") -> JSONResponse:
    """What runs now in a shop, or for a listing."""
    if not (shop_id or listing_id):
        raise Problem(422, "shop_missing", "Say which shop or which listing", "请指明店铺或货品")
    now = relay.clock.now()
    found = await relay.db.read(reading.on_page, now, shop_id=shop_id, listing_id=listing_id)
    return JSONResponse({"promotions": found})


@router.get("/merchants/{merchant_id}/promotions")
async def of_merchant(merchant_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """A merchant's promotions: planned, running, over and deleted."""
    require_deed(principal, merchant_id, Deed.SEE)
    return JSONResponse({"promotions": await relay.db.read(service.of_merchant, merchant_id, relay.clock.now())})


@router.post("/promotions", status_code=201)
async def publish(body: PromotionBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Publish, now or later."""
    reach, account_id, url = principal.reach(Deed.ANNOUNCE), account_id_of(principal), relay.settings.relay.public_url
    return await once(201, service.publish, reach, account_id, body.model_dump(), url, relay.clock.now())


@router.patch("/promotions/{promotion_id}")
async def change(
    promotion_id: str, body: PromotionChange, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> JSONResponse:
    """Change one that has not begun."""
    changes: dict[str, Any] = {
        name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None
    }
    reach, url = principal.reach(Deed.ANNOUNCE), relay.settings.relay.public_url
    return await once(200, service.change, reach, promotion_id, changes, url, relay.clock.now())


@router.post("/promotions/{promotion_id}/end")
async def end(promotion_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Let it count no more."""
    reach, url = principal.reach(Deed.ANNOUNCE), relay.settings.relay.public_url
    return await once(200, service.end, reach, promotion_id, url, relay.clock.now())


@router.delete("/promotions/{promotion_id}")
async def delete(promotion_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Take it off every page."""
    reach, url = principal.reach(Deed.ANNOUNCE), relay.settings.relay.public_url
    return await once(200, service.delete, reach, promotion_id, url, relay.clock.now())


@router.post("/promotions/{promotion_id}/restore")
async def restore(promotion_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Undo a deletion."""
    reach, url = principal.reach(Deed.ANNOUNCE), relay.settings.relay.public_url
    return await once(200, service.restore, reach, promotion_id, url, relay.clock.now())
