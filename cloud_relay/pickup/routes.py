"""HTTP of pick-up points, and the room's own hours: reminders and what nobody collected."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed
from cloud_relay.orders.placing import clean_address
from cloud_relay.pickup import points, service
from cloud_relay.pickup.rules import PickupTerms
from cloud_relay.relay import RelayDep
from cloud_relay.settings import TradeSettings
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.routing import Router
from wire.plan import Address
from wire.reports import HandedOver, ReadyForPickup

if TYPE_CHECKING:
    from cloud_relay.relay import Relay

router = Router(prefix="/api")

LOOK_S = 5.0
"""Reminders are days apart; a few seconds late is on time for people."""


class PointAddressBody(BaseModel):
    """Where a point is."""

    model_config = ConfigDict(extra="forbid")

    lines: list[str] = Field(min_length=1, max_length=3)
    postal_code: str = Field(default="", max_length=20)
    city: str = Field(max_length=300)
    country: str = Field(min_length=2, max_length=2)


class PointBody(BaseModel):
    """A pick-up point as its merchant presets it; hours in words."""

    model_config = ConfigDict(extra="forbid")

    name_en: str = Field(default="", max_length=points.NAME_LENGTH_MAX)
    name_zh: str = Field(default="", max_length=points.NAME_LENGTH_MAX)
    hours_en: str = Field(default="", max_length=points.HOURS_LENGTH_MAX)
    hours_zh: str = Field(default="", max_length=points.HOURS_LENGTH_MAX)
    address: PointAddressBody
    is_default: bool = False


def terms_of(settings: TradeSettings) -> PickupTerms:
    """Return reminders and end of a collection by these settings."""
    return PickupTerms(remind_s=settings.collect_remind_s, collect_s=settings.collect_s)


@router.get("/shops/{shop_id}/pickup-points")
async def list_points(shop_id: str, relay: RelayDep) -> dict[str, Any]:
    """Where things of this shop may be collected; anybody may know."""
    return {"points": await relay.db.read(points.of_shop, shop_id)}


@router.post("/shops/{shop_id}/pickup-points", status_code=201)
async def add_point(shop_id: str, body: PointBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Preset a point."""
    given = body.address.model_dump()
    name = body.name_zh.strip() or body.name_en.strip() or "-"
    address = clean_address(Address(**{**given, "lines": tuple(given["lines"]), "name": name}))
    words = {key: getattr(body, key) for key in ("name_en", "name_zh", "hours_en", "hours_zh")}
    reach, now = principal.reach(Deed.KEEP_SHOP), relay.clock.now()

    def work(connection: Connection) -> dict[str, Any]:
        return points.add(connection, reach, shop_id, address, words, now, is_default=body.is_default)

    return await once(201, work)


@router.post("/shops/{shop_id}/pickup-points/{point_id}/default")
async def make_default(shop_id: str, point_id: str, once: OnceDep, principal: SignedIn) -> Response:
    """Offer this point first."""
    return await once(200, points.make_default, principal.reach(Deed.KEEP_SHOP), shop_id, point_id)


@router.delete("/shops/{shop_id}/pickup-points/{point_id}", status_code=204)
async def remove_point(shop_id: str, point_id: str, relay: RelayDep, principal: SignedIn) -> Response:
    """Offer this point no more."""
    await relay.db.run(points.remove, principal.reach(Deed.KEEP_SHOP), shop_id, point_id, relay.clock.now())
    return Response(status_code=204)


def join(relay: "Relay") -> None:
    """Hear of what waits to be collected and of what was; after the parcels' room, which folds the same reports."""
    terms = terms_of(relay.settings.trade)

    def on_ready(connection: Connection, shop_id: str, report: ReadyForPickup, now: datetime) -> None:
        service.ready(connection, shop_id, report, now, terms)

    relay.link.on_report(ReadyForPickup, on_ready)
    relay.link.on_report(HandedOver, service.collected)


async def work(relay: "Relay") -> None:
    """Remind, and let go back what nobody collected, for ever."""
    terms = terms_of(relay.settings.trade)
    while True:
        now = relay.clock.now()
        for order_id in await relay.db.read(service.due_orders, now):
            await relay.db.keep_running(service.work_on, order_id, now, relay.trading.trade, terms)
        await asyncio.sleep(LOOK_S)
