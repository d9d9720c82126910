"""Planned straight moves in real time: queue, feed hold, jog cancel. Knows no protocol."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol

Point = tuple[float, float, float]
# Grbl plans 16 blocks ahead, one of which it keeps for itself
PLANNED_MAX = 15


@dataclass(frozen=True, slots=True)
class Block:
    """One planned straight move, in mm (or degrees) and units a minute."""

    target: Point
    rate: float
    is_jog: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a move that is under way; lasts 0 s where the machine stands."""

    start: Point
    end: Point
    since_s: float
    lasts_s: float

    def at(self, now_s: float) -> Point:
        """Where the machine is on it."""
        share = 1.0 if self.lasts_s <= 0 else min(max((now_s - self.since_s) / self.lasts_s, 0.0), 1.0)
        return between(self.start, self.end, share)


def between(start: Point, end: Point, share: float) -> Point:
    """The point that lies `share` of the way from start to end."""
    x, y, z = (a + (b - a) * share for a, b in zip(start, end, strict=True))
    return (x, y, z)


class Mechanics(Protocol):
    """What the moved machine says about its moves, and hears of them."""

    def rapid_rate(self, start: Point, end: Point) -> float:
        """Fastest rate along this move, units a minute."""

    def obstacle(self, start: Point, end: Point) -> float | None:
        """The share of this move after which the machine hits something; None when the way is free."""

    def moving(self, block: Block) -> None:
        """A move begins or goes on."""

    def arrived(self, block: Block) -> None:
        """A move has ended at its target."""

    def halted(self) -> None:
        """A move was held or dropped on its way."""

    def crashed(self) -> None:
        """The machine has hit something; it stands and has forgotten its plan."""


class Motion:
    """The planner and what carries it out. Times are monotonic seconds."""

    def __init__(self, start: Point, mechanics: Mechanics) -> None:
        self.stretch = Stretch(start, start, 0.0, 0.0)
        self.planned_end = start
        self.running: Block | None = None
        self.blocks: deque[Block] = deque()
        self.is_held = False
        self._mechanics = mechanics
        self._has_block = asyncio.Event()
        self._wake = asyncio.Event()

    def position(self, now_s: float) -> Point:
        """Where the machine is."""
        return self.stretch.at(now_s)

    @property
    def next_block(self) -> Block | None:
        """The move that is under way, else the first that waits."""
        return self.running or (self.blocks[0] if self.blocks else None)

    def stand(self, point: Point) -> None:
        """Be there, at rest."""
        self.stretch = Stretch(point, point, 0.0, 0.0)

    def hold(self) -> None:
        """Stop now, keep the plan."""
        if self.running and not self.is_held:
            self.is_held = True
            self.stand(self.position(time.monotonic()))
            self._wake.set()
            self._mechanics.halted()

    def resume(self) -> None:
        """Go on with the plan."""
        self.is_held = False
        self._wake.set()

    def drop(self) -> None:
        """Stop now, forget the plan."""
        was_moving = self.running is not None
        self.stand(self.position(time.monotonic()))
        self.planned_end = self.stretch.end
        self.running = None
        self.blocks.clear()
        self._wake.set()
        if was_moving:
            self._mechanics.halted()

    async def room(self) -> None:
        """Wait until the planner takes another block."""
        while len(self.blocks) >= PLANNED_MAX:  # noqa: ASYNC110  # a planner empties by time, not by an event
            await asyncio.sleep(0.01)

    def plan(self, block: Block) -> None:
        """Put a move at the end of the plan."""
        self.planned_end = block.target
        self.blocks.append(block)
        self._has_block.set()

    async def ends(self) -> None:
        """Wait until nothing is planned or under way."""
        while self.next_block is not None:
            self._wake.clear()
            try:
                async with asyncio.timeout(0.02):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def run(self) -> None:
        """Carry out the plan for ever."""
        while True:
            self._has_block.clear()
            if not self.blocks:
                await self._has_block.wait()
                continue
            self.running = self.blocks.popleft()
            await self._move(self.running)

    async def _move(self, block: Block) -> None:
        """Run one block, through holds, to its end, an obstacle or until it is dropped."""
        while self.running is block:
            if self.is_held:
                self._wake.clear()
                await self._wake.wait()
                continue
            here = self.position(time.monotonic())
            share = self._mechanics.obstacle(here, block.target)
            end = block.target if share is None else between(here, block.target, share)
            rate = min(block.rate, self._mechanics.rapid_rate(here, end))
            lasts_s = math.dist(here, end) / rate * 60
            self.stretch = Stretch(here, end, time.monotonic(), lasts_s)
            self._mechanics.moving(block)
            if await self._is_disturbed(block, lasts_s):
                continue
            self.running = None
            if share is None:
                self._mechanics.arrived(block)
            else:
                self.drop()
                self._mechanics.crashed()
            self._wake.set()

    async def _is_disturbed(self, block: Block, lasts_s: float) -> bool:
        """Wait for the end of a stretch; True when the machine was held or the block dropped before."""
        ends_s = time.monotonic() + lasts_s
        while (left_s := ends_s - time.monotonic()) > 0:
            self._wake.clear()
            try:
                async with asyncio.timeout(left_s):
                    await self._wake.wait()
            except TimeoutError:
                return False
            if self.is_held or self.running is not block:
                return True
        return False
