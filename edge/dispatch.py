"""Brings each command to the room that carries it out: durable ones in order, viewing's at once."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from edge.attendant.questions import Questions
from edge.bench import Bench
from edge.journal import Journal
from edge.locations.counting import Locations
from edge.pictures import Pictures
from edge.tags.printing import TagPrinter
from edge.viewing.desk import ViewingDesk
from wire.commands import AskAttendant, CheckBench, Command, CorrectLocation, ReplacePlan, TellEcho, UploadPicture
from wire.envelope import Envelope
from wire.plan import ShopPlan
from wire.reports import AckState
from wire.values import BadValueError

logger = logging.getLogger(__name__)

VIEWING_MAX = 500
"""Viewing commands that may wait; more is a flood, and the oldest are worth nothing by then."""


class PlanHolder(Protocol):
    """Who keeps the plan in force at hand."""

    def take_plan(self, plan: ShopPlan) -> None: ...


class Dispatch:
    """Two lanes: what the journal holds is carried out one after the other, viewing does not wait behind it.

    A durable command that is still waiting here when the daemon ends is handed out again after the next start.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        bench: Bench,
        desk: ViewingDesk,
        pictures: Pictures,
        questions: Questions,
        plan_holder: PlanHolder,
        locations: Locations | None = None,
        tags: TagPrinter | None = None,
        on_echo: Callable[[str, str], object] = lambda _nonce, _code: None,
        on_check: Callable[[CheckBench], object] = lambda _command: None,
    ) -> None:
        self._journal = journal
        self._bench = bench
        self._desk = desk
        self._pictures = pictures
        self._questions = questions
        self._plan_holder = plan_holder
        self._locations, self._tags = locations, tags
        self._on_echo = on_echo
        self._on_check = on_check
        self._durable: asyncio.Queue[tuple[Envelope, Command]] = asyncio.Queue()
        self._viewing: asyncio.Queue[Command] = asyncio.Queue(VIEWING_MAX)

    def take(self, envelope: Envelope, command: Command) -> None:
        """Put a command into its lane; returns at once."""
        if isinstance(command, TellEcho):
            self._on_echo(command.nonce, command.code)
        elif isinstance(command, CheckBench):
            self._on_check(command)
        elif command.DURABLE:
            self._durable.put_nowait((envelope, command))
        elif not self._viewing.full():
            self._viewing.put_nowait(command)
        else:
            logger.warning("viewing command dropped", extra={"reason": "flood"})

    async def run_durable(self) -> None:
        """Carry out what the journal holds; ends only by cancellation or a bug."""
        while True:
            envelope, command = await self._durable.get()
            await self._carry_out(envelope, command)

    async def run_viewing(self) -> None:
        """Carry out viewing commands; ends only by cancellation or a bug."""
        while True:
            command = await self._viewing.get()
            if isinstance(command, ViewingDesk.HANDLES):
                await self._desk.handle(command)

    async def _carry_out(self, envelope: Envelope, command: Command) -> None:
        if isinstance(command, Bench.HANDLES):
            await self._bench.handle(envelope, command)
        elif isinstance(command, UploadPicture):
            await self._pictures.handle(envelope, command)
        elif isinstance(command, AskAttendant):
            await self._questions.handle(envelope, command)
        elif isinstance(command, CorrectLocation) and self._locations is not None:
            await self._locations.handle(envelope, command)
        elif isinstance(command, TagPrinter.HANDLES) and self._tags is not None:
            await self._tags.handle(envelope, command)
        elif isinstance(command, ReplacePlan):
            await self._replace_plan(envelope, command.plan)
        else:
            await self._journal.answer(envelope.id, AckState.UNSUPPORTED, "unknown_command")

    async def _replace_plan(self, envelope: Envelope, plan: ShopPlan) -> None:
        try:
            is_newer = await self._journal.save_plan(plan)
        except BadValueError as error:
            await self._journal.answer(envelope.id, AckState.REFUSED, "bad_plan", {"detail": str(error)[:200]})
            return
        if is_newer and self._locations is not None:
            await self._locations.learn(plan)
        if is_newer:
            self._plan_holder.take_plan(plan)
            logger.info("shop plan applied", extra={"version": plan.version})
        await self._journal.answer(envelope.id, AckState.DONE, "" if is_newer else "not_newer")
