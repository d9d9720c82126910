"""What must happen for each device, each fault and each stage of a job. Pure; the runs beside it prove every cell."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from edge.bench.questions import fill, question
from edge.flows.fulfilment import FINAL, HELD, Effect, Stage
from edge.locations.carrier import not_brought
from edge.reasons import sentence_for
from tests.fault_table.kinds import Device, Fault, why_never
from wire.plan import PiecePlan, Text

S, X, D, F = Stage, Effect, Device, Fault


class Moment(StrEnum):
    """A stage in which the device itself acts is split in two: as its act begins, and when it is half done."""

    STANDS = "stands"
    BEGINS = "begins"
    HALF_WAY = "half_way"


class End(StrEnum):
    """What comes of a fault. CANNOT: the two cannot meet, so nothing happens, and `why` says for what reason."""

    CANNOT = "cannot"
    GOES_ON = "goes_on"
    SHOWN = "shown"
    WAITS = "waits"
    ASKED = "asked"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Point:
    """A stage of a job, and where in its act."""

    stage: Stage
    moment: Moment = Moment.STANDS

    def __str__(self) -> str:
        return self.stage.value if self.moment is Moment.STANDS else f"{self.stage.value}-{self.moment.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell. `stage` is where the parcel stands then, `reason` what the page says of parcel or device.

    `asks` is the question put to the attendant. `heals`: the job goes on by itself once the fault is gone. `why` says
    why the two cannot meet, or what is worth knowing.
    """

    device: Device
    fault: Fault
    point: Point
    end: End
    stage: Stage
    reason: str = ""
    asks: Effect | None = None
    heals: bool = True
    why: str = ""

    def __str__(self) -> str:
        return f"{self.device.value}-{self.fault.value}-{self.point}"

    def sentence(self, piece: PiecePlan | None = None, serial: str = "", objection: str = "") -> Text:
        """Return what the person reads who must act; when nobody must, that."""
        if self.device is D.SORTER and self.end is End.ASKED:
            return not_brought(self.reason, piece, piece.location if piece else "")
        if self.asks is not None:
            asked = question(self.asks, self.stage, self.reason).text
            return fill(asked, piece, serial=serial, reason=self.reason, objection=objection)
        if self.reason:
            return sentence_for(self.reason)
        return CANNOT_MEET if self.end is End.CANNOT else NOTHING_TO_DO


NOTHING_TO_DO = Text(en="Nothing to do: it goes on by itself", zh="无需处理：会自动继续")
CANNOT_MEET = Text(en="Nothing happens", zh="不会发生任何事")

ACTS_IN = {
    D.PACKER: (S.PACKING,),
    D.PRINTER: (S.PRINTING,),
    D.LABELLER: (S.APPLYING,),
    D.CAMERA: (S.STILL_AT_BENCH, S.PACKING, S.READING_BACK, S.PHOTOGRAPHING),
    D.FRONT: (S.STILL,),
    D.SORTER: (S.PICKING,),
}
"""The stages in which a device acts for the parcel."""

SPLIT = frozenset({D.PACKER, D.PRINTER, D.LABELLER, D.SORTER})
"""Devices that change the world: for them it matters whether the act had begun."""

SCANS_IN = frozenset(
    {
        S.PICKING, S.BRINGING_BACK, S.PUTTING_BACK, S.CANCELLING_PIECE, S.READING_BLOCKED, S.READY, S.VOIDING_LABEL,
        S.PRINTING_IN_DOUBT, S.APPLYING_IN_DOUBT, S.TAKEN_OVER,
    }
)  # fmt: skip
"""Stages in which the page asks for a scan, or takes one as an answer."""

NEEDS_ROOM_IN = frozenset(
    {S.STILL, S.STILL_AT_BENCH, S.PACKING, S.PRINTING, S.APPLYING, S.READING_BACK, S.PHOTOGRAPHING}
)
NEEDS_CLOCK_IN = frozenset({S.PACKING, S.PRINTING, S.APPLYING})
NEVER_SEEN = frozenset({S.NEW, *FINAL})

