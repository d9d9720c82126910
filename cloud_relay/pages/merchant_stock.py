"""A merchant's stock: goods in, counts, and what changed it."""

from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.catalog import reading, stock_taking
from cloud_relay.pages.merchant import Wish, channels_of, open_desk, to_application
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(prefix="/merchant", include_in_schema=False)


def _stock(connection: Connection, merchant_id: str) -> dict[str, Any]:
    shops = reading.merchant_goods(connection, merchant_id)
    changes = stock_taking.changes_of(connection, [shop["shop_id"] for shop in shops])
    return {"shops": shops, "changes": changes}


@router.get("/stock")
async def stock(request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """Take goods in, count them, see and undo what was done."""
    desk = await open_desk(relay, principal, wish)
    if desk is None:
        return to_application()
    found = await relay.db.read(_stock, desk.merchant_id)
    channels = channels_of(desk, [shop["shop_id"] for shop in found["shops"]])
    return render(request, principal, "merchant_stock.html", desk=desk, channels=channels, **found)
