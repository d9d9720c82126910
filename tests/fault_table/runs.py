"""Runs of cells: what stands still is tried device by device side by side; what acts is run one by one."""

import asyncio
import itertools
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

from edge.flows.fulfilment import Stage
from edge.reasons import sentence_for
from tests.edge.bench.fake_shop import piece
from tests.edge.bench.simulated import SimulatedWorld
from tests.fault_table.attendant import finish, judge, tidy
from tests.fault_table.kinds import Device, Fault
from tests.fault_table.shop import FAST, PIECES, SORTING, SORTING_UNHURRIED, UNHURRIED, FaultShop, location
from tests.fault_table.sorting import carry_meets
from tests.fault_table.table import ACTS_IN, Cell, End, Moment, cells
from tests.fault_table.walks import LONG_S, WALKS, fetch, pay, stand
from wire.codec import to_json

S, D, F = Stage, Device, Fault
Verdicts = dict[str, str]
"""Cell → "" when it went as the table says, else what did not."""

LOOK_S = 60.0
ONLY_AT_WORK = {F.PRINTED_TWICE, F.LABEL_LOST, F.WRONG_LABEL, F.DOUBLE_LABEL, F.JAM, F.LOST_REPLY}
"""Faults that strike while a machine works: they are set before it begins."""

GARBAGE = ("4799999", "https://evil.example/?s=ABCDEFGH", "x" * 4000, "ABCDEFGH", "0" * 20, "4711\t4712")
"""Codes that are none, others' codes, and a code longer than any."""


def acts(cell: Cell) -> bool:
    """Whether the fault meets an act, and so must be run alone."""
    if cell.end is End.CANNOT:
        return False
    if cell.device is D.BOX:
        return cell.end is End.WAITS
    return cell.point.stage in ACTS_IN.get(cell.device, ())


def standing(stage: Stage) -> list[Cell]:
    """Cells that are tried while the parcel stands at this stage."""
    return [cell for cell in cells() if cell.point.stage is stage and cell.end is not End.CANNOT and not acts(cell)]


class Worlds:
    """Simulated worlds for many orders: each gets a piece of its own, and a new world when they are all sold."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = itertools.count(1)
        self._worlds: dict[str, tuple[SimulatedWorld, int]] = {}

    def shop(self, machines: str = FAST) -> FaultShop:
        """Return a shop that is not started; its pieces are `number` and the one after."""
        world, sold = self._worlds.get(machines, (None, PIECES))
        if world is None or sold + 2 > PIECES:
            if world is not None:
                world.stop()
            lies = location if machines in (SORTING, SORTING_UNHURRIED) else None
            world, sold = SimulatedWorld(self._folder / f"world{next(self._count)}", machines, PIECES, lies), 0
        self._worlds[machines] = (world, sold + 2)
        folder = self._folder / f"shop{next(self._count)}"
        folder.mkdir()
        return FaultShop(folder, world, sold + 1, is_sorting=machines in (SORTING, SORTING_UNHURRIED))

    def stop(self) -> None:
        for world, _ in self._worlds.values():
            world.stop()


async def run_standing(shop: FaultShop, stage: Stage, chosen: Iterable[Cell]) -> Verdicts:
    """Try every idle device's faults while the parcel stands at this stage, then let the order end."""
    by_device: dict[Device, list[Cell]] = {}
    for cell in chosen:
        by_device.setdefault(cell.device, []).append(cell)
    verdicts: Verdicts = {}
    await shop.start()
    try:
        await stand(shop, stage)
        if D.BOX in by_device:  # alone: it takes the clock away from all
            await _try_all(shop, by_device.pop(D.BOX), verdicts)
        await asyncio.gather(*(_try_all(shop, found, verdicts) for found in by_device.values()))
        wrong = await _ended_well(shop)
    finally:
        await tidy(shop)
        await shop.stop()
    return {name: verdict or wrong for name, verdict in verdicts.items()}


async def _ended_well(shop: FaultShop) -> str:
    return await _said(_end(shop))


async def _end(shop: FaultShop) -> None:
    judge(shop, await finish(shop))