IDLE = {
    (D.PRINTER, F.UNPLUGGED): "refused",
    (D.PACKER, F.UNPLUGGED): "refused",
    (D.CAMERA, F.UNPLUGGED): "refused",
    (D.FRONT, F.UNPLUGGED): "refused",
    (D.SORTER, F.UNPLUGGED): "refused",
    (D.PACKER, F.GARBLED): "silent",  # what is no Modbus frame is no answer
    (D.SORTER, F.GARBLED): "silent",  # as above
}
"""What the page says of a device that nobody uses, where that is not the fault's own word."""

OWN_HELD = {D.PRINTER: S.PRINTING_BLOCKED, D.LABELLER: S.APPLYING_BLOCKED, D.PACKER: S.PACKING_BLOCKED}


def points(device: Device) -> Iterator[Point]:
    """Every stage of a job as it concerns this device."""
    for stage in Stage:
        if device in SPLIT and stage in ACTS_IN[device]:
            yield Point(stage, Moment.BEGINS)
            yield Point(stage, Moment.HALF_WAY)
        else:
            yield Point(stage)


@cache
def cells() -> tuple[Cell, ...]:
    """Every cell, each once."""
    return tuple(cell(device, fault, point) for device in Device for fault in Fault for point in points(device))


def cell(device: Device, fault: Fault, point: Point) -> Cell:
    """Return the one cell of these three."""
    never = why_never(device, fault)
    if not never and point.stage in NEVER_SEEN:
        never = "the job is over; the next one finds it" if point.stage in FINAL else "no parcel is ever seen in it"
    if never:
        return _cannot(device, fault, point, never)
    if device is D.BOX:
        return _box(fault, point)
    if device is D.SCANNER:
        return _scanner(fault, point)
    if point.stage not in ACTS_IN[device] or (device is D.CAMERA and point.stage is S.PACKING):
        return _idle(device, fault, point)
    act = {
        D.PRINTER: _printer, D.LABELLER: _labeller, D.PACKER: _packer, D.CAMERA: _camera, D.FRONT: _front,
        D.SORTER: _sorter,
    }[device]  # fmt: skip
    return act(fault, point)


def _cannot(device: Device, fault: Fault, point: Point, why: str) -> Cell:
    return Cell(device=device, fault=fault, point=point, end=End.CANNOT, stage=point.stage, why=why)


def _goes_on(device: Device, fault: Fault, point: Point, why: str = "") -> Cell:
    return Cell(device=device, fault=fault, point=point, end=End.GOES_ON, stage=point.stage, why=why)


def _idle(device: Device, fault: Fault, point: Point) -> Cell:
    """The device is not at work for the parcel: its own line on the page tells, before it can hurt."""
    only_at_work = {F.PRINTED_TWICE, F.LABEL_LOST, F.WRONG_LABEL, F.DOUBLE_LABEL, F.JAM, F.LOST_REPLY}
    if fault in only_at_work:
        return _cannot(device, fault, point, "it can happen only while this machine works")
    if fault is F.SLOW:
        return _goes_on(device, fault, point, "answers come late, but within the driver's patience")
    if fault is F.HANG_UP:
        return _goes_on(device, fault, point, "the connection is made anew")
    reason = IDLE.get((device, fault), fault.value)
    why = "goes on without a picture of the packed parcel" if point.stage in ACTS_IN[device] else ""
    return Cell(
        device=device, fault=fault, point=point, end=End.SHOWN, stage=point.stage, reason=reason,
        heals=fault not in {F.ALARM, F.EMERGENCY_STOP} or device is not D.LABELLER, why=why,
    )  # fmt: skip


def _held(
    device: Device, fault: Fault, point: Point, stage: Stage, reason: str, asks: Effect, *, heals: bool, why: str = ""
) -> Cell:
    assert stage in HELD
    return Cell(
        device=device, fault=fault, point=point, end=End.HELD, stage=stage, reason=reason, asks=asks, heals=heals,
        why=why,
    )  # fmt: skip


AS_HANG_UP = {F.UNPLUGGED: "hang_up"}
"""A cable pulled in the middle is a line that broke off; that it stays away is seen at the next try."""


