"""A device's host: one holder at a time, opened again after it was lost, health told when it changes and only then."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from drivers.base import (
    AttendantNeededError,
    Condition,
    DeviceOfflineError,
    DeviceStatus,
    Driver,
    OutcomeUnknownError,
)
from edge.device_host import DeviceHandle, DeviceHost
from wire.reports import CameraState, DeviceState, Health


@dataclass
class World:
    """What the fake device does, and what was done to it."""

    is_reachable: bool = True
    condition: Condition = Condition.ONLINE
    reason: str = ""
    opened: int = 0
    closed: int = 0
    asked: int = 0
    bug: Exception | None = None
    states: list[DeviceState] = field(default_factory=list)


class FakeDriver(Driver):
    """A device in memory that obeys a World."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.is_open = False

    async def open(self) -> None:
        if not self.world.is_reachable:
            raise DeviceOfflineError("fake: nobody there", "unplugged")
        self.world.opened += 1
        self.is_open = True

    async def close(self) -> None:
        self.world.closed += self.is_open
        self.is_open = False

    async def status(self) -> DeviceStatus:
        self.world.asked += 1
        if self.world.bug:
            raise self.world.bug
        if not self.world.is_reachable:
            raise DeviceOfflineError("fake: went away", "unplugged")
        return DeviceStatus(condition=self.world.condition, reason=self.world.reason)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STATUS_S", "STATUS_S_URGENT", "RETRY_S_FIRST", "RETRY_S_MAX"):
        monkeypatch.setattr(f"edge.device_host.{name}", 0.02)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def host(world: World) -> AsyncIterator[DeviceHost]:
    made = DeviceHost(lambda: datetime.now(UTC))
    made.add("printer", "label_printer", "fake", lambda: FakeDriver(world))
    made.listen(world.states.append)
    tasks = [asyncio.create_task(handle.run()) for handle in made.runs()]
    yield made
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, RuntimeError):
            await task
    await made.close()


def healths(world: World) -> list[tuple[str, str]]:
    return [(state.health.value, state.reason) for state in world.states]


async def test_a_device_that_comes_late_is_found_and_told_once(host, world, eventually):
    world.is_reachable = False
    await eventually(lambda: healths(world)[-1:] == [("offline", "unplugged")])
    world.is_reachable = True
    await eventually(lambda: healths(world)[-1:] == [("online", "")])
    await eventually(lambda: world.asked > 10, what="many more questions")
    assert healths(world)[-2:] == [("offline", "unplugged"), ("online", "")], "no repeat of what is known"
    assert world.states[-2].text.zh and world.states[-2].text.en, "the sentence for the person who must act"


async def test_a_lost_device_is_closed_and_opened_by_a_new_driver(host, world, eventually):
    handle = host.handles["printer"]
    await eventually(lambda: handle.generation == 1)
    world.is_reachable = False
    await eventually(lambda: handle.finding.health is Health.OFFLINE)
    assert world.closed == 1
    world.is_reachable = True
    await eventually(lambda: handle.generation == 2)


async def test_paper_out_shows_and_goes(host, world, eventually):
    world.condition, world.reason = Condition.NEEDS_ATTENDANT, "paper_out"
    await eventually(lambda: healths(world)[-1:] == [("needs_attendant", "paper_out")])
    world.condition, world.reason = Condition.ONLINE, ""
    await eventually(lambda: healths(world)[-1:] == [("online", "")])
    assert world.opened == 1, "the device stayed open all the time"


async def test_only_one_holds_a_device_and_nobody_asks_it_meanwhile(host, world, eventually):
    handle = host.handles["printer"]
    await eventually(lambda: world.asked > 0)
    holders, most = 0, 0

    async def work() -> None:
        nonlocal holders, most
        async with handle.use() as driver:
            assert driver.is_open
            holders += 1
            most = max(most, holders)
            asked = world.asked
            await asyncio.sleep(0.05)
            assert world.asked == asked
            holders -= 1

    await asyncio.gather(*(work() for _ in range(4)))
    assert most == 1


async def test_what_a_holder_meets_becomes_the_devices_health(host, world, eventually):
    handle = host.handles["printer"]
    await eventually(lambda: handle.generation == 1)
    world.condition, world.reason = Condition.NEEDS_ATTENDANT, "cover_open"
    with pytest.raises(AttendantNeededError):
        async with handle.use():
            raise AttendantNeededError("open", "cover_open")
    assert handle.finding.reason == "cover_open"
    world.condition, world.reason = Condition.ONLINE, ""
    with pytest.raises(OutcomeUnknownError):
        async with handle.use():
            raise OutcomeUnknownError("silent", "silent")
    assert handle.finding.health is Health.UNKNOWN
    await eventually(lambda: handle.finding.health is Health.ONLINE)
    with pytest.raises(DeviceOfflineError):
        async with handle.use():
            raise DeviceOfflineError("hung up", "hang_up")
    await eventually(lambda: handle.generation == 2, what="a new driver after the loss")


async def test_using_a_device_that_is_away_says_so_at_once(host, world, eventually):
    world.is_reachable = False
    handle = host.handles["printer"]
    await eventually(lambda: handle.finding.health is Health.OFFLINE)
    with pytest.raises(DeviceOfflineError, match="nobody there"):
        async with handle.use():
            pytest.fail("it can't be held")


async def test_a_bug_in_a_driver_is_not_swallowed(world):
    world.bug = RuntimeError("bug")
    handle = DeviceHandle("printer", "label_printer", "fake", lambda: FakeDriver(world))
    with pytest.raises(RuntimeError, match="bug"):
        await handle.run()
    await handle.close()


async def test_who_is_at_a_camera_travels_in_its_state(host, world, eventually):
    await eventually(lambda: healths(world)[-1:] == [("online", "")])
    host.set_camera("printer", CameraState(can_view=True, session_id="ses_1", turn_no=3))
    host.set_camera("printer", CameraState(can_view=True, session_id="ses_1", turn_no=3))
    assert [state.camera.turn_no for state in world.states if state.camera] == [3]


async def test_a_device_done_by_hand_is_never_opened(world):
    host = DeviceHost(lambda: datetime.now(UTC))
    host.add("packer", "packer", "none", lambda: FakeDriver(world), by_hand=True)
    assert host.runs() == []
    assert host.state("packer").reason == "by_hand" and host.state("packer").health is Health.ONLINE
    await host.close()
    assert world.opened == 0
