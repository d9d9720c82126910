"""What each step of a bench check does with a device or a person, and what it saw."""

import asyncio
import contextlib
import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from drivers.base import AttendantNeededError, Condition, DeviceError, DeviceStatus
from drivers.sorter import CarryJob, Location, Sorter, parse_location
from drivers.turntable import Turntable, turn_and_wait
from edge.bench import Answer, ScanResult, TaskKind
from edge.bench.ports import Handle
from edge.bench_check.label import PREFIX, draw_test_label
from edge.bench_check.ports import Around, Table
from edge.bench_check.words import ASK, BUTTONS, HINTS, SEEN, SKIPS, filled
from edge.journal.transaction import Transaction
from edge.labels import BadLabelError
from edge.locations import carries, shelves
from edge.reading import BadPictureError, Effort, Reading
from edge.reasons import sentence_for
from wire.bench_card import AskEcho
from wire.plan import Text

PERSON_S = 180.0
"""A person who was called has three minutes: long enough to fetch a carton, short enough not to stand there idle."""

ECHO_S = 6.0
TRIPS_MAX = 3
"""Empty locations that the sorter is sent to until one answers: a trip may take three minutes."""

LOOKS, LOOK_AGAIN_S = 3, 0.7
TURN_DEG, NEAR_DEG, TURN_S = 90.0, 3.0, 20.0
SMALL_PX, DIFFERENT, CHANGED_SHARE = 320, 10, 0.004
"""Two pictures differ when this share of their pixels is this many of 255 levels apart, at this width and at the same
exposure. Measured on an empty walnut disc that fills a third of the width: 0.011; a sensor's noise, averaged: 0."""

PICTURE_PX, PICTURE_QUALITY = 1280, 80
"""A card's picture is for a person's eye and travels every night: a tenth of the bytes of a full still."""


class StepFailedError(Exception):
    """A step saw what should not be. `hint` is what to do next, `reason` its code."""

    def __init__(self, reason: str, hint: Text | None = None, picture: bytes = b"") -> None:
        super().__init__(reason)
        self.reason, self.hint, self.picture = reason, hint or HINTS[reason], picture


