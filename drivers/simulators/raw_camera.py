"""A viewing camera's pictures uncompressed, as a capture card's program hands them on: YUV4MPEG2 over TCP."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from concurrent.futures import Executor
from typing import Protocol

import numpy as np

from drivers.simulators.faults import FaultBoard
from drivers.simulators.tcp_port import Listener
from drivers.simulators.texture import Picture

# yuv4mpeg(5): 4:2:0 with chroma where MPEG-2 has it, limited range, progressive, square points
HEADER = "YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=LIMITED\n"
FRAME = b"FRAME\n"


class RawEye(Protocol):
    """Draws what one camera sees."""

    def raw(self, now_s: float) -> Picture:
        """The picture of the stream at this monotonic time, I420: (height * 3 / 2, width)."""


class RawCamera(Listener):
    """Listens on 127.0.0.1; each connection gets the newest picture at the camera's pace. Draws only while one is open.

    Whoever reads too slowly gets fewer pictures, never older ones than a socket holds.
    """

    def __init__(
        self, name: str, eye: RawEye, rate_hz: float, number: int, faults: FaultBoard, draw_on: Executor,
        chance: random.Random,
    ) -> None:  # fmt: skip
        super().__init__(name, number, faults, chance)
        self._eye = eye
        self._rate_hz = rate_hz
        self._draw_on = draw_on
        self._last = b""

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):  # who read it has gone
            await self._stream(reader, writer)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        picture = await self._draw()
        height, width = picture.shape[0] * 2 // 3, picture.shape[1]
        writer.write(HEADER.format(width=width, height=height, rate=round(self._rate_hz)).encode("ascii"))
        due_s = time.monotonic()
        while not (writer.is_closing() or reader.at_eof()):
            if not self._faults.is_on(self.device, "silent"):
                await self._send(writer)
            due_s = max(due_s + 1 / self._rate_hz, time.monotonic())
            await asyncio.sleep(due_s - time.monotonic())

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        if not (self._faults.is_on(self.device, "frozen") and self._last):
            picture = await self._draw()
            if self._faults.is_on(self.device, "black"):
                picture = _black(picture)
            self._last = picture.tobytes()
        writer.write(FRAME)
        writer.write(self._last)
        await writer.drain()

    async def _draw(self) -> Picture:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._draw_on, self._eye.raw, time.monotonic())


def _black(planes: Picture) -> Picture:
    """Planes of this size in which nothing is lit (ITU-R BT.601: luma 16, chroma 128)."""
    black = np.full_like(planes, 128)
    black[: planes.shape[0] * 2 // 3] = 16
    return black
