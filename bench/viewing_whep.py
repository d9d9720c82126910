"""How long a WHEP POST takes while STUN servers keep silent: by relay, pass, ticket and MQTT, as any player asks."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator

import httpx

from bench.figures import Report
from bench.viewing_mall import OpenMall
from demo.people import Caller
from demo.steps import until
from demo.viewer import Viewer, WhepSignalling

TIMES = 6
POST_MS = 100.0
FORGOTTEN_S = 4.0
"""The shop counts a server as silent after three seconds, and asks the next one for the next offer: each POST here
meets a server that nobody asked before.
"""


@contextlib.contextmanager
def silent_servers() -> Iterator[tuple[str, ...]]:
    """Open UDP ports that never answer; yield them as STUN servers."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(TIMES + 4)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        yield tuple(f"stun:127.0.0.1:{one.getsockname()[1]}" for one in sockets)


async def measure(report: Report, opened: OpenMall) -> None:
    """Post a few offers as a visitor who watches."""
    print("WHEP, silent STUN servers …", flush=True)
    caller, took_ms = Caller(opened.mall.relay_url), []
    try:
        for number in range(TIMES + 1):
            took_ms.append(await _post_ms(caller, opened.piece_id))
            if number < TIMES:
                await asyncio.sleep(FORGOTTEN_S)
    finally:
        await caller.close()
    report.values["whep_posts_ms"] = took_ms
    report.most("whep_post_ms", "WHEP POST to its answer, STUN silent", took_ms[1:], "ms", POST_MS, 0)


async def _post_ms(caller: Caller, piece_id: str) -> float:
    """Return milliseconds from the POST of an offer to its answer."""
    asked = await caller.call("POST", "/api/viewing", {"piece_id": piece_id, "watch_only": True})
    session_id = asked["session_id"]

    async def may_watch() -> bool:
        return bool((await caller.call("GET", f"/api/viewing/{session_id}"))["state"] == "watching")

    await until(may_watch, 10, "a visitor may watch")
    grant = await caller.call("POST", f"/api/viewing/{session_id}/pass", {})
    signalling = Timed(caller.http, grant["whep_url"], grant["pass"])
    viewer = Viewer(signalling)
    try:
        await viewer.open()
    finally:
        await viewer.close()
        await caller.call("POST", f"/api/viewing/{session_id}/leave", {})
    return signalling.took_ms


class Timed(WhepSignalling):
    """WHEP with a watch beside it."""

    def __init__(self, http: httpx.AsyncClient, whep_url: str, viewing_pass: str) -> None:
        super().__init__(http, whep_url, viewing_pass)
        self.took_ms = 0.0

    async def post(self, offer_sdp: str) -> str:
        begun_s = time.monotonic()
        answer = await super().post(offer_sdp)
        self.took_ms = (time.monotonic() - begun_s) * 1000
        return answer
