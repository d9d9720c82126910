"""One wish replaces another whole, questions give way, and the dead-man holds what has not begun yet."""

import asyncio
import time

import pytest

from drivers.base import DeviceOfflineError
from edge.viewing import steering
from edge.viewing.steering import Centre, Motion, Steerer
from tests.edge.viewing.conftest import Head, Table
from tests.edge.viewing.test_steering import handle, names
from wire.plan import Position


@pytest.fixture
async def head():
    return Head()


@pytest.fixture
async def table():
    return Table()


@pytest.fixture
async def two(head, table):
    """A head and a table at one place."""
    steerer = Steerer(handle("head", head), handle("table", table), time.monotonic)
    task = asyncio.create_task(steerer.run())
    yield steerer
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_is_nothing_for_an_axis_stops_it(two, head, table, eventually):
    """A tap while all turns: the head looks there, the table stands. A head that cannot look there stands too."""

    def beaten(condition):
        """What comes of it while the beats go on: not by the dead-man."""
        return lambda: two.beat() or condition()

    two.steer(Motion(pan=0.5, turn=1.0))
    await eventually(beaten(lambda: head.is_moving and table.speed))
    two.steer(Centre(0.5, 0.0))
    await eventually(beaten(lambda: "go_to" in names(head) and not table.speed), timeout_s=10)
    head.sees_deg = None
    two.steer(Motion(pan=0.5, turn=1.0))
    await eventually(beaten(lambda: head.is_moving and table.speed))
    two.steer(Centre(0.5, 0.0))
    await eventually(beaten(lambda: not head.is_moving and not table.speed), timeout_s=10)
    assert names(head).count("go_to") == 1
    assert two.dead_man_stops == 0


async def test_the_dead_man_keeps_what_has_not_begun_yet(head, table, eventually, monkeypatch):
    """The table was held all the time that a way takes: it does not set out after its steerer has gone."""
    monkeypatch.setattr(steering, "GO_TO_S_MAX", 0.1)
    tables = handle("table", table)
    two = Steerer(handle("head", head), tables, time.monotonic)
    task = asyncio.create_task(two.run())
    await two.wait_still()
    async with tables.use():
        two.steer(Position(table_deg=90))
        await eventually(lambda: two.dead_man_stops == 1, timeout_s=10)
    await two.wait_still()
    assert table.calls == [("stop",), ("stop",)]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_way_that_has_ended_needs_no_dead_man(two, table, eventually, monkeypatch):
    monkeypatch.setattr(steering, "GO_TO_S_MAX", 0.1)
    await two.wait_still()
    two.steer(Position(table_deg=90))
    await eventually(lambda: ("turn_to", 90.0) in table.calls)
    await eventually(lambda: two._timer is None)
    assert two.dead_man_stops == 0


class Silence:
    """What a head does that answers no question: nothing, for ever. Counts how often it was asked."""

    def __init__(self):
        self.asked = 0

    async def __call__(self):
        self.asked += 1
        await asyncio.Event().wait()


async def test_a_question_gives_way_to_a_motion(two, head, eventually):
    await two.wait_still()
    head.position = silence = Silence()
    two.steer(Motion(zoom=1.0))
    await eventually(head.moves)
    two.stop()
    await eventually(lambda: silence.asked == 1)
    before = len(head.moves())
    two.steer(Motion(pan=0.5))
    await eventually(lambda: len(head.moves()) > before, timeout_s=10)


async def test_a_stop_waits_for_no_answer_to_where_a_tapped_point_lies(two, head, eventually):
    await two.wait_still()
    head.position = silence = Silence()
    two.steer(Motion(pan=0.5))
    await eventually(head.moves)
    two.steer(Centre(0.5, 0.0))
    await eventually(lambda: silence.asked == 1)
    two.stop()
    two.stop()
    await eventually(lambda: not head.is_moving, timeout_s=10)
    assert "go_to" not in names(head)


async def test_a_tap_is_given_up_for_a_newer_one(two, head, eventually):
    await two.wait_still()
    answers, head.position = head.position, Silence()
    two.steer(Centre(0.5, 0.0))
    await eventually(lambda: head.position.asked == 1)
    head.position = answers
    two.steer(Centre(-0.5, 0.0))
    await eventually(lambda: "go_to" in names(head), timeout_s=10)
    assert head.calls[-1][2].pan_deg < 0


async def test_a_head_that_did_not_answer_is_not_asked_at_each_stop(two, head, eventually, monkeypatch):
    await two.wait_still()
    asked = 0

    async def lost():
        nonlocal asked
        asked += 1
        raise DeviceOfflineError("head: silent", "silent")

    head.position = lost
    for number in range(1, 4):
        two.steer(Motion(zoom=1.0))
        await eventually(lambda number=number: len(head.moves()) >= number and head.is_moving)
        two.stop()
        await two.wait_still()
        await eventually(lambda: not two._axes[0]._handle.is_held)
    assert asked == 1
    monkeypatch.setattr(steering, "ASK_AGAIN_S", -1.0)
    two._axes[0]._ask_from_s = 0.0
    two.stop()
    await eventually(lambda: asked == 2)
