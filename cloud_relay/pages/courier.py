"""The courier's scan page, opened by the link shown once at hand-over; limited to that one parcel."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.parcels import resolver, tracking
from cloud_relay.parcels.epcis import DELIVERED, OUT_FOR_DELIVERY
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import Anyone
from cloud_relay.web.templating import render

router = APIRouter(include_in_schema=False)

BUTTONS: tuple[tuple[str, str, str], ...] = (
    ("loading", "Picked up", "已取件"),
    ("departing", "Departed", "已发出"),
    ("arriving", "Arrived at a stop", "到达中转"),
    (OUT_FOR_DELIVERY, "Out for delivery", "派送中"),
    (DELIVERED, "Delivered", "已送达"),
    ("holding", "Held up", "暂时滞留"),
)
"""The steps that a courier meets on the road, in order, in words that fit a large button."""


def _parcel(connection: Connection, parcel_id: str, token: str) -> dict[str, Any]:
    found = tracking.find_for_courier(connection, parcel_id, token)
    shown = resolver.resolve_parcel(connection, parcel_id, resolver.Asker(account_id=found.account_id))
    kept = ("parcel_id", "shop_name", "sscc", "state", "state_text", "journey")
    return {name: shown[name] for name in kept}


@router.get("/c/{link}")
async def courier(
    link: Annotated[str, Path(pattern=r"^[a-z0-9_-]{1,64}\.[A-Za-z0-9_-]{1,120}$")],
    request: Request,
    relay: RelayDep,
    principal: Anyone,
) -> Response:
    """Scan or type the code, say where, press what is done. No name and no address of the shopper stands here."""
    parcel_id, _, token = link.partition(".")
    found = await relay.db.read(_parcel, parcel_id, token)
    steps = [{"step": step, "text": {"en": en, "zh": zh}} for step, en, zh in BUTTONS]
    page = render(request, principal, "courier.html", parcel=found, link=link, steps=steps)
    page.headers["Referrer-Policy"] = "no-referrer"  # the link is a key
    return page
