"""The shop's uplink is cut in mid-order and in mid-viewing: what can go on goes on, the rest arrives later."""

import asyncio
import time

import pytest

from demo.shopper import Look
from demo.steps import until
from tests.faults.one_order import OneOrder, judge

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

SHORT_S, FULL_S = 24.0, 120.0
"""The short cut is longer than twice the MQTT keepalive (10 s), so that both ends have found out."""


@pytest.fixture
def cut_s(request):
    return FULL_S if request.config.getoption("--sweep") == "full" else SHORT_S


async def piece_to_look_at(town):
    """Once it can be looked at: a camera of which a breathless box had no picture counts as away for some seconds."""

    async def look():
        listing = await town.shopper.call("GET", f"/api/listings/{town.listing_id}")
        piece = next(one for one in reversed(listing["pieces"]) if one["state"] == "free")
        return piece["piece_id"] if piece["viewing"]["state"] == "now" else None

    return await until(look, 30, "a piece that can be looked at now")


@pytest.mark.timeout(600)
async def test_an_order_and_a_viewing_outlive_the_cut(town, cut_s):
    look = Look(town.shopper, await piece_to_look_at(town))
    await look.ask()
    await look.wait_turn(60)
    await look.open()
    order = OneOrder(town)
    town.hands.leaves.add("fetch_piece")
    await order.place()
    await until(lambda: has_task(town, "fetch_piece"), 30, "the attendant is asked to fetch the piece")
    await until(lambda: asyncio.sleep(0, is_label_ordered(town, order)), 30, "the label's order is in the journal")
    town.cut()
    began_s, frames = time.monotonic(), look.viewer.frames
    town.hands.leaves.clear()
    await until(lambda: is_far(town), 25, "the attendant's page says that the relay is out of reach")
    while time.monotonic() - began_s < cut_s:
        seen = look.viewer.frames
        await until(lambda seen=seen: asyncio.sleep(0, look.viewer.frames > seen), 5, "another picture, uplink cut")
        await asyncio.sleep(1)
    assert look.viewer.frames > frames + 2 * cut_s
    assert not look.viewer.ended.is_set()
    await until(lambda: asyncio.sleep(0, stage_of(town, order) == "photo_offered"), 60, "the photo, uplink cut")
    assert (await order.look())["state"] != "photo_offered", "the uplink was not cut"
    town.heal()
    assert await order.finish() == "released"
    await look.viewer.steer_to_motion_ms(40, pan=0.6)
    reservation = await look.confirm()
    await look.leave()
    await town.shopper.call("DELETE", f"/api/reservations/{reservation['parcel_id']}")
    await order.settle()
    judge(town, order, "released")


@pytest.mark.timeout(400)
async def test_a_hand_over_without_uplink_arrives_later(town):
    order = OneOrder(town)
    town.hands.leaves.add("hand_over")
    await order.place()
    photo = await order.photographed()
    answer = {"answer": "confirmed", "picture_sha256": photo["photo_sha256"]}
    await order.post(f"/api/orders/{order.order_id}/photo", answer)
    await until(lambda: has_task(town, "hand_over"), 30, "the attendant may hand over")
    town.cut()
    town.hands.leaves.clear()
    await until(lambda: asyncio.sleep(0, stage_of(town, order) == "handed_over"), 30, "recorded at the shop")
    parcel_id = order.parcel_id()
    await until(lambda: asyncio.sleep(0, parcel_id in town.hands.links), 10, "the courier's link, though offline")
    assert (await order.look())["state"] != "handed_over"
    town.heal()
    assert await order.receive() == "released"
    await order.settle()
    judge(town, order, "released")


async def has_task(town, kind):
    return any(task["kind"] == kind for task in (await town.bench.state())["tasks"])


def is_label_ordered(town, order):
    query = "select 1 from parcels where parcel_id = ? and json_extract(body, '$.label_no') > 0"
    return bool(town.ask(town.journal, query, order.parcel_id()))


async def is_far(town):
    return not (await town.bench.state())["is_relay_near"]


def stage_of(town, order):
    rows = town.ask(town.journal, "select stage from parcels where parcel_id = ?", order.parcel_id())
    return rows[0]["stage"] if rows else None
