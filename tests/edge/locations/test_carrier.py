"""The sorter in the bench's flow: a piece is carried once, whatever machine, link, people and restarts do."""

import asyncio

import pytest

from drivers.base import AttendantNeededError, Condition, DeviceOfflineError
from wire.commands import CancelParcel, ReleasePiece


async def test_a_paid_piece_is_carried_to_the_bench_scanned_and_packed(shop):
    await shop.prepare(session_id="")
    await shop.pay()
    await shop.carrying("carried")
    task = await shop.task("fetch_piece")
    assert "has brought 4701" in task.text.en and "已送来" in task.text.zh
    assert shop.world.truth == [("carried", "A-1-1")]
    assert (await shop.shelf("A-1-1")).away == ("piece_1",)
    await shop.pick()
    await shop.until("photo_offered")
    kinds = await shop.types()
    assert kinds.index("PieceCarried") < kinds.index("PiecePicked") < kinds.index("PiecePacked")
    assert kinds.count("PieceCarried") == 1
    assert (await shop.shelf("A-1-1")).kept_for == ""


async def test_while_it_is_carried_the_location_is_kept_and_cannot_be_counted(shop):
    reached, pause = shop.world.hold("carry")
    await shop.prepare(session_id="")
    await asyncio.wait_for(reached.wait(), 5)
    shelf = await shop.shelf("A-1-1")
    assert (shelf.kept_for, shelf.pieces) == ("p1", ("piece_1",))
    assert "brings 4701" in (await shop.task("fetch_piece")).text.en
    pause.set()
    await shop.carrying("carried")


async def test_without_a_sorter_the_attendant_is_asked_with_the_shops_own_location(make_sorting_shop):
    shop = make_sorting_shop()
    shop.without = {"sorter"}
    await shop.start()
    await shop.prepare(session_id="")
    task = await shop.task("fetch_piece")
    assert task.text.en.startswith("Bring 4701 Teapot 1 from A-1-1")
    assert await shop.carry() is None
    await shop.pick()
    assert (await shop.shelf("A-1-1")).away == ("piece_1",)
    await shop.stop()


async def test_two_pieces_in_one_bin_are_fetched_by_hand_because_the_machine_cannot_choose(shop):
    from edge.locations import shelves  # noqa: PLC0415  # only this test writes a location itself

    await shop.journal.write(lambda tx: shelves.correct(tx, "A-1-1", ["piece_1", "piece_2"], 1))
    await shop.prepare(session_id="")
    assert (await shop.task("fetch_piece")).text.en.startswith("Bring 4701")
    assert await shop.carry() is None


async def test_a_jam_asks_and_goes_on_with_the_same_job(shop):
    shop.world.faults["carry"] = [AttendantNeededError("jam", "jam")]
    await shop.prepare(session_id="")
    task = await shop.task("tend_sorter")
    assert "A-1-1" in task.text.en and "Jammed" in task.text.en
    assert await shop.press("tend_sorter", "carry_again")
    await shop.carrying("carried")
    assert len(set(shop.sorter.asked)) == 1
    assert shop.world.count("carried") == 1


async def test_nothing_in_the_location_tries_another_job_or_is_fetched_by_hand(shop):
    shop.world.faults["carry"] = ["nothing", "nothing"]
    await shop.prepare(session_id="")
    await shop.task("tend_sorter")
    assert await shop.press("tend_sorter", "carry_again")
    await shop.wait_for(lambda: len(set(shop.sorter.asked)) == 2)
    await shop.carrying("blocked")
    assert await shop.press("tend_sorter", "fetch_by_hand")
    await shop.carrying("by_hand")
    task = await shop.task("fetch_piece")
    assert task.text.en.startswith("Bring 4701")
    assert await shop.press("fetch_piece", "gone")
    assert await shop.stage() == "piece_gone"
    assert (await shop.shelf("A-1-1")).pieces == ()


@pytest.mark.parametrize(("fault", "times"), [("silent", 1), ("lost", 1)])
async def test_an_unknown_end_is_sensed_and_never_carried_twice(shop, fault, times):
    shop.world.faults["carry"] = [fault] * times
    await shop.prepare(session_id="")
    await shop.carrying("carried")
    assert shop.world.count("carried") == 1
    assert (await shop.types()).count("PieceCarried") == 1


async def test_a_machine_that_could_not_be_reached_is_tried_again_by_itself(shop):
    shop.world.faults["carry"] = [DeviceOfflineError("gone", "hang_up")]
    await shop.prepare(session_id="")
    await shop.carrying("carried")
    assert shop.world.count("carried") == 1
    tasks = [task.kind.value for task in await shop.bench.tasks()]
    assert tasks == ["fetch_piece"]


async def test_who_scans_the_piece_at_the_bench_ends_a_held_carrying(shop):
    shop.world.faults["carry"] = [AttendantNeededError("jam", "jam")]
    await shop.prepare(session_id="")
    await shop.task("tend_sorter")
    await shop.pick()
    await shop.carrying("withdrawn")
    await shop.wait_for(lambda: _has_no(shop, "tend_sorter"))
    assert shop.world.count("carried") == 0


async def _has_no(shop, kind: str) -> bool:
    return kind not in [task.kind.value for task in await shop.bench.tasks()]


@pytest.mark.parametrize("command", [ReleasePiece(parcel_id="p1"), CancelParcel(parcel_id="p1")])
async def test_an_order_that_ends_while_the_sorter_is_held_ends_the_carrying(shop, command):
    shop.world.faults["carry"] = [AttendantNeededError("jam", "jam")]
    await shop.prepare(session_id="")
    await shop.task("tend_sorter")
    await shop.send(command)
    await shop.carrying("withdrawn")
    assert (await shop.bench.on_scan("4701")).accepted  # the attendant looks where it is, and puts it back
    shelf = await shop.shelf("A-1-1")
    assert (shelf.pieces, shelf.away, shelf.kept_for) == (("piece_1",), (), "")


async def test_no_machine_moves_before_relay_time_is_known(make_sorting_shop):
    shop = make_sorting_shop()
    await shop.start(is_synced=False)
    await shop.prepare(session_id="")
    await shop.carrying("wanted")
    assert shop.world.count("carried") == 0
    shop.sync()
    await shop.carrying("carried")
    await shop.stop()


async def test_a_busy_machine_is_waited_for_before_its_registers_count(shop):
    shop.world.faults["carry"] = ["silent"]
    shop.sorter.state = Condition.BUSY
    await shop.prepare(session_id="")
    await shop.carrying("in_doubt")
    shop.mend()
    await shop.carrying("carried")
    assert shop.world.count("carried") == 1
