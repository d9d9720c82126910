"""Runs of cells in which the sorter is at work: the fault meets the carrying, and the parcel stays to be fetched."""

from dataclasses import replace

from edge.locations import carries
from tests.edge.bench.fake_shop import piece
from tests.fault_table.kinds import Fault
from tests.fault_table.shop import FaultShop, location
from tests.fault_table.table import Cell, End, Moment
from wire.codec import to_json

LONG_S = 120.0
AT_WORK = frozenset({Fault.JAM})
"""Faults that are set before the machine works and strike half way."""


async def carrying(shop: FaultShop) -> str:
    """Return how far the sorter is with the parcel's piece."""
    found = await shop.journal.read(lambda tx: carries.load(tx, "p1"))
    return found.stage.value if found else "none"


async def _until(shop: FaultShop, *stages: str) -> None:
    async def is_there() -> bool:
        if shop.carrying.done():
            shop.carrying.result()
        return await carrying(shop) in stages

    await shop.wait_for(is_there, LONG_S)


async def carry_meets(shop: FaultShop, cell: Cell) -> None:
    """Let the fault meet the carrying, compare with the table, mend it, and see the piece carried once."""
    await shop.well("sorter")
    await shop.grip("sorter")
    await shop.prepare("p1", shop.number, "")
    await _until(shop, "carrying")
    is_half_way = cell.point.moment is Moment.HALF_WAY and cell.fault not in AT_WORK
    if not is_half_way:
        # the first write only tells the job; the second one, whose answer is lost here, starts the machine
        await shop.set_fault(cell.device, cell.fault, after=int(cell.fault is Fault.LOST_REPLY))
    await shop.let_go("sorter")
    if is_half_way:
        await shop.wait_for(lambda: _is_working(shop), LONG_S)
        await shop.set_fault(cell.device, cell.fault)
    if cell.end is End.ASKED:
        await _is_asked(shop, cell)
    await _until(shop, "carried")
    assert await shop.stage() == cell.stage.value


async def _is_working(shop: FaultShop) -> bool:
    return bool((await shop.look())["machines"]["sorter"]["state"] == 1)


async def _is_asked(shop: FaultShop, cell: Cell) -> None:
    """The page asks with the sentence of the table; the parcel is to be fetched still; then the fault is mended."""
    text = cell.sentence(replace(piece(shop.number), location=location(shop.number)))

    async def is_put() -> bool:
        return any(task["text"] == to_json(text) for task in (await shop.page())["tasks"])

    await shop.wait_for(is_put, LONG_S)
    assert await shop.stage() == cell.stage.value
    await shop.mend()
    if not cell.heals:
        assert await shop.press("tend_sorter", "carry_again")
