"""A shopper's player without a browser: WHEP, decoded pictures, data channels, steering; measures what it waits for."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import aioice.ice
import httpx
import numpy as np
import numpy.typing as npt
import zxingcpp
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtcconfiguration import RTCBundlePolicy

from wire.codec import dump_bytes
from wire.commands import Steering, SteerKind
from wire.plan import Position

Pixels = npt.NDArray[np.uint8]

BEAT_S = 1.0
"""A page that only looks says this often that it lives; the shop gives a turn up after six seconds of silence."""

STEER_BEAT_S = 0.1
"""While something moves: five beats fit the shop's dead-man of half a second."""

RESTING_FRAMES = 6
BLOCK_PX = 8
CHANGED_LEVELS = 10.0
"""Blocks of 8 × 8 points, averaged, differ by less between two pictures of a thing at rest: noise and codec."""

MOVED_BLOCKS = 12
"""A picture moved when this many blocks more differ than at rest: a bowl that turns changes nothing but its glaze."""


class ViewerError(Exception):
    """The picture did not come; the message says what the other side answered."""


class Signalling(Protocol):
    """Carries an offer to the shop and the answer back."""

    async def post(self, offer_sdp: str) -> str:
        """Return the SDP answer."""

    async def patch(self, sdp_fragment: str) -> None:
        """Send later candidates."""

    async def delete(self) -> None:
        """End the stream."""


class WhepSignalling:
    """WHEP over HTTP (draft-ietf-wish-whep): `viewing_pass` is the bearer token of one stream."""

    def __init__(self, http: httpx.AsyncClient, whep_url: str, viewing_pass: str) -> None:
        self._http = http
        self._url = whep_url
        self._headers = {"Authorization": f"Bearer {viewing_pass}"}
        self._stream_url = ""

    async def post(self, offer_sdp: str) -> str:
        headers = self._headers | {"Content-Type": "application/sdp"}
        answer = await self._http.post(self._url, content=offer_sdp, headers=headers)
        if answer.status_code != 201:
            raise ViewerError(f"POST {self._url}: {answer.status_code} {answer.text[:300]}")
        self._stream_url = str(httpx.URL(self._url).join(answer.headers["Location"]))
        return answer.text

    async def patch(self, sdp_fragment: str) -> None:
        headers = self._headers | {"Content-Type": "application/trickle-ice-sdpfrag"}
        await self._http.patch(self._stream_url, content=sdp_fragment, headers=headers)

    async def delete(self) -> None:
        if self._stream_url:
            await self._http.delete(self._stream_url, headers=self._headers)


