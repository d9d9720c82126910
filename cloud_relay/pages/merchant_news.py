"""A merchant's announcements and prices for a time."""

from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.announcements import service as announcements
from cloud_relay.catalog import reading
from cloud_relay.pages.merchant import Wish, channels_of, open_desk, to_application
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import MINOR_DIGITS, render

router = Router(prefix="/merchant", include_in_schema=False)


def _news(connection: Connection, merchant_id: str, now: Any) -> dict[str, Any]:
    shops = reading.merchant_goods(connection, merchant_id)
    return {"shops": shops, "announcements": announcements.of_merchant(connection, merchant_id, now)}


@router.get("/news")
async def news(request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """What is announced now, planned and over; and the form of a new one."""
    desk = await open_desk(relay, principal, wish)
    if desk is None:
        return to_application()
    found = await relay.db.read(_news, desk.merchant_id, relay.clock.now())
    channels = channels_of(desk, [shop["shop_id"] for shop in found["shops"]])
    return render(request, principal, "merchant_news.html", desk=desk, channels=channels, digits=MINOR_DIGITS, **found)
