"""The fallback rung over HTTP: a WebSocket with credits, polling, and the first still."""

import asyncio
from typing import Annotated

from fastapi import Query, Response, WebSocket, WebSocketDisconnect

from cloud_relay.relay import RelayDep
from cloud_relay.viewing import service
from cloud_relay.web.principal import Anyone
from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router
from wire.commands import CreditFrame

router = Router()

FRAME_WAIT_S = 10.0
"""Without a new frame for this long an empty message says so; the page shows how old its picture is."""


@router.get("/api/viewing/{session_id}/frame.jpg")
async def newest_frame(session_id: str, relay: RelayDep, principal: Anyone, after: int = 0) -> Response:
    """Return the newest frame, waiting up to two seconds for one after `after`; its number stands in Vitrine-Frame."""
    session = await relay.db.read(service.own_session, session_id, principal.account_id)
    room = relay.viewing
    frame = await room.frames.newer_than((session["shop_id"], session_id), after, 2.0)
    if frame is None:
        raise not_found()
    await room.tell_shop(session, CreditFrame(session_id=session_id, frame_no=frame.number))
    headers = {"Vitrine-Frame": str(frame.number), "Cache-Control": "no-store"}
    return Response(frame.jpeg, 200, headers, media_type="image/jpeg")


@router.get("/api/viewing/{session_id}/still.jpg")
async def take_still(
    session_id: str, relay: RelayDep, principal: Anyone, width_px: Annotated[int, Query(ge=160, le=960)] = 640
) -> Response:
    """Return one picture as the camera sees it now: the first thing a page shows, and its lowest rung once a second.

    `Vitrine-Age` says how many seconds old it was when the shop sent it: the first one may be the newest that was kept.
    """
    session = await relay.db.read(service.own_session, session_id, principal.account_id)
    if session["ended_at"] is not None:
        raise not_found()
    still = await relay.viewing.take_still(session, width_px)
    headers = {"Cache-Control": "no-store", "Vitrine-Age": f"{still.age_s:.1f}"}
    return Response(still.jpeg, 200, headers, media_type="image/jpeg")


@router.websocket("/api/viewing/{session_id}/frames")
async def frames(socket: WebSocket, session_id: str, relay: RelayDep, principal: Anyone) -> None:
    """Send each newest frame as one binary message after the page's text `credit`; nothing is queued."""
    session = await relay.db.read(service.own_session, session_id, principal.account_id)
    room = relay.viewing
    await socket.accept()
    number = 0
    try:
        while True:
            await socket.receive_text()
            frame = await room.frames.newer_than((session["shop_id"], session_id), number, FRAME_WAIT_S)
            if frame is None:
                await socket.send_bytes(b"")
                continue
            number = frame.number
            await socket.send_bytes(frame.jpeg)
            await room.tell_shop(session, CreditFrame(session_id=session_id, frame_no=number))
    except (WebSocketDisconnect, asyncio.CancelledError):
        return
