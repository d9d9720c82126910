"""What each act does with a device, and which event its end is. Nothing here decides what comes next."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from drivers.base import AttendantNeededError, Condition, DeviceError, DeviceOfflineError, OutcomeUnknownError
from drivers.camera import Still
from drivers.packer import PackJob
from edge.bench.eye import Eye
from edge.bench.parcel import Intent, LabelRow, Parcel
from edge.bench.ports import Devices, TakeStill
from edge.bench.telling import Facts
from edge.clock import Clock
from edge.flows.fulfilment import ACTUATIONS, Effect, Event
from edge.labels import BadLabelError, Typeface, render_label
from edge.pictures import Kept, Pictures
from edge.reading import BadPictureError, Effort, Judgement, ReadCode, Reading, Verdict, judge
from wire.plan import ShopPlan

logger = logging.getLogger(__name__)

X, E = Effect, Event

LOOKS = 3
"""Pictures taken before a label counts as unreadable: a hand or the robot's arm may still be in the way."""

LOOK_AGAIN_S = 0.7
BUSY_LOOKS = 90
"""A machine that still works is waited for about a minute, the time of its longest job."""

STILL_TRIES = 3

HOMED_AFTER = ("alarm", "emergency_stop", "on_hold", "restarted")
"""What the robot is homed after, once a person said go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What an act needs to know, read from the journal when the intent was written."""

    intent: Intent
    parcel: Parcel
    label: LabelRow | None
    copy_no: int = 1


Outcome = tuple[Event, Facts]


