"""The paper path of a label printer: die-cut labels pass the head row by row, full ones come out at the mouth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from drivers.simulators.faults import FaultBoard
from drivers.simulators.forever import forever
from drivers.simulators.plan import PrinterPlan
from drivers.simulators.world import World

Picture: TypeAlias = npt.NDArray[np.uint8]
# rows that pass the head between two looks at paper and cover: 2 mm
CHUNK_ROWS = 16


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of dots to burn: True is black."""

    dots: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Present:
    """Feed to the gap and show the label at the mouth; `is_spoiled` when the line went in the middle."""

    is_spoiled: bool = False


@dataclass(frozen=True, slots=True)
class Then:
    """Call this when everything before it is on paper."""

    call: Callable[[], None]


Job: TypeAlias = Rows | Present | Then


class PaperPath:
    """Does jobs in order, in real time, and waits while paper or cover need a person."""

    def __init__(self, name: str, plan: PrinterPlan, world: World, faults: FaultBoard) -> None:
        self._name = name
        self._plan = plan
        self._world = world
        self._faults = faults
        self.length_rows = round(plan.label_length_mm * plan.dots_per_mm)
        self.width_dots = round(plan.label_width_mm * plan.dots_per_mm)
        self.is_paper_out = False
        self.is_cover_open = False
        self._ready = asyncio.Event()
        self._ready.set()
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._is_working = False
        self._label = self._blank()
        self._row = 0
        self._task: asyncio.Task[None] | None = None
        faults.listen(name, self._fault)

    def start(self) -> None:
        """Power up."""
        self._task = forever(self._work_for_ever())

    async def shut_down(self) -> None:
        """Power off."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def is_online(self) -> bool:
        """Whether it would print now."""
        return not self.is_paper_out and not self.is_cover_open

    @property
    def waiting(self) -> int:
        """Jobs that are not on paper yet."""
        return self._jobs.qsize() + self._is_working

    def picture(self) -> dict[str, object]:
        """How it is, for people."""
        return {
            "paper_out": self.is_paper_out,
            "cover_open": self.is_cover_open,
            "waiting": self.waiting,
            "row": self._row,
        }

    def do(self, job: Job) -> None:
        """Put a job at the end of the line."""
        self._jobs.put_nowait(job)

    def drop_jobs(self) -> None:
        """Forget what is not on paper yet."""
        while not self._jobs.empty():
            self._jobs.get_nowait()

    def refill(self) -> None:
        """A person puts a roll in; a label that had begun is torn off."""
        self._faults.clear(self._name, "paper_out")
        if self.is_paper_out:
            self.is_paper_out = False
            self._label, self._row = self._blank(), 0
            self._world.truth.write(self._name, "paper_refilled")
            self._look()

    def set_cover(self, *, is_open: bool) -> None:
        """A person opens or closes the cover."""
        if self.is_cover_open != is_open:
            self.is_cover_open = is_open
            self._world.truth.write(self._name, "cover_opened" if is_open else "cover_closed")
            self._look()

    def _blank(self) -> Picture:
        return np.full((self.length_rows, self.width_dots), 255, np.uint8)

    def _look(self) -> None:
        if self.is_online:
            self._ready.set()
        else:
            self._ready.clear()

    def _fault(self, fault: str, is_on: bool) -> None:
        if fault == "cover_open":
            self.set_cover(is_open=is_on)
        elif fault == "paper_out" and is_on:
            if self._faults.is_on(self._name, "paper_out"):
                self._run_out()
        elif fault == "paper_out":
            self.refill()

    def _run_out(self) -> None:
        if not self.is_paper_out:
            self.is_paper_out = True
            self._world.truth.write(self._name, "paper_out", row=self._row)
            self._look()

    async def _work_for_ever(self) -> None:
        while True:
            job = await self._jobs.get()
            self._is_working = True
            await self._ready.wait()
            if isinstance(job, Rows):
                await self._burn(job.dots)
            elif isinstance(job, Present):
                await self._present(is_spoiled=job.is_spoiled)
            else:
                job.call()
            self._is_working = False

    async def _burn(self, dots: npt.NDArray[np.bool_]) -> None:
        done = 0
        while done < len(dots):
            await self._ready.wait()
            chunk = dots[done : done + CHUNK_ROWS]
            if self._row + len(chunk) > self.length_rows:
                chunk = chunk[: self.length_rows - self._row]
            if not len(chunk):
                if not dots[done:].any():
                    return  # empty feed at the end of a full label stops at the gap
                await self._present(is_spoiled=False)
                continue
            passed = self._faults.strikes(self._name, "paper_out", len(chunk))
            if passed is not None:
                chunk = chunk[:passed]
            width = min(chunk.shape[1], self.width_dots)
            self._label[self._row : self._row + len(chunk), :width][chunk[:, :width]] = 0
            self._row += len(chunk)
            done += len(chunk)
            await asyncio.sleep(len(chunk) / self._plan.dots_per_mm / self._plan.speed_mm_s)
            if passed is not None:
                await self._torn()

    async def _torn(self) -> None:
        """The roll ends in the middle of a label: what there is of it hangs at the mouth."""
        if (self._label == 0).any():
            await self._out("label_torn")
        self._run_out()

    async def _present(self, *, is_spoiled: bool) -> None:
        if self._row == 0:
            return
        copies = 1 if self._faults.strikes(self._name, "double_label") is None else 2
        for _copy in range(copies):
            await self._out("label_spoiled" if is_spoiled else "label_printed")
        self._label, self._row = self._blank(), 0

    async def _out(self, event: str) -> None:
        picture = self._label.copy()
        await asyncio.to_thread(self._world.label_printed, self._name, picture, self._plan.dots_per_mm, event)
