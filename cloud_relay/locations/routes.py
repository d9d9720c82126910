"""HTTP of locations: what lies where, and corrections with the version that was seen."""

from typing import TYPE_CHECKING, Any

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed
from cloud_relay.catalog.reading import missing
from cloud_relay.catalog.store import find_shop
from cloud_relay.locations import service
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.routing import Router
from wire.commands import CorrectLocation
from wire.locations import LocationChanged

if TYPE_CHECKING:
    from cloud_relay.relay import Relay

router = Router(prefix="/api")


class CorrectionBody(BaseModel):
    """What was found in a location by somebody who saw this version of it; 0 for one that was never used."""

    model_config = ConfigDict(extra="forbid")

    location: str = Field(min_length=1, max_length=service.LOCATION_LENGTH_MAX)
    codes: list[str] = Field(max_length=200)
    version: int = Field(ge=0)
    reason: str = Field(default="", max_length=200)


@router.get("/shops/{shop_id}/locations")
async def list_locations(shop_id: str, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """What lies where, as the shop reported it last."""
    reach = principal.reach(Deed.SEE)

    def read(connection: Connection) -> list[dict[str, Any]]:
        shop = find_shop(connection, shop_id)
        if shop is None or shop["merchant_id"] not in reach:
            raise missing()
        return service.of_shop(connection, shop_id)

    return {"locations": await relay.db.read(read)}


@router.post("/shops/{shop_id}/locations")
async def correct(shop_id: str, body: CorrectionBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Ask the shop to write what was found; its answer comes by itself."""
    reach, now = principal.reach(Deed.COUNT), relay.clock.now()
    return await once(
        200, service.ask_correction, reach, shop_id, body.location.strip(), body.codes, body.version, body.reason, now
    )


def join(relay: "Relay") -> None:
    """Hear of changes and answers."""
    relay.link.on_report(LocationChanged, service.take_change)
    relay.link.on_ack(CorrectLocation, service.take_answer)
