"""A merchant's promotions for those who buy together."""

from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.catalog import reading
from cloud_relay.catalog import store as catalog
from cloud_relay.pages.merchant import Wish, channels_of, open_desk, to_application
from cloud_relay.promotions import rules, service
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import MINOR_DIGITS, render

router = Router(prefix="/merchant", include_in_schema=False)


def _promotions(connection: Connection, merchant_id: str, now: datetime) -> dict[str, Any]:
    shops = reading.merchant_goods(connection, merchant_id)
    for one in shops:
        row = catalog.find_shop(connection, one["shop_id"])
        one["currency"] = row["currency"] if row else ""
    return {"shops": shops, "promotions": service.of_merchant(connection, merchant_id, now)}


@router.get("/promotions")
async def promotions(request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """What is cheaper together now, planned and over; and the form of a new one."""
    desk = await open_desk(relay, principal, wish)
    if desk is None:
        return to_application()
    found = await relay.db.read(_promotions, desk.merchant_id, relay.clock.now())
    channels = channels_of(desk, [shop["shop_id"] for shop in found["shops"]])
    limits: dict[str, Any] = {"n_for_max": rules.N_FOR_COUNT_MAX, "group_max": rules.GROUP_COUNT_MAX}
    return render(
        request, principal, "merchant_promotions.html", desk=desk, channels=channels, digits=MINOR_DIGITS, **limits,
        **found,
    )  # fmt: skip
