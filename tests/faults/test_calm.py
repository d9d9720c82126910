"""Control: with nothing broken, one order ends and everything agrees."""

import time

import pytest

from tests.faults.one_order import OneOrder, judge

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_order_in_calm_weather(town):
    began = time.monotonic()
    order = OneOrder(town)
    await order.place()
    end = await order.finish()
    print("order took", time.monotonic() - began)
    await order.settle()
    print("settled", time.monotonic() - began)
    assert end == "released"
    judge(town, order, end)
