"""A merchant's tags: choosing what to print, sheets as PDF, and voiding what hangs there no more."""

from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed
from cloud_relay.catalog import reading
from cloud_relay.catalog.plan import places_left_out
from cloud_relay.pages.merchant import Wish, channels_of, open_desk, to_application
from cloud_relay.relay import RelayDep
from cloud_relay.showroom import printing, rules, service
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(prefix="/merchant", include_in_schema=False)


def _tags(connection: Connection, merchant_id: str, resolver_url: str) -> dict[str, Any]:
    shops = reading.merchant_goods(connection, merchant_id)
    sheets = service.sheets_of(connection, [shop["shop_id"] for shop in shops])
    places = {
        shop["shop_id"]: sorted({one["location"] for listing in shop["listings"] for one in listing["pieces"]} - {""})
        for shop in shops
    }
    printings = printing.newest(connection, [sheet["sheet_id"] for sheet in sheets])
    for sheet in sheets:
        found = printings.get(sheet["sheet_id"])
        sheet["printing"] = printing.shown(found) if found is not None else None
    unknown = {shop["shop_id"]: places_left_out(connection, shop["shop_id"], resolver_url) for shop in shops}
    return {"shops": shops, "sheets": sheets, "places": places, "unknown": unknown}


@router.get("/tags")
async def tags(
    request: Request, relay: RelayDep, principal: SignedIn, listing: Annotated[str, Query(max_length=64)] = "",
    sheet: Annotated[str, Query(max_length=64)] = "", wish: Wish = "",
) -> Response:  # fmt: skip
    """Choose goods or places, make a sheet, print it in any size; void single tags or whole sheets."""
    desk = await open_desk(relay, principal, wish, Deed.LIST)
    if desk is None:
        return to_application()
    found = await relay.db.read(_tags, desk.merchant_id, relay.settings.relay.public_url)
    channels = channels_of(desk, [shop["shop_id"] for shop in found["shops"]])
    return render(
        request, principal, "merchant_tags.html", desk=desk, chosen=listing, fresh=sheet, sizes=rules.SIZES,
        channels=channels, roll_max=printing.TAGS_MAX, **found,
    )  # fmt: skip
