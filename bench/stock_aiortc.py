"""A yardstick: a picture server as aiortc's documents teach it, H.264, one encode for each viewer.

Run as `python -m bench.stock_aiortc CAMERA_URL PORT`. It reads the camera with our own driver, newest picture first, so
that what differs is what comes after. Everything else is aiortc as it is.
"""

import asyncio
import sys
import time
from fractions import Fraction
from typing import Any

import uvicorn
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from av import VideoFrame
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bench.viewing_port import camera_at
from demo.viewer import pin_host_addresses
from drivers.camera import Frame

CLOCK_HZ = 90_000


class NewestPicture:
    """Watches the camera while anybody looks, and wakes whoever waits for the next picture."""

    def __init__(self, url: str) -> None:
        self._camera = camera_at(url)
        self._loop = asyncio.get_running_loop()
        self._fresh = asyncio.Condition()
        self._viewers = 0
        self.frame: Frame | None = None

    async def add_viewer(self, count: int) -> None:
        """Begin with the first viewer, end with the last."""
        self._viewers += count
        if self._viewers == 1 and count > 0:
            await self._camera.watch(self._take)
        elif self._viewers == 0:
            await self._camera.unwatch()

    async def newer(self, seen: Frame | None) -> Frame:
        """Wait for a picture that is not `seen`."""
        async with self._fresh:
            await self._fresh.wait_for(lambda: self.frame is not seen)
        assert self.frame is not None
        return self.frame

    def _take(self, frame: Frame) -> None:
        asyncio.run_coroutine_threadsafe(self._put(frame), self._loop)

    async def _put(self, frame: Frame) -> None:
        async with self._fresh:
            self.frame = frame
            self._fresh.notify_all()


class CameraTrack(MediaStreamTrack):
    """The camera for one viewer: raw pictures, which aiortc encodes for this viewer alone."""

    kind = "video"

    def __init__(self, newest: NewestPicture) -> None:
        super().__init__()
        self._newest = newest
        self._seen: Frame | None = newest.frame

    async def recv(self) -> Any:
        """Return the next picture; called by aiortc."""
        self._seen = await self._newest.newer(self._seen)
        picture = VideoFrame.from_ndarray(self._seen.planes, format="yuv420p")
        picture.pts, picture.time_base = int(time.monotonic() * CLOCK_HZ), Fraction(1, CLOCK_HZ)
        return picture


class Server:
    """Answers offers."""

    def __init__(self, url: str) -> None:
        self._newest = NewestPicture(url)
        self._peers: set[RTCPeerConnection] = set()

    async def offer(self, request: Request) -> Response:
        """Take an SDP offer, return the answer."""
        text = (await request.body()).decode()
        # names of the form *.local cost each offer a second in aioice, for this server and for ours
        kept = [line for line in text.splitlines() if ".local " not in line]
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peers.add(peer)
        track = CameraTrack(self._newest)
        transceiver = peer.addTransceiver(track, direction="sendonly")
        codecs = RTCRtpSender.getCapabilities("video").codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType == "video/H264"])
        await self._newest.add_viewer(1)

        async def on_state() -> None:
            if peer.connectionState in ("failed", "closed") and peer in self._peers:
                self._peers.remove(peer)
                track.stop()
                await self._newest.add_viewer(-1)
                await peer.close()

        peer.on("connectionstatechange", on_state)
        await peer.setRemoteDescription(RTCSessionDescription("\r\n".join(kept) + "\r\n", "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return PlainTextResponse(peer.localDescription.sdp)


async def main(url: str, port: int) -> None:
    """Serve until told to end."""
    pin_host_addresses(("127.0.0.1",))
    server = Server(url)
    application = Starlette(routes=[Route("/offer", server.offer, methods=["POST"])])
    await uvicorn.Server(uvicorn.Config(application, port=port, log_level="warning")).serve()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
