"""An HTTP peer that answers as DHL Parcel DE's interfaces document it: token, shipping v2 orders, tracking v0.

Shapes: developer.dhl.com, Parcel DE Shipping (Post & Parcel Germany) 2.x, and Parcel DE Tracking (d-get-piece-detail).
"""

import asyncio
import base64
import json
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
NUMBER = "00340434161094015902"
SECRETS = {"username": "shop", "password": "word", "client_id": "key", "client_secret": "hidden"}

SILENCE_S = 100
"""Longer than anybody waits here: a test ends it by `may_answer`."""


@dataclass
class Peer:
    """What came in, and how it answers."""

    orders: list[dict] = field(default_factory=list)
    status: int = 200
    is_silent: bool = False
    was_asked: threading.Event = field(default_factory=threading.Event)
    may_answer: threading.Event = field(default_factory=threading.Event)
    events: list[tuple[str, str, str, str]] = field(default_factory=list)
    """(time as DHL writes it, ICE code, text, place)"""


def build(peer: Peer) -> Starlette:
    async def token(request):
        given = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if {name: given.get(name) for name in SECRETS} != SECRETS:
            return JSONResponse({"status": 401, "title": "Unauthorized", "detail": "wrong key"}, 401)
        return JSONResponse({"access_token": "tok", "token_type": "Bearer", "expires_in": 1799})

    async def order(request):
        assert request.headers["authorization"] == "Bearer tok"
        peer.orders.append(await request.json())
        peer.was_asked.set()
        if peer.is_silent:
            await asyncio.to_thread(peer.may_answer.wait, SILENCE_S)
        if peer.status >= 500:
            return JSONResponse(
                {"status": {"title": "Oops", "statusCode": peer.status, "detail": "later"}}, peer.status
            )
        if peer.status >= 400:
            wrong = {"property": "consignee.postalCode", "validationMessage": "unknown", "validationState": "Error"}
            said = {"title": "Bad Request", "statusCode": peer.status, "detail": "1 of 1 shipment failed validation."}
            return JSONResponse({"status": said, "items": [{"validationMessages": [wrong]}]}, peer.status)
        label = {"b64": base64.b64encode(PDF).decode(), "fileFormat": "PDF", "printFormat": "A4"}
        item = {"shipmentNo": NUMBER, "sstatus": {"title": "OK", "statusCode": 200}, "label": label}
        return JSONResponse({"status": {"title": "OK", "statusCode": 200}, "items": [item]})

    async def tracking(request):
        assert 'piece-code="' + NUMBER in request.query_params["xml"]
        events = "".join(
            f'<data name="piece-event" event-timestamp="{at}" ice="{ice}" event-status="{text}"'
            f' event-location="{place}"/>'
            for at, ice, text, place in peer.events
        )
        piece = f'<data name="piece-shipment" error-status="0" piece-code="{NUMBER}" ice="ULFMV">'
        lines = f'<data name="piece-event-list">{events}</data>'
        return Response(
            f'<?xml version="1.0"?><data name="piece-shipment-list" code="0">{piece}{lines}</data></data>',
            media_type="application/xml",
        )

    base = "/parcel/de"
    return Starlette(
        routes=[
            Route(f"{base}/account/auth/ropc/v1/token", token, methods=["POST"]),
            Route(f"{base}/shipping/v2/orders", order, methods=["POST"]),
            Route(f"{base}/tracking/v0/shipments", tracking),
        ]
    )


def secrets(**changed: str) -> str:
    return json.dumps({**SECRETS, **changed})
