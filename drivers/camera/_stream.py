"""Cameras whose pictures come as a stream: a thread reads it, a host watches it, stills come out of it."""

import asyncio
import threading
import time
from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

from drivers.base import DeviceError, DeviceOfflineError, DeviceStatus
from drivers.camera import Camera, Frame, Still
from drivers.camera._http import fetch_still, public_url
from drivers.camera._picture import PictureWatch, checked_still, encode_still

Taken = TypeVar("Taken")
OnFrame = Callable[[Frame], None]


class StreamOptions(Protocol):
    """The options that all of them have."""

    @property
    def still_url(self) -> str: ...
    @property
    def timeout_s(self) -> float: ...
    @property
    def silent_s(self) -> float: ...
    @property
    def frozen_s(self) -> float: ...
    @property
    def black_level(self) -> int: ...


class PixelOptions(StreamOptions, Protocol):
    """And that of cameras whose stills are encoded here."""

    @property
    def jpeg_quality(self) -> int: ...


class FrameReader(Generic[Taken]):
    """Reads one source from its opening to its end in threads of its own; `Taken` is what `next` waits for."""

    END_S: float | None = None
    """How long `stop` waits for the threads; None for as long as it takes."""

    def __init__(self, where: str, picture: PictureWatch, on_frame: OnFrame) -> None:
        self._where = where
        self._picture = picture
        self._on_frame = on_frame
        self._loop = asyncio.get_running_loop()
        self._started: asyncio.Future[None] = self._loop.create_future()
        self._next: asyncio.Future[Taken] | None = None
        self._lost: DeviceError | None = None
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    async def started(self) -> None:
        """Wait until the source is open; raise DeviceOfflineError or BadOptionsError."""
        await asyncio.shield(self._started)
        if self._lost is not None:
            raise self._lost

    async def next(self, timeout_s: float) -> Taken:
        """Return what is taken next."""
        self._next = self._loop.create_future()
        try:
            async with asyncio.timeout(timeout_s):
                return await self._next
        except TimeoutError:
            raise self._lost or DeviceOfflineError(
                f"{self._where}: no picture within {timeout_s} s", "no_signal"
            ) from None
        finally:
            self._next = None

    def status(self) -> DeviceStatus:
        """Return how the picture is; raise why it was lost."""
        if self._lost is not None:
            raise self._lost
        return self._picture.status(self._where)

    def stop(self) -> None:
        """End the stream and wait for the threads; blocks."""
        self._stopping.set()
        self._interrupt()
        for thread in self._threads:
            thread.join(self.END_S)

    def _interrupt(self) -> None:
        """Wake a thread that is blocked in reading, where that can be done."""

    def _begin(self, name: str, *works: Callable[[], None]) -> None:
        """Start a thread for each of these."""
        self._threads = [threading.Thread(target=work, name=f"{name} {self._where}", daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def _opened(self) -> None:
        """Tell who waits that it is open, or never will be."""
        self._settle(self._started, None)

    def _give(self, taken: Taken) -> None:
        """Give it to who waits for the next."""
        self._settle(self._next, taken)

    def _settle(self, future: "asyncio.Future[Any] | None", value: object) -> None:
        def settle() -> None:
            if future is not None and not future.done():
                future.set_result(value)

        if future is not None:
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                self._loop.call_soon_threadsafe(settle)


class StreamCamera(Camera, Generic[Taken]):
    """One stream, captured while somebody watches; its host reopens a lost one."""

    def __init__(self, options: StreamOptions, where: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._watched = options
        self._where = where
        self._monotonic = monotonic
        self._capture: FrameReader[Taken] | None = None
        self._looks = self._judge()

    @abstractmethod
    def _make_capture(self, picture: PictureWatch, on_frame: OnFrame) -> FrameReader[Taken]:
        """Begin to capture."""

    async def close(self) -> None:
        await self.unwatch()

    async def watch(self, on_frame: OnFrame) -> None:
        await self.unwatch()
        self._capture = self._make_capture(self._judge(), on_frame)
        try:
            await self._capture.started()
        except DeviceError:
            await self.unwatch()
            raise

    async def unwatch(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            await asyncio.to_thread(capture.stop)

    async def _own_still(self) -> Still:
        """Return the still of the camera's own address for it."""
        options = self._watched
        jpeg = await asyncio.to_thread(fetch_still, options.still_url, options.timeout_s)
        return checked_still(jpeg, public_url(options.still_url))

    def _judge(self) -> PictureWatch:
        options = self._watched
        return PictureWatch(options.frozen_s, options.black_level, options.silent_s, self._monotonic)


class PixelCamera(StreamCamera[Frame]):
    """A stream of pixels: a still without an address of its own is the next picture, encoded here."""

    def __init__(self, options: PixelOptions, where: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(options, where, monotonic)
        self._jpeg_quality = options.jpeg_quality

    async def open(self) -> None:
        """Take one picture, which proves that the source can be opened and read."""
        await self._one_frame()

    async def status(self) -> DeviceStatus:
        if self._capture is not None:
            return self._capture.status()
        self._looks.frame((await self._one_frame()).planes)
        return self._looks.status(self._where)

    async def still(self) -> Still:
        if self._watched.still_url:
            return await self._own_still()
        frame = await self._one_frame()
        return await asyncio.to_thread(lambda: encode_still(frame.pixels, self._jpeg_quality, self._where))

    async def _one_frame(self) -> Frame:
        if self._capture is not None:
            return await self._capture.next(self._watched.timeout_s)
        capture = self._make_capture(self._judge(), lambda _frame: None)
        try:
            await capture.started()
            return await capture.next(self._watched.timeout_s)
        finally:
            await asyncio.to_thread(capture.stop)