class StepSkippedError(Exception):
    """There is nothing to do for a step here or now; `text` says why."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


@dataclass(frozen=True, slots=True)
class Seen:
    """What a step saw when it passed, and the picture of it."""

    text: Text
    picture: bytes = b""


@dataclass(slots=True)
class Acts:
    """The steps of one check. `code` is what is printed and read; at night no paper is used and nobody is asked."""

    around: Around
    code: str
    is_night: bool = False
    echoed: asyncio.Future[str] | None = None
    scanned: asyncio.Event = field(default_factory=asyncio.Event)
    pictured: asyncio.Event = field(default_factory=asyncio.Event)
    asked: set[str] = field(default_factory=set)

    # on paper

    async def lay_card(self) -> None:
        """Ask for the test card; raises StepFailedError when nobody lays it."""
        if await self._ask(TaskKind.LAY_TEST_CARD, "laid", "no_card") != "laid":
            raise StepFailedError("no_card")

    async def print(self) -> Seen:
        handle = self.around.devices.printer
        if self.is_night:
            await self._is_ready(handle)
        await self._note("print", handle.name)
        async with handle.use() as printer:
            try:
                image = await asyncio.to_thread(draw_test_label, self.code, printer.media, self.around.face)
            except BadLabelError as error:
                raise StepFailedError("bad_label", Text(en=str(error), zh="纸卷太小：请换宽一些的标签纸")) from None
            await printer.print_label(image)
        return Seen(filled(SEEN["printed"], code=self._shown))

    async def home_robot(self) -> None:
        """Reference a robot that was not since it was switched on, while the label comes out of the printer.

        What goes wrong here is told by the step that needs the robot.
        """
        handle = self.around.devices.labeller
        if self.is_night or handle is None or handle.by_hand:
            return
        with contextlib.suppress(DeviceError):
            async with handle.use() as labeller:
                if (await labeller.status()).reason != "not_homed":
                    return
                await self._note("home", handle.name)
                await labeller.home()

    async def apply(self) -> Seen:
        handle = self.around.devices.labeller
        if handle is None or handle.by_hand:
            if self.is_night:
                raise StepSkippedError(SKIPS["by_hand"])
            if await self._ask(TaskKind.STICK_TEST_LABEL, "stuck", "no_label") != "stuck":
                raise StepFailedError("no_label")
            return Seen(SEEN["stuck"])
        if self.is_night:
            await self._is_ready(handle)
        await self._note("apply", handle.name)
        async with handle.use() as labeller:
            try:
                await labeller.apply()
            except AttendantNeededError as error:
                if error.reason != "not_homed":
                    raise
                await labeller.home()
                await labeller.apply()
        return Seen(SEEN["applied"])

    async def look(self) -> Seen:
        reading, jpeg = Reading(), b""
        for number in range(1 if self.is_night else LOOKS):
            if number:
                await asyncio.sleep(LOOK_AGAIN_S)
            async with self.around.devices.camera.use() as camera:
                jpeg = (await camera.still()).jpeg
            self.pictured.set()
            effort = Effort.LOOK if number else Effort.GLANCE
            try:
                await asyncio.to_thread(reading.add, jpeg, self._is_there, effort)
            except BadPictureError:
                raise AttendantNeededError("bench camera: what it sends is no picture", "no_picture") from None
            if self._is_there(reading.codes()):
                return Seen(filled(SEEN["read"], code=self._shown), jpeg)
        if self.is_night:
            return Seen(SEEN["picture"], jpeg)
        raise StepFailedError("unread", picture=jpeg)

    async def scan(self) -> Seen:
        handle = self.around.devices.scanner
        if handle is None or handle.by_hand:
            raise StepSkippedError(SKIPS["no_device"])
        if self.is_night:
            raise StepSkippedError(SKIPS["night"])
        task_id = await self._begin_asking(TaskKind.SCAN_TEST_LABEL, "cannot_scan")
        answer = asyncio.ensure_future(self.around.bench.wait_answer(task_id))
        scan = asyncio.ensure_future(self.scanned.wait())
        try:
            await asyncio.wait((answer, scan), timeout=PERSON_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            scan.cancel()
            answer.cancel()
            await self._end_asking(task_id)
        if not self.scanned.is_set():
            raise StepFailedError("cannot_scan" if answer.done() and not answer.cancelled() else "nobody_came")
        return Seen(filled(SEEN["scanned"], code=self._shown))

    async def take_card(self) -> None:
        """Ask to take the card away and wait for it: a parcel can't lie where a carton lies."""
        task_id = await self._begin_asking(TaskKind.TAKE_TEST_CARD, "taken")
        await self.around.bench.wait_answer(task_id)

    # without paper

    async def turn(self, table: Table) -> Seen:
        """Turn the table a quarter, look whether the picture changed, turn it back."""
        if self.around.is_private():
            raise StepSkippedError(SKIPS["no_session"])
        if self.around.is_watched(table.camera):
            raise StepSkippedError(SKIPS["watched"])
        await self._note("turn", table.handle.name)
        async with table.handle.use() as driver:
            began_deg = await driver.angle_deg()
            before = (await self.around.take_still(None, table.camera)).jpeg
            try:
                await _go_to(driver, (began_deg + TURN_DEG) % 360)
                after = (await self.around.take_still(None, table.camera)).jpeg
            finally:
                await driver.turn_to(began_deg)
        share, both = await asyncio.to_thread(compare, before, after)
        if share < CHANGED_SHARE:
            raise StepFailedError("unchanged", picture=both)
        return Seen(filled(SEEN["turned"], percent=f"{share * 100:.0f}"), both)

    async def pack(self) -> Seen:
        handle = self.around.devices.packer
        if handle is None or handle.by_hand:
            raise StepSkippedError(SKIPS["by_hand"])
        async with handle.use() as packer:
            _must_be_well(await packer.status())
            job = await packer.last_done()
        return Seen(filled(SEEN["packer"], job=job))

    async def sort(self) -> Seen:
        """Send the sorter to a location that is empty by the shop's book: it moves, finds nothing and moves no goods.

        One that it does not reach, or from which it could put nothing down, is followed by the next; what it brings
        ends the step, because goods lie at the bench then. At night, and where no location is empty, it is only asked.
        """
        handle = self.around.devices.sorter
        assert handle is not None, "a shop without a sorter has no such step"
        tried: list[Location] = []
        reason = ""
        async with handle.use() as sorter:
            _must_be_well(await sorter.status())
            while len(tried) < TRIPS_MAX and (job := await self._next_trip(handle.name, tried)) is not None:
                tried.append(job.location)
                reason = await _went(sorter, job)
                if reason == "nothing_there":
                    return Seen(filled(SEEN["went"], location=job.location))
            if tried:
                raise StepFailedError(reason, _with_places(reason, tried))
            return Seen(filled(SEEN["sorter"], job=await sorter.last_carried()))

    async def _next_trip(self, device: str, tried: list[Location]) -> CarryJob | None:
        """Choose an empty location and note the intent in one transaction, so that nobody fills it between the two.

        None at night and where no location is empty.
        """
        if self.is_night:
            return None

        def choose(tx: Transaction) -> CarryJob | None:
            location = _empty_location(tx, tried)
            if location is None:
                return None
            tx.note("bench_check", step="sort", device=device, code=self.code)
            return CarryJob(job_no=carries.next_job_no(tx, self.around.random_bytes), location=location)

        return await self.around.journal.write(choose)

    async def echo(self) -> Seen:
        clock = self.around.clock
        self.echoed = asyncio.get_running_loop().create_future()
        nonce, asked_s = self.around.ids("echo"), clock.monotonic()
        try:
            async with asyncio.timeout(ECHO_S):
                while not self.around.send_echo(AskEcho(nonce=nonce, code=self.code)):  # noqa: ASYNC110  # the link tells nobody here
                    await asyncio.sleep(0.2)  # the link may be just about to come up
                said = await self.echoed
        except TimeoutError:
            raise StepFailedError("no_echo") from None
        if said != f"{nonce} {self.code}":
            raise StepFailedError("no_echo")
        return Seen(filled(SEEN["echoed"], ms=f"{(clock.monotonic() - asked_s) * 1000:.0f}"))

    # from outside

    def take_code(self, text: str) -> ScanResult | None:
        """Take a scan if it is a test label's; None for any other code."""
        if not text.startswith(PREFIX):
            return None
        if text != self.code:
            old = Text(en="An old test label: tear it up", zh="旧的测试标签：请撕下销毁")
            return ScanResult(accepted=False, text=old)
        self.scanned.set()
        return ScanResult(accepted=True, text=Text(en="Test label read", zh="已读到测试标签"))

    def take_echo(self, nonce: str, code: str) -> None:
        """Take the relay's answer."""
        if self.echoed is not None and not self.echoed.done():
            self.echoed.set_result(f"{nonce} {code}")

    async def withdraw(self) -> None:
        """Take back what is still asked."""
        for task_id in tuple(self.asked):
            await self._end_asking(task_id)

    # within

    @property
    def _shown(self) -> str:
        return self.code.removeprefix(PREFIX)

    def _is_there(self, codes: tuple[Any, ...]) -> bool:
        return any(code.text == self.code for code in codes)

    async def _is_ready(self, handle: Handle) -> None:
        """Ask a device at night how it is; raises StepSkippedError when it is well, DeviceError otherwise."""
        async with handle.use() as driver:
            _must_be_well(await driver.status())
        raise StepSkippedError(SKIPS["night"])

    async def _note(self, step: str, device: str) -> None:
        """The intent stands in the journal before anything moves."""
        await self.around.journal.write(lambda tx: tx.note("bench_check", step=step, device=device, code=self.code))

    async def _ask(self, kind: TaskKind, *answers: str) -> str:
        """Ask the attendant and wait; raises StepFailedError when nobody answers."""
        task_id = await self._begin_asking(kind, *answers)
        try:
            async with asyncio.timeout(PERSON_S):
                return await self.around.bench.wait_answer(task_id)
        except TimeoutError:
            raise StepFailedError("nobody_came") from None
        finally:
            await self._end_asking(task_id)

    async def _begin_asking(self, kind: TaskKind, *answers: str) -> str:
        buttons = tuple(Answer(answer=answer, text=BUTTONS[answer]) for answer in answers)
        task_id = await self.around.bench.ask(kind, ASK[kind.value], buttons)
        self.asked.add(task_id)
        return task_id

    async def _end_asking(self, task_id: str) -> None:
        self.asked.discard(task_id)
        await self.around.bench.withdraw(task_id)


