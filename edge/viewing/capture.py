"""Captures one camera while somebody needs its picture, and keeps only the newest frame."""

import asyncio
import logging
import threading
from collections.abc import Callable

from drivers.base import DeviceError
from drivers.camera import Camera, Frame
from edge.memory import give_small_blocks_back
from edge.viewing.ports import Handle

logger = logging.getLogger(__name__)

LINGER_S = 5.0
"""Capture goes on this long after the last need: a page that is loaded again finds it running."""

STALE_S = 3.0
"""No frame for this long means that the driver lost its camera without saying so: it is set to watch anew."""

LATE_S = 1.0
"""No frame for this long: the camera is asked how it is, so that one that was unplugged is known before STALE_S."""

RETRY_S = 1.0

FAULT_S = 8.0
"""A fault is forgotten after this unless it shows again: nobody can look while there is one, so nobody would find out
that the camera is well again."""

KEEP_S = 30.0
"""How old a frame may be that is shown at once, before capture gives a fresh one."""


class NewestFrame:
    """Holds the newest frame for readers in other threads; older ones are dropped, never queued."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._version = 0

    def put(self, frame: Frame) -> None:
        """Replace the frame; called in the capture thread."""
        with self._changed:
            self._frame = frame
            self._version += 1
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget the picture."""
        with self._changed:
            self._frame = None

    def wake(self) -> None:
        """Let readers look around although no frame came."""
        with self._changed:
            self._changed.notify_all()

    def wait_newer(self, version: int, timeout_s: float) -> tuple[int, Frame | None]:
        """Return (version, frame) once it is newer than `version`, or what there is after `timeout_s` or `wake()`."""
        with self._changed:
            if self._version <= version:
                self._changed.wait(timeout_s)
            return self._version, self._frame

    def read(self) -> tuple[int, Frame | None]:
        """Return (version, frame) as they are now."""
        with self._changed:
            return self._version, self._frame


class Capture:
    """Runs `watch` of the camera's driver while it is needed, and a little longer."""

    def __init__(self, camera: Handle, monotonic: Callable[[], float]) -> None:
        self.newest = NewestFrame()
        self._fault = ""
        self._fault_s = float("-inf")
        self._camera = camera
        self._monotonic = monotonic
        self._needs: set[str] = set()
        self._unneeded_s = float("-inf")
        self._changed = asyncio.Event()
        self._is_barred = False

    @property
    def fault(self) -> str:
        """Why no picture came when one was needed a moment ago, else empty."""
        return self._fault if self._monotonic() - self._fault_s < FAULT_S else ""

    @property
    def is_needed(self) -> bool:
        """True while somebody needs the picture, or did a moment ago."""
        lingers = self._monotonic() - self._unneeded_s < LINGER_S
        return not self._is_barred and (bool(self._needs) or lingers)

    def need(self, who: str) -> None:
        """Keep capturing until `release` with the same name."""
        self._needs.add(who)
        self._changed.set()

    def release(self, who: str) -> None:
        """End a need; capture ends LINGER_S after the last one."""
        if who in self._needs:
            self._needs.remove(who)
            self._unneeded_s = self._monotonic()
            self._changed.set()

    def need_for_a_while(self) -> None:
        """Start capturing ahead of somebody who is about to look."""
        self._unneeded_s = self._monotonic()
        self._changed.set()

    def bar(self, is_barred: bool) -> None:
        """Stop at once whoever needs it, and forget the picture; or allow it again."""
        self._is_barred = is_barred
        if is_barred:
            self._unneeded_s = float("-inf")
            self.newest.clear()
        self._changed.set()

    def cached(self) -> Frame | None:
        """Return the newest frame if it is fresh enough to be shown at once."""
        _, frame = self.newest.read()
        if frame is None or self._monotonic() - frame.captured_s > KEEP_S:
            return None
        return frame

    def age_s(self) -> float:
        """Return how old the frame is that would be shown at once; 0 without one: the next to come is fresh."""
        frame = self.cached()
        return max(self._monotonic() - frame.captured_s, 0.0) if frame is not None else 0.0

    def frame_px(self) -> tuple[int, int] | None:
        """Return width and height of the newest frame, None before the first."""
        _, frame = self.newest.read()
        return frame.size_px if frame is not None else None

    async def run(self) -> None:
        """Start and stop capture as needs come and go; ends by cancellation, and stops capture then."""
        while True:
            await self._wait_for_need()
            try:
                await self._capture()
                await asyncio.to_thread(give_small_blocks_back)
            except DeviceError as error:
                self._note_fault(error.reason or "camera_offline")
                await asyncio.sleep(RETRY_S)

    def _note_fault(self, reason: str) -> None:
        if not self.fault:
            logger.info("no picture", extra={"device": self._camera.name, "reason": reason})
        self._fault, self._fault_s = reason, self._monotonic()

    async def _wait_for_need(self) -> None:
        while not self.is_needed:
            self._changed.clear()
            await self._changed.wait()

    async def _capture(self) -> None:
        async with self._camera.use() as driver:
            generation = self._camera.generation
            await driver.watch(self._take)
        try:
            await self._watch_over(generation)
        finally:
            await asyncio.shield(self._unwatch(driver, generation))

    def _take(self, frame: Frame) -> None:
        if not self._is_barred:
            self.newest.put(frame)

    async def _watch_over(self, generation: int) -> None:
        """Return when nobody needs the picture any more, or the driver is another one or gives no frames."""
        seen, seen_s = self.newest.read()[0], self._monotonic()
        while self.is_needed and self._camera.generation == generation:
            self._changed.clear()
            try:
                async with asyncio.timeout(0.5):
                    await self._changed.wait()
            except TimeoutError:
                pass
            version, _ = self.newest.read()
            if version != seen:
                seen, seen_s, self._fault = version, self._monotonic(), ""
            elif self._monotonic() - seen_s >= STALE_S:
                self._note_fault("no_picture")
                return
            elif self._monotonic() - seen_s >= LATE_S:
                self._camera.look_soon()

    async def _unwatch(self, driver: Camera, generation: int) -> None:
        if self._camera.generation != generation:
            return  # that driver is closed and another stands in its place
        try:
            async with self._camera.use() as now:
                if now is driver:
                    await driver.unwatch()
        except DeviceError:
            logger.debug("camera was lost while capture ended", extra={"device": self._camera.name})
