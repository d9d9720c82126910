"""A carrier of our own making over real HTTP: books once by its key, has labels and words, and misbehaves on demand."""

import asyncio
import base64

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

TOKEN, WEBHOOK_SECRET = "carrier-token", "carrier-secret"
PDF = b"%PDF-1.4\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
SILENCE_S = 30


class Peer:
    def __init__(self):
        self.bookings, self.bodies, self.events = {}, [], {}
        self.is_silent, self.refuses, self.label = False, "", PDF
        self.was_asked = self.may_answer = None


def build(peer):
    async def book(request):
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"message": "who are you?"}, 401)
        if peer.refuses:
            return JSONResponse({"message": peer.refuses}, 422)
        key, body = request.headers["idempotency-key"], await request.json()
        peer.bodies.append(body)
        if key not in peer.bookings:
            number = f"TN{len(peer.bookings) + 1:06d}"
            peer.bookings[key] = {
                "shipment": {"number": number, "label": base64.b64encode(peer.label).decode()},
                "links": [f"https://carrier.example/{number}"],
            }  # fmt: skip
        if peer.may_answer is not None:
            peer.was_asked.set()
            await asyncio.to_thread(peer.may_answer.wait, SILENCE_S)
        if peer.is_silent:
            await asyncio.sleep(SILENCE_S)
        return JSONResponse(peer.bookings[key], 201)

    async def find(request):
        found = peer.bookings.get(request.path_params["key"])
        return JSONResponse(found) if found else JSONResponse({"message": "unknown"}, 404)

    async def words(request):
        return JSONResponse({"events": peer.events.get(request.path_params["number"], [])})

    return Starlette(
        routes=[
            Route("/book", book, methods=["POST"]),
            Route("/book/{key}", find),
            Route("/track/{number}", words),
        ]
    )