def _printer(fault: Fault, point: Point) -> Cell:
    if fault is F.SLOW:
        return _goes_on(D.PRINTER, fault, point, "answers come late, but within the driver's patience")
    reason = AS_HANG_UP.get(fault, fault.value)
    if point.moment is Moment.BEGINS:
        if fault is F.PRINTED_TWICE:
            return _cannot(D.PRINTER, fault, point, "nothing is on paper yet")
        return _held(D.PRINTER, fault, point, S.PRINTING_BLOCKED, reason, X.ASK_TEND, heals=True)
    if fault is F.PRINTED_TWICE:
        return _goes_on(D.PRINTER, fault, point, "the copy is found on the next parcel, which it can only be stuck on")
    return _held(D.PRINTER, fault, point, S.PRINTING_IN_DOUBT, reason, X.ASK_LABEL_DOUBT, heals=False)


def _labeller(fault: Fault, point: Point) -> Cell:
    if fault is F.SLOW:
        return _goes_on(D.LABELLER, fault, point, "answers come late, but within the driver's patience")
    carries = {F.LABEL_LOST, F.WRONG_LABEL, F.DOUBLE_LABEL}
    reason = AS_HANG_UP.get(fault, fault.value)
    if point.moment is Moment.BEGINS:
        if fault in carries:
            return _cannot(D.LABELLER, fault, point, "the robot carries nothing yet")
        return _held(D.LABELLER, fault, point, S.APPLYING_BLOCKED, reason, X.ASK_TEND, heals=False)
    if fault in {F.WRONG_LABEL, F.DOUBLE_LABEL}:
        reason = "label_wrong" if fault is F.WRONG_LABEL else "label_two"
        return _held(D.LABELLER, fault, point, S.LABEL_WRONG, reason, X.ASK_DESTROY, heals=False)
    return _held(D.LABELLER, fault, point, S.APPLYING_IN_DOUBT, reason, X.ASK_LABEL_DOUBT, heals=False)


def _packer(fault: Fault, point: Point) -> Cell:
    if fault is F.SLOW:
        return _goes_on(D.PACKER, fault, point, "answers come late, but within the driver's patience")
    is_line = fault in {F.SILENT, F.GARBLED, F.HANG_UP, F.UNPLUGGED}
    reason = AS_HANG_UP.get(fault, fault.value)
    if fault is F.GARBLED:
        reason = "silent"  # what is no Modbus frame is no answer
    if point.moment is Moment.BEGINS:
        if fault is F.JAM:
            return _cannot(D.PACKER, fault, point, "a machine that does not work yet does not jam")
        if fault is F.LOST_REPLY:
            return _goes_on(D.PACKER, fault, point, "the registers are read instead; nothing is written twice")
        return _held(D.PACKER, fault, point, S.PACKING_BLOCKED, reason, X.ASK_TEND, heals=is_line)
    if fault is F.LOST_REPLY:
        return _cannot(D.PACKER, fault, point, "the write whose answer can be lost is over")
    if fault is F.HANG_UP:
        return _goes_on(D.PACKER, fault, point, "connected anew, the machine's done register tells that it packed")
    if is_line:
        return _held(D.PACKER, fault, point, S.PACKING_IN_DOUBT, reason, X.ASK_PACK_DOUBT, heals=False)
    return _held(D.PACKER, fault, point, S.PACKING_BLOCKED, reason, X.ASK_TEND, heals=False)


def _sorter(fault: Fault, point: Point) -> Cell:
    """The parcel stays to be fetched whatever the sorter does: a person may always fetch the piece instead."""
    is_line = fault in {F.SILENT, F.GARBLED, F.HANG_UP, F.UNPLUGGED}
    is_half_way = point.moment is Moment.HALF_WAY
    if fault is F.SLOW:
        return _goes_on(D.SORTER, fault, point, "answers come late, but within the driver's patience")
    if fault is F.LOST_REPLY:
        if is_half_way:
            return _cannot(D.SORTER, fault, point, "the write whose answer can be lost is over")
        return _goes_on(D.SORTER, fault, point, "the registers are read instead; nothing is written twice")
    if fault is F.JAM and not is_half_way:
        return _cannot(D.SORTER, fault, point, "a machine that does not work yet does not jam")
    if fault is F.HANG_UP and is_half_way:
        return _goes_on(D.SORTER, fault, point, "connected anew, the machine's done register tells that it carried")
    reason = "silent" if fault is F.GARBLED else fault.value
    if fault is F.UNPLUGGED:
        reason = "refused" if is_half_way else "hang_up"  # half way the line is tried again before anybody is asked
    why = "the piece can be fetched by hand instead"
    return Cell(
        device=D.SORTER, fault=fault, point=point, end=End.ASKED, stage=point.stage, reason=reason, heals=is_line,
        why=why,
    )  # fmt: skip


