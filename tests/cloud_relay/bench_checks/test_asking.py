"""A merchant has the bench checked: the shop decides, each step reaches the page, a box that is away gets nothing."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from cloud_relay.bench_checks import rules, service, store
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import check_progress, page_event, shop_link
from tests.cloud_relay.bench_checks.test_bench_checks import GOOD
from tests.cloud_relay.peer import Box, stamp
from tests.cloud_relay.running import house
from tests.cloud_relay.trade_world import START
from wire.bench_card import AwaitedStep, CheckMoved, CheckResult, CheckStep
from wire.plan import Text
from wire.values import BadValueError

LAY = Text(en="Put the test card where parcels lie", zh="请放好测试卡")
PRINTED = CheckStep(step="print", result=CheckResult.PASSED, title=Text(en="Print a code", zh="打印"), took_s=1.5)


def moved(number=1, stage="running", check_id="chk_1", minutes=0, **parts):
    at = START + timedelta(minutes=minutes)
    return CheckMoved(check_id=check_id, started_at=at, stage=stage, number=number, **parts)


def take(world, one):
    world.database.run_now(service.take_progress, "teahouse", one, world.now)


def shown(world):
    return world.database.read_now(service.read_checks, "teahouse", frozenset({"mer_1"}), world.now)["running"]


def test_each_word_of_a_check_moves_the_page_and_one_that_was_overtaken_does_not(world):
    take(world, moved(1, asks=(LAY,), awaited=(AwaitedStep(step="print"),)))
    assert shown(world)["asks"] == [{"en": LAY.en, "zh": LAY.zh}]
    take(world, moved(3, steps=(PRINTED,)))
    take(world, moved(2, asks=(LAY,)))
    assert [step["step"] for step in shown(world)["steps"]] == ["print"]
    told = [row["data"] for row in world.rows(page_event) if row["kind"] == "check_moved"]
    assert told == [{"shop_id": "teahouse", "check_id": "chk_1", "stage": "running"}] * 2
    assert {row["channel"] for row in world.rows(page_event)} == {"merchant:mer_1"}, "not the shop's public channel"
    take(world, moved(4, "over"))
    take(world, moved(9, "running"))
    assert shown(world) is None


def test_a_card_ends_what_the_shop_could_not_tell_the_end_of(world):
    take(world, moved(5))
    world.database.run_now(service.take_card, "teahouse", GOOD, world.now)
    assert shown(world)["stage"] == "clearing"
    world.later(rules.PROGRESS_LIFE.total_seconds() + 1)
    assert shown(world) is None
    take(world, moved(1, check_id="chk_2", minutes=30))
    assert shown(world)["check_id"] == "chk_2"
    take(world, moved(99, check_id="chk_1", minutes=-1))
    assert shown(world)["check_id"] == "chk_2", "a word of an older check came late"


@pytest.mark.parametrize(
    "bad",
    [
        moved(stage="dancing"), moved(check_id=""), moved(check_id="x" * 65),
        moved(asks=(Text(en="x" * 401, zh=""),)), moved(steps=(PRINTED,) * 21),
        moved(awaited=(AwaitedStep(step="x"),) * 21),
    ],
)  # fmt: skip
def test_what_no_shop_of_ours_tells_is_shown_nowhere(bad):
    with pytest.raises(BadValueError):
        rules.bounded_progress(bad)


def test_a_box_that_is_away_or_must_rest_is_asked_nothing(world):
    with pytest.raises(RefusedError, match="offline") as away:
        world.database.read_now(service.require_reachable, "nowhere")
    assert "离线" in away.value.text_zh
    world.add(shop_link, shop_id="teahouse", is_online=True, quarantine_reason="went back")
    with pytest.raises(RefusedError, match="shop_stopped"):
        world.database.read_now(service.require_reachable, "teahouse")


def test_other_peoples_shops_are_not_asked(world):
    with pytest.raises(RefusedError, match="not_found"):
        world.database.read_now(service.require_own, "teahouse", frozenset({"mer_2"}))
    world.database.read_now(service.require_own, "teahouse", frozenset({"mer_1"}))


def test_progress_has_one_row_a_shop(world):
    for number in range(1, 4):
        take(world, moved(number))
    take(world, replace(moved(1), check_id="chk_2", started_at=START + timedelta(hours=1)))
    assert [row["check_id"] for row in world.rows(check_progress)] == ["chk_2"]
    assert world.database.read_now(store.find_progress, "nowhere") is None


async def test_the_page_shows_what_is_asked_at_the_bench_and_what_waits_in_both_languages(site):
    _, shop_id, owner = await site.merchant("tea")
    path = f"/merchant/shops/{shop_id}/check"
    away = await site.call("GET", f"{path}?lang=en", headers=owner)
    assert "box is offline" in away.text and "Check the bench now" not in away.text
    site.db.run_now(lambda connection: connection.execute(shop_link.insert().values(shop_id=shop_id, is_online=True)))
    assert "Check the bench now" in (await site.call("GET", f"{path}?lang=en", headers=owner)).text
    told = replace(
        moved(asks=(LAY,), steps=(PRINTED,), awaited=(AwaitedStep(step="apply", title=Text(en="Stick", zh="贴标")),)),
        started_at=site.clock.now(),
    )
    site.db.run_now(service.take_progress, shop_id, told, site.clock.now())
    for language, words in (
        ("en", (LAY.en, "Print a code", "Stick", "1 / 2")),
        ("zh", (LAY.zh, "打印", "贴标", "1 / 2")),
    ):
        page = (await site.call("GET", f"{path}?lang={language}", headers=owner)).text
        assert [one for one in words if one not in page] == []
        assert "bench-checks" not in page, "no second check while one runs"
    stranger = site.account("stranger")
    await site.call("GET", path, headers=stranger, status=404)


async def test_the_shop_decides_over_the_wire_and_its_steps_reach_the_owner(
    tmp_path, free_port, database_url, eventually
):
    async with house(tmp_path / "r", free_port, database_url) as mall:
        _, shop_id, owner = await mall.merchant("tea", shop_id="teahouse")
        path = f"/api/shops/{shop_id}/bench-checks"
        assert (await mall.post(path, {}, owner, 409))["type"].endswith("shop_offline")
        box = Box(tmp_path / "box")
        await box.enrol(await mall.claim(shop_id, owner))
        box.connect()
        box.be_born()
        await eventually(lambda: mall.relay.link.is_online(shop_id))
        refused = asyncio.create_task(mall.post(path, {}, owner, 409))
        (asked,) = await box.heard("CheckBench")
        assert asked["sequence"] is None, "never kept: machines that move later would surprise somebody"
        busy = {"en": "A parcel is on the bench", "zh": "工作台上有包裹"}
        box.say("CheckAnswered", {"ask_id": asked["data"]["ask_id"], "text": busy})
        assert (await refused)["title_zh"] == busy["zh"]
        begun = asyncio.create_task(mall.post(path, {}, owner, 201))
        again = (await box.heard("CheckBench", 2))[-1]
        box.say("CheckAnswered", {"ask_id": again["data"]["ask_id"], "check_id": "chk_9"})
        assert (await begun)["check_id"] == "chk_9"
        told = {"check_id": "chk_9", "started_at": stamp(), "stage": "running", "number": 1, "occasion": "merchant"}
        box.say("CheckMoved", {**told, "asks": [{"en": LAY.en, "zh": LAY.zh}], "awaited": [{"step": "print"}]})

        async def running():
            return (await mall.get(path, owner))["running"]

        assert (await eventually(running))["asks"][0]["en"] == LAY.en
        box.say("CheckMoved", {**told, "stage": "over", "number": 2})

        async def is_over():
            return await running() is None

        await eventually(is_over)
        box.close()
