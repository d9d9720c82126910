"""The picture sensor and the JPEG encoder of a network camera: lens softness, fall-off to the corners, noise."""

from __future__ import annotations

import threading
from functools import lru_cache

import cv2
import numpy as np

from drivers.simulators.texture import Field, Picture, lit
from drivers.simulators.time_strip import Mark, draw

# noise is drawn once and shifted for each frame: no two frames are equal, and none costs more than an addition
NOISE_LEVEL = 1.3
NOISE_MEAN = 5
TILE = (720, 1280)
SHIFT_MAX = 64


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

    def jpeg(self, exposed: Picture, mark: Mark | None = None) -> bytes:
        """One frame: this moment's noise, compressed; with a strip across it that bears the mark."""
        is_done, data = cv2.imencode(".jpg", self.raw(exposed, mark), self._quality)
        if not is_done:
            raise RuntimeError("the JPEG encoder refused a picture")
        return data.tobytes()

    def raw(self, exposed: Picture, mark: Mark | None = None) -> Picture:
        """The same before it is compressed."""
        noisy = np.empty_like(exposed)
        for top in range(0, exposed.shape[0], TILE[0]):
            for left in range(0, exposed.shape[1], TILE[1]):
                part = exposed[top : top + TILE[0], left : left + TILE[1]]
                cv2.add(part, self._noise(*part.shape[:2]), noisy[top : top + TILE[0], left : left + TILE[1]])
        if mark is not None:
            draw(noisy, mark)
        return noisy

    def _noise(self, height: int, width: int) -> Picture:
        """A piece of the noise, from another place each time."""
        with self._lock:
            down, right = self._chance.integers(0, SHIFT_MAX, 2)
        return _noise_sheet()[down : down + height, right : right + width]


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
