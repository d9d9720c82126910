"""A bench check that the merchant asks for over the link, and word to the relay of how far any check is."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from edge.bench.tasks import Task
from edge.bench_check.check import TASKS, BenchCheck, CheckRefusedError
from wire.bench_card import AwaitedStep, CheckAnswered, CheckMoved
from wire.commands import CheckBench
from wire.report_root import TransientReport

logger = logging.getLogger(__name__)

ASKED_MAX = 4
"""Wishes that may wait for their answer; whoever presses the button more often reads that a check runs already."""


class TaskFace(Protocol):
    """The part of the bench that says what a person is asked."""

    async def tasks(self) -> list[Task]: ...


class FromAfar:
    """Answers CheckBench and sends CheckMoved while a check runs. `run()` must run; all other methods return at once.

    What cannot be sent is dropped: a page that comes later reads the card, and `again` tells the newest state anew.
    """

    def __init__(self, check: BenchCheck, bench: TaskFace, send: Callable[[TransientReport], bool]) -> None:
        self._check, self._bench, self._send = check, bench, send
        self._asked: asyncio.Queue[str] = asyncio.Queue(ASKED_MAX)
        self._changed = asyncio.Event()
        self._told: CheckMoved | None = None
        self._number = 0

    def take(self, command: CheckBench) -> None:
        """Take a wish in; one too many is dropped, and the relay says that the shop is silent."""
        if not self._asked.full():
            self._asked.put_nowait(command.ask_id)

    def changed(self) -> None:
        """Look whether there is something new to tell."""
        self._changed.set()

    def again(self) -> None:
        """Tell the newest state even if it was told before: the link is new, and what was said may be lost."""
        self._told = None
        self._changed.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answer_wishes(), name="bench checks asked for")
            group.create_task(self._tell_changes(), name="bench checks told")

    async def _answer_wishes(self) -> None:
        while True:
            ask_id = await self._asked.get()
            try:
                check_id = await self._check.begin("merchant")
            except CheckRefusedError as error:
                logger.info("bench check refused", extra={"words": error.text.en})
                self._send(CheckAnswered(ask_id=ask_id, text=error.text))
            else:
                self._send(CheckAnswered(ask_id=ask_id, check_id=check_id))

    async def _tell_changes(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            moved = await self._moved()
            if moved is not None and moved != self._told and self._send(self._numbered(moved)):
                self._told = moved

    def _numbered(self, moved: CheckMoved) -> CheckMoved:
        self._number += 1
        return replace(moved, number=self._number)

    async def _moved(self) -> CheckMoved | None:
        """Return where the newest check of this life is, without a number; None when there was none."""
        newest = self._check.newest
        if newest is None:
            return None
        card, stage = newest
        done = {step.step for step in card.steps}
        titles = self._check.titles
        awaited = [AwaitedStep(step=name, title=title) for name, title in titles.items() if name not in done]
        tasks = await self._bench.tasks() if stage != "over" else []
        return CheckMoved(
            check_id=card.check_id, started_at=card.started_at, stage=stage, number=0, occasion=card.occasion,
            steps=card.steps, awaited=tuple(awaited) if stage == "running" else (),
            asks=tuple(task.text for task in tasks if task.kind in TASKS),
        )  # fmt: skip
