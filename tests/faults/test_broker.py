"""The broker is only a wire: killed with its store deleted in mid-order, nothing that was promised is lost."""

import asyncio
import os
import shutil
import signal

import pytest

from tests.faults.one_order import OneOrder, judge
from tests.faults.sweep import is_back
from tests.faults.town import BROKER

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


async def lose_broker(town):
    """kill -9 the broker and throw its store away before it starts again."""
    process = town.program(BROKER).process
    store = town.mall.relay_folder / "mosquitto" / "store"
    assert store.is_dir(), "the broker keeps its store elsewhere"
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    shutil.rmtree(store)
    store.mkdir(mode=0o700)


@pytest.mark.timeout(400)
async def test_paid_and_the_broker_dies_before_the_shop_has_heard_of_it(town):
    order = OneOrder(town)
    town.cut()
    await order.place()
    await order.becomes("paid")
    await asyncio.sleep(1)  # the command lies in the broker, for a shop that hears nothing
    known = town.ask(town.journal, "select parcel_id from parcels where parcel_id = ?", order.parcel_id())
    assert known == [], "the shop knew of it already: nothing would be shown"
    await lose_broker(town)
    await is_back(town, BROKER)
    town.heal()
    end = await order.finish()
    await order.settle()
    assert end == "released"
    judge(town, order, end)


@pytest.mark.timeout(400)
async def test_the_broker_dies_while_the_shop_is_at_work(town):
    order = OneOrder(town)
    before = len(town.labels())
    await order.place()
    while len(town.labels()) == before:
        await order._pause("label at the printer")
    await lose_broker(town)
    end = await order.finish()
    await order.settle()
    assert end == "released"
    judge(town, order, end)