async def _try_all(shop: FaultShop, found: list[Cell], verdicts: Verdicts) -> None:
    """One device's cells, those that only a person ends last."""
    for cell in sorted(found, key=lambda part: (part.fault in {F.ALARM, F.EMERGENCY_STOP}, part.fault is F.SLOW)):
        verdicts[str(cell)] = await _said(_try(shop, cell))


async def _said(work: object) -> str:
    """Return "" or the words of what went wrong."""
    try:
        await work  # type: ignore[misc]  # a coroutine of this file
    except Exception as error:  # noqa: BLE001  # it is the verdict of a cell, and shown by that cell's test
        return "".join(traceback.format_exception(error))[-1500:]
    except BaseException as error:  # pytest.fail inside a run is such a verdict too
        if type(error).__name__ != "Failed":
            raise
        return str(error)
    return ""


async def _try(shop: FaultShop, cell: Cell) -> None:
    if cell.device is D.BOX:
        await _try_box(shop, cell)
    elif cell.device is D.SCANNER and cell.fault is not F.UNPLUGGED:
        await _try_scanner(shop, cell)
    elif cell.end is End.SHOWN:
        await _try_shown(shop, cell)
    else:
        await _try_unharmed(shop, cell)
    assert await shop.stage() == cell.stage.value


async def _try_shown(shop: FaultShop, cell: Cell) -> None:
    """The device's line says what to do, the parcel stays where it is; gone, the line says what it said before."""
    role = cell.device.value
    before = shop.host.handles[role].finding.reason
    if cell.point.stage is S.STILL_BLOCKED and cell.device is D.CAMERA:
        await _swap(shop, cell)
        return
    await shop.set_fault(cell.device, cell.fault)
    try:
        await shop.well(role, cell.reason, LOOK_S)
        await shop.line_says(role, cell.reason)
        assert await shop.stage() == cell.stage.value
    finally:
        await shop.set_fault(cell.device, cell.fault, is_on=False)
    if not cell.heals:
        async with shop.host.handles[role].use() as robot:
            await robot.home()
        before = ""
    # a robot that was reached anew knows no more why it is locked
    await shop.well(role, before, LOOK_S, or_else="not_homed" if before == "alarm" else before)


async def _swap(shop: FaultShop, cell: Cell) -> None:
    """The parcel is held because the camera is black; another fault of that camera takes its place and holds it on."""
    if cell.fault is not F.BLACK:
        await shop.set_fault(D.CAMERA, cell.fault)
        await shop.set_fault(D.CAMERA, F.BLACK, is_on=False)
    await shop.well("camera", cell.reason, LOOK_S)
    await shop.line_says("camera", cell.reason)
    assert await shop.stage() == "still_blocked"
    await shop.set_fault(D.CAMERA, F.BLACK)
    if cell.fault is not F.BLACK:
        await shop.set_fault(D.CAMERA, cell.fault, is_on=False)
    await shop.well("camera", "black", LOOK_S)


async def _try_unharmed(shop: FaultShop, cell: Cell) -> None:
    """Nobody need act: after the trouble the device is as it was, by itself."""
    role = cell.device.value
    handle = shop.host.handles[role]
    before = handle.finding.reason
    await shop.set_fault(cell.device, cell.fault)
    try:
        if cell.fault is F.SLOW:
            async with handle.use() as driver:
                assert (await driver.status()).reason == before
        else:
            handle.look_soon()
            await asyncio.sleep(0.3)
    finally:
        await shop.set_fault(cell.device, cell.fault, is_on=False)
    await shop.well(role, before, LOOK_S)


async def _try_box(shop: FaultShop, cell: Cell) -> None:
    if cell.fault is F.CLOCK_WRONG:
        shop.unsync()
        await asyncio.sleep(0.3)
        assert await shop.stage() == cell.stage.value
        assert "clock_unknown" not in {parcel["reason"] for parcel in (await shop.page())["parcels"]}
        shop.sync()
        return
    shop.has_room = False
    (line,) = [parcel for parcel in (await shop.page())["parcels"] if parcel["parcel_id"] == "p1"]
    assert line["reason_text"] == to_json(sentence_for(cell.reason))
    await asyncio.sleep(0.3)
    assert await shop.stage() == cell.stage.value
    shop.has_room = True


