"""Where a viewing place's head and table stand, asked of the devices a few times a second at most."""

import asyncio
from collections.abc import Callable

from edge.viewing.ports import Handle
from wire.plan import Position

FRESH_S = 0.25
"""Rulers of many pages ask; the devices' line belongs to the one who steers."""


class Whereabouts:
    """One question at a time to head and table; whoever asks meanwhile, or a moment later, gets the same answer."""

    def __init__(self, head: Handle | None, turntable: Handle | None, monotonic: Callable[[], float]) -> None:
        self._head, self._turntable, self._monotonic = head, turntable, monotonic
        self._asked_s = 0.0
        self._newest: asyncio.Future[Position] | None = None

    async def read(self) -> Position:
        """Return where they stand; raises DeviceError."""
        newest = self._newest
        if newest is None or (newest.done() and self._monotonic() - self._asked_s >= FRESH_S):
            self._asked_s = self._monotonic()
            newest = self._newest = asyncio.ensure_future(self._ask())
        return await asyncio.shield(newest)

    async def _ask(self) -> Position:
        at: dict[str, float] = {}
        if self._head is not None:
            async with self._head.use() as head:
                position = await head.position()
            at |= {"pan_deg": position.pan_deg, "tilt_deg": position.tilt_deg, "zoom": position.zoom}
        if self._turntable is not None:
            async with self._turntable.use() as table:
                at["table_deg"] = await table.angle_deg()
        return Position(**at)
