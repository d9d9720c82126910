"""The bench check in memory: what is done in which shop, what is never done, and what its card says."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drivers.base import AttendantNeededError, Condition, DeviceStatus
from edge.bench_check import CheckRefusedError, acts
from edge.bench_check.cards import Cards
from edge.bench_check.night import is_due
from edge.bench_check.words import ASK, BUTTONS, HINTS, REFUSALS, SEEN, SKIPS, TITLES
from edge.locations import carries, shelves
from edge.reasons import sentence_for
from tests.edge.bench.fake_shop import PLAN, FakeLabeller, FakePrinter
from tests.edge.bench_check.checked_shop import CheckedShop, results
from tests.edge.locations.conftest import FakeSorter

ALL = ["print", "apply", "look", "scan", "turn", "pack", "echo"]


@pytest.fixture
async def shop(tmp_path):
    made = CheckedShop(tmp_path)
    await made.start()
    yield made
    await made.stop()


async def test_every_device_is_tested_by_another_and_the_bench_is_left_as_it_was(shop):
    card = await shop.checked()
    assert results(card) == dict.fromkeys(ALL, "passed")
    assert (card.is_passed, card.is_whole, card.occasion) == (True, True, "setup")
    assert shop.attendant.said[0] == "lay_test_card"
    assert shop.attendant.said[-1] == "take_test_card"
    assert (shop.world.count("printed"), shop.world.count("applied"), shop.world.count("packed")) == (1, 1, 0)
    assert [angle for event, angle in shop.world.truth if event == "turned"] == [130, 40]
    pictures = {step.step: step.picture_sha256 for step in card.steps if step.picture_sha256}
    assert set(pictures) == {"look", "turn"}
    offered = [data for kind, data in await shop.reports() if kind == "PictureOffered"]
    assert {data["picture_sha256"] for data in offered} == set(pictures.values())
    assert {(data["parcel_id"], data["kind"]) for data in offered} == {(card.check_id, "bench_check")}
    assert await shop.bench.tasks() == []


async def test_without_robot_packer_scanner_and_table_a_person_does_it_and_the_rest_is_skipped(tmp_path):
    shop = CheckedShop(tmp_path)
    shop.without = {"labeller", "packer", "scanner"}
    shop.tables = ()
    await shop.start()
    card = await shop.checked()
    await shop.stop()
    assert results(card) == dict.fromkeys(ALL, "passed") | dict.fromkeys(["scan", "turn", "pack"], "skipped")
    assert card.is_passed
    assert [step.is_by_hand for step in card.steps if step.step == "apply"] == [True]
    assert shop.attendant.said.count("stick_test_label") == 1


async def test_a_printer_without_paper_fails_with_its_own_sentence_and_nothing_after_it_is_tried(shop):
    shop.world.faults["print"] = [AttendantNeededError("printer: out of paper", "paper_out")]
    card = await shop.checked()
    failed = next(step for step in card.steps if step.step == "print")
    assert (failed.reason, failed.hint.en, failed.device) == (
        "paper_out",
        "Out of labels: put in a new roll",
        "printer",
    )
    assert "纸" in failed.hint.zh
    assert results(card) | {"print": "failed"} == dict.fromkeys(ALL, "passed") | {
        "print": "failed", "apply": "skipped", "look": "skipped", "scan": "skipped",
    }  # fmt: skip
    assert not card.is_passed
    assert shop.world.count("applied") == 0


@pytest.mark.parametrize(
    ("trouble", "step", "reason"),
    [("lost label", "look", "unread"), ("stuck table", "turn", "not_there"), ("no relay", "echo", "no_echo")],
)
async def test_what_a_device_only_pretends_is_found_out(shop, monkeypatch, trouble, step, reason):
    monkeypatch.setattr(acts, "TURN_S", 0.2)
    monkeypatch.setattr(acts, "ECHO_S", 0.2)
    monkeypatch.setattr(acts, "LOOK_AGAIN_S", 0.0)
    if trouble == "lost label":
        shop.world.faults["apply"] = ["drop quietly"]
    shop.table.is_stuck = trouble == "stuck table"
    shop.is_relay_near = trouble != "no relay"
    card = await shop.checked()
    failed = [one for one in card.steps if one.result.value == "failed"]
    assert [(one.step, one.reason) for one in failed] == [(step, reason)]
    assert failed[0].hint == HINTS[reason]
    assert card.is_passed is (step == "turn")
    assert await shop.bench.tasks() == []
    assert results(card)["scan"] == ("skipped" if trouble == "lost label" else "passed")


async def test_nobody_at_the_bench_ends_the_check_with_a_hint(shop, monkeypatch):
    monkeypatch.setattr(acts, "PERSON_S", 0.1)
    shop.attendant.leaves = {"lay_test_card"}
    card = await shop.checked()
    assert results(card)["print"] == "failed"
    assert next(step.reason for step in card.steps if step.step == "print") == "nobody_came"
    assert shop.world.count("printed") == 0
    assert await shop.bench.tasks() == []


async def test_no_check_while_a_parcel_is_on_the_bench(shop):
    await shop.prepare()
    await shop.until("picking")
    with pytest.raises(CheckRefusedError, match="parcel"):
        await shop.check.begin("asked")
    assert not shop.check.state()["is_clearing"]
    assert shop.world.truth == []


async def test_a_parcel_that_comes_during_a_check_waits_in_line_until_the_card_is_away(shop):
    shop.attendant.leaves = {"take_test_card"}
    check_id = await shop.check.begin("asked")
    await shop.prepare()
    await shop.task("take_test_card")
    await shop.until("in_line")
    assert (await shop.card(check_id)).is_passed
    with pytest.raises(CheckRefusedError):
        await shop.check.begin("asked")
    shop.attendant.leaves = set()
    await shop.until("picking")


async def test_nothing_turns_under_a_shoppers_eyes(shop):
    shop.watched = {"table"}
    card = await shop.checked("asked")
    assert results(card)["turn"] == "skipped"
    assert shop.world.count("turned") == 0


async def test_no_check_behind_the_privacy_switch(shop):
    shop.is_private = True
    with pytest.raises(CheckRefusedError, match="privacy"):
        await shop.check.begin("asked")


async def test_at_night_no_paper_is_used_and_nobody_is_asked(shop):
    card = await shop.checked("nightly")
    assert results(card) == {
        "print": "skipped", "apply": "skipped", "look": "passed", "scan": "skipped", "turn": "passed",
        "pack": "passed", "echo": "passed",
    }  # fmt: skip
    assert (card.is_passed, card.is_whole) == (True, False)
    assert shop.attendant.said == []
    assert (shop.world.count("printed"), shop.world.count("applied")) == (0, 0)


async def test_at_night_a_device_that_is_not_well_is_found(shop):
    shop.drivers["packer"].state = Condition.NEEDS_ATTENDANT
    card = await shop.checked("nightly")
    assert results(card)["pack"] == "failed"
    assert not card.is_passed
    shop.watched = {"front"}
    with pytest.raises(CheckRefusedError, match="looks"):
        await shop.check.begin("nightly")


class RestedRobot(FakeLabeller):
    """Says that it was not homed, as a robot does that was just switched on."""

    async def status(self):
        if self.is_homed:
            return await super().status()
        return DeviceStatus(condition=Condition.NEEDS_ATTENDANT, reason="not_homed", raw="Alarm")


class PatientPrinter(FakePrinter):
    """Lets its label out when the robot stands at its zero."""

    async def print_label(self, image):
        async with asyncio.timeout(60):
            while not self.world.count("homed"):  # noqa: ASYNC110  # a log of truth calls nobody
                await asyncio.sleep(0.005)
        await super().print_label(image)


async def test_the_robot_finds_its_zero_while_the_label_is_printed(shop):
    shop.drivers["labeller"], shop.drivers["printer"] = RestedRobot(shop.world), PatientPrinter(shop.world)
    await shop.restart()
    card = await shop.checked()
    assert card.is_passed
    assert [event for event, _ in shop.world.truth if event in ("homed", "printed", "applied")] == [
        "homed", "printed", "applied",
    ]  # fmt: skip


async def test_the_scanner_is_asked_for_while_the_cameras_picture_is_still_read(shop, monkeypatch):
    asked = threading.Event()

    class SlowReading(acts.Reading):
        def add(self, *words):
            assert asked.wait(20), "the scanner waited for the reader"
            super().add(*words)

    monkeypatch.setattr(acts, "Reading", SlowReading)
    shop.attendant.leaves = {"scan_test_label"}
    check_id = await shop.check.begin("asked")
    await shop.task("scan_test_label")
    asked.set()
    shop.attendant.leaves = set()
    await shop.wait_for(lambda: not shop.check.state()["running"] and not shop.check.state()["is_clearing"], 30)
    assert results(await shop.card(check_id)) == dict.fromkeys(ALL, "passed")


NIGHT = datetime(2026, 11, 21, 19, 30, tzinfo=UTC)  # 03:30 in Shanghai


@pytest.mark.parametrize(
    ("now", "hours_ago", "due"),
    [(NIGHT, 24, True), (NIGHT, 19, False), (NIGHT, None, False), (NIGHT + timedelta(hours=6), 40, False)],
)
def test_a_nightly_check_is_due_in_the_shops_own_night_once(now, hours_ago, due):
    plan = replace(PLAN, time_zone="Asia/Shanghai")
    last_at = None if hours_ago is None else now - timedelta(hours=hours_ago)
    assert is_due(plan, now, last_at) is due
    assert not is_due(None, now, last_at)


async def test_a_check_that_a_stop_cut_off_is_told_and_its_card_cleared_away_first(shop):
    shop.attendant.leaves = {"scan_test_label", "take_test_card"}
    check_id = await shop.check.begin("setup")
    await shop.task("scan_test_label")
    shop.attendant.leaves = {"take_test_card"}
    await shop.restart()
    await shop.prepare()
    await shop.task("take_test_card")
    await shop.until("in_line")
    card = await shop.card(check_id)
    assert {step.step: step.reason for step in card.steps if step.reason}["scan"] == "interrupted"
    assert not card.is_passed
    assert shop.world.count("printed") == 1
    shop.attendant.leaves = set()
    await shop.until("picking")
    await shop.wait_for(lambda: not (shop.folder / "bench_check" / "running.json").exists())


async def test_no_parcel_is_quicker_than_a_check_that_was_cut_off(shop, monkeypatch):
    """Its test card may lie on the bench: that is kept before the first command is taken."""
    shop.attendant.leaves = {"scan_test_label", "take_test_card"}
    await shop.check.begin("setup")
    await shop.task("scan_test_label")
    may_go_on = threading.Event()
    monkeypatch.setattr(Cards, "all", lambda _cards: may_go_on.wait(30) and [])
    await shop.restart()
    await shop.prepare()
    await shop.until("in_line")
    await shop.prepare("p2", 2, "s2")
    await shop.until("in_line", "p2")
    assert await shop.stage() == "in_line", "the second would have found the first gone to the bench"
    may_go_on.set()
    await shop.task("take_test_card")
    shop.attendant.leaves = set()
    await shop.until("picking")


async def test_a_scan_of_anything_else_changes_nothing(shop):
    shop.attendant.leaves = {"scan_test_label"}
    await shop.check.begin("asked")
    await shop.task("scan_test_label")
    assert not (await shop.bench.on_scan("VITRINE-CHECK-00000000")).accepted
    assert not (await shop.bench.on_scan("4701")).accepted
    assert [task.kind.value for task in await shop.bench.tasks()] == ["scan_test_label"]
    assert (await shop.bench.on_scan(shop.code)).accepted
    await shop.wait_for(lambda: not shop.check.state()["running"])


async def test_cards_are_kept_over_a_restart(shop):
    card = await shop.checked()
    await shop.restart()
    await shop.wait_for(lambda: shop.check.state()["cards"])
    assert shop.check.state()["cards"][0]["check_id"] == card.check_id


def test_every_sentence_is_in_both_languages():
    for sentences in (TITLES, ASK, BUTTONS, SEEN, SKIPS, HINTS, REFUSALS):
        assert all(text.en and text.zh for text in sentences.values())
    assert list(TITLES) == [*ALL[:-1], "sort", "echo"]


class SortedCheck(CheckedShop):
    """A shop with a sorter, and a location that is empty by its book."""

    def __init__(self, folder):
        super().__init__(folder)
        self.sorter = FakeSorter(self.world)
        self.drivers["sorter"] = self.sorter

    async def empty(self, location):
        await self.journal.write(lambda tx: shelves.correct(tx, location, ("piece_1",), 0))
        await self.journal.write(lambda tx: shelves.correct(tx, location, (), 1))


@pytest.fixture
async def sorting(tmp_path):
    made = SortedCheck(tmp_path)
    await made.start()
    yield made
    await made.stop()


def step_of(card, name):
    return next(one for one in card.steps if one.step == name)


async def test_the_sorter_goes_to_an_empty_location_and_moves_no_goods(sorting):
    await sorting.empty("A-1-7")
    sorting.world.faults["carry"] = ["nothing"]
    card = await sorting.checked()
    found = step_of(card, "sort")
    assert (found.result.value, found.device) == ("passed", "sorter") and "A-1-7" in found.text.en
    assert sorting.world.count("carried") == 0 and len(sorting.sorter.asked) == 1
    assert list(results(card)) == [*ALL[:-1], "sort", "echo"]


async def test_what_a_sorter_brings_from_an_empty_location_is_named(sorting):
    await sorting.empty("A-1-7")
    card = await sorting.checked()
    found = step_of(card, "sort")
    assert (found.result.value, found.reason) == ("failed", "brought_something")
    assert "A-1-7" in found.hint.en and "A-1-7" in found.hint.zh
    assert card.is_passed, "people can fetch meanwhile"


@pytest.mark.parametrize("reason", ["no_such_location", "place_taken"])
async def test_a_location_out_of_reach_or_not_empty_is_followed_by_the_next(sorting, reason):
    """Neither moved anything: the machine says so, and each try has a number of its own."""
    for location in ("A-1-7", "A-1-8"):
        await sorting.empty(location)
    sorting.world.faults["carry"] = [AttendantNeededError("not there", reason), "nothing"]
    card = await sorting.checked()
    found = step_of(card, "sort")
    assert found.result.value == "passed" and "A-1-8" in found.text.en
    assert len(set(sorting.sorter.asked)) == 2 and sorting.world.count("carried") == 0


@pytest.mark.parametrize("places", [("A-1-7",), ("A-1-6", "A-1-7", "A-1-8", "A-1-9")])
async def test_after_three_locations_or_the_last_the_machines_own_word_is_the_verdict(sorting, places):
    for location in places:
        await sorting.empty(location)
    sorting.world.faults["carry"] = [AttendantNeededError("not there", "no_such_location") for _ in places]
    found = step_of(await sorting.checked(), "sort")
    assert (found.result.value, found.reason, len(sorting.sorter.asked)) == (
        "failed",
        "no_such_location",
        min(3, len(places)),
    )
    for text in (found.hint.en, found.hint.zh):
        assert all(location in text for location in places[:3]) and "A-1-9" not in text


async def test_a_location_that_was_filled_meanwhile_is_not_gone_to(sorting):
    """Whoever puts a piece there while the machine is asked how it is: the book is read after that."""
    await sorting.empty("A-1-7")
    asked = sorting.sorter.status

    async def put_meanwhile():
        await sorting.journal.write(lambda tx: shelves.put(tx, "piece_1", "A-1-7"))
        return await asked()

    sorting.sorter.status = put_meanwhile
    assert step_of(await sorting.checked(), "sort").result.value == "passed"
    assert sorting.sorter.asked == []


async def test_no_check_while_the_sorter_still_carries_for_an_order(sorting):
    """An order was given up while the machine was on its way: its piece comes to the bench all the same."""
    await sorting.journal.write(lambda tx: shelves.put(tx, "piece_1", "A-1-1"))
    await sorting.journal.write(lambda tx: carries.want(tx, "p9", "piece_1", sorting.chance.randbytes))
    with pytest.raises(CheckRefusedError, match="sorter"):
        await sorting.check.begin("asked")
    await sorting.journal.write(lambda tx: carries.end(tx, "p9"))
    assert step_of(await sorting.checked(), "sort").result.value == "passed"


@pytest.mark.parametrize("occasion", ["setup", "nightly"])
async def test_without_an_empty_location_and_at_night_the_sorter_is_only_asked(sorting, occasion):
    if occasion == "nightly":
        await sorting.empty("A-1-7")
    card = await sorting.checked(occasion)
    assert step_of(card, "sort").result.value == "passed"
    assert sorting.sorter.asked == []


async def test_a_sorter_in_trouble_fails_with_its_own_sentence(sorting):
    await sorting.empty("A-1-7")
    sorting.world.faults["carry"] = [AttendantNeededError("jam", "jam")]
    card = await sorting.checked()
    assert (step_of(card, "sort").reason, step_of(card, "sort").hint) == ("jam", sentence_for("jam"))


async def test_no_check_while_tags_hang_at_the_printer(shop):
    async with shop.bench.keep_free() as is_free:
        assert is_free
        with pytest.raises(CheckRefusedError, match="Tags are being printed"):
            await shop.check.begin("asked")
