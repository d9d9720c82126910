"""The bench's face: commands, answers and scans in; device acts and reports out; every step through the journal."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

from drivers.base import DeviceError
from edge.bench import errands, retrying, scans
from edge.bench import parcel as rows
from edge.bench.acts import Acts, Outcome, Work
from edge.bench.answers import no, take_answer
from edge.bench.board import board_of
from edge.bench.forgetting import forget
from edge.bench.keeping import CHECK, TAGS, Keeping
from edge.bench.orders import Orders, RefusedCommandError
from edge.bench.parcel import Intent, Parcel
from edge.bench.ports import Devices, TakeStill
from edge.bench.steps import Did, Steps
from edge.bench.tasks import Answer, ScanResult, Task, TaskKind, load_task, open_tasks
from edge.bench.telling import Facts
from edge.clock import Clock
from edge.flows.errors import IllegalStepError
from edge.flows.fulfilment import ACTUATIONS, CLEARING, HELD, WAITS_IN_LINE, Effect, Event, Stage
from edge.journal import Journal, inbox
from edge.journal.transaction import Transaction
from edge.labels import Typeface, find_typeface, warm_up
from edge.pictures import Pictures
from wire.commands import (
    AnswerPhoto,
    CancelParcel,
    Command,
    LabelParcel,
    NoteForShop,
    PreparePiece,
    RecordTracking,
    ReleasePiece,
    TakeOverParcel,
)
from wire.envelope import Envelope
from wire.plan import ShopPlan, Text
from wire.reports import AckState
from wire.values import parse_time

logger = logging.getLogger(__name__)
T = TypeVar("T")
TakeScan = Callable[[str], Awaitable[ScanResult | None]]
"""Takes a code that may be meant for another room; None when it is not."""

FORGET_EVERY_S = 3600.0

CLOCK_LOOK_S = 0.2
"""How often relay time is asked for while it is unknown; a round trip takes longer than that to be made."""

AWAY_FROM_BENCH = frozenset({Stage.NEW, Stage.STILL, Stage.RESERVED, Stage.IN_LINE, Stage.ASIDE})
"""Where a parcel is not on the bench nor waits beside it: only then may a test card lie there."""

URGENCY = (
    TaskKind.TAKEN_OVER,
    TaskKind.LABEL_IN_DOUBT, TaskKind.PACK_IN_DOUBT, TaskKind.DESTROY_LABEL, TaskKind.READ_LABEL, TaskKind.TEND_DEVICE,
    TaskKind.TAGS_IN_DOUBT, TaskKind.TAKE_TAGS, TaskKind.TEND_SORTER,
    TaskKind.SHOW_COURIER_LINK, TaskKind.BRING_PIECE, TaskKind.QUESTION, TaskKind.STICK_LABEL, TaskKind.PACK_BY_HAND,
    TaskKind.FETCH_PIECE, TaskKind.BRING_BACK, TaskKind.SET_ASIDE, TaskKind.UNPACK, TaskKind.PUT_BACK,
    TaskKind.COLLECT, TaskKind.HAND_OVER, TaskKind.TAKE_TEST_CARD, TaskKind.LAY_TEST_CARD, TaskKind.STICK_TEST_LABEL,
    TaskKind.SCAN_TEST_LABEL, TaskKind.TEND_TAGS, TaskKind.NOTE,
)  # fmt: skip


class Bench:
    """One shop's bench. `run()` recovers first (senses, never redoes blindly), then works until cancelled."""

    HANDLES: tuple[type[Command], ...] = (
        PreparePiece, ReleasePiece, LabelParcel, AnswerPhoto, CancelParcel, RecordTracking, NoteForShop,
        TakeOverParcel,
    )  # fmt: skip
    """The commands that belong to `handle`."""

    def __init__(
        self,
        *,
        journal: Journal,
        devices: Devices,
        take_still: TakeStill,
        pictures: Pictures,
        clock: Clock,
        ids: Callable[[str], str],
        random_bytes: Callable[[int], bytes],
        typeface: Typeface | None = None,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        """Raises FontMissingError when this box has no Chinese font for labels.

        While `has_room` says no nothing is begun: what an act finds out must be kept.
        """
        self._journal, self._devices, self._pictures = journal, devices, pictures
        self._clock, self._ids, self._random = clock, ids, random_bytes
        self._has_room = has_room
        self._plan: ShopPlan | None = None
        self._typeface = typeface or find_typeface()
        self._acts = Acts(devices, take_still, pictures, lambda: self._plan, clock, self._typeface)
        self._hands = frozenset(
            effect
            for effect, handle in ((Effect.PACK, devices.packer), (Effect.APPLY, devices.labeller))
            if handle is None or handle.by_hand
        )
        self._has_sorter = devices.sorter is not None and not devices.sorter.by_hand
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._open: dict[str, Intent] = {}
        self._group: asyncio.TaskGroup | None = None
        self._recovered, self._has_work = asyncio.Event(), asyncio.Event()
        self._retries = retrying.Retries(devices)
        self._listeners: list[Callable[[], None]] = []
        self._errands = errands.Errands()
        self._last_scan: ScanResult | None = None
        self.is_waiting_for_clock = False
        self._keeping = Keeping()
        self.take_check_code: Callable[[str], ScanResult | None] = lambda _text: None
        self.take_place: TakeScan = _no_place
        self.take_placed: TakeScan = _no_place

    # life

    async def run(self) -> None:
        """Recover, then carry out effects and read the scanner; ends by cancellation or a bug."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await self._recover()
            self._recovered.set()
            if self._devices.scanner is not None and not self._devices.scanner.by_hand:
                group.create_task(self._read_scanner(), name="scanner")
            group.create_task(self._forget_for_ever(), name="forgetting")
            group.create_task(self._warm_up(), name="fonts")
            await asyncio.Event().wait()

    async def _recover(self) -> None:
        """Settle what an earlier life began: machines may have acted, so sense; looks are simply taken again."""
        for intent in await self._journal.read(rows.open_intents):
            if intent.act in ACTUATIONS:
                logger.warning("outcome unknown", extra={"parcel_id": intent.parcel_id, "act": intent.act.value})
                await self._settle(intent, (Event.UNKNOWN, Facts(reason="outcome_unknown")))
            else:
                self._start(intent)
        await self._commit(lambda _tx, _steps: None)
        for parcel in await self._journal.read(rows.open_parcels):
            self._watch_if_blocked(parcel)

    async def _warm_up(self) -> None:
        """Load fonts with the first parcel, long before its label is due; an idle box does without their 14 MB."""
        await self._has_work.wait()
        await asyncio.to_thread(warm_up, self._typeface)

    async def _forget_for_ever(self) -> None:
        while True:
            if await self._journal.write(forget):
                continue  # there may be more: forgetting goes in small steps
            await self._journal.seal()
            await asyncio.sleep(FORGET_EVERY_S)

    async def _read_scanner(self) -> None:
        scanner = self._devices.scanner
        assert scanner is not None
        while True:
            try:
                async with scanner.use() as driver:
                    while True:
                        await self.on_scan((await driver.next_scan()).text)
            except DeviceError:  # its host tells of it, once
                await asyncio.sleep(retrying.FIRST_S)

    # one transaction

    async def _commit(self, work: Callable[[Transaction, Steps], T]) -> T:
        """Run `work` in one journal transaction, give the bench on, then start what was intended."""
        self._plan = plan = await self._journal.plan()

        def inside(tx: Transaction) -> tuple[T, Did]:
            steps = Steps(
                tx, plan=plan, pictures=self._pictures, hands=self._hands, ids=self._ids, random_bytes=self._random,
                has_sorter=self._has_sorter,
            )  # fmt: skip
            result = work(tx, steps)
            if not self.kept_for:
                steps.advance_line()
            return result, steps.did

        result, did = await self._journal.write(inside)
        for intent_id in did.withdrawn:
            self._open.pop(intent_id, None)
        for intent in did.started:
            self._start(intent)
        self._tell()
        return result

    def _start(self, intent: Intent) -> None:
        assert self._group is not None, "intents are started by a running bench"
        self._open[intent.intent_id] = intent
        self._group.create_task(self._act(intent), name=f"{intent.act.value} {intent.parcel_id}")

    async def _act(self, intent: Intent) -> None:
        """Carry out one intent, unless it was taken back before its turn came."""
        while intent.intent_id in self._open and not self._may_begin(intent):  # noqa: ASYNC110  # a disk tells nobody
            await asyncio.sleep(CLOCK_LOOK_S)
        async with self._locks[intent.parcel_id]:
            if intent.intent_id not in self._open:
                return
            work = await self._journal.read(lambda tx: _work(tx, intent))
            late = intent.act in ACTUATIONS and self._is_late(work.parcel)
            outcome = (Event.BLOCKED, Facts(reason="deadline_passed")) if late else await self._acts.do(work)
            await self._settle(intent, outcome)

    def _may_begin(self, intent: Intent) -> bool:
        """Whether there is room to keep what comes of it and, for a machine, whether relay time is known."""
        if not self._has_room():
            return False
        is_clock_missing = intent.act in ACTUATIONS and not self._clock.is_synced
        if is_clock_missing:
            self._wait_for_clock(is_waiting=True)
        return not is_clock_missing

    def _wait_for_clock(self, *, is_waiting: bool) -> None:
        if self.is_waiting_for_clock is not is_waiting:
            self.is_waiting_for_clock = is_waiting
            self._tell()

    def _is_late(self, parcel: Parcel) -> bool:
        """Whether no machine may start for this parcel any more; relay time decides, and unknown means no."""
        self._wait_for_clock(is_waiting=False)
        now = self._clock.relay_now()
        return now is None or bool(parcel.act_until and now >= parse_time(parcel.act_until))

    async def _settle(self, intent: Intent, outcome: Outcome) -> None:
        event, facts = outcome

        def settle(tx: Transaction, steps: Steps) -> Parcel:
            parcel = rows.load(tx, intent.parcel_id)
            assert parcel is not None, f"intent {intent.intent_id} is about a parcel that is not here"
            if rows.settle_intent(tx, intent.intent_id, event.value):
                steps.feed(parcel, event, facts)
            return parcel

        self._open.pop(intent.intent_id, None)
        parcel = await self._commit(settle)
        if parcel.stage not in HELD:
            self._retries.forget(parcel)
        self._watch_if_blocked(parcel)

    # trying again by itself

    def _watch_if_blocked(self, parcel: Parcel) -> None:
        if self._retries.is_due(parcel):
            assert self._group is not None
            self._group.create_task(self._retry_when_well(parcel))

    async def _retry_when_well(self, parcel: Parcel) -> None:
        handle = self._retries.device(parcel)
        retry_s = self._retries.next_wait_s(parcel)
        while True:
            await asyncio.sleep(retry_s)
            is_well = await retrying.is_well(handle)
            now = await self._journal.read(lambda tx: rows.load(tx, parcel.parcel_id))
            if now is None or (now.stage, now.since) != (parcel.stage, parcel.since):
                return
            if is_well:
                await self._feed_now(parcel.parcel_id, Event.RETRY, Facts(answer="device_well"), parcel.since)
                return

    async def _feed_now(self, parcel_id: str, event: Event, facts: Facts, since: str) -> None:
        """Feed an event unless the parcel has gone on meanwhile."""

        def feed(tx: Transaction, steps: Steps) -> None:
            parcel = rows.load(tx, parcel_id)
            if parcel is not None and parcel.since == since:
                steps.feed(parcel, event, facts)

        async with self._locks[parcel_id]:
            await self._commit(feed)

    # the bench check

    async def is_clear(self) -> bool:
        """Whether no parcel is on the bench or beside it."""
        return not [part for part in await self._journal.read(rows.open_parcels) if part.stage not in AWAY_FROM_BENCH]

    async def is_waited_for(self) -> bool:
        """Whether a parcel wants the bench: it goes before everything that is no order."""
        parcels = await self._journal.read(rows.open_parcels)
        return any(part.stage in WAITS_IN_LINE and (part.stage is not Stage.ASIDE or part.is_paid) for part in parcels)

    async def may_keep(self) -> bool:
        """Whether `keep_free` would yield True now."""
        return not self.kept_for and await self._is_free()

    async def _is_free(self) -> bool:
        """Whether the bench belongs to no parcel; one that waits beside it for the courier moves no machine."""
        parcels = await self._journal.read(rows.open_parcels)
        return not any(part.is_on_bench or part.stage in CLEARING for part in parcels)

    @property
    def kept_for(self) -> str:
        """What no parcel may come to the bench for: TAGS, CHECK or an empty text."""
        return self._keeping.for_what

    def keep_from_start(self, for_what: str) -> None:
        """Let no parcel come to the bench from the first moment on, until it was kept once for this."""
        self._keeping.from_start(for_what)

    def keep_free(self) -> AbstractAsyncContextManager[bool]:
        """Keep the bench for tags: no parcel has the printer while the body runs. Yields False when one has it."""
        return self._keep(TAGS, self._is_free)

    def keep_clear(self) -> AbstractAsyncContextManager[bool]:
        """Let no parcel come to the bench while the body runs; yields False when one is there already.

        Parcels wait in line meanwhile, and the first goes on when the body ends.
        """
        return self._keep(CHECK, self.is_clear)

    @asynccontextmanager
    async def _keep(self, for_what: str, is_ours: Callable[[], Awaitable[bool]]) -> AsyncIterator[bool]:
        await self._recovered.wait()
        async with self._keeping.keep(for_what, is_ours) as is_kept:
            yield is_kept
        await self._commit(lambda _tx, _steps: None)

    # commands

    async def handle(self, envelope: Envelope, command: Command) -> None:
        """Apply one command of `HANDLES` from the inbox and record its final answer in the same transaction.

        Waits until `run` has recovered. While a device is acting for that parcel the command waits its turn by itself;
        commands for one parcel are applied in the order of the calls.
        """
        self._has_work.set()
        await self._recovered.wait()
        work = self._apply(envelope, command)
        if self._locks[getattr(command, "parcel_id", "")].locked():
            # a device is acting for this parcel: other parcels' commands need not wait for that
            assert self._group is not None
            self._group.create_task(work, name=f"{envelope.type} waits")
        else:
            await work

    async def _apply(self, envelope: Envelope, command: Command) -> None:
        def take(tx: Transaction, steps: Steps) -> None:
            Orders(tx, steps, self._clock.relay_now(), self._ids, self._random).take(envelope, command)
            inbox.answer(tx, envelope.id, AckState.DONE)

        async with self._locks[getattr(command, "parcel_id", "")]:
            try:
                await self._commit(take)
            except RefusedCommandError as error:
                await self._refuse(envelope, error)

    async def _refuse(self, envelope: Envelope, error: RefusedCommandError) -> None:
        logger.warning("command refused", extra={"type": envelope.type, "reason": error.reason})

        def refuse(tx: Transaction) -> None:
            tx.note("refused", type=envelope.type, subject=envelope.subject, reason=error.reason)
            inbox.answer(tx, envelope.id, AckState.STALE if error.is_stale else AckState.REFUSED, error.reason)

        await self._journal.write(refuse)

    # the attendant

    async def tasks(self) -> list[Task]:
        """Return what the attendant is asked now, most urgent first; viewing's tasks among them."""
        found = await self._journal.read(open_tasks)
        return sorted(found, key=lambda task: URGENCY.index(task.kind))

    async def answer_task(self, task_id: str, answer: str) -> ScanResult:
        """Take the attendant's answer (one of the task's codes); a second answer to the same task is refused."""
        task = await self._journal.read(lambda tx: load_task(tx, task_id))
        if task is None:
            return no("This was answered already", "已经回答过了")
        async with self._locks[task.parcel_id]:
            is_packed = task.kind is TaskKind.PACK_BY_HAND and answer == "packed"
            picture = await self._acts.picture_if_any() if is_packed else None
            facts = Facts(answer=answer, by="attendant", picture=picture)
            try:
                result = await self._commit(lambda tx, steps: take_answer(tx, steps, task_id, answer, facts))
            except IllegalStepError as error:
                return await self._illegal(str(error))
        if result.accepted:
            self._errands.wake(task_id, answer)
        return result

    async def on_scan(self, text: str) -> ScanResult:
        """Decide from the journal what a scanned (or typed) code means; anything unknown changes nothing."""
        of_check = self.take_check_code(text)
        if of_check is not None:
            self._last_scan = of_check
            self._tell()
            return of_check
        of_place = await self.take_place(text)
        if of_place is not None:
            self._last_scan = of_place
            self._tell()
            return of_place
        plan = await self._journal.plan()
        parcel_id = await self._journal.read(lambda tx: scans.parcel_of_scan(tx, plan, text))
        async with self._locks[parcel_id]:
            try:
                result = await self._commit(lambda tx, steps: scans.take_scan(tx, steps, plan, text))
            except IllegalStepError as error:
                result = await self._illegal(str(error))
        if not result.accepted:
            result = await self.take_placed(text) or result
        self._last_scan = result
        if result.accepted:
            self._errands.wake(result.task_id, "brought")
        self._tell()
        return result

    async def _illegal(self, words: str) -> ScanResult:
        """Record a step that may not be; it changed nothing."""
        await self._journal.write(lambda tx: tx.note("illegal", words=words))
        logger.warning("illegal step", extra={"words": words})
        return no("Not possible now", "现在不能这样做")

    async def ask(
        self,
        kind: TaskKind,
        text: Text,
        answers: tuple[Answer, ...],
        *,
        piece_id: str = "",
        session_id: str = "",
        needs_scan: bool = False,
    ) -> str:
        """Ask the attendant something for another room (viewing: bring_piece, question); returns the task's id.

        With kind BRING_PIECE a scan of the piece's tag answers it with `brought`.
        """
        task_id = self._ids("t")
        self._errands.expect(task_id)
        asked = errands.ask(task_id, kind, text, answers, piece_id, session_id, needs_scan=needs_scan)
        await self._commit(asked)
        return task_id

    async def wait_answer(self, task_id: str) -> str:
        """Wait until a task of `ask` is answered; returns the answer's code (`withdrawn` when it was taken back)."""
        return await self._errands.wait(task_id)

    async def withdraw(self, task_id: str) -> None:
        """Take a task of another room back: nobody needs it any more."""
        await self._commit(errands.take_back(task_id))
        self._errands.wake(task_id, errands.WITHDRAWN)

    # for the page

    def listen(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Call `on_change` in the event loop whenever tasks, parcels or the last scan changed; returns how to stop."""
        self._listeners.append(on_change)
        return lambda: self._listeners.remove(on_change)

    def changed(self) -> None:
        """Tell who listens: another room changed a task."""
        self._tell()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    async def board(self) -> list[dict[str, Any]]:
        """Return the parcels in work, see `board_of`."""
        parcels, plan = await self._journal.read(rows.open_parcels), await self._journal.plan()
        return board_of(parcels, plan, self._waits_for)

    def _waits_for(self, parcel: Parcel) -> str:
        """Without room no answer helps; then what holds this parcel; then what holds every machine."""
        if not self._has_room():
            return "disk_full"
        return parcel.reason or ("clock_unknown" if self.is_waiting_for_clock else "")

    @property
    def last_scan(self) -> ScanResult | None:
        """The newest scan and what it meant, for the page."""
        return self._last_scan


async def _no_place(_text: str) -> ScanResult | None:
    """Nobody keeps locations."""
    return None


def _work(tx: Transaction, intent: Intent) -> Work:
    parcel = rows.load(tx, intent.parcel_id)
    assert parcel is not None, f"intent {intent.intent_id} is about a parcel that is not here"
    label = rows.load_label(tx, parcel.serial) if parcel.serial else None
    return Work(intent=intent, parcel=parcel, label=label, copy_no=rows.copy_no(tx, label) if label else 1)
