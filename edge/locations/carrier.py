"""The sorter at work: carries what a parcel needs to the bench, senses what it may have done, asks when it cannot."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import replace

from drivers.base import Condition, DeviceError, DeviceOfflineError, OutcomeUnknownError
from drivers.sorter import CarryJob, parse_location
from edge.bench import Answer, Bench, TaskKind
from edge.bench import parcel as parcels
from edge.bench.ports import Handle
from edge.bench.questions import Fetching, fetch_text
from edge.bench.retrying import FIRST_S, MAX_S, is_well
from edge.bench.tasks import close_task, open_tasks, save_task
from edge.clock import Clock
from edge.flows.carrying import FINAL, Event, Stage
from edge.journal import Journal
from edge.journal.transaction import Transaction
from edge.locations import carries
from edge.locations.carries import Carry
from edge.reasons import sentence_for
from wire.plan import PiecePlan, ShopPlan, Text
from wire.values import parse_time

logger = logging.getLogger(__name__)

E, S = Event, Stage

AGAIN = Answer(answer="carry_again", text=Text(en="Done, let it go on", zh="处理好了，继续搬运"))
BY_HAND = Answer(answer="fetch_by_hand", text=Text(en="I fetch it myself", zh="我自己去取"))

LOOK_AGAIN_S = 0.7
BUSY_LOOKS = 300
"""A machine that still works is waited for about three minutes, the time of its longest job."""

WAIT_S = 0.2
"""How often relay time and room on the disk are looked for while they are missing."""

Outcome = tuple[Event, str]


class Carrier:
    """Carries out what stands in the journal's carries, one after the other; `run` senses first what an earlier life
    began. Without a sorter (or with `none`) nothing is ever wanted here: the bench asks the attendant.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        bench: Bench,
        sorter: Handle,
        plan: Callable[[], ShopPlan | None],
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        self._journal, self._bench, self._sorter = journal, bench, sorter
        self._plan, self._clock, self._random, self._has_room = plan, clock, random_bytes, has_room
        self._changed = asyncio.Event()
        self._waits_s: dict[str, float] = {}

    async def run(self) -> None:
        """Work until cancelled, or until a bug."""
        stop_listening = self._bench.listen(self._changed.set)
        try:
            await self._recover()
            while True:
                self._changed.clear()
                for carry in await self._journal.read(carries.open_carries):
                    await self._carry(carry)
                await self._changed.wait()
        finally:
            stop_listening()

    async def _recover(self) -> None:
        """What was under way when an earlier life ended is in doubt; its questions are asked anew."""

        def recover(tx: Transaction) -> None:
            for task in open_tasks(tx):
                if task.kind is TaskKind.TEND_SORTER:
                    close_task(tx, task, "withdrawn")
            for carry in carries.open_carries(tx):
                if carry.stage is S.CARRYING:
                    carries.feed(tx, carry.parcel_id, E.UNKNOWN, "", self._random)

        await self._journal.write(recover)

    async def _carry(self, carry: Carry) -> None:
        """Bring one carrying to its end."""
        while carry.stage not in FINAL:
            event, reason = await self._next(carry)
            carry = await self._feed(carry, event, reason)
            self._bench.changed()

    async def _feed(self, carry: Carry, event: Event, reason: str) -> Carry:
        def feed(tx: Transaction) -> Carry:
            now = carries.load(tx, carry.parcel_id)
            if now is None or now.stage is not carry.stage:  # the bench ended it meanwhile
                return now or carry
            after = carries.feed(tx, carry.parcel_id, event, reason, self._random, self._sorter.name)
            if after.stage in FINAL:
                self._say(tx, after)
            return after

        return await self._journal.write(feed)

    async def _next(self, carry: Carry) -> Outcome:
        if carry.stage is S.WANTED:
            return await self._begin(carry)
        if carry.stage is S.CARRYING:
            return await self._act(carry)
        if carry.stage is S.IN_DOUBT and not carry.reason:
            return await self._sense(carry)
        return await self._ask(carry)

    async def _begin(self, carry: Carry) -> Outcome:
        """Wait until the machine may move: room for what comes of it, relay time known, the order's time not over."""
        while not (self._has_room() and self._clock.is_synced):  # a disk and a clock tell nobody
            if not await self._is_wanted(carry):
                return E.WITHDRAW, ""
            await asyncio.sleep(WAIT_S)
        return (E.BEGIN, "") if await self._is_wanted(carry) else (E.WITHDRAW, "")

    async def _is_wanted(self, carry: Carry) -> bool:
        """Whether the bench still waits for this piece to be fetched, and its time is not over."""

        def look(tx: Transaction) -> bool:
            parcel = parcels.load(tx, carry.parcel_id)
            now = self._clock.relay_now()
            is_late = bool(parcel and parcel.act_until and now and now >= parse_time(parcel.act_until))
            fetching = [task for task in open_tasks(tx, carry.parcel_id) if task.kind is TaskKind.FETCH_PIECE]
            return bool(fetching) and not is_late

        return await self._journal.read(look)

    async def _act(self, carry: Carry) -> Outcome:
        location = parse_location(carry.location)
        assert location is not None, "only what has aisle, shelf and bin is carried"
        try:
            async with self._sorter.use() as sorter:
                await sorter.carry(CarryJob(job_no=carry.job_no, location=location))
        except OutcomeUnknownError as error:
            _said(error, "outcome_unknown")
            return E.UNKNOWN, ""
        except DeviceOfflineError as error:
            return E.BLOCKED, f"offline:{_said(error, 'offline')}"
        except DeviceError as error:
            return E.BLOCKED, _said(error, "attendant_needed")
        self._waits_s.pop(carry.parcel_id, None)
        return E.CARRIED, ""

    async def _sense(self, carry: Carry) -> Outcome:
        """Ask the machine: idle, and its registers say whether our job brought the piece."""
        try:
            async with self._sorter.use() as sorter:
                status = await sorter.status()
                for _ in range(BUSY_LOOKS):
                    if status.condition is not Condition.BUSY:
                        break
                    await asyncio.sleep(LOOK_AGAIN_S)
                    status = await sorter.status()
                if await sorter.last_carried() == carry.job_no:
                    return E.CARRIED, ""
        except DeviceError as error:
            return E.UNSENSED, _said(error, "silent")
        if status.condition is Condition.ONLINE:
            return E.NOT_CARRIED, ""
        return E.UNSENSED, status.reason or "busy"

    async def _ask(self, carry: Carry) -> Outcome:
        """Wait for a person, for the machine to be reached again, or for nobody to want the piece any more."""
        is_offline, _, code = carry.reason.rpartition(":")
        task_id = await self._bench.ask(
            TaskKind.TEND_SORTER, not_brought(code, self._piece(carry.piece_id), carry.location), (AGAIN, BY_HAND),
            piece_id=carry.piece_id,
        )  # fmt: skip
        waits = {
            asyncio.ensure_future(self._bench.wait_answer(task_id)),
            asyncio.ensure_future(self._until_unwanted(carry)),
        }
        if is_offline or carry.stage is S.IN_DOUBT:
            waits.add(asyncio.ensure_future(self._until_well(carry)))
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            answer = next(iter(done)).result()
        finally:
            for wait in waits:
                wait.cancel()
        await self._bench.withdraw(task_id)
        if answer == BY_HAND.answer:
            return E.BY_HAND, ""
        return (E.AGAIN, "") if answer == AGAIN.answer else (E.WITHDRAW, "")

    async def _until_unwanted(self, carry: Carry) -> str:
        while await self._is_wanted(carry):
            await self._changed.wait()
            self._changed.clear()
        return "withdrawn"

    async def _until_well(self, carry: Carry) -> str:
        """A machine that could not be reached is tried again by itself once it answers, ever more rarely."""
        wait_s = self._waits_s.get(carry.parcel_id, FIRST_S)
        self._waits_s[carry.parcel_id] = min(2 * wait_s, MAX_S)
        while True:
            await asyncio.sleep(wait_s)
            if await is_well(self._sorter):
                return AGAIN.answer

    def _say(self, tx: Transaction, carry: Carry) -> None:
        """The attendant's task says now that the piece lies at the bench, or that they fetch it after all."""
        for task in open_tasks(tx, carry.parcel_id):
            if task.kind is TaskKind.FETCH_PIECE:
                how = Fetching.AT_BENCH if carry.stage is S.CARRIED else Fetching.BY_HAND
                text = fetch_text(how, self._piece(carry.piece_id), carry.location)
                save_task(tx, replace(task, text=text), "reworded")

    def _piece(self, piece_id: str) -> PiecePlan | None:
        plan = self._plan()
        return next((one for one in plan.pieces if one.piece_id == piece_id), None) if plan else None


