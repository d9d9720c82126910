"""Tags are printed once each, never while a parcel has the printer, and a person takes them before the next parcel."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import zxingcpp
from PIL import Image

from drivers.base import AttendantNeededError, Condition, DeviceOfflineError, OutcomeUnknownError
from edge.clock import Clock
from edge.flows.tag_printing import Stage
from edge.tags.jobs import Job
from edge.tags.printing import first_of
from tests.edge.tags.conftest import TagShop, face
from wire.commands import PrintTags, StopTags


def printed(shop: TagShop) -> list[str]:
    """The codes of the tags that came out of the printer, in order."""
    return [code.text for image in shop.world.mouth for code in zxingcpp.read_barcodes(image.convert("L"))]


def wanted(count: int) -> list[str]:
    return [face(number).address for number in range(count)]


async def test_each_tag_comes_out_once_and_a_person_takes_them(shop):
    await shop.print_tags(3)
    await shop.task("take_tags")
    assert printed(shop) == wanted(3)
    assert await shop.told() == [("waiting", 0, ""), ("printing", 1, ""), ("printing", 2, ""), ("done", 3, "")]
    assert (await shop.job()).at_mouth == 3
    assert await shop.press("take_tags", "taken")
    await shop.wait_for(lambda: _is_taken(shop))


async def _is_taken(shop: TagShop) -> bool:
    job = await shop.job()
    return job.at_mouth == 0 and job.tags == ()


async def test_a_repeated_command_and_a_repeated_job_print_nothing_more(shop):
    command_id = await shop.print_tags(1)
    await shop.task("take_tags")
    await shop.ask(PrintTags(job_id="tpj_1", tags=(face(0),)), command_id)
    await shop.ask(PrintTags(job_id="tpj_1", tags=(face(0),)))
    assert await shop.press("take_tags", "taken")
    await shop.wait_for(lambda: _is_taken(shop))
    assert printed(shop) == wanted(1)


async def test_no_parcel_comes_to_the_bench_while_a_tag_hangs_at_the_printer(shop):
    await shop.print_tags(2)
    await shop.task("take_tags")
    await shop.send_in_line()
    await shop.press("take_tags", "taken")
    await shop.until("picking")


async def test_tags_wait_for_the_parcel_that_has_the_bench(shop):
    await shop.prepare()
    await shop.until("picking")
    await shop.print_tags(1)
    await shop.pay()
    await shop.pick()
    await shop.until("photo_offered")
    await shop.task("take_tags")
    assert [event for event, _ in shop.world.truth if event in ("printed", "applied")] == [
        "printed",
        "applied",
        "printed",
    ]


async def test_an_order_goes_before_the_tags_that_are_left(shop):
    reached, pause = shop.world.hold("print")
    await shop.print_tags(3)
    await reached.wait()
    await shop.send_in_line()
    pause.set()
    task = await shop.task("take_tags")
    assert "2 to come" in task.text.en and "还剩 2 张" in task.text.zh
    assert printed(shop) == wanted(1)
    shop.world.mouth.clear()
    await shop.press("take_tags", "taken")
    await shop.until("picking")
    await shop.pay()
    await shop.pick()
    await shop.until("photo_offered")
    await shop.is_at("done")
    assert printed(shop) == wanted(3)[1:], "the rest follows when the bench is free"


async def test_out_of_paper_is_told_and_goes_on_by_itself_once_mended(shop):
    shop.world.faults["print"] = [AttendantNeededError("no paper", "paper_out")]
    await shop.print_tags(1)
    task = await shop.task("tend_tags")
    assert task.text.en.endswith("Out of labels: put in a new roll") and "标签纸用完" in task.text.zh
    await shop.is_at("done")
    assert (await shop.told())[1:] == [("held", 0, "paper_out"), ("waiting", 0, ""), ("done", 1, "")]
    assert printed(shop) == wanted(1)


async def test_a_printer_that_is_away_keeps_the_order_of_things_and_can_be_left(shop):
    shop.drivers["printer"].state = Condition.OFFLINE
    shop.world.faults["print"] = [DeviceOfflineError("away", "refused")]
    await shop.print_tags(2)
    assert await shop.press("tend_tags", "leave_tags")
    await shop.is_at("stopped")
    assert (await shop.told())[-1] == ("stopped", 0, "stopped")
    assert printed(shop) == []


@pytest.mark.parametrize(("answer", "fault"), [("came_out", "silent"), ("tag_not_printed", "lost")])
async def test_a_tag_in_doubt_waits_for_a_persons_word(shop, answer, fault):
    shop.world.faults["print"] = [fault]
    await shop.print_tags(1)
    task = await shop.task("tags_in_doubt")
    assert face(0).printed in task.text.en
    assert (await shop.told())[-1] == ("in_doubt", 0, "silent")
    await shop.send_in_line()  # a tag may hang at the printer
    assert await shop.press("tags_in_doubt", answer)
    if answer == "came_out":
        await shop.press("take_tags", "taken")
        assert printed(shop) == wanted(1) and (await shop.job()).stage == "done"
    await shop.until("picking")
    assert len(shop.world.mouth) == (answer == "came_out"), "the order that waits goes before another try"


@pytest.mark.parametrize("has_printed", [True, False])
async def test_after_a_stop_in_the_middle_nothing_is_printed_by_itself(shop, has_printed):
    """The box dies while the printer works: the parcel that waits gets the bench only after a person has looked."""
    reached, pause = shop.world.hold("print")
    await shop.print_tags(2)
    await reached.wait()
    await shop.send_in_line()
    await shop.stop()
    if has_printed:
        shop.world.mouth.append(Image.new("1", (800, 1200), 1))
    shop.world.pause.clear()
    pause.set()
    before = len(shop.world.mouth)
    await shop.start()
    await shop.task("tags_in_doubt")
    assert len(shop.world.mouth) == before and await shop.stage() == "in_line"
    await shop.press("tags_in_doubt", "came_out" if has_printed else "tag_not_printed")
    if has_printed:
        await shop.press("take_tags", "taken")
    await shop.until("picking")


async def test_after_a_stop_the_printed_tags_are_taken_before_any_parcel_comes(shop):
    await shop.print_tags(1)
    await shop.task("take_tags")
    await shop.send_in_line()
    await shop.restart()
    await shop.task("take_tags")
    assert await shop.stage() == "in_line"
    assert await shop.press("take_tags", "taken")
    await shop.until("picking")
    assert printed(shop) == wanted(1)


async def test_what_is_to_be_stopped_ends_after_the_tag_that_comes_out(shop):
    reached, pause = shop.world.hold("print")
    await shop.print_tags(3)
    await reached.wait()
    await shop.ask(StopTags(job_id="tpj_1"))
    pause.set()
    await shop.is_at("stopped")
    assert (await shop.told())[-1] == ("stopped", 1, "stopped")
    assert printed(shop) == wanted(1)


async def test_no_tag_begins_once_the_stop_was_taken_in(shop):
    """The wish comes between the last look at the printing and the intent to print."""
    looked = shop.bench.is_waited_for

    async def look_while_somebody_stops():
        if (await looked(), shop.bench.kept_for) == (False, "tags"):
            await shop.ask(StopTags(job_id="tpj_1"))
        return False

    shop.bench.is_waited_for = look_while_somebody_stops
    await shop.print_tags(3)
    await shop.is_at("stopped")
    assert printed(shop) == [] and shop.world.count("printed") == 0
    assert (await shop.told())[-1] == ("stopped", 0, "stopped")


async def test_a_stop_of_what_this_box_never_heard_of_is_refused_and_what_is_over_is_told_again(shop):
    """Its box was replaced and lost it, or the relay was put back to a day before its end: both can be ended there."""
    unknown = await shop.ask(StopTags(job_id="nobody_knows"))
    assert await shop.ack(unknown) == ("refused", "unknown_job")
    await shop.print_tags(1)
    await shop.is_at("done")
    before = await shop.told()
    assert await shop.ack(await shop.ask(StopTags(job_id="tpj_1"))) == ("done", "")
    assert await shop.told() == [*before, ("done", 1, "")] and (await shop.job()).stage == "done"


def known(*jobs):
    """What the printer's work looks like in the journal, in the order in which it was asked for."""
    return [Job(job_id=job_id, tags=(face(0),), until=datetime.now(UTC), total=1, **facts) for job_id, facts in jobs]


