"""Looking closely: a region at the sensor's resolution through the relay, and the zoom that a ruler follows."""

from typing import Annotated, Any

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.relay import RelayDep
from cloud_relay.viewing import service
from cloud_relay.web.principal import Anyone
from cloud_relay.web.routing import Router
from wire.commands import Region
from wire.values import format_time

router = Router()

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class RegionBody(BaseModel):
    """A part of the picture as shares of its width and height."""

    model_config = ConfigDict(extra="forbid")
    left: Share
    top: Share
    width: Share
    height: Share


@router.post("/api/viewing/{session_id}/loupe", response_class=Response)
async def take_loupe(session_id: str, body: RegionBody, relay: RelayDep, principal: Anyone) -> Response:
    """Return the region as JPEG; its size, the sensor's, how far it was shrunk and when it was taken stand in headers.

    At most 64 KiB cross here; a page with a direct stream asks on the data channel `loupe` and gets five times that.
    """
    session = await relay.db.read(service.own_session, session_id, principal.account_id)
    if session["ended_at"] is not None:
        raise service.NoSuchSessionError
    told, jpeg = await relay.viewing.loupes.take(session, Region(**body.model_dump()))
    sizes: dict[str, Any] = {
        "Size": f"{told.width_px}x{told.height_px}", "Sensor": f"{told.sensor_width_px}x{told.sensor_height_px}",
        "Shrunk": told.shrunk, "Taken": format_time(told.taken_at) if told.taken_at else "",
    }  # fmt: skip
    headers = {f"Vitrine-{name}": str(value) for name, value in sizes.items()}
    return Response(jpeg, 200, headers | {"Cache-Control": "no-store"}, media_type="image/jpeg")


@router.get("/api/viewing/{session_id}/zoom")
async def read_zoom(session_id: str, relay: RelayDep, principal: Anyone) -> dict[str, float]:
    """Return the magnification that this session's camera stands at: 1 is its widest view. For the page's ruler."""
    session = await relay.db.read(service.own_session, session_id, principal.account_id)
    if session["ended_at"] is not None:
        raise service.NoSuchSessionError
    return {"zoom": (await relay.viewing.ask_position(session)).zoom}