def not_brought(code: str, piece: PiecePlan | None, location: str = "") -> Text:
    """Return what the attendant reads when the sorter does not bring a piece, for this reason."""
    why, place = sentence_for(code), Text(en=location or "its place", zh=location or "原位")
    name = Text(en="the piece", zh="货品")
    if piece is not None:
        name = Text(en=f"{piece.code} {piece.title['en']}", zh=f"{piece.code} {piece.title['zh']}")
    return Text(
        en=f"The sorter does not bring {name.en} from {place.en}. {why.en}",
        zh=f"分拣机没有把{name.zh}从 {place.zh} 送来。{why.zh}",
    )


def carrier_of(
    sorter: Handle | None,
    journal: Journal,
    bench: Bench,
    plan: Callable[[], ShopPlan | None],
    clock: Clock,
    has_room: Callable[[], bool],
) -> Carrier | None:
    """Return who works the sorter; None where people fetch everything."""
    if sorter is None or sorter.by_hand:
        return None
    return Carrier(
        journal=journal, bench=bench, sorter=sorter, plan=plan, clock=clock, random_bytes=secrets.token_bytes,
        has_room=has_room,
    )  # fmt: skip


def _said(error: DeviceError, otherwise: str) -> str:
    logger.warning("sorter", extra={"reason": error.reason or otherwise, "words": str(error)})
    return error.reason or otherwise