def _empty_location(tx: Transaction, tried: list[Location]) -> Location | None:
    """Return a location that the sorter reaches by its name, where nothing lies or belongs; None without one."""
    empty = (one for one in shelves.all_shelves(tx) if not (one.pieces or one.away or one.kept_for))
    named = (parse_location(one.location) for one in empty)
    return next((found for found in named if found and found not in tried), None)


async def _went(sorter: Sorter, job: CarryJob) -> str:
    """Send the sorter and return why it brought nothing; raises StepFailedError when it brought something."""
    try:
        await sorter.carry(job)
    except AttendantNeededError as error:
        if error.reason not in carries.MOVED_NOTHING:
            raise
        return error.reason
    raise StepFailedError("brought_something", filled(HINTS["brought_something"], location=job.location))


def _with_places(reason: str, tried: list[Location]) -> Text:
    why, places = sentence_for(reason), ", ".join(str(one) for one in tried)
    return Text(en=f"{why.en} ({places})", zh=f"{why.zh}（{places}）")


def _must_be_well(status: DeviceStatus) -> None:
    needs_nobody = status.condition is Condition.NEEDS_ATTENDANT and status.reason == "not_homed"
    if status.condition not in (Condition.ONLINE, Condition.BUSY) and not needs_nobody:
        raise DeviceError(status.raw or status.reason, status.reason or "attendant_needed")


