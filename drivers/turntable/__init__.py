"""Kind turntable: turns the piece that stands on it."""

import asyncio
from abc import abstractmethod

from drivers.base import Driver

LOOK_S = 0.1
"""A table only answers; so it is asked this often whether it has arrived."""


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


def apart_deg(one_deg: float, other_deg: float) -> float:
    """Return how far two angles are apart, the shorter way: 0 to 180."""
    return abs((one_deg - other_deg + 180.0) % 360.0 - 180.0)


async def turn_and_wait(table: Turntable, angle_deg: float, *, within_deg: float, timeout_s: float) -> None:
    """Turn to this angle and return when the table stands there; raise TimeoutError when it does not arrive."""
    await table.turn_to(angle_deg)
    async with asyncio.timeout(timeout_s):
        while apart_deg(await table.angle_deg(), angle_deg) > within_deg:  # noqa: ASYNC110  # a table only answers
            await asyncio.sleep(LOOK_S)
