"""Kind camera: gives the newest frame to whoever watches, and a still at full resolution."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers.base import Driver


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture: BGR, height × width × 3 bytes; `captured_s` is monotonic seconds; `number` counts from 1."""

    pixels: npt.NDArray[np.uint8]
    captured_s: float
    number: int


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