BLOCKED = {"stage": Stage.BLOCKED, "reason": "paper_out"}


@pytest.mark.parametrize(
    ("waiting", "first"),
    [
        ([("waits", {}), ("hangs", {"at_mouth": 1}), ("ends", {"wants_stop": True})], "hangs"),
        ([("waits", {}), ("doubt", {"stage": Stage.IN_DOUBT}), ("ends", {"wants_stop": True})], "doubt"),
        ([("blocked", BLOCKED), ("waits", {}), ("ends", {"wants_stop": True})], "ends"),
        ([("blocked", BLOCKED), ("waits", {}), ("later", {})], "waits"),
        ([("blocked", BLOCKED), ("too", BLOCKED)], "blocked"),
        ([("taken", {"stage": Stage.BLOCKED, "reason": "paper_out", "at_mouth": 2}), ("waits", {})], "taken"),
    ],
)
def test_what_hangs_goes_first_then_what_is_to_end_then_what_can_be_printed(waiting, first):
    assert first_of(known(*waiting)).job_id == first
    assert first_of([]) is None


async def test_a_tag_too_large_keeps_no_others_from_being_printed(shop):
    """One printing waits for a larger roll, the next fits the one that is in."""
    large = replace(face(9), address="https://v.example/" + "x" * 3000)
    await shop.ask(PrintTags(job_id="tpj_large", tags=(large,)))
    await shop.task("tend_tags")
    await shop.print_tags(2, "tpj_small")
    await shop.is_at("done", "tpj_small")
    assert printed(shop) == wanted(2) and (await shop.job("tpj_large")).stage == "blocked"
    assert await shop.press("take_tags", "taken")
    assert await shop.press("tend_tags", "leave_tags")
    await shop.is_at("stopped", "tpj_large")


