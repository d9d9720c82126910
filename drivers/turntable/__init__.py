"""Kind turntable: turns the piece that stands on it."""

from abc import abstractmethod

from drivers.base import Driver


class Turntable(Driver):
    """A table under a camera. It has no dead-man of its own: whoever turns it must stop it."""

    @abstractmethod
    async def turn(self, speed: float) -> None:
        """Turn with this share (−1…1) of the fastest speed until the next call; 0 stops."""

    @abstractmethod
    async def turn_to(self, angle_deg: float) -> None:
        """Go the shorter way to this angle, 0 ≤ angle < 360; returns when the table took the command."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop turning."""

    @abstractmethod
    async def angle_deg(self) -> float:
        """The table's angle now, 0 ≤ angle < 360."""
