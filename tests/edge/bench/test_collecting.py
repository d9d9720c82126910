"""A shopper collects: the parcel is handed over for the right code only, and nobody may guess for long."""

from datetime import timedelta

import pytest

from edge.bench.collecting import GUESSES_MAX, REST, code_hash
from tests.edge.bench.fake_shop import content
from wire.commands import CancelParcel, LabelParcel
from wire.plan import LabelContent
from wire.reports import HandedOver

CODE = "04711934"
LINK = f"https://v.example/orders/or_p1#collect={CODE}"


def label(parcel_id: str = "p1", code: str = CODE) -> LabelContent:
    return content(parcel_id, pickup_sha256=code_hash(parcel_id, code))


async def to_ready(shop) -> None:
    await shop.prepare()
    ordered = label()
    await shop.send(LabelParcel(parcel_id="p1", piece_id="piece_1", order_id=ordered.order_id, label=ordered))
    await shop.until("picking")
    await shop.pick()
    await shop.until("photo_offered")
    await shop.answer_photo()


async def test_it_is_told_ready_and_handed_over_for_code_and_label(shop):
    await to_ready(shop)
    assert (await shop.types())[-1] == "ReadyForPickup"
    task = await shop.task("collect")
    assert "Waits to be collected" in task.text.en and "等待自取" in task.text.zh
    assert not await shop.press("collect", "collected")
    assert await shop.scan_label()
    assert not await shop.press("collect", "collected")
    told = await shop.bench.on_scan(LINK)
    assert told.accepted and "李小明" in told.text.zh
    assert await shop.press("collect", "collected")
    assert await shop.stage() == "handed_over"
    kind, data = (await shop.reports())[-1]
    assert kind == HandedOver.__name__ and data["is_collected"] is True
    assert [task.kind.value for task in await shop.bench.tasks()] == []  # no courier's link


async def test_the_typed_digits_do_as_well_as_the_picture(shop):
    await to_ready(shop)
    assert (await shop.bench.on_scan(f" {CODE} ")).accepted


async def test_what_goes_by_courier_has_no_code(shop):
    await shop.to_photo()
    await shop.answer_photo()
    assert "ReadyForPickup" not in await shop.types()
    assert not (await shop.bench.on_scan(CODE)).accepted
    await shop.scan_label()
    assert await shop.press("hand_over", "handed_over")
    assert (await shop.reports())[-1][1].get("is_collected", False) is False


@pytest.mark.parametrize("wrong", ["00000000", "https://v.example/orders/or_p1#collect=00000000"])
async def test_a_wrong_code_hands_nothing_over(shop, wrong):
    await to_ready(shop)
    await shop.scan_label()
    assert not (await shop.bench.on_scan(wrong)).accepted
    assert not await shop.press("collect", "collected")
    assert await shop.stage() == "ready"


async def test_guessing_is_limited_also_over_a_restart_and_ends_by_itself(shop, monkeypatch):
    await to_ready(shop)
    for number in range(GUESSES_MAX):
        assert not (await shop.bench.on_scan(f"{number:08}")).accepted
    refused = await shop.bench.on_scan(CODE)
    assert not refused.accepted and "Too many" in refused.text.en
    await shop.restart()
    assert not (await shop.bench.on_scan(CODE)).accepted
    now = shop.clock.now
    monkeypatch.setattr(shop.clock, "now", lambda: now() + REST + timedelta(seconds=1))
    await shop.restart()
    assert (await shop.bench.on_scan(CODE)).accepted


async def test_the_right_code_forgives_the_wrong_ones(shop):
    await to_ready(shop)
    for number in range(GUESSES_MAX - 1):
        await shop.bench.on_scan(f"{number:08}")
    assert (await shop.bench.on_scan(CODE)).accepted
    for number in range(GUESSES_MAX - 1):
        await shop.bench.on_scan(f"{number:08}")
    assert (await shop.bench.on_scan(CODE)).accepted


async def test_a_code_counts_for_its_own_parcel_only(shop):
    await to_ready(shop)
    await shop.bench.on_scan(LINK)
    parcel = await shop.parcel()
    assert parcel.is_code_shown
    assert code_hash("p2", CODE) != code_hash("p1", CODE)


async def test_nobody_came_so_it_is_cancelled_unpacked_and_put_back(shop):
    await to_ready(shop)
    await shop.send(CancelParcel(parcel_id="p1", reason="not_collected"))
    assert await shop.stage() == "cancelling_label"
    assert not (await shop.bench.on_scan(CODE)).accepted, "a code opens nothing any more"
