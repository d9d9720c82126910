"""Network cameras: MJPEG streams and full-resolution stills over HTTP. Draws only while somebody looks."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from concurrent.futures import Executor
from typing import Protocol

from drivers.simulators.faults import FaultBoard
from drivers.simulators.http_server import Answer, Caller
from drivers.simulators.port import noise

BOUNDARY = "vitrineframe"


class Eye(Protocol):
    """Draws what one camera sees."""

    def frame(self, now_s: float) -> bytes:
        """The picture of the stream as JPEG, at this monotonic time."""

    def still(self, now_s: float) -> bytes:
        """The full-resolution picture as JPEG."""

    def black(self) -> bytes:
        """What comes when no light reaches the sensor."""


class MjpegCamera:
    """One camera. All viewers share the frames of one drawing task."""

    def __init__(self, name: str, eye: Eye, rate_hz: float, faults: FaultBoard, draw_on: Executor) -> None:
        self.name = name
        self._eye = eye
        self._period_s = 1 / rate_hz
        self._faults = faults
        self._draw_on = draw_on
        self._newest = b""
        self._last_still = b""
        self._chance = random.Random(name)
        self._number = 0
        self._fresh = asyncio.Condition()
        self._viewers: set[asyncio.StreamWriter] = set()
        self._drawing: asyncio.Task[None] | None = None
        faults.listen(name, self._fault)

    async def answer(self, what: str, caller: Caller) -> Answer | None:
        """`stream` or `still` was asked for."""
        if self._faults.is_on(self.name, "unplugged"):
            caller.writer.transport.abort()
            return None
        await asyncio.sleep(self._faults.seconds(self.name, "slow"))
        if self._faults.is_on(self.name, "silent"):
            await asyncio.sleep(3600)
        if what == "still":
            await self._send_still(caller)
            return None
        await self._stream(caller)
        return None

    def warm_up(self) -> None:
        """Draw once for nobody, so that the first viewer gets the first frame at once."""
        self._eye.frame(time.monotonic())

    async def shut_down(self) -> None:
        """Power off."""
        if self._drawing:
            self._drawing.cancel()
            await asyncio.gather(self._drawing, return_exceptions=True)

    async def _send_still(self, caller: Caller) -> None:
        """One JPEG with its length; the line may break in the middle of it."""
        jpeg, writer = await self._take_still(), caller.writer
        head = f"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n")
        passed = self._faults.strikes(self.name, "hang_up", len(jpeg))
        writer.write(jpeg if passed is None else jpeg[: passed or len(jpeg) // 2])
        with contextlib.suppress(ConnectionError):  # who asked has gone
            await writer.drain()
        writer.close()

    async def _take_still(self) -> bytes:
        loop = asyncio.get_running_loop()
        if self._faults.is_on(self.name, "black"):
            return await loop.run_in_executor(self._draw_on, self._eye.black)
        if not (self._faults.is_on(self.name, "frozen") and self._last_still):
            self._last_still = await loop.run_in_executor(self._draw_on, self._eye.still, time.monotonic())
        if self._faults.is_on(self.name, "garbage"):
            return noise(self._chance, len(self._last_still))
        return self._last_still

    async def _stream(self, caller: Caller) -> None:
        writer = caller.writer
        writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary={BOUNDARY}\r\n"
            "Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode()
        )
        self._viewers.add(writer)
        if self._drawing is None or self._drawing.done():
            self._drawing = asyncio.get_running_loop().create_task(self._draw())
        seen = 0
        try:
            while not caller.is_gone:
                async with self._fresh:
                    await self._fresh.wait_for(lambda: self._number != seen)  # noqa: B023  # waited for at once
                    seen, jpeg = self._number, self._newest
                # a viewer may have gone while this one waited for the frame
                if caller.is_gone or not self._send(writer, jpeg):
                    return
                await writer.drain()
        finally:
            self._viewers.discard(writer)

    def _send(self, writer: asyncio.StreamWriter, jpeg: bytes) -> bool:
        """Send one part; False when the line broke in the middle of it."""
        head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
        if self._faults.is_on(self.name, "garbage"):
            jpeg = noise(self._chance, len(jpeg))
        part = head + jpeg + b"\r\n"
        passed = self._faults.strikes(self.name, "hang_up", len(part))
        if passed is None:
            writer.write(part)
            return True
        writer.write(part[:passed])
        writer.close()
        return False

    async def _draw(self) -> None:
        """One frame each period while anybody looks; a late frame is skipped, not made up for."""
        loop = asyncio.get_running_loop()
        due_s = time.monotonic()
        while self._viewers:
            if not self._faults.is_on(self.name, "silent"):
                jpeg = await self._next(loop)
                async with self._fresh:
                    self._newest, self._number = jpeg, self._number + 1
                    self._fresh.notify_all()
            due_s = max(due_s + self._period_s, time.monotonic())
            await asyncio.sleep(due_s - time.monotonic())

    async def _next(self, loop: asyncio.AbstractEventLoop) -> bytes:
        if self._faults.is_on(self.name, "black"):
            return await loop.run_in_executor(self._draw_on, self._eye.black)
        if self._faults.is_on(self.name, "frozen") and self._newest:
            return self._newest
        return await loop.run_in_executor(self._draw_on, self._eye.frame, time.monotonic())

    def _fault(self, fault: str, is_on: bool) -> None:
        if fault == "unplugged" and is_on:
            for writer in list(self._viewers):
                writer.transport.abort()
