"""Camera opened by OpenCV: a device number or path, a file, an RTSP or an MJPEG address.

Source: OpenCV 5.0 VideoCapture (V4L2 and FFmpeg back ends; the wheels have no GStreamer). Scale: simulated; files are
read against pictures that ffmpeg's own encoder wrote (tests). Devices of the Video4Linux kernel API: unproved.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2

from drivers.base import BadOptionsError, DeviceError, DeviceOfflineError, DeviceStatus
from drivers.camera import Camera, Frame, Still
from drivers.camera._http import check_url, fetch_still, public_url
from drivers.camera._picture import PictureWatch, checked_still, encode_still

_STREAMS = ("rtsp://", "rtsps://", "http://", "https://")
_FASTEST_FPS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpencvOptions:
    """Options of camera.opencv."""

    source: str  # device number "0", /dev/v4l/by-id/… (the same after re-plugging), file, rtsp://… or http://…
    still_url: str = ""  # address of one JPEG at full resolution; empty = the next picture, encoded here
    width_px: int = 0  # asked of a device; 0 = as the device likes
    height_px: int = 0  # asked of a device; 0 = as the device likes
    fps: float = 0.0  # asked of a device; for a file the pace at which it plays; 0 = as it says itself
    pixel_format: str = "MJPG"  # four letters asked of a device; MJPG gives full speed over USB 2; empty = as it likes
    jpeg_quality: int = 95  # of a still encoded here, 1…100
    timeout_s: float = 5.0  # opening or reading a stream for longer is offline
    silent_s: float = 2.0  # no picture for this long shows as no_signal
    frozen_s: float = 10.0  # the very same picture for this long shows as frozen
    black_level: int = 8  # mean brightness (0…255) below which the picture shows as black

    def __post_init__(self) -> None:
        if not self.source:
            raise ValueError("source is empty")
        if self.pixel_format and len(self.pixel_format) != 4:
            raise ValueError("pixel_format must be four letters, or empty")
        if not 1 <= self.jpeg_quality <= 100:
            raise ValueError("jpeg_quality must be 1…100")
        if self.still_url:
            check_url(self.still_url, "still_url")


class OpencvCamera(Camera):
    """One VideoCapture, read in a thread while somebody watches or a still is taken; its host reopens a lost one."""

    Options = OpencvOptions

    def __init__(self, options: OpencvOptions, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._monotonic = monotonic
        self._where = public_url(options.source)
        self._capture: _Capture | None = None
        self._looks = self._judge()

    async def open(self) -> None:
        """Take one picture, which proves that the source can be opened and read."""
        await self._one_frame()

    async def close(self) -> None:
        await self.unwatch()

    async def status(self) -> DeviceStatus:
        if self._capture is not None:
            return self._capture.status()
        self._looks.frame((await self._one_frame()).pixels)
        return self._looks.status(self._where)

    async def watch(self, on_frame: Callable[[Frame], None]) -> None:
        await self.unwatch()
        self._capture = _Capture(self._options, self._judge(), on_frame)
        try:
            await self._capture.started()
        except DeviceError:
            await self.unwatch()
            raise

    async def unwatch(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            await asyncio.to_thread(capture.stop)

    async def still(self) -> Still:
        options = self._options
        if options.still_url:
            jpeg = await asyncio.to_thread(fetch_still, options.still_url, options.timeout_s)
            return checked_still(jpeg, public_url(options.still_url))
        frame = await self._one_frame()
        return await asyncio.to_thread(encode_still, frame.pixels, options.jpeg_quality, self._where)

    async def _one_frame(self) -> Frame:
        if self._capture is not None:
            return await self._capture.next_frame()
        capture = _Capture(self._options, self._judge(), lambda _frame: None)
        try:
            await capture.started()
            return await capture.next_frame()
        finally:
            await asyncio.to_thread(capture.stop)

    def _judge(self) -> PictureWatch:
        options = self._options
        return PictureWatch(options.frozen_s, options.black_level, options.silent_s, self._monotonic)


class _Capture:
    """The thread that owns one VideoCapture from opening to release (OpenCV's objects stay in one thread)."""

    def __init__(self, options: OpencvOptions, picture: PictureWatch, on_frame: Callable[[Frame], None]) -> None:
        self._options = options
        self._where = public_url(options.source)
        self._picture = picture
        self._on_frame = on_frame
        self._loop = asyncio.get_running_loop()
        self._started: asyncio.Future[None] = self._loop.create_future()
        self._next: asyncio.Future[Frame] | None = None
        self._lost: DeviceError | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"opencv {self._where}", daemon=True)
        self._thread.start()

    async def started(self) -> None:
        """Wait until the source is open; raise DeviceOfflineError or BadOptionsError."""
        await asyncio.shield(self._started)
        if self._lost is not None:
            raise self._lost

    async def next_frame(self) -> Frame:
        """Return the next picture."""
        self._next = self._loop.create_future()
        try:
            async with asyncio.timeout(self._options.timeout_s):
                return await self._next
        except TimeoutError:
            raise self._lost or DeviceOfflineError(f"{self._where}: no picture", "no_signal") from None
        finally:
            self._next = None

    def status(self) -> DeviceStatus:
        if self._lost is not None:
            raise self._lost
        return self._picture.status(self._where)

    def stop(self) -> None:
        """End the capture and wait for the thread; blocks up to `timeout_s` when the source is stuck."""
        self._stop.set()
        self._thread.join(self._options.timeout_s)

    def _run(self) -> None:
        capture = None
        try:
            capture = open_capture(self._options)
            self._tell(self._settle_started)
            self._read(capture)
        except DeviceError as error:
            self._lost = error
        finally:
            if capture is not None:
                capture.release()
            self._tell(self._settle_started)

    def _read(self, capture: cv2.VideoCapture) -> None:
        pace_s = file_pace_s(self._options, capture.get(cv2.CAP_PROP_FPS))
        while not self._stop.is_set():
            is_read, pixels = capture.read()
            if not is_read and pace_s:  # a file plays from its beginning again
                capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
                is_read, pixels = capture.read()
            if not is_read:
                raise DeviceOfflineError(f"{self._where}: gives no more pictures; check cable and power", "no_signal")
            if not self._stop.is_set():
                self._take(self._picture.frame(pixels))
            if pace_s:
                self._stop.wait(pace_s)

    def _take(self, frame: Frame) -> None:
        self._on_frame(frame)
        self._tell(lambda: self._settle_next(frame))

    def _settle_started(self) -> None:
        if not self._started.done():
            self._started.set_result(None)

    def _settle_next(self, frame: Frame) -> None:
        if self._next is not None and not self._next.done():
            self._next.set_result(frame)

    def _tell(self, call: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            self._loop.call_soon_threadsafe(call)


def open_capture(options: OpencvOptions) -> cv2.VideoCapture:
    """Open the source (blocks); raise DeviceOfflineError or BadOptionsError."""
    source = options.source
    try:
        if source.isdigit() or source.startswith("/dev/"):
            capture = cv2.VideoCapture(int(source) if source.isdigit() else source, cv2.CAP_V4L2, _asked(options))
        elif source.startswith(_STREAMS):
            limit_ms = int(options.timeout_s * 1000)
            limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit_ms]
            capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG, limits)
        elif Path(source).is_file():
            capture = cv2.VideoCapture(source)
        else:
            raise BadOptionsError(f"{source}: is no device, file or address", "bad_address")
    except cv2.error as error:
        raise DeviceOfflineError(f"{public_url(source)}: {error.err or error}", "unplugged") from error
    if not capture.isOpened():
        message = (
            f"{public_url(source)}: can't be opened; check cable, power, address, and that no other program has it"
        )
        raise DeviceOfflineError(message, "unplugged")
    return capture


def file_pace_s(options: OpencvOptions, said_fps: float) -> float:
    """Return the seconds between two pictures of a file; 0 for live sources, which pace themselves."""
    source = options.source
    if source.isdigit() or source.startswith(("/dev/", *_STREAMS)):
        return 0.0
    fps = options.fps or said_fps
    return 1 / fps if 0 < fps <= _FASTEST_FPS else 1 / 25


def _asked(options: OpencvOptions) -> list[int]:
    asked = [cv2.CAP_PROP_BUFFERSIZE, 1]  # the newest picture, not a queue of old ones
    if options.pixel_format:
        asked += [cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*options.pixel_format)]
    if options.width_px and options.height_px:
        asked += [cv2.CAP_PROP_FRAME_WIDTH, options.width_px, cv2.CAP_PROP_FRAME_HEIGHT, options.height_px]
    if options.fps:
        asked += [cv2.CAP_PROP_FPS, int(options.fps)]
    return asked


DRIVER = OpencvCamera
