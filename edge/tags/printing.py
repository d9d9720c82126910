"""Prints tags one by one: never between an order's label and its parcel, never one twice, and a person takes them."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

from drivers.base import DeviceError, DeviceOfflineError, OutcomeUnknownError
from edge.bench import TAGS
from edge.bench.ports import Handle
from edge.bench.retrying import FIRST_S, MAX_S, is_well
from edge.bench.tasks import Answer, TaskKind, close_task, open_tasks
from edge.clock import Clock
from edge.flows.tag_printing import FINAL, Event, Stage
from edge.journal import Journal, inbox
from edge.journal.transaction import Transaction
from edge.labels import BadLabelError, Typeface
from edge.labels.tag import draw_tag
from edge.reasons import sentence_for
from edge.tags import jobs
from edge.tags.jobs import Job
from wire.commands import PrintTags, StopTags
from wire.envelope import Envelope
from wire.plan import Text
from wire.reports import AckState

logger = logging.getLogger(__name__)

E, S = Event, Stage

AT_MOUTH_MAX = 25
"""Tags that may hang at the printer before they are taken: a longer strip falls down or jams."""

LOOK_S = 0.3
"""How often room on the disk and relay time are looked for while they are missing: they tell nobody."""

TASKS = (TaskKind.TAKE_TAGS, TaskKind.TAGS_IN_DOUBT, TaskKind.TEND_TAGS)

TAKEN = Answer(answer="taken", text=Text(en="Taken", zh="已取走"))
CAME_OUT = Answer(answer="came_out", text=Text(en="It came out whole", zh="已完整打出"))
NOT_PRINTED = Answer(
    answer="tag_not_printed", text=Text(en="It did not: I tore up what there was", zh="没有：残缺的已撕毁")
)
AGAIN = Answer(answer="tags_again", text=Text(en="Done, go on", zh="处理好了，继续"))
LEAVE = Answer(answer="leave_tags", text=Text(en="Print no more of these tags", zh="不再打印这些标签"))

GIVES_WAY = ""
"""Instead of an answer: nobody said anything, but another printing goes first now."""


class BenchFace(Protocol):
    """The part of the bench that printing tags needs."""

    def keep_free(self) -> AbstractAsyncContextManager[bool]:
        """Keep parcels from the bench while the body runs; yields False when one has it, or somebody else keeps it."""

    def keep_from_start(self, for_what: str) -> None: ...
    async def may_keep(self) -> bool: ...
    async def is_waited_for(self) -> bool: ...
    async def ask(self, kind: TaskKind, text: Text, answers: tuple[Answer, ...]) -> str: ...
    async def wait_answer(self, task_id: str) -> str: ...
    async def withdraw(self, task_id: str) -> None: ...
    def listen(self, on_change: Callable[[], None]) -> Callable[[], None]: ...


class TagPrinter:
    """One shop's printing of tags. `open()` before the bench runs, then `run()`; `handle` takes its two commands."""

    HANDLES = (PrintTags, StopTags)

    def __init__(
        self, *, journal: Journal, bench: BenchFace, printer: Handle, clock: Clock, face: Typeface,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:  # fmt: skip
        self._journal, self._bench, self._printer = journal, bench, printer
        self._clock, self._face, self._has_room = clock, face, has_room
        self._changed = asyncio.Event()
        self._wait_s = FIRST_S

    async def open(self) -> None:
        """Settle what an earlier life began, before the bench runs: a tag may hang where the robot takes labels."""
        if await self._journal.write(_recover):
            self._bench.keep_from_start(TAGS)

    async def handle(self, envelope: Envelope, command: PrintTags | StopTags) -> None:
        """Take a command in and answer it in the same transaction; a job that is known is taken once."""

        def take(tx: Transaction) -> None:
            if isinstance(command, StopTags):
                if not _stop(tx, command.job_id):
                    inbox.answer(tx, envelope.id, AckState.REFUSED, "unknown_job")
                    return
            elif jobs.load(tx, command.job_id) is None:
                refused = _why_not(tx, command)
                if refused:
                    inbox.answer(tx, envelope.id, AckState.REFUSED, refused)
                    return
                life_s = envelope.deadline_s or PrintTags.DEADLINE_S
                jobs.begin(tx, command.job_id, command.tags, envelope.time + timedelta(seconds=life_s))
            inbox.answer(tx, envelope.id, AckState.DONE)

        await self._journal.write(take)
        self._changed.set()

    async def list(self) -> list[dict[str, Any]]:
        """Return the printings that are not over, for the technician."""
        return [
            {"job_id": one.job_id, "state": jobs.state_of(one).value, "printed": one.printed, "total": one.total,
             "at_printer": one.at_mouth, "reason": one.reason}
            for one in await self._journal.read(jobs.open_jobs)
        ]  # fmt: skip

    async def stop(self, job_id: str) -> None:
        """Print no more of a job, as the technician says; one that is over or unknown stays as it is."""
        await self._journal.write(lambda tx: _stop(tx, job_id))
        self._changed.set()

    async def run(self) -> None:
        """Work until cancelled, or until a bug."""
        stop_listening = self._bench.listen(self._changed.set)
        try:
            while True:
                self._changed.clear()
                job = await self._first()
                if job is None:
                    await self._changed.wait()
                elif job.stage is S.BLOCKED and not job.at_mouth:
                    await self._tend(job)
                elif await self._may_begin(job):
                    await self._batch(job.job_id)
        finally:
            stop_listening()

    async def _first(self) -> Job | None:
        return first_of(await self._journal.read(jobs.open_jobs))

    async def _may_begin(self, job: Job) -> bool:
        """Whether the printer may be taken now; waits a little, or for the bench to change, when not."""
        if job.must_clear or job.wants_stop:
            return True
        if not (self._has_room() and self._clock.is_synced):
            await asyncio.sleep(LOOK_S)
            return False
        if await self._bench.may_keep() and not await self._bench.is_waited_for():
            return True
        await self._changed.wait()
        return False

    async def _batch(self, job_id: str) -> None:
        """Print until an order wants the bench, the printer is in trouble or all is done; then have the tags taken."""
        async with self._bench.keep_free() as is_free:
            while True:
                job = await self._load(job_id)
                if job.stage is S.IN_DOUBT:
                    await self._ask_doubt(job)
                elif job.stage is S.WAITING and (is_free or job.wants_stop) and await self._goes_on(job):
                    await self._next(job)
                else:
                    break
            await self._have_taken(await self._load(job_id))

    async def _goes_on(self, job: Job) -> bool:
        if job.wants_stop:
            return True
        if not (self._has_room() and self._clock.is_synced):
            return False
        return job.at_mouth < AT_MOUTH_MAX and not await self._bench.is_waited_for()

    async def _next(self, job: Job) -> None:
        """Stop, or print one tag: the intent is written first, the outcome after."""
        now = self._clock.relay_now()
        if job.wants_stop:
            await self._feed(job, E.STOP, "stopped")
        elif now is None:
            await asyncio.sleep(LOOK_S)
        elif now >= job.until:
            await self._feed(job, E.STOP, "deadline_passed")
        elif await self._journal.write(lambda tx: jobs.begin_next(tx, job.job_id)):
            await self._feed(job, *await self._print(job))

    async def _print(self, job: Job) -> tuple[Event, str]:
        try:
            async with self._printer.use() as printer:
                image = await asyncio.to_thread(draw_tag, job.tag, printer.media, self._face)
                await printer.print_label(image)
        except BadLabelError as error:
            logger.warning("tag cannot be drawn", extra={"job_id": job.job_id, "words": str(error)})
            return E.BLOCKED, "tag_too_large"
        except OutcomeUnknownError as error:
            return E.UNKNOWN, _said(error, "outcome_unknown")
        except DeviceError as error:
            reason = _said(error, "offline" if isinstance(error, DeviceOfflineError) else "attendant_needed")
            return E.BLOCKED, reason
        self._wait_s = FIRST_S
        return E.PRINTED, ""

    async def _feed(self, job: Job, event: Event, reason: str = "") -> None:
        await self._journal.write(lambda tx: jobs.feed(tx, job.job_id, event, reason))

    async def _load(self, job_id: str) -> Job:
        job = await self._journal.read(lambda tx: jobs.load(tx, job_id))
        assert job is not None, f"printing {job_id} was never asked for"
        return job

    # people

    async def _ask_doubt(self, job: Job) -> None:
        """Only a person who looks can say whether the tag came out; until then no robot goes to the printer."""
        why, tag = sentence_for(job.reason), job.tag.printed
        text = Text(
            en=f"Did the tag {tag} come out of the label printer? {why.en}",
            zh=f"标签 {tag} 从标签打印机打出来了吗？{why.zh}",
        )
        answer = await self._ask(TaskKind.TAGS_IN_DOUBT, text, (CAME_OUT, NOT_PRINTED))
        if answer in (CAME_OUT.answer, NOT_PRINTED.answer):  # a question that was taken back says neither
            await self._feed(job, E.PRINTED if answer == CAME_OUT.answer else E.NOT_PRINTED)

    async def _have_taken(self, job: Job) -> None:
        """Have what hangs at the printer taken away, before a parcel's label comes there."""
        if not job.at_mouth:
            return
        left = "" if job.stage in FINAL else f" {job.total - job.printed} to come"
        left_zh = "" if job.stage in FINAL else f"，还剩 {job.total - job.printed} 张"
        text = Text(
            en=f"Take {job.at_mouth} tags from the label printer.{left}".strip(),
            zh=f"请从标签打印机取走 {job.at_mouth} 张标签{left_zh}",
        )
        await self._ask(TaskKind.TAKE_TAGS, text, (TAKEN,))

        def taken(tx: Transaction) -> None:
            now = jobs.load(tx, job.job_id)
            assert now is not None, f"printing {job.job_id} was never asked for"
            jobs.save(tx, replace(now, at_mouth=now.at_mouth - job.at_mouth), "taken")

        await self._journal.write(taken)

    async def _tend(self, job: Job) -> None:
        """Wait for a person, for the printer to be well again, or until another printing goes first.

        Nothing hangs at the printer meanwhile.
        """
        if job.wants_stop:
            await self._feed(job, E.STOP, "stopped")
            return
        why = sentence_for(job.reason)
        text = Text(
            en=f"{job.total - job.printed} tags wait to be printed. {why.en}",
            zh=f"有 {job.total - job.printed} 张标签等待打印。{why.zh}",
        )
        work = {asyncio.ensure_future(self._ask(TaskKind.TEND_TAGS, text, (AGAIN, LEAVE))),
                asyncio.ensure_future(self._until_not_first(job.job_id))}  # fmt: skip
        if job.reason != "tag_too_large":
            work.add(asyncio.ensure_future(self._until_well()))
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            answer = next(iter(done)).result()
        finally:
            for one in work:
                one.cancel()
            await asyncio.wait(work)
        if answer == LEAVE.answer:
            await self._feed(job, E.STOP, "stopped")
        elif answer != GIVES_WAY:
            await self._feed(job, E.AGAIN)

    async def _until_not_first(self, job_id: str) -> str:
        """Wait until another printing goes first, or this one is to be stopped."""
        while True:
            first = await self._first()
            if first is None or first.job_id != job_id or first.wants_stop:
                return GIVES_WAY
            await self._changed.wait()
            self._changed.clear()

    async def _until_well(self) -> str:
        """A printer that was mended is tried again by itself, ever more rarely."""
        wait_s, self._wait_s = self._wait_s, min(2 * self._wait_s, MAX_S)
        while True:
            await asyncio.sleep(wait_s)
            if await is_well(self._printer):
                return AGAIN.answer

    async def _ask(self, kind: TaskKind, text: Text, answers: tuple[Answer, ...]) -> str:
        """Ask and wait; what is given up is asked no more."""
        task_id = await self._bench.ask(kind, text, answers)
        try:
            return await self._bench.wait_answer(task_id)
        finally:
            await self._bench.withdraw(task_id)


def first_of(open_jobs: list[Job]) -> Job | None:
    """Return the printing that is worked on now, the oldest of its rank; None without one.

    What hangs at the printer bars parcels and goes first; then what is to end; and what waits for a person, a larger
    roll perhaps, keeps nothing else waiting.
    """
    ranks = (lambda one: one.must_clear, lambda one: one.wants_stop, lambda one: one.stage is not S.BLOCKED)
    ranked = (one for is_of_rank in (*ranks, lambda _one: True) for one in open_jobs if is_of_rank(one))
    return next(ranked, None)


def _why_not(tx: Transaction, command: PrintTags) -> str:
    if not 0 < len(command.tags) <= jobs.TAGS_MAX:
        return "too_many_tags"
    return "too_many_printings" if len(jobs.open_jobs(tx)) >= jobs.OPEN_MAX else ""


def _stop(tx: Transaction, job_id: str) -> bool:
    """Note the wish; False for a job this box never heard of. One that is over is told again: who asks missed it."""
    job = jobs.load(tx, job_id)
    if job is None:
        return False
    if job.stage in FINAL:
        jobs.tell(tx, job)
    else:
        jobs.save(tx, replace(job, wants_stop=True), "stop_asked")
    return True


def _recover(tx: Transaction) -> bool:
    """What was being printed when an earlier life ended is in doubt; True when paper may hang at the printer."""
    for task in open_tasks(tx):
        if task.kind in TASKS:
            close_task(tx, task, "withdrawn")
    for job in jobs.open_jobs(tx):
        if job.stage is S.PRINTING:
            jobs.feed(tx, job.job_id, E.UNKNOWN, "outcome_unknown")
    return any(job.must_clear for job in jobs.open_jobs(tx))


def _said(error: DeviceError, otherwise: str) -> str:
    logger.warning("tags", extra={"reason": error.reason or otherwise, "words": str(error)})
    return error.reason or otherwise
