"""Camera opened by OpenCV: a device number or path, a file, an RTSP or an MJPEG address.

Source: OpenCV 5.0 VideoCapture (V4L2 and FFmpeg back ends; the wheels have no GStreamer). Scale: simulated; files are
read against pictures that ffmpeg's own encoder wrote (tests). Devices of the Video4Linux kernel API: unproved.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2

from drivers.base import BadOptionsError, DeviceError, DeviceOfflineError
from drivers.camera import Frame
from drivers.camera._http import check_url, public_url
from drivers.camera._picture import PictureWatch
from drivers.camera._stream import FrameReader, OnFrame, PixelCamera
from drivers.planes import CAPTURED, Blocks, from_bgr

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


class OpencvCamera(PixelCamera):
    """One VideoCapture, read in a thread while somebody watches or a still is taken; its host reopens a lost one."""

    Options = OpencvOptions

    def __init__(self, options: OpencvOptions, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(options, public_url(options.source), monotonic)
        self._options = options

    def _make_capture(self, picture: PictureWatch, on_frame: OnFrame) -> FrameReader[Frame]:
        return _Capture(self._options, picture, on_frame)


class _Capture(FrameReader[Frame]):
    """The thread that owns one VideoCapture from opening to release (OpenCV's objects stay in one thread)."""

    def __init__(self, options: OpencvOptions, picture: PictureWatch, on_frame: OnFrame) -> None:
        super().__init__(public_url(options.source), picture, on_frame)
        self._options = options
        self.END_S = options.timeout_s  # a source that is stuck cannot be woken
        self._begin("opencv", self._run)

    def _run(self) -> None:
        capture = None
        try:
            capture = open_capture(self._options)
            self._opened()
            self._read(capture)
        except DeviceError as error:
            self._lost = error
        finally:
            if capture is not None:
                capture.release()
            self._opened()

    def _read(self, capture: cv2.VideoCapture) -> None:
        blocks, pixels = Blocks(CAPTURED), None
        pace_s = file_pace_s(self._options, capture.get(cv2.CAP_PROP_FPS))
        while not self._stopping.is_set():
            is_read, pixels = capture.read(pixels)
            if not is_read and pace_s:  # a file plays from its beginning again
                capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
                is_read, pixels = capture.read()
            if not is_read:
                raise DeviceOfflineError(f"{self._where}: gives no more pictures; check cable and power", "no_signal")
            if not self._stopping.is_set():
                frame = self._picture.frame(from_bgr(pixels, blocks.take))
                self._on_frame(frame)
                self._give(frame)
            if pace_s:
                self._stopping.wait(pace_s)


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