class Acts:
    """The bench's devices at work. Each act returns the event it ended with; DeviceErrors become events."""

    def __init__(
        self,
        devices: Devices,
        take_still: TakeStill,
        pictures: Pictures,
        plan: Callable[[], ShopPlan | None],
        clock: Clock,
        face: Typeface,
    ) -> None:
        self._devices, self._take_still, self._pictures = devices, take_still, pictures
        self._plan, self._clock, self._face = plan, clock, face
        self._eye = Eye()
        self._by_act = {
            X.TAKE_STILL: self._still_of_session,
            X.TAKE_STILL_AT_BENCH: self._still_at_bench,
            X.PACK: self._pack,
            X.PRINT: self._print,
            X.APPLY: self._apply,
            X.READ_BACK: self._read_back,
            X.PHOTOGRAPH: self._photograph,
            X.SENSE_PACKER: self._sense_packer,
            X.SENSE_PRINTER: self._sense_printer,
            X.SENSE_PARCEL: self._sense_parcel,
        }

    async def do(self, work: Work) -> Outcome:
        """Do one act to its end."""
        try:
            return await self._by_act[work.intent.act](work)
        except OutcomeUnknownError as error:
            event = E.UNKNOWN if work.intent.act in ACTUATIONS else E.BLOCKED
            return event, _said(error, "outcome_unknown")
        except DeviceError as error:
            return E.BLOCKED, _said(error, "offline")

    # pictures

    async def _still_of_session(self, work: Work) -> Outcome:
        plan, camera = self._plan(), ""
        for piece in plan.pieces if plan else ():
            if piece.piece_id == work.parcel.piece_id and piece.spot is not None:
                camera = piece.spot.camera
        for _ in range(STILL_TRIES):
            try:
                still = await self._take_still(work.parcel.session_id, camera)
                await self._eye.check(camera, still)
                return E.STILL_TAKEN, Facts(picture=await self._pictures.keep(still.jpeg), camera=camera)
            except DeviceError as error:
                logger.warning("no still of the session", extra={"camera": camera, "words": str(error)})
                await asyncio.sleep(LOOK_AGAIN_S)
        return E.STILL_FAILED, Facts(reason="still_failed")

    async def _still_at_bench(self, work: Work) -> Outcome:
        try:
            still = await self._bench_still()
        except DeviceError as error:
            return E.STILL_FAILED, _said(error, "still_failed")
        return E.STILL_TAKEN, Facts(picture=await self._pictures.keep(still.jpeg), camera=self._devices.camera.name)

    async def _bench_still(self) -> Still:
        return await self._eye.take(self._devices.camera)

    async def picture_if_any(self) -> Kept | None:
        """Take a picture of the bench that nothing depends on."""
        try:
            return await self._pictures.keep((await self._bench_still()).jpeg)
        except DeviceError as error:
            logger.warning("no picture of the packed parcel", extra={"words": str(error)})
            return None

    # machines

    async def _pack(self, work: Work) -> Outcome:
        handle = self._devices.packer
        assert handle is not None, "a bench without packer asks the attendant"
        async with handle.use() as packer:
            await packer.pack(PackJob(job_no=work.intent.detail["job_no"]))
        return E.PACKED, Facts(by=handle.name, picture=await self.picture_if_any())

    async def _print(self, work: Work) -> Outcome:
        label = work.label
        assert label is not None, "a print intent names its label"
        async with self._devices.printer.use() as printer:
            try:
                image = await asyncio.to_thread(
                    render_label,
                    work.parcel.content(),
                    label.serial,
                    label.url,
                    printer.media,
                    self._face,
                    copy_no=work.copy_no,
                )
            except BadLabelError as error:
                logger.warning("label cannot be drawn", extra={"parcel_id": label.parcel_id, "words": str(error)})
                return E.BLOCKED, Facts(reason="bad_label")
            await printer.print_label(image)
            return E.PRINTED, Facts(first_byte_at=self._at(printer.first_byte_s))

    def _at(self, monotonic_s: float | None) -> datetime | None:
        if monotonic_s is None:
            return None
        return self._clock.now() - timedelta(seconds=self._clock.monotonic() - monotonic_s)

    async def _apply(self, work: Work) -> Outcome:
        """Apply. A robot that was never referenced is homed first; after an alarm only once a person said go on."""
        handle = self._devices.labeller
        assert handle is not None, "a bench without labeller asks the attendant"
        async with handle.use() as labeller:
            try:
                await labeller.apply()
            except AttendantNeededError as error:
                is_fresh = error.reason == "not_homed"
                if not (is_fresh or (work.parcel.was_retried and error.reason in HOMED_AFTER)):
                    raise
                await labeller.home()
                await labeller.apply()
        return E.APPLIED, Facts(by=handle.name)

    # looking

    async def _read_back(self, work: Work) -> Outcome:
        label = work.label
        assert label is not None, "a label is read back only after it was made"
        judgement, _ = await self._look(label)
        facts = Facts(codes=judgement.codes, reason=f"label_{judgement.verdict.value}")
        if judgement.verdict is Verdict.RIGHT:
            return E.LABEL_READ, Facts(codes=judgement.codes)
        return (E.LABEL_UNREAD if judgement.verdict is Verdict.NONE else E.LABEL_WRONG), facts

    async def _look(self, label: LabelRow) -> tuple[Judgement, bytes]:
        """Take pictures until the label or a wrong one is read; returns the judgement and the last picture."""
        reading, jpeg = Reading(), b""
        judgement = Judgement(verdict=Verdict.NONE)
        for look in range(LOOKS):
            if look:
                await asyncio.sleep(LOOK_AGAIN_S)
            jpeg = (await self._bench_still()).jpeg

            def is_enough(codes: tuple[ReadCode, ...]) -> bool:
                return judge(codes, label.url, label.sscc).verdict is not Verdict.NONE

            try:
                await asyncio.to_thread(reading.add, jpeg, is_enough, Effort.LOOK if look else Effort.GLANCE)
            except BadPictureError as error:
                raise AttendantNeededError(f"bench camera: {error}", "no_picture") from None
            judgement = judge(reading.codes(), label.url, label.sscc)
            if judgement.verdict is not Verdict.NONE:
                break
        return judgement, jpeg

    async def _photograph(self, work: Work) -> Outcome:
        """The photo that the shopper is asked about: the right label must be legible in this very picture."""
        label = work.label
        assert label is not None, "a parcel is photographed only after its label was read"
        try:
            judgement, jpeg = await self._look(label)
        except DeviceError as error:
            return E.PHOTO_FAILED, _said(error, "no_picture")
        if judgement.verdict is not Verdict.RIGHT:
            return E.PHOTO_FAILED, Facts(reason=f"label_{judgement.verdict.value}", codes=judgement.codes)
        return E.PHOTOGRAPHED, Facts(picture=await self._pictures.keep(jpeg), codes=judgement.codes)

    # sensing: what became of an act whose end nobody saw

    async def _sense_packer(self, work: Work) -> Outcome:
        handle = self._devices.packer
        if handle is None or handle.by_hand:
            return E.UNSENSED, Facts(reason="outcome_unknown")
        try:
            async with handle.use() as packer:
                status = await packer.status()
                for _ in range(BUSY_LOOKS):
                    if status.condition is not Condition.BUSY:
                        break
                    await asyncio.sleep(LOOK_AGAIN_S)
                    status = await packer.status()
                if await packer.last_done() == work.parcel.job_no:
                    return E.PACKED, Facts(by=handle.name, picture=await self.picture_if_any())
        except DeviceError as error:
            return E.UNSENSED, _said(error, "outcome_unknown")
        if status.condition is Condition.ONLINE:
            # idle, and its done register shows another job: ours never began, or never will
            return E.NOT_PACKED, Facts(answer="sensed")
        return E.UNSENSED, Facts(reason=status.reason or "busy")

    async def _sense_printer(self, work: Work) -> Outcome:
        """A printer's status is never proof of a label; it only tells the person where to look."""
        try:
            async with self._devices.printer.use() as printer:
                status = await printer.status()
        except DeviceError as error:
            return E.UNSENSED, _said(error, "outcome_unknown")
        return E.UNSENSED, Facts(reason=status.reason or "outcome_unknown")

    async def _sense_parcel(self, work: Work) -> Outcome:
        """Only seeing the right label on the parcel is proof; seeing none is not."""
        label = work.label
        assert label is not None, "a label in doubt has a serial"
        try:
            judgement, _ = await self._look(label)
        except DeviceError as error:
            return E.UNSENSED, _said(error, "outcome_unknown")
        if judgement.verdict is Verdict.RIGHT:
            return E.APPLIED, Facts(answer="seen", codes=judgement.codes)
        return E.UNSENSED, Facts(reason="outcome_unknown")


def _said(error: DeviceError, otherwise: str) -> Facts:
    logger.warning("device", extra={"reason": error.reason or otherwise, "words": str(error)})
    return Facts(reason=error.reason or otherwise, is_offline=isinstance(error, DeviceOfflineError))
