"""HTTP of announcements."""

from typing import Any

from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cloud_relay.accounts.roles import Deed
from cloud_relay.announcements import service
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of, require_deed
from cloud_relay.web.routing import Router

router = Router(prefix="/api")


class AnnouncementBody(BaseModel):
    """What is announced, of which shop (and listing), from when (left out: now) until when.

    With `price_minor` the listing is sold at that price for that time.
    """

    model_config = ConfigDict(extra="forbid")

    shop_id: str = Field(max_length=64)
    listing_id: str | None = Field(default=None, max_length=64)
    title_en: str = Field(default="", max_length=200)
    title_zh: str = Field(default="", max_length=200)
    text_en: str = Field(default="", max_length=2000)
    text_zh: str = Field(default="", max_length=2000)
    price_minor: int | None = None
    shown_from: AwareDatetime | None = None
    shown_until: AwareDatetime


class AnnouncementChange(BaseModel):
    """What changes; `version` refuses a change of something one has not seen."""

    model_config = ConfigDict(extra="forbid")

    title_en: str | None = Field(default=None, max_length=200)
    title_zh: str | None = Field(default=None, max_length=200)
    text_en: str | None = Field(default=None, max_length=2000)
    text_zh: str | None = Field(default=None, max_length=2000)
    price_minor: int | None = None
    shown_from: AwareDatetime | None = None
    shown_until: AwareDatetime | None = None
    version: int | None = None


@router.get("/merchants/{merchant_id}/announcements")
async def of_merchant(merchant_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """A merchant's announcements: planned, shown, over and deleted."""
    require_deed(principal, merchant_id, Deed.SEE)
    found = await relay.db.read(service.of_merchant, merchant_id, relay.clock.now())
    return JSONResponse({"announcements": found})


@router.post("/announcements", status_code=201)
async def publish(body: AnnouncementBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Publish, now or later."""
    reach, account_id = principal.reach(Deed.ANNOUNCE), account_id_of(principal)
    return await once(201, service.publish, reach, account_id, body.model_dump(), relay.clock.now())


@router.patch("/announcements/{announcement_id}")
async def change(
    announcement_id: str, body: AnnouncementChange, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> JSONResponse:
    """Change words, price or times."""
    changes: dict[str, Any] = {
        name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None
    }
    return await once(200, service.change, principal.reach(Deed.ANNOUNCE), announcement_id, changes, relay.clock.now())


@router.post("/announcements/{announcement_id}/end")
async def end(announcement_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Stop showing it now."""
    return await once(200, service.end, principal.reach(Deed.ANNOUNCE), announcement_id, relay.clock.now())


@router.delete("/announcements/{announcement_id}")
async def delete(announcement_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Take it off every page."""
    return await once(200, service.delete, principal.reach(Deed.ANNOUNCE), announcement_id, relay.clock.now())


@router.post("/announcements/{announcement_id}/restore")
async def restore(announcement_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Undo a deletion."""
    return await once(200, service.restore, principal.reach(Deed.ANNOUNCE), announcement_id, relay.clock.now())
