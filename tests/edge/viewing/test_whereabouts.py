"""Where head and table stand is asked once for all who want to know, and anew when it is old or failed."""

import asyncio

import pytest

from drivers.base import DeviceOfflineError
from edge.device_host import DeviceHandle
from edge.viewing.whereabouts import FRESH_S, Whereabouts
from tests.edge.viewing.conftest import Head, Table


class CountingHead(Head):
    def __init__(self):
        super().__init__()
        self.asked, self.is_lost = 0, False

    async def position(self):
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_lost:
            raise DeviceOfflineError("head: silent", "silent")
        return await super().position()


async def test_a_hundred_rulers_are_one_question_to_the_head():
    head, now_s = CountingHead(), [100.0]
    where = Whereabouts(
        DeviceHandle("head", "pan_tilt", "test", lambda: head),
        DeviceHandle("table", "turntable", "test", Table),
        lambda: now_s[0],
    )
    found = await asyncio.gather(*(where.read() for _ in range(100)))
    assert head.asked == 1
    assert {one.zoom for one in found} == {1.0}
    await where.read()
    assert head.asked == 1
    now_s[0] += FRESH_S
    await where.read()
    assert head.asked == 2


async def test_a_lost_head_is_told_and_asked_again():
    head, now_s = CountingHead(), [100.0]
    head.is_lost = True
    where = Whereabouts(DeviceHandle("head", "pan_tilt", "test", lambda: head), None, lambda: now_s[0])
    with pytest.raises(DeviceOfflineError):
        await where.read()
    head.is_lost = False
    now_s[0] += FRESH_S
    assert (await where.read()).zoom == 1.0


async def test_a_fixed_camera_has_zoom_one():
    assert (await Whereabouts(None, None, lambda: 0.0).read()).zoom == 1.0
