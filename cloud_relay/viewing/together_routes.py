"""HTTP of looking together: come in, talk, point, hand the steering over."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

from fastapi import Response, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.relay import RelayDep
from cloud_relay.viewing import together
from cloud_relay.viewing.service import NoSuchSessionError
from cloud_relay.web.principal import Anyone, SignedIn
from cloud_relay.web.routing import Router

router = Router()

POINTS_HZ_MAX = 30
POINT_LENGTH_MAX = 100


class BeginBody(BaseModel):
    """Begin to look together (no id), or come in by the id of an invitation."""

    model_config = ConfigDict(extra="forbid")
    together_id: str = Field(default="", max_length=64)


class SayBody(BaseModel):
    """A few words to the others."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(max_length=300)


class HandOverBody(BaseModel):
    """To whom the steering is offered."""

    model_config = ConfigDict(extra="forbid")
    companion_id: str = Field(max_length=64)


class AnswerBody(BaseModel):
    """Whether an offered turn is taken."""

    model_config = ConfigDict(extra="forbid")
    accepts: bool


class Pointers:
    """Pointers on their way between open pages of this process; they are worth nothing a second later, so none is kept.

    Several relay processes: have the balancer send `/api/together/ID/…` of one id to one process.
    """

    def __init__(self) -> None:
        self._open: dict[str, dict[str, WebSocket]] = {}

    async def add(self, together_id: str, companion_id: str, socket: WebSocket) -> None:
        """Take a page in; an older one of the same companion is closed."""
        older = self._open.setdefault(together_id, {}).pop(companion_id, None)
        self._open[together_id][companion_id] = socket
        if older is not None:
            await older.close()

    def drop(self, together_id: str, companion_id: str, socket: WebSocket) -> None:
        """Undo `add`."""
        here = self._open.get(together_id, {})
        if here.get(companion_id) is socket:
            del here[companion_id]
        if not here:
            self._open.pop(together_id, None)

    async def tell(self, together_id: str, companion_id: str, text: str) -> None:
        """Pass a pointer on to everybody else."""
        others = [one for name, one in self._open.get(together_id, {}).items() if name != companion_id]
        await asyncio.gather(*(one.send_text(text) for one in others), return_exceptions=True)


pointers = Pointers()


def read_point(text: str) -> dict[str, float] | None:
    """Return a pointer {x, y} as shares 0…1 of the picture, or None where somebody points at nothing."""
    try:
        sent = json.loads(text) if len(text) <= POINT_LENGTH_MAX else None
    except json.JSONDecodeError:
        return None
    if not isinstance(sent, dict) or not all(isinstance(sent.get(name), int | float) for name in "xy"):
        return None
    x, y = float(sent["x"]), float(sent["y"])
    return {"x": round(x, 4), "y": round(y, 4)} if 0 <= x <= 1 and 0 <= y <= 1 else None


@router.post("/api/viewing/{session_id}/together", status_code=201)
async def begin(session_id: str, body: BeginBody, relay: RelayDep, principal: Anyone) -> dict[str, Any]:
    """Look together: begin, or come in by an invitation."""
    now, name = relay.clock.now(), principal.nickname
    if body.together_id:
        return await relay.db.run(together.join, session_id, principal.account_id, body.together_id, name, now)
    return await relay.db.run(together.begin, session_id, principal.account_id, name, now)


@router.delete("/api/viewing/{session_id}/together", status_code=204)
async def leave(session_id: str, relay: RelayDep, principal: Anyone) -> Response:
    """Look on alone."""
    await relay.db.run(together.leave, session_id, principal.account_id, relay.clock.now())
    return Response(status_code=204)


@router.post("/api/viewing/{session_id}/together/say", status_code=202)
async def say(session_id: str, body: SayBody, relay: RelayDep, principal: Anyone) -> dict[str, Any]:
    """Say something to the others; it comes to every page as the event `said`. Ways to reach each other elsewhere are
    refused (422 `contact_data`, with its `kind`).
    """
    now, our_host = relay.clock.now(), urlsplit(relay.settings.relay.public_url).netloc
    await relay.db.run(together.say, session_id, principal.account_id, body.text, now, our_host=our_host)
    return {}


@router.post("/api/viewing/{session_id}/together/offer", status_code=202)
async def offer(session_id: str, body: HandOverBody, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """Offer the steering to a companion."""
    now = relay.clock.now()
    await relay.db.run(together.offer, session_id, principal.account_id, body.companion_id, now)
    return {}


@router.post("/api/viewing/{session_id}/together/answer", status_code=202)
async def answer(session_id: str, body: AnswerBody, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """Take the steering, or decline; the shop hands it over under a new turn number if the turn still runs."""
    now, account_id = relay.clock.now(), principal.account_id
    handing = await relay.db.run(together.answer, session_id, account_id, now, accepts=body.accepts)
    if handing is not None:
        await relay.link.send_transient(handing.shop_id, handing.command)
    return {}


@router.websocket("/api/together/{together_id}/pointers/{session_id}")
async def point(socket: WebSocket, together_id: str, session_id: str, relay: RelayDep, principal: Anyone) -> None:
    """Pointers both ways: `{"x": 0.4, "y": 0.5}` up, the same with `companion_id` down; `{}` hides one's own."""
    own = await relay.db.read(together.own_companion, session_id, principal.account_id)
    if own["together_id"] != together_id:
        raise NoSuchSessionError
    await socket.accept()
    companion_id, free_s = own["companion_id"], 0.0
    await pointers.add(together_id, companion_id, socket)
    try:
        while True:
            text = await socket.receive_text()
            now_s = relay.clock.monotonic()
            if now_s >= free_s:
                free_s = now_s + 1 / POINTS_HZ_MAX
                at = read_point(text) or {}
                await pointers.tell(together_id, companion_id, json.dumps({"companion_id": companion_id, **at}))
    except (WebSocketDisconnect, asyncio.CancelledError):
        return
    finally:
        pointers.drop(together_id, companion_id, socket)
        await pointers.tell(together_id, companion_id, json.dumps({"companion_id": companion_id}))
