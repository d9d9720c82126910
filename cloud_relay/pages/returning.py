"""The label of a return, to be printed and stuck on the parcel."""

from fastapi import Request
from fastapi.responses import Response

from cloud_relay.relay import RelayDep
from cloud_relay.returns import service
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.qr import picture_of
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(include_in_schema=False)


@router.get("/orders/{order_id}/return-label")
async def label(order_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """Where the parcel goes and the code that the shop scans in; only for the shopper of an accepted return."""
    now, trade = relay.clock.now(), relay.trading.trade
    found = await relay.db.run(service.label_of, account_id_of(principal), order_id, now, trade)
    return render(request, principal, "return_label.html", label=found, qr=picture_of(found["code"]))
