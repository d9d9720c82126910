"""A bench check that the merchant asks for from the page: begun or refused by the shop, and told step by step."""

import asyncio
import contextlib

import pytest

from edge.bench_check.from_afar import FromAfar
from tests.edge.bench_check.checked_shop import CheckedShop
from wire.bench_card import CheckAnswered, CheckMoved
from wire.commands import CheckBench

STAGES = ["running", "clearing", "over"]


class Asked(CheckedShop):
    """The shop with its ear for the page; `sent` is what went up, nothing goes while `is_linked` is false."""

    async def start(self, **more):
        await super().start(**more)
        self.sent, self.is_linked = [], True
        self.afar = FromAfar(self.check, self.bench, self._send_up)
        self.check.listen(self.afar.changed)
        self.bench.listen(self.afar.changed)
        self.lives.append(asyncio.create_task(self.afar.run()))

    def _send_up(self, report):
        if self.is_linked:
            self.sent.append(report)
        return self.is_linked

    async def answer(self, ask_id="ask_1"):
        self.afar.take(CheckBench(ask_id=ask_id))
        await self.wait_for(lambda: any(one.ask_id == ask_id for one in self.said(CheckAnswered)), 30)
        return next(one for one in self.said(CheckAnswered) if one.ask_id == ask_id)

    def said(self, type_):
        return [one for one in self.sent if isinstance(one, type_)]


@pytest.fixture
async def shop(tmp_path):
    made = Asked(tmp_path)
    await made.start()
    yield made
    with contextlib.suppress(asyncio.CancelledError):
        await made.stop()


async def test_each_step_is_told_as_it_ends_until_the_bench_is_free_again(shop):
    begun = await shop.answer()
    assert begun.check_id
    await shop.wait_for(lambda: [one for one in shop.said(CheckMoved) if one.stage == "over"], 30)
    told = shop.said(CheckMoved)
    assert {one.check_id for one in told} == {begun.check_id}
    assert [one.number for one in told] == sorted({one.number for one in told})
    assert [stage for stage in STAGES if any(one.stage == stage for one in told)] == STAGES
    counts = [len(one.steps) for one in told]
    assert counts == sorted(counts) and counts[-1] == 7
    assert all(len(one.steps) + len(one.awaited) == 7 for one in told if one.stage == "running")
    asked = {ask.en for one in told for ask in one.asks}
    assert any("test card where parcels lie" in ask for ask in asked)
    assert any("Take the test card away" in ask for ask in asked)
    assert told[-1].asks == told[-1].awaited == ()
    card = await shop.card(begun.check_id)
    assert (card.occasion, card.is_passed, card.is_whole) == ("merchant", True, True)


async def test_a_parcel_a_shopper_and_a_running_check_refuse_it_with_a_sentence(shop):
    shop.watched = {"front"}
    looked_at = await shop.answer("ask_1")
    assert (looked_at.check_id, "looks" in looked_at.text.en, "看货" in looked_at.text.zh) == ("", True, True)
    shop.watched = set()
    shop.attendant.leaves = {"lay_test_card"}
    assert (await shop.answer("ask_2")).check_id
    again = await shop.answer("ask_3")
    assert (again.check_id, again.text.en) == ("", "A bench check runs already")
    shop.attendant.leaves = set()
    await shop.wait_for(lambda: [one for one in shop.said(CheckMoved) if one.stage == "over"], 30)
    printed = shop.world.count("printed")
    await shop.prepare()
    await shop.until("picking")
    on_bench = await shop.answer("ask_4")
    assert (on_bench.check_id, "parcel" in on_bench.text.en) == ("", True)
    assert shop.world.count("printed") == printed


async def test_what_was_said_into_a_dead_link_is_said_again_when_it_is_back(shop):
    begun = await shop.answer()
    shop.is_linked = False
    await shop.wait_for(lambda: shop.check.newest and shop.check.newest[1] == "over", 30)
    shop.is_linked = True
    shop.afar.again()
    await shop.wait_for(lambda: [one for one in shop.said(CheckMoved) if one.stage == "over"], 30)
    assert shop.said(CheckMoved)[-1].check_id == begun.check_id


async def test_a_check_that_a_stop_cut_off_is_told_to_its_end_by_the_next_life(shop):
    shop.attendant.leaves = {"scan_test_label"}
    begun = await shop.answer()
    await shop.task("scan_test_label")
    shop.attendant.leaves = set()
    await shop.restart()
    await shop.wait_for(lambda: [one for one in shop.said(CheckMoved) if one.stage == "over"], 30)
    last = shop.said(CheckMoved)[-1]
    assert last.check_id == begun.check_id
    assert {step.reason for step in last.steps if step.step == "scan"} == {"interrupted"}


async def test_nothing_is_told_of_a_bench_that_was_not_checked(shop):
    await shop.prepare()
    await shop.until("picking")
    shop.afar.again()
    await asyncio.sleep(0)
    assert shop.said(CheckMoved) == []
