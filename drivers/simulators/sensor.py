"""The picture sensor and the JPEG encoder of a network camera: lens softness, fall-off to the corners, noise."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from functools import lru_cache

import cv2
import numpy as np

from drivers.simulators.texture import Field, Picture, lit

# noise is drawn once and shifted for each frame: no two frames are equal, and none costs more than an addition
NOISE_LEVEL = 1.3
NOISE_MEAN = 5
TILE = (720, 1280)
SHIFT_MAX = 64
# a scene that stands still is compressed so often, with other noise each time; then its pictures come round
ROUND = 4


class Sensor:
    """For pictures `width` wide. `softness_px` is meant for a 1280-pixel picture and grows with the size."""

    def __init__(self, width: int, quality: int, seed: int) -> None:
        self._scale = width / 1280
        self._quality = [cv2.IMWRITE_JPEG_QUALITY, quality]
        self._chance = np.random.default_rng(seed)
        self._lock = threading.Lock()

    def expose(self, picture: Picture, softness_px: float) -> Picture:
        """What falls on the sensor, without noise, darkened by the noise's mean."""
        blurred = cv2.GaussianBlur(picture, (0, 0), softness_px * self._scale) if softness_px > 0.2 else picture
        return cv2.subtract(lit(blurred, _fall_off()), np.full_like(blurred, NOISE_MEAN))

    def jpeg(self, exposed: Picture) -> bytes:
        """One frame: this moment's noise, compressed."""
        return self.pack(self.noisy(exposed))

    def noisy(self, exposed: Picture) -> Picture:
        """What the sensor hands on: a new picture, with this moment's noise."""
        noisy = np.empty_like(exposed)
        for top in range(0, exposed.shape[0], TILE[0]):
            for left in range(0, exposed.shape[1], TILE[1]):
                part = exposed[top : top + TILE[0], left : left + TILE[1]]
                cv2.add(part, self._noise(*part.shape[:2]), noisy[top : top + TILE[0], left : left + TILE[1]])
        return noisy

    def pack(self, picture: Picture) -> bytes:
        """Compress what the sensor handed on."""
        is_done, data = cv2.imencode(".jpg", picture, self._quality)
        if not is_done:
            raise RuntimeError("the JPEG encoder refused a picture")
        return data.tobytes()

    def _noise(self, height: int, width: int) -> Picture:
        """A piece of the noise, from another place each time."""
        with self._lock:
            down, right = self._chance.integers(0, SHIFT_MAX, 2)
        return _noise_sheet()[down : down + height, right : right + width]


class Film:
    """The pictures of one sensor: none is compressed anew while the scene stands still, and no two in a row show the
    same noise. A number in each one's comment, where cameras write the moment, keeps any two from being equal.
    """

    def __init__(self, sensor: Sensor) -> None:
        self._sensor = sensor
        self._scene: Picture | None = None
        self._taken: deque[bytes] = deque()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def jpeg(self, exposed: Picture) -> bytes:
        """One picture of what `Sensor.expose` gave; the very same array is the same scene."""
        with self._lock:
            if exposed is not self._scene:
                self._scene = exposed
                self._taken.clear()
            jpeg = self._taken.popleft() if len(self._taken) == ROUND else self._sensor.jpeg(exposed)
            self._taken.append(jpeg)
            return commented(jpeg, b"%010d" % next(self._numbers))


def commented(jpeg: bytes, text: bytes) -> bytes:
    """A JPEG with a comment behind its first segment (ITU-T T.81, B.2.4.5)."""
    at = 4 + int.from_bytes(jpeg[4:6], "big")
    return jpeg[:at] + b"\xff\xfe" + (2 + len(text)).to_bytes(2, "big") + text + jpeg[at:]


@lru_cache(maxsize=1)
def _noise_sheet() -> Picture:
    """Grey noise, a little larger than a tile; shared by all cameras."""
    chance = np.random.default_rng(1)
    noise = chance.normal(NOISE_MEAN, NOISE_LEVEL, (TILE[0] + SHIFT_MAX, TILE[1] + SHIFT_MAX)).astype(np.float32)
    grey = np.clip(np.rint(noise), 0, 255).astype(np.uint8)
    return cv2.merge([grey, grey, grey])


@lru_cache(maxsize=1)
def _fall_off() -> Field:
    """How the light falls off to the corners, coarsely."""
    ys, xs = np.mgrid[-1:1:36j, -1:1:64j].astype(np.float32)
    return np.repeat((1 - 0.08 * (xs**2 + ys**2) ** 1.3)[..., None], 3, axis=2)
