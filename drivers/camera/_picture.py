"""What every camera driver asks of a picture: its size, whether it is black, whether it stands still for too long."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from drivers.base import Condition, DeviceOfflineError, DeviceStatus
from drivers.camera import Frame, Still
from drivers.planes import Pixels

JPEG_LIMIT = 32 * 1024 * 1024
"""Bytes of one still: a 100 megapixel JPEG at high quality is below this."""
PIXEL_LIMIT = 120_000_000
"""Pixels of one picture; refused from the header, before anything is decoded."""
_SOF = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


def parse_jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """Return width and height in pixels from the frame header (ITU-T T.81, B.2.2); raise ValueError without one."""
    if jpeg[:2] != b"\xff\xd8":
        raise ValueError("does not begin with a JPEG start marker")
    at = 2
    while at + 9 <= len(jpeg):
        if jpeg[at] != 0xFF:
            raise ValueError("a JPEG marker is missing")
        marker = jpeg[at + 1]
        if marker == 0xFF:  # fill byte, B.1.1.2
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _SOF:
            return int.from_bytes(jpeg[at + 7 : at + 9], "big"), int.from_bytes(jpeg[at + 5 : at + 7], "big")
        else:
            at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    raise ValueError("has no JPEG frame header")


def checked_still(jpeg: bytes, where: str) -> Still:
    """Return the JPEG with its size; raise DeviceOfflineError: `garbled` if it is none or absurdly large, `hang_up` if
    it has no end (EOI, ITU-T T.81 B.1.1.3): half a picture would be shown with its lower half grey.
    """
    try:
        width_px, height_px = parse_jpeg_size(jpeg)
    except ValueError as error:
        raise DeviceOfflineError(f"{where}: sent a still that {error}", "garbled") from None
    if not 0 < width_px * height_px <= PIXEL_LIMIT:
        raise DeviceOfflineError(f"{where}: sent a still of {width_px} × {height_px} pixels", "garbled")
    if jpeg.rfind(b"\xff\xd9", len(jpeg) // 2) < 0:  # cameras pad behind it; a thumbnail's end lies near the beginning
        raise DeviceOfflineError(f"{where}: broke off in the middle of a still", "hang_up")
    return Still(jpeg=jpeg, width_px=width_px, height_px=height_px)


GLANCE = cv2.IMREAD_REDUCED_COLOR_2
"""Enough to see whether a picture lives: half as wide, for less than half the work."""


def decode_jpeg(jpeg: bytes, mode: int = cv2.IMREAD_COLOR) -> cv2.typing.MatLike | None:
    """Return BGR pixels, or None when the JPEG is damaged or absurdly large; `mode` may be one of OpenCV's reduced."""
    try:
        width_px, height_px = parse_jpeg_size(jpeg)
        if not 0 < width_px * height_px <= PIXEL_LIMIT:
            return None
        return cv2.imdecode(np.frombuffer(jpeg, np.uint8), mode)
    except (ValueError, cv2.error):
        return None


def encode_still(pixels: cv2.typing.MatLike, quality: int, where: str) -> Still:
    """Return the picture as JPEG, for cameras that give pixels only."""
    is_made, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not is_made:
        raise DeviceOfflineError(f"{where}: gave a picture that can't be made a JPEG", "garbled")
    return Still(jpeg=jpeg.tobytes(), width_px=int(pixels.shape[1]), height_px=int(pixels.shape[0]))


SAMPLE_PX = 8


@dataclass(slots=True)
class PictureWatch:
    """Judges the newest picture: `no_signal` after silence, `frozen` when it never changes, `black`.

    A live sensor's noise makes every picture differ, so equal check sums over `frozen_s` mean a stuck camera. Fed in
    the capture thread, asked in the event loop: each field is replaced whole, so no lock is needed.
    """

    frozen_s: float
    black_level: int
    silent_s: float
    monotonic: Callable[[], float]
    started_s: float = field(init=False)
    frames: int = 0
    skipped: int = 0
    damaged: int = 0
    _sum: int = -1
    _changed_s: float = 0.0
    _seen_s: float = 0.0
    _is_black: bool = False

    def __post_init__(self) -> None:
        self.started_s = self._changed_s = self._seen_s = self.monotonic()

    def frame(self, planes: Pixels) -> Frame:
        """Note one picture and return it as the next frame."""
        now_s = self.monotonic()
        self.frames += 1
        frame = Frame(planes=planes, captured_s=now_s, number=self.frames)
        sample = frame.sample(SAMPLE_PX)
        number = zlib.crc32(sample.tobytes())
        if number != self._sum:
            self._sum, self._changed_s = number, now_s
        self._is_black = float(sample.mean()) < self.black_level
        self._seen_s = now_s
        return frame

    def status(self, where: str) -> DeviceStatus:
        """Return how the picture is; raise DeviceOfflineError when none comes."""
        now_s = self.monotonic()
        if now_s - self._seen_s > self.silent_s:
            raise DeviceOfflineError(f"{where}: no picture for {now_s - self._seen_s:.1f} s", "no_signal")
        raw = f"frames={self.frames} skipped={self.skipped} damaged={self.damaged}"
        if self._is_black:
            return DeviceStatus(condition=Condition.NEEDS_ATTENDANT, reason="black", raw=raw)
        if self.frames and now_s - self._changed_s > self.frozen_s:
            return DeviceStatus(condition=Condition.NEEDS_ATTENDANT, reason="frozen", raw=raw)
        return DeviceStatus(condition=Condition.ONLINE, raw=raw)
