"""Raspberry Pi camera module through picamera2 (extra `pi`; on Raspberry Pi OS: apt install python3-picamera2).

Source: "The Picamera2 Library" (Raspberry Pi Ltd), chapters on configurations and capturing. Scale: unproved: written
from the manual, never run on a Pi. The library is imported when the camera opens, so that no other box needs it.
"""

import asyncio
import importlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drivers.base import BadOptionsError, DeviceOfflineError, DeviceStatus
from drivers.camera import Camera, Frame, Still
from drivers.camera._picture import PictureWatch, encode_still
from drivers.planes import CAPTURED, Blocks, from_bgr

STOP_S = 3.0
"""The capture thread ends after the picture in progress: long exposures take a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picamera2Options:
    """Options of camera.picamera2."""

    camera_number: int = 0  # as `rpicam-hello --list-cameras` counts
    width_px: int = 1280  # of the live picture
    height_px: int = 720  # of the live picture
    fps: float = 30.0  # of the live picture
    jpeg_quality: int = 95  # of a still, 1…100
    silent_s: float = 2.0  # no picture for this long shows as no_signal
    frozen_s: float = 10.0  # the very same picture for this long shows as frozen
    black_level: int = 8  # mean brightness (0…255) below which the picture shows as black

    def __post_init__(self) -> None:
        if not 1 <= self.jpeg_quality <= 100:
            raise ValueError("jpeg_quality must be 1…100")
        if self.width_px < 64 or self.height_px < 64 or not 0 < self.fps <= 120:
            raise ValueError("width_px and height_px must be at least 64, fps 0…120")


class Picamera2Camera(Camera):
    """One camera module. The sensor runs only while somebody watches; a still switches to the full sensor and back."""

    Options = Picamera2Options
    scale = "unproved"

    def __init__(self, options: Picamera2Options, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._monotonic = monotonic
        self._where = f"camera module {options.camera_number}"
        self._device: Any = None
        self._picture: PictureWatch | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._still_turn = threading.Lock()

    async def open(self) -> None:
        try:
            library = importlib.import_module("picamera2")
        except ImportError as error:
            advice = "on Raspberry Pi OS: apt install python3-picamera2, and a venv with --system-site-packages"
            raise BadOptionsError(f"{self._where}: {error}; {advice}", "library_missing") from error
        self._device = await asyncio.to_thread(self._call, lambda: library.Picamera2(self._options.camera_number))
        await asyncio.to_thread(self._call, self._configure)

    async def close(self) -> None:
        await self.unwatch()
        device, self._device = self._device, None
        if device is not None:
            await asyncio.to_thread(device.close)

    async def status(self) -> DeviceStatus:
        if self._picture is not None:
            return self._picture.status(self._where)
        judge = self._judge()
        pixels = await asyncio.to_thread(self._call, self._full_picture)
        judge.frame(await asyncio.to_thread(from_bgr, pixels))
        return judge.status(self._where)

    async def watch(self, on_frame: Callable[[Frame], None]) -> None:
        await self.unwatch()
        await asyncio.to_thread(self._call, self._device.start)
        self._picture = self._judge()
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(self._picture, on_frame), name="picamera2", daemon=True)
        self._thread.start()

    async def unwatch(self) -> None:
        thread, self._thread = self._thread, None
        self._picture = None
        if thread is not None:
            self._stop.set()
            await asyncio.to_thread(thread.join, STOP_S)
            await asyncio.to_thread(self._call, self._device.stop)

    async def still(self) -> Still:
        pixels = await asyncio.to_thread(self._call, self._full_picture)
        return await asyncio.to_thread(encode_still, pixels, self._options.jpeg_quality, self._where)

    def _configure(self) -> None:
        options = self._options
        main = {
            "size": (options.width_px, options.height_px),
            "format": "RGB888",
        }  # the library's RGB888 is BGR in memory
        self._device.configure(self._device.create_video_configuration(main=main, controls={"FrameRate": options.fps}))

    def _full_picture(self) -> Any:
        with self._still_turn:
            full = self._device.create_still_configuration(main={"format": "RGB888"})
            if self._thread is not None:
                return self._device.switch_mode_and_capture_array(full, "main")
            self._device.start()
            try:
                return self._device.switch_mode_and_capture_array(full, "main")
            finally:
                self._device.stop()

    def _run(self, picture: PictureWatch, on_frame: Callable[[Frame], None]) -> None:
        """Give pictures until stopped; when the sensor fails no picture comes, which status() then says."""
        blocks = Blocks(CAPTURED)
        try:
            while not self._stop.is_set():
                with self._still_turn:
                    pixels = self._device.capture_array("main")
                on_frame(picture.frame(from_bgr(pixels, blocks.take)))
        except (RuntimeError, OSError):
            self._stop.set()

    def _judge(self) -> PictureWatch:
        options = self._options
        return PictureWatch(options.frozen_s, options.black_level, options.silent_s, self._monotonic)

    def _call(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except (RuntimeError, IndexError, OSError) as error:
            raise DeviceOfflineError(f"{self._where}: {error}; check the ribbon cable", "unplugged") from error


DRIVER = Picamera2Camera
