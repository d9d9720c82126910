"""HTTP of teaching: where a camera looks now, and its picture for a listing. For the merchant's people alone."""

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed, check_reach
from cloud_relay.catalog import pictures
from cloud_relay.catalog.image_check import clean_picture, measure_jpeg
from cloud_relay.catalog.service import own_listing
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.viewing import service, store
from cloud_relay.web.principal import Principal, SignedIn, account_id_of
from cloud_relay.web.routing import Router
from wire.codec import to_json

router = Router(prefix="/api")


class StillBody(BaseModel):
    """One's own viewing session, whose present picture is wanted."""

    model_config = ConfigDict(extra="forbid")

    session_id: str = Field(max_length=64)


def _session(connection: Connection, session_id: str, account_id: str, merchant_ids: frozenset[str]) -> store.Row:
    session = service.own_session(connection, session_id, account_id)
    merchant_id = store.merchant_of_shop(connection, session["shop_id"]) or ""
    if session["ended_at"] is not None or not check_reach(merchant_ids, merchant_id):
        raise service.NoSuchSessionError
    return session


async def _own_session(relay: Relay, principal: Principal, session_id: str) -> store.Row:
    """Return one's own open session at a shop for whom one may teach; RefusedError otherwise."""
    return await relay.db.read(_session, session_id, account_id_of(principal), principal.reach(Deed.TEACH))


@router.get("/viewing/{session_id}/position")
async def read_position(session_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Where head and table stand now: pan, tilt and table in degrees, zoom as magnification."""
    session = await _own_session(relay, principal, session_id)
    position = await relay.viewing.ask_position(session)
    return JSONResponse({"camera": session["camera"], "position": to_json(position)})


@router.post("/listings/{listing_id}/camera-pictures", status_code=201)
async def take_picture(listing_id: str, body: StillBody, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Add what one's viewing session sees now to a listing of the same shop, as its last picture.

    Sent again it adds the picture of that later moment; the same picture twice stands once.
    """
    limits, reach = relay.settings.limits, principal.reach(Deed.LIST)
    await relay.db.read(pictures.may_add, reach, listing_id)
    session = await _own_session(relay, principal, body.session_id)
    if (await relay.db.read(own_listing, listing_id, reach))["shop_id"] != session["shop_id"]:
        raise service.NoSuchSessionError
    jpeg = await clean_picture((await relay.viewing.take_still(session)).jpeg, limits.picture_pixels_max)
    size_px = await measure_jpeg(jpeg, limits.picture_pixels_max)
    await relay.pictures.keep(jpeg)
    added = await relay.db.run(pictures.add_picture, reach, listing_id, jpeg, size_px, relay.clock.now())
    return JSONResponse(added, 201)