async def _try_scanner(shop: FaultShop, cell: Cell) -> None:
    """The code does not come, or is none: the question stays. A slow one comes after all, with the order's end."""
    if cell.fault is F.SLOW:
        await shop.set_fault(cell.device, cell.fault)
        return
    parcel = await shop.parcel()
    text = cell.sentence(piece(shop.number), parcel.serial, parcel.objection)
    assert await shop.asked(text), (text, await shop.bench.tasks())
    mark, last = shop.journal.mark(), shop.bench.last_scan
    if cell.fault is F.SCANNER_GARBAGE:
        for code in GARBAGE:
            await shop.hands("scan_text", text=code)
        await shop.wait_for(lambda: shop.bench.last_scan is not last, LOOK_S)
        assert not shop.bench.last_scan.accepted
    else:
        await shop.set_fault(cell.device, cell.fault, **({"after": 2} if cell.fault is F.HANG_UP else {}))
        await shop.hands("scan_piece", piece=f"piece_{shop.number}")
        await asyncio.sleep(0.3)
        await shop.set_fault(cell.device, cell.fault, is_on=False)
        await shop.well("scanner", "", LOOK_S)
    assert await shop.asked(text)
    assert shop.journal.mark() == mark


# what acts


async def run_acting(shop: FaultShop, cell: Cell) -> str:
    """Let the fault meet the act, compare with the table, then mend it and let the order end."""
    await shop.start()
    try:
        return await _said(_act(shop, cell))
    finally:
        await tidy(shop)
        await shop.stop()


async def _act(shop: FaultShop, cell: Cell) -> None:
    if cell.device is D.SORTER:
        await carry_meets(shop, cell)
    elif cell.device is D.BOX:
        await _wait(shop, cell)
    elif cell.point.moment is Moment.HALF_WAY:
        await _half_way(shop, cell)
    else:
        await stand(shop, cell.point.stage)
        # the first write only tells the size; the second one, whose answer is lost here, starts the machine
        await shop.set_fault(cell.device, cell.fault, after=int(cell.fault is F.LOST_REPLY))
        await shop.let_go(ROLES[cell.point.stage])
    if cell.end is End.HELD:
        await _is_held(shop, cell)
    elif cell.end is End.SHOWN:
        await shop.wait_for(lambda: _has_left(shop, cell), LONG_S)
        await shop.well(cell.device.value, cell.reason, LOOK_S)
        await shop.line_says(cell.device.value, cell.reason)
    elif cell.end is End.GOES_ON and cell.device is not D.SORTER:
        await shop.wait_for(lambda: _has_left(shop, cell), LONG_S)
        held = [data for kind, data in await shop.reports() if kind == "ParcelHeld"]
        here = [data["reason"] for data in held if data["stage"] == cell.point.stage.value]
        # a line that broke off is asked about for the moment in which the machine is looked at again
        assert not here or cell.fault is F.HANG_UP, here
    judge(shop, await finish(shop))


ROLES = {
    S.STILL: "front",
    S.STILL_AT_BENCH: "camera",
    S.PACKING: "packer",
    S.PRINTING: "printer",
    S.APPLYING: "labeller",
    S.READING_BACK: "camera",
    S.PHOTOGRAPHING: "camera",
}


async def _has_left(shop: FaultShop, cell: Cell) -> bool:
    return await shop.stage() not in (cell.point.stage.value, f"{cell.point.stage.value}_in_doubt")


async def _is_held(shop: FaultShop, cell: Cell) -> None:
    """The parcel is held at the stage, for the reason and with the question that the table says."""
    await shop.until(cell.stage.value, timeout_s=LONG_S)
    assert (await shop.parcel()).reason == cell.reason, (await shop.parcel()).reason
    parcel = await shop.parcel()
    text = cell.sentence(piece(shop.number), parcel.serial, parcel.objection)

    async def is_asked() -> bool:
        return await shop.asked(text)

    await shop.wait_for(is_asked, LONG_S)
    (line,) = [parcel for parcel in (await shop.page())["parcels"] if parcel["parcel_id"] == "p1"]
    assert line["reason_text"] == to_json(sentence_for(cell.reason))
    if cell.heals:
        # nobody presses anything: once the device is well the bench goes on
        await shop.mend()
        await shop.wait_for(lambda: _is_past(shop, cell), LONG_S)