async def _go_to(driver: Turntable, angle_deg: float) -> None:
    try:
        await turn_and_wait(driver, angle_deg, within_deg=NEAR_DEG, timeout_s=TURN_S)
    except TimeoutError:
        raise StepFailedError("not_there") from None


def compare(before: bytes, after: bytes) -> tuple[float, bytes]:
    """Return which share of the picture changed (0…1), and both pictures side by side; raises BadPictureError."""
    pictures = [_opened(jpeg) for jpeg in (before, after)]
    width, height = SMALL_PX, max(1, round(SMALL_PX * pictures[0].height / pictures[0].width))
    small = [picture.convert("L").resize((width, height), Image.Resampling.BOX) for picture in pictures]
    apart = np.asarray(small[0], np.float32) - np.asarray(small[1], np.float32)
    share = float((np.abs(apart - np.median(apart)) >= DIFFERENT).mean())
    half, tall = PICTURE_PX // 2, round(PICTURE_PX / 2 * pictures[0].height / pictures[0].width)
    both = Image.new("RGB", (PICTURE_PX, tall))
    for number, picture in enumerate(pictures):
        both.paste(picture.resize((half, tall)), (number * half, 0))
    return share, _jpeg(both)


def shrink(jpeg: bytes) -> bytes:
    """Return a picture small enough for a card; raises BadPictureError."""
    picture = _opened(jpeg)
    picture.thumbnail((PICTURE_PX, PICTURE_PX))
    return _jpeg(picture)


def _opened(jpeg: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(jpeg)) as opened:
            opened.draft("RGB", (PICTURE_PX, PICTURE_PX))
            return opened.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise BadPictureError(f"picture: cannot be decoded ({error})") from None


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=PICTURE_QUALITY)
    return out.getvalue()
