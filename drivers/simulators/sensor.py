"""The picture sensor and the JPEG encoder of a network camera: lens softness, fall-off to the corners, noise."""

from __future__ import annotations

import threading

import cv2
import numpy as np

from drivers.simulators.texture import Picture

# noise is drawn once and shifted for each frame: no two frames are equal, and none costs more than an addition
NOISE_LEVEL = 1.3
NOISE_MEAN = 5
SHIFT_MAX = 64


class Sensor:
    """For pictures of one size. `softness_px` is meant for a 1280-pixel picture and grows with the size."""

    def __init__(self, width: int, height: int, quality: int, seed: int) -> None:
        self._scale = width / 1280
        self._quality = [cv2.IMWRITE_JPEG_QUALITY, quality]
        self._chance = np.random.default_rng(seed)
        noise = self._chance.normal(NOISE_MEAN, NOISE_LEVEL, (height + SHIFT_MAX, width + SHIFT_MAX))
        grey = np.clip(np.rint(noise), 0, 255).astype(np.uint8)
        self._noise = cv2.merge([grey, grey, grey])
        ys, xs = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        fall = np.clip(255 * (1 - 0.16 * (xs**2 + ys**2) ** 1.3 / 2), 0, 255).astype(np.uint8)
        self._fall = cv2.merge([fall, fall, fall])
        self._floor = np.full_like(self._fall, NOISE_MEAN)
        self._lock = threading.Lock()

    def expose(self, picture: Picture, softness_px: float) -> Picture:
        """What falls on the sensor, without noise, darkened by the noise's mean."""
        blurred = cv2.GaussianBlur(picture, (0, 0), softness_px * self._scale) if softness_px > 0.2 else picture
        dimmed = cv2.multiply(blurred, self._fall, scale=1 / 255)
        return np.asarray(cv2.subtract(dimmed, self._floor), np.uint8)

    def jpeg(self, exposed: Picture) -> bytes:
        """One frame: this moment's noise, compressed."""
        height, width = exposed.shape[:2]
        with self._lock:
            down, right = self._chance.integers(0, SHIFT_MAX, 2)
        noisy = cv2.add(exposed, self._noise[down : down + height, right : right + width])
        is_done, data = cv2.imencode(".jpg", noisy, self._quality)
        if not is_done:
            raise RuntimeError("the JPEG encoder refused a picture")
        return data.tobytes()