def pin_host_addresses(addresses: tuple[str, ...]) -> None:
    """Use exactly these addresses: aioice leaves 127.0.0.1 out, and without a network nothing would ever meet."""

    def pinned(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return [address for address in addresses if (use_ipv6 if ":" in address else use_ipv4)]

    aioice.ice.get_host_addresses = pinned


def one_fingerprint(sdp: str) -> str:
    """Return SDP with the SHA-256 fingerprint alone, as browsers send it; aiortc writes three of it."""
    lines = sdp.splitlines()
    kept = (line for line in lines if not line.startswith("a=fingerprint:") or line.startswith("a=fingerprint:sha-256"))
    return "".join(f"{line}\r\n" for line in kept)


def read_codes(pixels: Pixels) -> list[str]:
    """Return the texts of every bar and matrix code that can be read in a picture."""
    return [found.text for found in zxingcpp.read_barcodes(np.ascontiguousarray(pixels)) if found.text]


def blocks_changed(before: Pixels, after: Pixels) -> int:
    """Return how many blocks of two pictures differ by more than noise does; all of them when the sizes differ."""
    if before.shape != after.shape:
        return before.size
    height, width = (length // BLOCK_PX * BLOCK_PX for length in before.shape[:2])
    shape = (height // BLOCK_PX, BLOCK_PX, width // BLOCK_PX, BLOCK_PX, 3)
    means = [one[:height, :width].reshape(shape).mean(axis=(1, 3), dtype=np.float32) for one in (before, after)]
    return int((np.abs(means[0] - means[1]).max(axis=2) > CHANGED_LEVELS).sum())


class Viewer:
    """One stream, from `open` to `close`. `turn_no` follows what the shop says on the data channel."""

    def __init__(
        self,
        signalling: Signalling,
        *,
        on_frame: Callable[[Pixels], None] | None = None,
        ice_servers: list[RTCIceServer] | None = None,
        trickles: bool = False,
        beats: bool = True,
    ) -> None:
        self.turn_no = 0
        self.state = ""
        self.frames = 0
        self._frame: Any = None
        self._pixels: Pixels | None = None
        self.first_frame_ms = 0.0
        self.messages: list[dict[str, Any]] = []
        self.ended = asyncio.Event()
        self._signalling = signalling
        self._on_frame = on_frame
        self._trickles = trickles
        self._beats = beats
        self._sequence = 0
        self._offered_s = 0.0
        self._arrived = asyncio.Condition()
        self._has_turn = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        # an empty list, never None: aiortc would ask a stranger's STUN server
        self.connection = RTCPeerConnection(
            RTCConfiguration(iceServers=ice_servers or [], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self.connection.addTransceiver("video", direction="recvonly")
        self.motion = self.connection.createDataChannel("motion", ordered=False, maxRetransmits=0)
        self.control = self.connection.createDataChannel("control")
        self.connection.on("track", self._on_track)
        self.connection.on("connectionstatechange", self._on_state)
        self.control.on("message", self._on_message)

    @property
    def newest(self) -> Pixels | None:
        """The newest picture, BGR; made of the decoded frame when it is first asked for."""
        if self._frame is not None:
            self._pixels, self._frame = self._frame.to_ndarray(format="bgr24"), None
        return self._pixels

    async def open(self) -> None:
        """Offer, and take the answer; the picture follows by itself. Raises ViewerError."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        offer = one_fingerprint(self.connection.localDescription.sdp)
        candidates = [line for line in offer.splitlines() if line.startswith("a=candidate:")]
        if self._trickles:
            offer = "".join(f"{line}\r\n" for line in offer.splitlines() if line not in candidates)
        self._offered_s = time.monotonic()
        answer = await self._signalling.post(offer)
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        if self._trickles:
            await self._signalling.patch("".join(f"{line}\r\n" for line in candidates))
        if self._beats:
            self._tasks.append(asyncio.create_task(self._beat_on()))

    async def first_frame(self, timeout_s: float = 10.0) -> float:
        """Wait for the first decoded picture; return milliseconds from sending the offer to having it."""
        await self.wait_frame(lambda _pixels: True, timeout_s)
        return self.first_frame_ms

    async def wait_frame(self, is_wanted: Callable[[Pixels], bool], timeout_s: float = 10.0) -> Pixels:
        """Return the first picture from now on (or the newest) that `is_wanted`; raise ViewerError in vain."""
        try:
            async with asyncio.timeout(timeout_s), self._arrived:
                while (pixels := self.newest) is None or not is_wanted(pixels):
                    await self._arrived.wait()
                return pixels
        except TimeoutError:
            raise ViewerError(f"no such picture within {timeout_s} s ({self.frames} frames came)") from None

    async def wait_turn(self, timeout_s: float = 10.0) -> int:
        """Wait until the shop says that this session steers; return the turn's number."""
        async with asyncio.timeout(timeout_s):
            await self._has_turn.wait()
        return self.turn_no

    def send(self, kind: SteerKind, wish: Mapping[str, Any] | None = None, *, turn_no: int | None = None) -> None:
        """Send one steering message: moves on the lossy channel, everything else on the reliable one."""
        self._sequence += 1
        steering = Steering(
            kind=kind, turn_no=self.turn_no if turn_no is None else turn_no, sequence=self._sequence, **(wish or {})
        )
        channel = self.motion if kind is SteerKind.MOVE else self.control
        if channel.readyState == "open":
            channel.send(dump_bytes(steering).decode())

    async def move(self, seconds: float, **speeds: float) -> None:
        """Hold these speeds (pan, tilt, zoom, turn) for a time with beats, as a held key does; then stop."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self.send(SteerKind.MOVE, speeds)
            await asyncio.sleep(STEER_BEAT_S)
        self.send(SteerKind.STOP)

    async def go_to(self, position: Position, seconds: float = 2.0) -> None:
        """Go to a place and keep the dead-man quiet for as long as the way takes."""
        self.send(SteerKind.GO_TO, {"position": position})
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            await asyncio.sleep(STEER_BEAT_S)
            self.send(SteerKind.BEAT)

    async def steer_to_motion_ms(self, timeout_s: float = 5.0, **speeds: float) -> float:
        """Return milliseconds from the first steering message to the first decoded picture that moved; then stop.

        Moved is what differs from the last resting picture by clearly more than resting pictures differ among
        themselves (sensor noise, the codec's own wavering).
        """
        before, noise = await self._at_rest(timeout_s)
        moving = asyncio.create_task(self.move(timeout_s, **speeds))
        begun_s = time.monotonic()
        try:
            await self.wait_frame(
                lambda pixels: pixels is not before and blocks_changed(before, pixels) > 2 * noise + MOVED_BLOCKS,
                timeout_s,
            )
            return (time.monotonic() - begun_s) * 1000
        finally:
            moving.cancel()
            self.send(SteerKind.STOP)

    async def _at_rest(self, timeout_s: float) -> tuple[Pixels, int]:
        """Wait until several pictures in a row hardly differ; return the last, and by how much they did."""
        last, quiet = await self._next_frame(timeout_s), [MOVED_BLOCKS + 1]
        deadline_s = time.monotonic() + timeout_s
        while max(quiet) > MOVED_BLOCKS or len(quiet) < RESTING_FRAMES:
            if time.monotonic() > deadline_s:
                raise ViewerError(f"the picture does not come to rest within {timeout_s} s")
            frame = await self._next_frame(timeout_s)
            quiet = [*quiet[1 - RESTING_FRAMES :], blocks_changed(last, frame)]
            last = frame
        return last, max(quiet)

    async def _next_frame(self, timeout_s: float) -> Pixels:
        newest = self.newest
        return await self.wait_frame(lambda pixels: pixels is not newest, timeout_s)

    async def close(self) -> None:
        """End the stream at both sides."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.connection.close()
        await self._signalling.delete()

    async def _beat_on(self) -> None:
        while True:
            self.send(SteerKind.BEAT)
            await asyncio.sleep(BEAT_S)

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.create_task(self._read(track)))

    async def _read(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame: Any = await track.recv()
            except MediaStreamError:
                self.ended.set()
                return
            async with self._arrived:
                if not self.frames:
                    self.first_frame_ms = (time.monotonic() - self._offered_s) * 1000
                self.frames += 1
                self._frame = frame
                self._arrived.notify_all()
            if self._on_frame is not None and self.newest is not None:
                self._on_frame(self.newest)

    def _on_message(self, text: str | bytes) -> None:
        message = json.loads(text)
        self.messages.append(message)
        if message.get("type") == "ViewingChanged":
            self.state = message["data"]["state"]
            self.turn_no = message["data"]["turn_no"]
            if self.turn_no:
                self._has_turn.set()
            else:
                self._has_turn.clear()

    def _on_state(self) -> None:
        if self.connection.connectionState in ("failed", "closed"):
            self.ended.set()
