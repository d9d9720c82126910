"""Teaching a piece: steer its camera, keep the view as its spot or as a face, take a picture for the listing."""

from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed, check_reach
from cloud_relay.catalog import reading, store
from cloud_relay.catalog.faces import FACE_NAMES
from cloud_relay.pages.merchant import open_desk
from cloud_relay.relay import RelayDep
from cloud_relay.viewing.colour_card import colour_of
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(prefix="/merchant", include_in_schema=False)


def _piece(connection: Connection, piece_id: str, merchant_ids: frozenset[str], now: datetime) -> dict[str, Any]:
    row = store.find_piece(connection, piece_id)
    if row is None or not check_reach(merchant_ids, row["merchant_id"]):
        raise not_found()
    listing = reading.read_listing(connection, row["listing_id"], merchant_ids, now)
    shop = reading.read_shop(connection, row["shop_id"], merchant_ids, now)
    names = ("piece_id", "code", "state", "location", "spot", "version")
    colour = colour_of(connection, row["shop_id"], piece_id, row["spot"])
    return {"piece": {name: row[name] for name in names} | {"colour": colour}, "listing": listing, "shop": shop}


@router.get("/pieces/{piece_id}/teach")
async def teach(piece_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """Steer the camera of a piece and keep what it sees."""
    found = await relay.db.read(_piece, piece_id, principal.reach(Deed.TEACH), relay.clock.now())
    desk = await open_desk(relay, principal, found["shop"]["merchant_id"])
    return render(request, principal, "merchant_teach.html", desk=desk, face_names=FACE_NAMES, **found)
