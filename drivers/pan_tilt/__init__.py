"""Kind pan_tilt: a head that turns and zooms a camera."""

from abc import abstractmethod
from dataclasses import dataclass

from drivers.base import Driver


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadLimits:
    """Degrees and magnification that this head may reach; everything asked for is clamped to them at the shop."""

    pan_min_deg: float
    pan_max_deg: float
    tilt_min_deg: float
    tilt_max_deg: float
    zoom_max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPosition:
    """Where the head looks: degrees right and up from the middle; zoom as magnification, 1 = widest."""

    pan_deg: float
    tilt_deg: float
    zoom: float


class PanTilt(Driver):
    """A pan-tilt-zoom head. It has no dead-man of its own: whoever moves it must stop it."""

    @property
    @abstractmethod
    def limits(self) -> HeadLimits:
        """What this head can reach, from its options."""

    @property
    def view_deg(self) -> float | None:
        """How wide the camera's picture is at magnification 1, in degrees; None when nobody knows."""
        return None

    @abstractmethod
    async def move(self, pan: float, tilt: float, zoom: float) -> None:
        """Move with these shares (−1…1) of the fastest speed until the next call; 0 stops that axis."""

    @abstractmethod
    async def go_to(self, position: HeadPosition) -> None:
        """Go to a position, clamped to the limits; returns when the head took the command, not when it arrived."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop every motion, in each form the head knows."""

    @abstractmethod
    async def position(self) -> HeadPosition:
        """Where the head looks now."""
