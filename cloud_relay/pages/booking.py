"""The page on which a viewing time is booked."""

from fastapi import Request
from fastapi.responses import Response

from cloud_relay.bookings import service
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import Anyone
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(include_in_schema=False)


@router.get("/book/{piece_id}")
async def booking(piece_id: str, request: Request, relay: RelayDep, principal: Anyone) -> Response:
    """Free times of the next days, on the shop's clock; booking one needs an account."""
    found = await relay.db.read(service.free, piece_id, relay.clock.now())
    return render(request, principal, "booking.html", times=found)
