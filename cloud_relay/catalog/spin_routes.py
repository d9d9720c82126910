"""HTTP of a piece photographed all round: its views, for whoever begins to turn it."""

from datetime import datetime
from typing import Any

from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from cloud_relay.catalog import reading, spins, store
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import Anyone, Principal
from cloud_relay.web.routing import Router

router = Router()


def _views(connection: Connection, piece_id: str, principal: Principal, now: datetime) -> dict[str, Any]:
    row = store.find_piece(connection, piece_id)
    if row is None:
        raise reading.missing()
    # a draft's views are for its merchant alone, as the draft is
    reading.read_listing(
        connection, row["listing_id"], principal.merchant_ids, now, is_operator=principal.is_operator
    )  # fmt: skip
    return spins.views_of(connection, piece_id)


@router.get("/api/pieces/{piece_id}/views")
async def read_views(piece_id: str, relay: RelayDep, principal: Anyone) -> JSONResponse:
    """The views of a piece all round, each with its angle, picture and time; and its faces with their titles."""
    return JSONResponse(await relay.db.read(_views, piece_id, principal, relay.clock.now()))
