"""The courier's page, opened by the link shown once at hand-over; a phone keeps the links of its whole round."""

from typing import Any

from fastapi import Request
from fastapi.responses import Response

from cloud_relay.parcels import courier as scans
from cloud_relay.parcels.epcis import EXCEPTIONS, OUT_FOR_DELIVERY
from cloud_relay.parcels.tracking import STEP_WORDS
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import Anyone
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(include_in_schema=False)

ON_THE_ROAD: tuple[tuple[str, str, str], ...] = (
    ("loading", "Picked up", "已取件"),
    ("departing", "Departed", "已发出"),
    ("arriving", "Arrived at a stop", "到达中转"),
    (OUT_FOR_DELIVERY, "Out for delivery", "派送中"),
    ("holding", "Held up", "暂时滞留"),
)
"""The steps that a courier meets before the door, in order, in words that fit a large button."""


def _words(steps: tuple[tuple[str, str, str], ...]) -> list[dict[str, Any]]:
    return [{"step": step, "text": {"en": en, "zh": zh}} for step, en, zh in steps]


@router.get("/c/{link}")
async def courier(link: scans.CourierLink, request: Request, relay: RelayDep, principal: Anyone) -> Response:
    """Scan or type codes, say where, press what is done. No name and no address of the shopper stands here."""
    found = await relay.db.read(scans.view, link)
    exceptions = _words(tuple((step, *STEP_WORDS[step]) for step in EXCEPTIONS))
    known = {name: found[name] for name in ("parcel_id", "sscc", "shop_name", "state", "state_text")}
    page = render(
        request, principal, "courier.html", parcel=found, known={**known, "link": link}, link=link,
        steps=_words(ON_THE_ROAD), exceptions=exceptions, now=relay.clock.now(),
    )  # fmt: skip
    page.headers["Referrer-Policy"] = "no-referrer"  # the link is a key
    return page
