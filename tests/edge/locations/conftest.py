"""A shop in memory with a sorter, whose pieces lie in locations."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drivers.base import AttendantNeededError, Condition, OutcomeUnknownError
from drivers.sorter import CarryJob
from edge.locations import carries, shelves
from edge.locations.carrier import Carrier
from edge.locations.carries import Carry
from tests.edge.bench.fake_shop import PLAN, Fake, Shop
from wire.plan import ShopPlan

SORTED_PLAN: ShopPlan = replace(
    PLAN, pieces=tuple(replace(one, location=f"a-1-0{number}") for number, one in enumerate(PLAN.pieces, 1))
)


class FakeSorter(Fake):
    """A machine that does a job number once."""

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self.last_job = self.carried = 0
        self.asked: list[int] = []

    async def carry(self, job: CarryJob) -> None:
        self.asked.append(job.job_no)
        if self.last_job == job.job_no:
            if not self.carried:
                raise AttendantNeededError("nothing there", "nothing_there")
            return
        fault = await self.begin("carry")
        if fault == "nothing":
            self.last_job, self.carried = job.job_no, 0
            raise AttendantNeededError("nothing there", "nothing_there")
        if fault != "lost":
            self.last_job = self.carried = job.job_no
            self.world.truth.append(("carried", str(job.location)))
        if fault in ("lost", "silent"):
            raise OutcomeUnknownError("sorter fell silent", "silent")

    async def last_carried(self) -> int:
        return self.carried


class SortingShop(Shop):
    """The shop of the bench's tests, with a sorter and its carrier."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        super().__init__(folder, seed)
        self.sorter = FakeSorter(self.world)
        self.drivers["sorter"] = self.sorter
        self.plan = SORTED_PLAN

    async def start(self, **more: Any) -> None:
        await super().start(**more)
        bench = self.running
        await self.journal.write(lambda tx: shelves.learn(tx, self.plan))
        handle = self.bench._devices.sorter
        self.carrier = None
        if handle is not None:
            self.carrier = Carrier(
                journal=self.journal, bench=self.bench, sorter=handle, plan=lambda: self.plan, clock=self.clock,
                random_bytes=self.chance.randbytes, has_room=lambda: self.has_room,
            )  # fmt: skip
        self.running = asyncio.create_task(self._both(bench))

    async def _both(self, bench: "asyncio.Task[None]") -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_follow(bench))
                if self.carrier is not None:
                    group.create_task(self.carrier.run())
        except ExceptionGroup as several:
            raise _first(several) from several
        finally:
            bench.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await bench

    async def carry(self, parcel_id: str = "p1") -> Carry | None:
        return await self.journal.read(lambda tx: carries.load(tx, parcel_id))

    async def carrying(self, stage: str, parcel_id: str = "p1") -> None:
        async def is_there() -> bool:
            found = await self.carry(parcel_id)
            return found is not None and found.stage == stage

        await self.wait_for(is_there)

    async def shelf(self, location: str) -> shelves.Shelf:
        return await self.journal.read(lambda tx: shelves.load(tx, location))

    def mend(self) -> None:
        self.sorter.state = Condition.ONLINE


def _first(group: "ExceptionGroup[Exception]") -> Exception:
    """The error that ended all of them, as a bench without a carrier shows it."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first


async def _follow(task: "asyncio.Task[None]") -> None:
    await task


@pytest.fixture
def make_sorting_shop(tmp_path: Path) -> Callable[[], SortingShop]:
    return lambda: SortingShop(tmp_path)


@pytest.fixture
async def shop(make_sorting_shop: Callable[[], SortingShop]) -> AsyncIterator[SortingShop]:
    made = make_sorting_shop()
    await made.start()
    yield made
    await made.stop()