async def _is_past(shop: FaultShop, cell: Cell) -> bool:
    return await shop.stage() not in (cell.stage.value, cell.point.stage.value)


async def _half_way(shop: FaultShop, cell: Cell) -> None:
    """Set the fault while the machine is in the middle of it."""
    stage = cell.point.stage
    if cell.fault in ONLY_AT_WORK:
        await stand(shop, stage)
        await shop.set_fault(cell.device, cell.fault)
        await shop.let_go(ROLES[stage])
        return
    await stand(shop, stage)
    await shop.let_go(ROLES[stage])
    await shop.wait_for(MIDDLES[stage](shop), LONG_S)
    await shop.set_fault(cell.device, cell.fault)


def _is_packing(shop: FaultShop) -> Callable[[], object]:
    async def look() -> bool:
        return bool((await shop.look())["machines"]["packer"]["state"] == 1)

    return look


def _is_printing(shop: FaultShop) -> Callable[[], object]:
    async def look() -> bool:
        return bool((await shop.look())["machines"]["printer"]["row"] > 0)

    return look


def _is_carrying(shop: FaultShop) -> Callable[[], object]:
    async def look() -> bool:
        return any(label["where"] == "cup" for label in (await shop.look())["labels"])

    return look


MIDDLES = {S.PACKING: _is_packing, S.PRINTING: _is_printing, S.APPLYING: _is_carrying}

BEFORE: dict[Stage, tuple[Stage, str]] = {
    S.STILL_AT_BENCH: (S.PICKING, ""),
    S.PACKING: (S.STILL_AT_BENCH, "camera"),
    S.PRINTING: (S.WAITING_FOR_LABEL, ""),
    S.APPLYING: (S.PRINTING, "printer"),
    S.READING_BACK: (S.APPLYING, "labeller"),
    S.PHOTOGRAPHING: (S.READING_BACK, "camera"),
}
"""The stage before, and the device that is let go to leave it."""


async def _wait(shop: FaultShop, cell: Cell) -> None:
    """The act is put off, the page says why, and it begins by itself."""
    stage = cell.point.stage
    if stage in BEFORE:
        await stand(shop, BEFORE[stage][0])
    if cell.fault is F.DISK_FULL:
        shop.has_room = False
    else:
        shop.unsync()
    await _leave_for(shop, stage)
    await shop.until(stage.value, timeout_s=LONG_S)

    async def is_told() -> bool:
        lines = [parcel for parcel in (await shop.page())["parcels"] if parcel["parcel_id"] == "p1"]
        return bool(lines[0]["reason_text"] == to_json(sentence_for(cell.reason)))

    await shop.wait_for(is_told, LONG_S)
    await asyncio.sleep(0.5)
    assert await shop.stage() == stage.value
    shop.has_room = True
    shop.sync()
    await shop.wait_for(lambda: _has_left(shop, cell), LONG_S)


async def _leave_for(shop: FaultShop, stage: Stage) -> None:
    if stage is S.STILL:
        await shop.prepare("p1", shop.number, "s1")
    elif stage is S.STILL_AT_BENCH:
        await fetch(shop)
    elif stage is S.PRINTING:
        await pay(shop)
    else:
        await shop.let_go(BEFORE[stage][1])


def machines_for(cell: Cell) -> str:
    """Return the world this cell is run in: half way needs machines that take their time."""
    is_timed = cell.point.moment is Moment.HALF_WAY and cell.fault not in ONLY_AT_WORK
    if cell.device is D.SORTER:
        return SORTING_UNHURRIED if is_timed else SORTING
    return UNHURRIED if is_timed else FAST


def stages() -> tuple[Stage, ...]:
    """Return every stage at which a parcel can be made to stand."""
    return tuple(WALKS)
