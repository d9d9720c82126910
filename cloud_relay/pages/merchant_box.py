"""The page that a shop box's own label leads to: let exactly this box in."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed
from cloud_relay.catalog import reading
from cloud_relay.pages.merchant import Wish, open_desk, to_application
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.templating import render
from wire.box_code import plain_box_code

router = APIRouter(prefix="/merchant", include_in_schema=False)


def _shops(connection: Connection, merchant_id: str) -> list[dict[str, Any]]:
    return reading.merchant_goods(connection, merchant_id)


@router.get("/box")
async def box(
    request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "",
    code: Annotated[str, Query(max_length=40)] = "",
) -> Response:  # fmt: skip
    """Choose the shop that this box is for; the claim that is made then works for this box alone."""
    desk = await open_desk(relay, principal, wish, Deed.LET_BOX_IN)
    if desk is None:
        return to_application()
    shops = await relay.db.read(_shops, desk.merchant_id)
    return render(request, principal, "merchant_box.html", desk=desk, shops=shops, box_code=plain_box_code(code))
