"""A shop's locations as its box reports them, with corrections; and its pick-up points."""

from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.catalog.store import find_shop
from cloud_relay.locations import service as locations
from cloud_relay.pages.addresses import COUNTRIES
from cloud_relay.pages.merchant import channels_of, open_desk, to_application
from cloud_relay.pickup import points
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(prefix="/merchant", include_in_schema=False)


def _read(connection: Connection, shop_id: str, merchant_ids: frozenset[str]) -> dict[str, Any] | None:
    row = find_shop(connection, shop_id)
    if row is None or row["merchant_id"] not in merchant_ids:
        return None
    shop = {
        "shop_id": shop_id, "merchant_id": row["merchant_id"], "name": {"en": row["name_en"], "zh": row["name_zh"]},
        "country": row["country"],
    }  # fmt: skip
    return {
        "shop": shop,
        "locations": locations.of_shop(connection, shop_id),
        "points": points.of_shop(connection, shop_id),
    }


@router.get("/shops/{shop_id}/locations")
async def shop_locations(shop_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """What lies where, and where shoppers collect."""
    found = await relay.db.read(_read, shop_id, principal.merchant_ids)
    if found is None:
        raise not_found()
    desk = await open_desk(relay, principal, found["shop"]["merchant_id"])
    if desk is None:
        return to_application()
    channels = channels_of(desk, [shop_id])
    return render(
        request, principal, "merchant_locations.html", desk=desk, channels=channels, countries=COUNTRIES, **found
    )
