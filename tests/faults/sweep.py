"""Kill a program at every point of its database writes of one order; `python -m tests.faults.sweep edge|relay`.

Each run buys one more bowl; the sweep ends with the first run that nothing disturbed, so no fixed number can hide a
write that was added later.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.kill_points import KillAt
from tests.faults.one_order import OneOrder, judge
from tests.faults.town import EDGE, RELAY, Town, open_town

NEVER = 10**9
BOWLS_FULL = 160
"""One for each run; about 200 are as many as a shop plan carries."""


@dataclass(slots=True)
class Figures:
    """What a sweep did: points met, seconds of each run, how many orders did not end as released."""

    points: int = 0
    deaths: int = 0
    late: int = 0
    seconds: list[float] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        slowest = max(self.seconds, default=0.0)
        return (
            f"{self.points} points, {self.deaths} deaths ({self.late} noticed late), ends {self.ends}, "
            f"{sum(self.seconds):.0f} s in all, slowest run {slowest:.1f} s"
        )


def victim(town: Town, name: str) -> tuple[str, Path]:
    """Return the program's name in the mall and the write-ahead log it commits to."""
    program, database = (EDGE, town.journal) if name == "edge" else (RELAY, town.database)
    return program, database.with_name(f"{database.name}-wal")


async def die_at(town: Town, name: str, point: int, figures: Figures) -> bool:
    """Walk one order while the program dies at this point; judge it; return whether the point was met."""
    program, wal = victim(town, name)
    process = town.program(program).process
    assert process
    began_s = time.monotonic()
    order = OneOrder(town)
    async with KillAt(process.pid, wal, point) as kill:
        await order.place()
        end = await order.finish()
        await order.settle()
    judge(town, order, end)
    figures.points = max(figures.points, kill.points)
    figures.deaths += kill.is_hit
    figures.late += kill.is_late
    figures.seconds.append(time.monotonic() - began_s)
    figures.ends[end] = figures.ends.get(end, 0) + 1
    await is_back(town, program)
    return kill.is_hit


async def is_back(town: Town, program: str, timeout_s: float = 60.0) -> None:
    """Wait until the program runs and answers."""
    until_s = time.monotonic() + timeout_s
    while not await town.supervisor.program(program).is_ready():
        assert time.monotonic() < until_s, f"{program} did not come back"
        await asyncio.sleep(0.1)


async def full(town: Town, name: str, say: Callable[[str], None], first: int = 1) -> Figures:
    """Every point, until a run is untouched."""
    figures, point = Figures(), first
    while await die_at(town, name, point, figures):
        say(f"{name} killed at point {point}: the order ended in {figures.seconds[-1]:.1f} s")
        point += 1
    say(f"untouched at point {point}: {figures}")
    return figures


async def short(town: Town, name: str, deaths: int) -> Figures:
    """One order undisturbed, which tells how many points there are; then `deaths` of them, evenly spread."""
    figures = Figures()
    assert not await die_at(town, name, NEVER, figures)
    points = figures.points
    assert points > 2 * deaths, "the order made fewer writes than it can have: are they seen at all?"
    for number in range(deaths):
        await die_at(town, name, 1 + number * points // deaths, figures)
    return figures


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.sweep", description=__doc__)
    parser.add_argument("victim", choices=["edge", "relay"])
    parser.add_argument("--first", type=int, default=1, help="begin at this point")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vitrine-sweep-") as folder:
        async with open_town(Path(folder), bowls=BOWLS_FULL) as town:
            await full(town, chosen.victim, lambda line: print(line, flush=True), chosen.first)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
