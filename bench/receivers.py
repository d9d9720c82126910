"""Load: viewers who take every packet and open none. Run as `python -m bench.receivers shop|offer URL [PIECE_ID]`.

Each line of standard input is an order: a number N (be N viewers; "no" when a viewer is turned away) or "frames" (tell
how many pictures came in since that was asked last). Each is answered by one line.
"""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import aioice.ice
import httpx

from demo.people import Caller, RelayRefusedError
from demo.steps import StepFailedError, until
from demo.viewer import Viewer, ViewerError, WhepSignalling, pin_host_addresses

CONNECT_S = 20.0
TRIES = 4
"""A machine full of viewers answers one of them too late now and then; who is turned away so often is not wanted."""

COUNTED = {"frames": 0}


def count_only(protocol: Any) -> None:
    """Have pictures counted by the marker of their last packet and taken no further.

    Fifty browsers open what they get on fifty other machines, and must not load this one. RTCP, STUN and DTLS go on as
    ever (RFC 5761 section 4, RFC 7983); so does the first packet, by which a viewer knows what to report of.
    """
    take, made, lost = protocol.datagram_received, protocol.connection_made, protocol.connection_lost
    known = set[int]()
    own: dict[int, socket.socket] = {}

    def take_or_count(self: Any, data: bytes, address: Any) -> None:
        is_media = data[0] >> 6 == 2 and not 64 <= data[1] & 0x7F <= 95
        if not is_media or self.id not in known:
            take(self, data, address)
        if is_media:
            known.add(self.id)
            COUNTED["frames"] += data[1] >> 7

    def drain(self: Any) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError, KeyError):
            while True:
                take_or_count(self, *own[self.id].recvfrom(2048))

    def read_all(self: Any, transport: Any) -> None:
        """In asyncio's place, which reads one datagram a turn of its loop: fifty viewers would fill a core so."""
        if not transport.is_closing():
            loop: Any = asyncio.get_running_loop()
            found = transport.get_extra_info("socket")
            reader = own[self.id] = found.dup()
            loop._remove_reader(found.fileno())  # noqa: SLF001  # the public one refuses what a transport reads
            loop.add_reader(reader.fileno(), drain, self)

    def connection_made(self: Any, transport: Any) -> None:
        made(self, transport)
        asyncio.get_running_loop().call_soon(read_all, self, transport)  # asyncio begins to read before that

    def connection_lost(self: Any, error: Exception | None) -> None:
        if reader := own.pop(self.id, None):
            asyncio.get_running_loop().remove_reader(reader.fileno())
            reader.close()
        lost(self, error)

    protocol.connection_made, protocol.connection_lost = connection_made, connection_lost


class OnePostSignalling:
    """The yardstick's way: one POST."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def post(self, offer_sdp: str) -> str:
        return (await self._http.post("/offer", content=offer_sdp)).raise_for_status().text

    async def patch(self, sdp_fragment: str) -> None:
        raise NotImplementedError

    async def delete(self) -> None:
        """Closing the connection is all that server knows."""


class Visitor(Viewer):
    """Says goodbye to the relay too: a place in line that nobody gave up is kept for a minute.

    As on a page only who steers beats; who watches is heard of by the reports that come with any stream.
    """

    def __init__(self, caller: Caller, session_id: str, grant: dict[str, Any]) -> None:
        super().__init__(WhepSignalling(caller.http, grant["whep_url"], grant["pass"]), beats=False)
        self._caller, self._session_id = caller, session_id

    async def close(self) -> None:
        await super().close()
        await self._caller.call("POST", f"/api/viewing/{self._session_id}/leave", {})


async def look_at_shop(caller: Caller, piece_id: str) -> Viewer:
    """Come as a visitor who only watches."""
    asked = await caller.call("POST", "/api/viewing", {"piece_id": piece_id, "watch_only": True})
    session_id = asked["session_id"]

    async def may_watch() -> bool:
        return bool((await caller.call("GET", f"/api/viewing/{session_id}"))["state"] == "watching")

    await until(may_watch, CONNECT_S, "a visitor may watch")
    grant = await caller.call("POST", f"/api/viewing/{session_id}/pass", {})
    viewer = Visitor(caller, session_id, grant)
    try:
        await viewer.open()
    except (ViewerError, httpx.HTTPError):
        await viewer.close()
        raise
    return viewer


async def take_offer(http: httpx.AsyncClient) -> Viewer:
    """Come to the yardstick."""
    viewer = Viewer(OnePostSignalling(http), beats=False)
    await viewer.open()
    return viewer


async def obey(come: Callable[[], Awaitable[Viewer]]) -> None:
    """Do what is said on standard input until it ends."""
    viewers: list[Viewer] = []
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if line == "frames":
            answer, COUNTED["frames"] = COUNTED["frames"], 0
            print(answer, flush=True)
            continue
        print(await _become(viewers, int(line), come), flush=True)
    await asyncio.gather(*(viewer.close() for viewer in viewers), return_exceptions=True)


async def _become(viewers: list[Viewer], count: int, come: Callable[[], Awaitable[Viewer]]) -> str:
    while len(viewers) > count:
        await viewers.pop().close()
    failures = 0
    while len(viewers) < count:
        try:
            viewers.append(await come())
            failures = 0
        except (RelayRefusedError, StepFailedError, ViewerError, httpx.HTTPError) as error:
            failures += 1
            print(f"viewer {len(viewers) + 1}: {str(error)[:200]}", file=sys.stderr, flush=True)
            if failures == TRIES:
                return "no"
            await asyncio.sleep(failures)
    return str(count)


async def main(kind: str, url: str, piece_id: str = "") -> None:
    """Serve one line after another."""
    pin_host_addresses(("127.0.0.1",))
    count_only(aioice.ice.StunProtocol)
    if kind == "shop":
        caller = Caller(url)
        await obey(lambda: look_at_shop(caller, piece_id))
        await caller.close()
    else:
        async with httpx.AsyncClient(base_url=url, timeout=CONNECT_S) as http:
            await obey(lambda: take_offer(http))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