class Room:
    """Whether there is room on the disk; counts how often that was asked."""

    def __init__(self, *, is_there):
        self.is_there, self.times = is_there, 0

    def __bool__(self):
        self.times += 1
        return self.is_there


@pytest.mark.parametrize("missing", ["room", "relay time"])
async def test_without_room_or_relay_time_nothing_begins(shop, missing):
    """It was looked for twice and the printing still waits: the first look began nothing."""
    if missing == "relay time":
        await shop.stop()
        shop.clock = Clock()
        await shop.start(is_synced=False)
    shop.has_room = room = Room(is_there=missing != "room")
    await shop.print_tags(1)
    await shop.wait_for(lambda: room.times >= 2)
    assert shop.world.count("printed") == 0
    assert await shop.told() == [("waiting", 0, "")] and (await shop.job()).stage == "waiting"
    room.is_there = True
    shop.sync()
    await shop.task("take_tags")
    assert printed(shop) == wanted(1)


async def test_a_wish_that_is_too_large_or_too_many_is_refused(shop):
    many = await shop.ask(PrintTags(job_id="tpj_2", tags=tuple(face(1) for _ in range(101))))
    none = await shop.ask(PrintTags(job_id="tpj_3", tags=()))
    assert [await shop.ack(one) for one in (many, none)] == [("refused", "too_many_tags")] * 2


async def test_a_driver_that_raises_what_is_unknown_is_asked_about(shop):
    shop.world.faults["print"] = [OutcomeUnknownError("hang-up", "hang_up")]
    await shop.print_tags(1)
    await shop.task("tags_in_doubt")
    assert (await shop.told())[-1] == ("in_doubt", 0, "hang_up")
