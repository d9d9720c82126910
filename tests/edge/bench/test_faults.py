"""Devices that fail before, while and after they act; restarts in the middle; what recovery may do."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from drivers.base import AttendantNeededError, DeviceOfflineError
from wire.commands import CancelParcel, PreparePiece


async def test_paper_out_holds_and_the_printer_is_tried_again_once_it_is_well(shop):
    shop.world.faults["print"] = [AttendantNeededError("paper out", "paper_out")]
    await shop.prepare()
    await shop.pay()
    await shop.pick()
    await shop.until("printing_blocked")
    task = await shop.task("tend_device")
    assert task.reason == "paper_out" and "标签纸" in task.text.zh
    await shop.until("photo_offered")
    assert shop.world.count("printed") == 1
    assert [kind for kind in await shop.types() if kind in ("ParcelHeld", "ParcelResumed")] == [
        "ParcelHeld",
        "ParcelResumed",
    ]


async def test_a_robot_in_alarm_waits_for_a_person_and_is_homed_then(shop):
    shop.robot.is_homed = True
    shop.world.faults["apply"] = [AttendantNeededError("alarm", "alarm"), AttendantNeededError("alarm", "alarm")]
    await shop.prepare()
    await shop.pay()
    await shop.pick()
    await shop.until("applying_blocked")
    assert shop.world.count("homed") == 0
    await shop.press("tend_device", "again")
    await shop.until("photo_offered")
    assert shop.world.count("homed") == 1
    assert shop.world.count("applied") == 1


async def test_a_printer_that_fell_silent_is_never_asked_again_before_a_person_looked(shop):
    shop.world.faults["print"] = ["silent"]
    await shop.prepare()
    await shop.pay()
    await shop.pick()
    await shop.until("printing_in_doubt")
    task = await shop.task("label_in_doubt")
    assert {part.answer for part in task.answers} == {"not_printed", "at_printer", "destroyed"}
    assert shop.world.count("printed") == 1

    # "it is at the printer" counts only after that very label was scanned
    assert not await shop.press("label_in_doubt", "at_printer")
    assert await shop.scan_label()
    assert await shop.press("label_in_doubt", "at_printer")
    await shop.until("photo_offered")
    assert shop.world.count("printed") == 1


@pytest.mark.parametrize("answer", ["not_printed", "destroyed"])
async def test_a_lost_label_is_void_and_the_next_has_another_serial(shop, answer):
    shop.world.faults["print"] = ["lost" if answer == "not_printed" else "silent"]
    await shop.prepare()
    await shop.pay()
    await shop.pick()
    await shop.until("printing_in_doubt")
    first = (await shop.parcel()).serial
    shop.world.mouth.clear()
    await shop.press("label_in_doubt", answer)
    await shop.until("photo_offered")
    assert (await shop.parcel()).serial != first
    assert len(shop.world.parcel) == 1
    assert not (await shop.bench.on_scan(f"https://v.example/x?s={first}")).accepted


async def test_a_robot_that_fell_silent_is_sensed_by_the_camera(shop):
    shop.world.faults["apply"] = ["silent"]
    await shop.prepare()
    await shop.pay()
    await shop.pick()
    await shop.until("photo_offered")
    assert shop.world.count("applied") == 1
    assert "ParcelHeld" in await shop.types()


async def test_a_label_dropped_by_the_robot_is_destroyed_and_printed_anew(shop):
    shop.world.faults["apply"] = ["drop"]
    await shop.prepare()
    await shop.pay()
    await shop.pick()
    await shop.until("applying_in_doubt")
    await shop.press("label_in_doubt", "destroyed")
    await shop.until("photo_offered")
    assert (shop.world.count("printed"), len(shop.world.parcel)) == (2, 1)
    kinds = await shop.types()
    assert kinds.count("LabelVoided") == 1 and kinds.count("LabelPrinted") == 2


async def test_a_wrong_label_on_the_parcel_is_seen_and_both_go(shop):
    await shop.to_photo("p1", 1)
    stray = shop.world.parcel.pop()
    shop.world.mouth.append(stray)
    await shop.prepare("p2", 2)
    await shop.pay("p2", 2)
    await shop.pick(2)
    await shop.until("label_wrong", "p2")
    shop.world.parcel.clear()
    shop.world.mouth.clear()
    await shop.press("destroy_label", "destroyed")
    await shop.until("photo_offered", "p2")
    held = [data["reason"] for kind, data in await shop.reports() if kind == "ParcelHeld"]
    assert held == ["label_wrong"]


async def test_a_label_that_printed_twice_is_caught_when_the_copy_appears(shop):
    shop.world.faults["print"] = ["double"]
    await shop.to_photo("p1", 1)
    shop.world.parcel.clear()
    await shop.prepare("p2", 2)
    await shop.pay("p2", 2)
    await shop.pick(2)
    await shop.until("label_wrong", "p2")


async def test_no_label_to_be_read_asks_and_the_scanner_may_prove_it(shop):
    shop.robot.is_homed = True
    await shop.prepare()
    await shop.pay()
    reached, go = shop.world.hold("apply")
    await shop.pick()
    await reached.wait()
    label = shop.world.mouth[0]
    hidden = label.copy()
    hidden.paste(1, (0, 0, *hidden.size))
    shop.world.mouth[0] = hidden
    go.set()
    await shop.until("reading_blocked")
    shop.world.parcel[:] = [label]
    assert await shop.scan_label()
    await shop.until("photo_offered")


async def test_the_packers_echo_tells_that_it_packed(shop):
    shop.world.faults["pack"] = ["silent"]
    await shop.prepare()
    await shop.pick()
    await shop.until("waiting_for_label")
    assert shop.world.count("packed") == 1


async def test_the_packers_echo_tells_that_it_did_not(shop):
    shop.world.faults["pack"] = ["lost"]
    await shop.prepare()
    await shop.pick()
    await shop.until("waiting_for_label")
    assert shop.world.count("packed") == 1


async def test_an_unreadable_packer_asks_the_attendant(shop):
    async def unreadable() -> int:
        raise DeviceOfflineError("no answer", "silent")

    shop.world.faults["pack"] = ["silent"]
    shop.drivers["packer"].last_done = unreadable
    await shop.prepare()
    await shop.pick()
    await shop.press("pack_in_doubt", "packed")
    await shop.until("waiting_for_label")
    assert shop.world.count("packed") == 1


async def test_a_camera_that_fails_at_confirming_takes_the_still_at_picking(shop):
    shop.world.faults["still"] = [DeviceOfflineError("camera", "no_signal")] * 3
    await shop.prepare()
    await shop.until("picking")
    assert "StillTaken" not in await shop.types()
    await shop.pick()
    await shop.until("waiting_for_label")
    assert "StillTaken" in await shop.types()


@pytest.mark.parametrize("act", ["print", "apply", "pack"])
async def test_killed_in_the_middle_of_an_act_the_next_life_senses_before_it_moves(shop, act):
    shop.robot.is_homed = True
    reached, _ = shop.world.hold(act)
    await shop.prepare()
    await shop.pay()
    await shop.pick()
    await reached.wait()
    before = list(shop.world.truth)
    shop.world.pause.clear()
    await shop.restart()
    stage = {"print": "printing_in_doubt", "apply": "applying_in_doubt"}
    if act == "pack":
        await shop.until("photo_offered")
        assert shop.world.count("packed") == 1
    else:
        await shop.until(stage[act])
        await shop.idle()
        assert shop.world.truth == before
        task = await shop.task("label_in_doubt")
        assert task.parcel_id == "p1"


async def test_questions_and_looks_survive_a_restart(shop):
    await shop.prepare()
    await shop.task("fetch_piece")
    await shop.restart()
    await shop.pay()
    await shop.pick()
    await shop.until("photo_offered")
    await shop.restart()
    await shop.answer_photo()
    await shop.until("ready")


async def test_without_relay_time_no_machine_starts_and_the_board_says_so(make_shop):
    shop = make_shop()
    await shop.start(is_synced=False)
    await shop.prepare()
    await shop.pay()
    await shop.pick()
    await shop.until("packing")
    await shop.wait_for(lambda: shop.bench.is_waiting_for_clock)
    assert (await shop.bench.board())[0]["reason"] == "clock_unknown"
    assert shop.world.truth == []
    shop.sync()
    await shop.until("photo_offered")
    await shop.stop()


async def test_past_its_deadline_nothing_starts(shop):
    issued = datetime.now(UTC) - timedelta(seconds=3601)
    command = await shop.prepare()
    assert (await shop.ack(command))[0] == "done"
    await shop.send(CancelParcel(parcel_id="p1"))

    late = PreparePiece(parcel_id="p2", piece_id="piece_2", session_id="s2")
    assert (await shop.ack(await shop.send(late, time=issued)))[0] == "stale"
    assert await shop.stage("p2") == "none"


async def test_a_deadline_that_passes_while_the_parcel_waits_blocks_the_machine(shop):
    await shop.send(PreparePiece(parcel_id="p1", piece_id="piece_1"), deadline_s=0.3)
    await shop.task("fetch_piece")
    await asyncio.sleep(0.35)
    await shop.pick()
    await shop.until("packing_blocked")
    assert (await shop.parcel()).reason == "deadline_passed"
    assert shop.world.truth == []
    # the payment brings a new deadline
    await shop.pay()
    await shop.press("tend_device", "again")
    await shop.until("photo_offered")


async def test_a_cancel_during_an_act_is_decided_after_it(shop):
    reached, go = shop.world.hold("print")
    await shop.prepare()
    await shop.pay()
    await shop.pick()
    await reached.wait()
    command = await shop.send(CancelParcel(parcel_id="p1"), waits=False)
    assert (await shop.ack(command))[0] == "accepted"
    go.set()
    await shop.until("cancelling_label")
    await shop.idle()
    assert (await shop.ack(command))[0] == "done"
    assert shop.world.count("applied") == 0


async def test_unknown_words_from_the_scanner_change_nothing(shop):
    await shop.prepare()
    await shop.task("fetch_piece")
    mark = shop.journal.mark()
    for text in ("", "4702", "https://evil.example/?s=ABCDEFGH", "x" * 5000, "\x00\x1b@", "ABCDEFGH", "0" * 20):
        assert not (await shop.bench.on_scan(text)).accepted
    assert shop.journal.mark() == mark
    assert await shop.stage() == "picking"


async def test_a_driver_that_breaks_its_word_ends_the_bench(make_shop):
    shop = make_shop()
    await shop.start()

    async def broken(_image: object) -> None:
        raise KeyError("a bug")

    shop.drivers["printer"].print_label = broken
    await shop.prepare()
    await shop.pay()
    await shop.pick()
    with pytest.raises(ExceptionGroup):
        await asyncio.wait_for(asyncio.shield(shop.running), 5)
    await shop.journal.close()