def _camera(fault: Fault, point: Point) -> Cell:
    held, asks = {
        S.STILL_AT_BENCH: (S.STILL_BLOCKED, X.ASK_TEND),
        S.READING_BACK: (S.READING_BLOCKED, X.ASK_READ),
        S.PHOTOGRAPHING: (S.PHOTO_BLOCKED, X.ASK_TEND),
    }[point.stage]
    if fault is F.SLOW:
        return _goes_on(D.CAMERA, fault, point, "the picture comes late, but within the driver's patience")
    reason = "refused" if fault is F.UNPLUGGED else fault.value
    return _held(D.CAMERA, fault, point, held, reason, asks, heals=True)


def _front(fault: Fault, point: Point) -> Cell:
    if fault in {F.SLOW, F.HANG_UP}:
        return _goes_on(D.FRONT, fault, point, "the picture comes late, or at the second try")
    reason = "refused" if fault is F.UNPLUGGED else fault.value
    return Cell(
        device=D.FRONT, fault=fault, point=point, end=End.SHOWN, stage=S.RESERVED, reason=reason,
        why="after three tries the picture is left to the bench: nobody loses the piece over it",
    )  # fmt: skip


def _scanner(fault: Fault, point: Point) -> Cell:
    if fault is F.UNPLUGGED:
        return Cell(
            device=D.SCANNER, fault=fault, point=point, end=End.SHOWN, stage=point.stage, reason="unplugged",
            why="the code can be typed on the page meanwhile" if point.stage in SCANS_IN else "",
        )  # fmt: skip
    if point.stage not in SCANS_IN:
        return _cannot(D.SCANNER, fault, point, "nothing is asked to be scanned; whatever comes changes nothing")
    if fault is F.SLOW:
        return _goes_on(D.SCANNER, fault, point, "the code comes late")
    why = "the question stays as it is: scan again, or type the code on the page"
    return Cell(
        device=D.SCANNER, fault=fault, point=point, end=End.ASKED, stage=point.stage, asks=SCAN_ASKS[point.stage],
        reason="label_none" if point.stage is S.READING_BLOCKED else "", heals=False, why=why,
    )  # fmt: skip


SCAN_ASKS = {
    S.PICKING: X.ASK_FETCH,
    S.BRINGING_BACK: X.ASK_BRING_BACK,
    S.PUTTING_BACK: X.ASK_PUT_BACK,
    S.CANCELLING_PIECE: X.ASK_PUT_BACK,
    S.READING_BLOCKED: X.ASK_READ,
    S.READY: X.ASK_HAND_OVER,
    S.VOIDING_LABEL: X.ASK_DESTROY_SCANNED,
    S.PRINTING_IN_DOUBT: X.ASK_LABEL_DOUBT,
    S.APPLYING_IN_DOUBT: X.ASK_LABEL_DOUBT,
    S.TAKEN_OVER: X.ASK_TAKEN_OVER,
}


def _box(fault: Fault, point: Point) -> Cell:
    if fault is F.DISK_FULL:
        end = End.WAITS if point.stage in NEEDS_ROOM_IN else End.SHOWN
        return Cell(device=D.BOX, fault=fault, point=point, end=end, stage=point.stage, reason="disk_full")
    if point.stage in NEEDS_CLOCK_IN:
        return Cell(
            device=D.BOX, fault=fault, point=point, end=End.WAITS, stage=point.stage, reason="clock_unknown",
            why="no machine starts before the relay has told the time again",
        )  # fmt: skip
    return _goes_on(D.BOX, fault, point, "nothing here goes by the clock on the wall")
