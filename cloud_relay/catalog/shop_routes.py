"""HTTP of shops: opening, changing, letting their boxes in and out."""

from typing import Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.accounts.roles import Deed
from cloud_relay.broker import AdmissionError
from cloud_relay.catalog import reading, service, shop_boxes, spins
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.shop_link import LinkDownError
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import Anyone, SignedIn
from cloud_relay.web.qr import picture_of
from cloud_relay.web.routing import Router
from wire.reports import FacesTaught, PlanApplied, SpinTaken
from wire.values import format_time

router = Router(prefix="/api/shops")


class ShopChange(BaseModel):
    """What changes of a shop."""

    model_config = ConfigDict(extra="forbid")

    name_en: str = Field(default="", max_length=100)
    name_zh: str = Field(default="", max_length=100)
    story_en: str = Field(default="", max_length=4000)
    story_zh: str = Field(default="", max_length=4000)
    time_zone: str = Field(default="UTC", max_length=60)
    hours: list[dict[str, Any]] = Field(default_factory=list, max_length=50)
    holidays: list[dict[str, Any]] = Field(default_factory=list, max_length=60)
    cameras: list[dict[str, Any]] = Field(default_factory=list, max_length=20)
    sender_lines: list[str] = Field(default_factory=list, max_length=6)
    pack_when: Literal["confirmed", "paid"] = "confirmed"
    gs1_prefix: str = Field(default="", max_length=12)
    country: str = Field(default="", max_length=2)
    market: str = Field(default="", max_length=40)
    currency: str = Field(default="CNY", min_length=3, max_length=3)
    turn_s: float = 180.0
    is_relay_only: bool = False
    is_spin_on: bool = False
    shipping_minor: int = Field(default=0, ge=0, le=10**9)


class ShopBody(ShopChange):
    """A new shop of a verified merchant; `shop_id` is its short name for ever, made by us when left out."""

    merchant_id: str = Field(max_length=64)
    shop_id: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9-]{2,31}$")


@router.post("", status_code=201)
async def create_shop(body: ShopBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Open a shop."""
    values, now, url = body.model_dump(), relay.clock.now(), relay.settings.relay.public_url
    values["market"] = values["market"] or relay.settings.relay.market
    return await once(201, service.create_shop, principal.reach(Deed.KEEP_SHOP), values, url, now)


@router.patch("/{shop_id}")
async def change_shop(shop_id: str, body: ShopChange, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Change a shop; its new plan goes out."""
    changed = await relay.db.run(
        service.change_shop, principal.reach(Deed.KEEP_SHOP), shop_id, body.model_dump(exclude_unset=True),
        relay.settings.relay.public_url, relay.clock.now(),
    )  # fmt: skip
    return JSONResponse(changed)


@router.get("/{shop_id}")
async def read_shop(shop_id: str, relay: RelayDep, principal: Anyone) -> JSONResponse:
    """A shop; its own people also see devices, plan versions and presence."""
    found = await relay.db.read(
        reading.read_shop, shop_id, principal.merchant_ids, relay.clock.now(), is_operator=principal.is_operator
    )
    return JSONResponse(found)


class ClaimBody(BaseModel):
    """Which box may use the claim: the name on its own label; any box that has the code when it is left out."""

    model_config = ConfigDict(extra="forbid")
    box: str = Field(default="", max_length=40)


@router.post("/{shop_id}/claim", status_code=201)
async def make_claim(shop_id: str, relay: RelayDep, principal: SignedIn, body: ClaimBody | None = None) -> JSONResponse:
    """Make a one-time claim text for the technician; it holds ten minutes and ends an older one.

    `qr` is the same as a picture, for the shop's scanner or bench camera to read off the merchant's phone.
    """
    claim_text, until = await relay.db.run(
        shop_boxes.make_claim, principal.reach(Deed.LET_BOX_IN), shop_id, relay.settings, relay.authority,
        relay.clock.now(), body.box if body else "",
    )  # fmt: skip
    answer = {
        "shop_id": shop_id, "claim_text": claim_text, "expires_until": format_time(until), "qr": picture_of(claim_text),
    }  # fmt: skip
    return JSONResponse(answer, 201, headers={"Cache-Control": "no-store"})


@router.post("/{shop_id}/revoke")
async def revoke(shop_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Take back every certificate of a shop's box (stolen, sold): it is disconnected and kept out."""
    now = relay.clock.now()
    count = await relay.db.run(
        shop_boxes.revoke, principal.reach(Deed.LET_BOX_IN), shop_id, now, is_operator=principal.is_operator
    )
    try:
        await relay.link.expel(shop_id)
        is_disconnected = True
    except (LinkDownError, AdmissionError):
        is_disconnected = False
    return JSONResponse({"shop_id": shop_id, "revoked": count, "is_disconnected": is_disconnected})


def join(relay: Relay) -> None:
    """Hear what shops say about their plan and their pieces."""
    relay.link.on_report(PlanApplied, service.take_plan_applied)
    relay.link.on_report(FacesTaught, service.take_faces_taught)
    relay.link.on_report(SpinTaken, spins.take_spin)
