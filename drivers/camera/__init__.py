"""Kind camera: gives the newest frame to whoever watches, and a still at full resolution."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from drivers.base import Driver
from drivers.planes import BLACK, LUMA_LEVELS, Pixels, size_of, three, to_bgr

BRIGHTNESS = np.rint((np.arange(256.0) - BLACK).clip(0, LUMA_LEVELS) * 255 / LUMA_LEVELS).astype(np.uint8)
"""From luma of limited range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture as I420 (see `drivers.planes`); `captured_s` is monotonic seconds; `number` counts from 1."""

    planes: Pixels
    captured_s: float
    number: int

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height, both even."""
        return size_of(self.planes)

    @property
    def pixels(self) -> Pixels:
        """The picture as BGR, height × width × 3 bytes; made anew each time."""
        return to_bgr(self.planes)

    def sample(self, step_px: int) -> Pixels:
        """Return the brightness (0…255) of every `step_px`-th point: enough to judge whether a picture lives."""
        return BRIGHTNESS[three(self.planes)[0][::step_px, ::step_px]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """One picture at the sensor's full resolution as the camera made it: JPEG bytes."""

    jpeg: bytes
    width_px: int
    height_px: int


class Camera(Driver):
    """A viewing or bench camera. Frames flow only while a watcher is set; a frozen or black picture shows in status."""

    @abstractmethod
    async def watch(self, on_frame: Callable[[Frame], None]) -> None:
        """Start capture; `on_frame` is called in the capture thread for every frame and must return at once."""

    @abstractmethod
    async def unwatch(self) -> None:
        """Stop capture; after it returns no frame comes."""

    @abstractmethod
    async def still(self) -> Still:
        """Take a picture now, at full resolution; works whether or not somebody watches."""
