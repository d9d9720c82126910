"""Runs bench checks: one at a time, only while the bench is free, and the card of each is kept and reported."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from drivers.base import DeviceError
from edge.bench import CHECK
from edge.bench.tasks import TaskKind, close_task, open_tasks
from edge.bench_check.acts import Acts, Seen, StepFailedError, StepSkippedError, shrink
from edge.bench_check.cards import Cards
from edge.bench_check.label import new_code
from edge.bench_check.night import is_due
from edge.bench_check.ports import Around
from edge.bench_check.words import HINTS, REFUSALS, SKIPS, TITLES
from edge.journal.outbox import append_report
from edge.journal.transaction import Transaction
from edge.locations import carries
from edge.pictures import Kept
from edge.reading import BadPictureError
from edge.reasons import sentence_for
from wire.bench_card import BenchChecked, CheckResult, CheckStep
from wire.codec import to_json
from wire.plan import Text
from wire.reports import PictureKind

logger = logging.getLogger(__name__)

R = CheckResult
NOT_NEEDED = frozenset({"turn", "sort"})
"""Without its turntable a shop still packs and posts, it only shows less; without its sorter people fetch."""

BEGUN_ELSEWHERE = frozenset({"nightly", "merchant"})
"""Occasions on which nobody in the shop pressed the button: a shopper who looks goes first."""

NIGHT_LOOK_S = 300.0
KEPT = {"tags": "tags", "check": "technician"}
"""What the bench is kept for, and the sentence about it."""

TASKS = (TaskKind.LAY_TEST_CARD, TaskKind.STICK_TEST_LABEL, TaskKind.SCAN_TEST_LABEL, TaskKind.TAKE_TEST_CARD)

Work = Callable[[], Awaitable[Seen]]


class CheckRefusedError(Exception):
    """A check cannot begin now; `text` says why, in both languages."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class BenchCheck:
    """One shop's bench check. `run()` must run; `begin()` starts one and returns at once."""

    def __init__(self, around: Around, folder: Path) -> None:
        self._around, self._cards = around, Cards(folder)
        self._kept: list[BenchChecked] = []
        self._running: BenchChecked | None = None
        self._ended: tuple[BenchChecked, str] | None = None
        self._pictures: list[Kept] = []
        self._is_clearing = False
        self._interrupted: tuple[BenchChecked, bool] | None = None
        self._acts: Acts | None = None
        self._group: asyncio.TaskGroup | None = None
        self._ready = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []

    def listen(self, on_change: Callable[[], None]) -> None:
        """Call `on_change` in the event loop whenever a step or a check ended."""
        self._listeners.append(on_change)

    async def open(self) -> None:
        """See whether an earlier life left a check, before the bench runs: its test card may lie there."""
        self._interrupted = await asyncio.to_thread(self._cards.interrupted)
        if self._interrupted is not None:
            self._around.bench.keep_from_start(CHECK)

    async def run(self) -> None:
        """Settle what an earlier life left, then wait for checks and for the night; ends by cancellation or a bug."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await self._around.journal.write(_forget_tasks)
            self._kept = await asyncio.to_thread(self._cards.all)
            if self._interrupted is not None:
                group.create_task(self._recover(*self._interrupted), name="bench check cut off")
            self._ready.set()
            while True:
                await asyncio.sleep(NIGHT_LOOK_S)
                await self.look_at_night()

    async def look_at_night(self) -> bool:
        """Begin the nightly check if it is due and the shop rests; True when it began."""
        last_at = self._kept[0].ended_at if self._kept else None
        if not is_due(self._around.plan(), self._around.clock.now(), last_at):
            return False
        try:
            await self.begin("nightly")
        except CheckRefusedError as error:
            logger.info("nightly bench check put off", extra={"words": error.text.en})
            return False
        return True

    async def begin(self, occasion: str) -> str:
        """Begin a check (`setup`, `asked`, `merchant` or `nightly`); returns its id. Raises CheckRefusedError."""
        await self._ready.wait()
        if self._running is not None or self._is_clearing:
            raise CheckRefusedError(REFUSALS["running"])
        if occasion in BEGUN_ELSEWHERE and self._around.is_watched(""):
            raise CheckRefusedError(REFUSALS["watched"])
        if self._around.is_private():
            raise CheckRefusedError(REFUSALS["private"])
        assert self._group is not None, "run() runs"
        check_id, begun = self._around.ids("chk"), asyncio.get_running_loop().create_future()
        self._is_clearing = True
        self._group.create_task(self._carry_out(check_id, occasion, begun), name=f"bench check {check_id}")
        await begun
        return check_id

    def state(self) -> dict[str, Any]:
        """Return what a page or a terminal shows: the running check or none, and the cards kept, newest first."""
        return {
            "running": to_json(self._running) if self._running else None,
            "is_clearing": self._is_clearing and self._running is None,
            "steps": [{"step": name, "title": to_json(title)} for name, title in self.titles.items()],
            "cards": [to_json(card) for card in self._kept],
        }

    @property
    def newest(self) -> tuple[BenchChecked, str] | None:
        """Return the newest check of this life, and whether it is `running`, `clearing` or `over`; None without one."""
        return (self._running, "running") if self._running is not None else self._ended

    @property
    def titles(self) -> dict[str, Text]:
        """The steps of this shop, in their order: only a shop that has a sorter checks it."""
        sorter = self._around.devices.sorter
        has_sorter = sorter is not None and not sorter.by_hand
        return {name: title for name, title in TITLES.items() if has_sorter or name != "sort"}

    def take_echo(self, nonce: str, code: str) -> None:
        """Take the relay's echo."""
        if self._acts is not None:
            self._acts.take_echo(nonce, code)

    # one check

    async def _carry_out(self, check_id: str, occasion: str, begun: "asyncio.Future[None]") -> None:
        around = self._around
        kept_for = around.bench.kept_for
        try:
            async with around.bench.keep_clear() as is_clear:
                why_not = "" if is_clear else KEPT.get(kept_for, "parcel")
                carried = await around.journal.read(carries.open_carries)
                if why_not or carried:
                    self._is_clearing = False
                    begun.set_exception(CheckRefusedError(REFUSALS[why_not or "carrying"]))
                    return
                begun.set_result(None)
                acts = Acts(around, new_code(around.random_bytes), is_night=occasion == "nightly")
                around.bench.take_check_code, self._acts = acts.take_code, acts
                has_card = await self._check(acts, check_id, occasion)
                if has_card:
                    self._tell()
                    await acts.take_card()
        finally:
            around.bench.take_check_code = _no_code
            self._acts, self._running, self._is_clearing = None, None, False
            self._end()
        await asyncio.to_thread(self._cards.end)

    async def _check(self, acts: Acts, check_id: str, occasion: str) -> bool:
        """Do every step and keep the card; returns whether the test card lies on the bench."""
        now = self._around.clock.now()
        self._running = BenchChecked(
            check_id=check_id, started_at=now, ended_at=now, occasion=occasion, is_passed=False, is_whole=False,
            software=self._around.software,
        )  # fmt: skip
        self._tell()
        await self._note(has_card=False)
        logger.info("bench check begun", extra={"check_id": check_id, "occasion": occasion})
        async with asyncio.TaskGroup() as group:
            paper = group.create_task(self._paper(acts))
            group.create_task(self._turns(acts))
            group.create_task(self._step("pack", acts.pack, self._around.devices.packer))
            group.create_task(self._step("echo", acts.echo, None))
            if "sort" in self.titles:
                group.create_task(self._step("sort", acts.sort, self._around.devices.sorter))
        await self._finish()
        return paper.result()

    async def _paper(self, acts: Acts) -> bool:
        """The steps that hang on one another: card, print, apply, look, scan. True when the card was laid."""
        devices = self._around.devices
        has_card, is_going = False, True
        if not acts.is_night:
            try:
                await acts.lay_card()
                has_card = True
            except StepFailedError as error:
                is_going = False
                await self._add(_step("print", R.FAILED, hint=error.hint, reason=error.reason))
            await self._note(has_card=has_card)
        for part in (self._print, self._apply, self._read):
            if is_going or acts.is_night:
                is_going = await part(acts)
        handles = {"print": devices.printer, "apply": devices.labeller, "look": devices.camera, "scan": devices.scanner}
        for name, handle in handles.items():
            if all(step.step != name for step in self._steps):
                await self._add(_step(name, R.SKIPPED, text=SKIPS["not_reached"], device=_name(handle)))
        return has_card

    async def _print(self, acts: Acts) -> bool:
        """Print while the robot finds its zero: neither is in the other's way. True when the label is there."""
        async with asyncio.TaskGroup() as group:
            group.create_task(acts.home_robot())
            printing = group.create_task(self._step("print", acts.print, self._around.devices.printer))
        return printing.result() is not R.FAILED

    async def _apply(self, acts: Acts) -> bool:
        return await self._step("apply", acts.apply, self._around.devices.labeller) is not R.FAILED

    async def _read(self, acts: Acts) -> bool:
        """Camera and scanner read the same label: the hand may come as soon as the camera has its picture."""
        devices = self._around.devices
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._step("look", acts.look, devices.camera))
            pictured = group.create_task(acts.pictured.wait())
            await asyncio.wait((looking, pictured), return_when=asyncio.FIRST_COMPLETED)
            pictured.cancel()
            scanning = group.create_task(self._step("scan", acts.scan, devices.scanner))
            if await looking is R.FAILED and not acts.is_night:
                scanning.cancel()  # nobody is asked to scan what cannot be read
        return looking.result() is not R.FAILED

    async def _turns(self, acts: Acts) -> None:
        if not self._around.tables:
            await self._add(_step("turn", R.SKIPPED, text=SKIPS["no_device"]))
        for table in self._around.tables:
            await self._step("turn", lambda table=table: acts.turn(table), table.handle)  # type: ignore[misc]  # bound here

    async def _step(self, name: str, work: Work, handle: Any) -> CheckResult:
        began_s, device = self._around.clock.monotonic(), _name(handle)
        is_by_hand = (handle is not None and handle.by_hand) or (handle is None and name == "apply")
        picture = b""
        try:
            seen = await work()
            done, picture = _step(name, R.PASSED, text=seen.text), seen.picture
        except StepSkippedError as error:
            done = _step(name, R.SKIPPED, text=error.text)
        except StepFailedError as error:
            done, picture = _step(name, R.FAILED, hint=error.hint, reason=error.reason), error.picture
        except DeviceError as error:
            reason = error.reason or "offline"
            logger.warning("bench check", extra={"step": name, "device": device, "words": str(error)})
            done = _step(name, R.FAILED, hint=sentence_for(reason), reason=reason)
        except BadPictureError:
            done = _step(name, R.FAILED, hint=sentence_for("no_picture"), reason="no_picture")
        took_s = round(self._around.clock.monotonic() - began_s, 2)
        sha256 = (await self._keep(picture)).sha256 if picture else ""
        await self._add(replace(done, device=device, took_s=took_s, picture_sha256=sha256, is_by_hand=bool(is_by_hand)))
        return done.result

    async def _keep(self, jpeg: bytes) -> Kept:
        kept = await self._around.pictures.keep(await asyncio.to_thread(shrink, jpeg))
        self._pictures.append(kept)
        return kept

    @property
    def _steps(self) -> tuple[CheckStep, ...]:
        return self._running.steps if self._running else ()

    async def _add(self, step: CheckStep) -> None:
        assert self._running is not None
        order = list(TITLES)
        steps = sorted((*self._steps, step), key=lambda one: order.index(one.step))
        self._running = replace(self._running, steps=tuple(steps))
        self._tell()

    async def _note(self, *, has_card: bool) -> None:
        assert self._running is not None
        await asyncio.to_thread(self._cards.begin, self._running, has_card=has_card)

    async def _finish(self) -> None:
        """Judge, keep and report the card; its pictures are offered after it, in the same transaction."""
        assert self._running is not None
        card = judged(self._running, self._around.clock.now())
        pictures, self._pictures = self._pictures, []

        def report(tx: Transaction) -> None:
            append_report(tx, card)
            for kept in pictures:
                self._around.pictures.offer(tx, card.check_id, kept, PictureKind.BENCH_CHECK, previous="")

        await asyncio.to_thread(self._cards.save, card)
        await self._around.journal.write(report)
        self._running, self._ended = None, (card, "clearing")
        self._kept = await asyncio.to_thread(self._cards.all)
        failed = [step.step for step in card.steps if step.result is R.FAILED]
        logger.info("bench check ended", extra={"check_id": card.check_id, "passed": card.is_passed, "failed": failed})

    async def _recover(self, card: BenchChecked, has_card: bool) -> None:
        """Tell of a check that a stop of the box cut off, and have its test card taken away before parcels come."""
        done = {step.step for step in card.steps}
        cut_off = tuple(
            _step(name, R.FAILED, hint=HINTS["interrupted"], reason="interrupted")
            for name in self.titles
            if name not in done
        )
        self._running = replace(card, steps=(*card.steps, *cut_off))
        self._is_clearing = True
        try:
            async with self._around.bench.keep_clear():
                await self._finish()
                if has_card:
                    await Acts(self._around, "").take_card()
        finally:
            self._is_clearing = False
            self._end()
        await asyncio.to_thread(self._cards.end)

    def _end(self) -> None:
        if self._ended is not None:
            self._ended = (self._ended[0], "over")
        self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()


def judged(card: BenchChecked, now: datetime) -> BenchChecked:
    """Return the card with its verdict."""
    results = {step.step: step.result for step in card.steps}
    is_whole = results.get("print") is R.PASSED and results.get("look") is R.PASSED
    is_passed = bool(results) and not any(step.is_needed and step.result is R.FAILED for step in card.steps)
    return replace(card, ended_at=now, is_passed=is_passed, is_whole=is_whole)


def _step(name: str, result: CheckResult, **parts: Any) -> CheckStep:
    return CheckStep(step=name, result=result, title=TITLES[name], is_needed=name not in NOT_NEEDED, **parts)


def _name(handle: Any) -> str:
    return handle.name if handle is not None else ""


def _no_code(_text: str) -> None:
    return None


def _forget_tasks(tx: Transaction) -> None:
    """What an earlier life asked is not asked any more: nobody waits for the answer."""
    for task in open_tasks(tx):
        if task.kind in TASKS:
            close_task(tx, task, "withdrawn")
