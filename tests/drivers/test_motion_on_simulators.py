"""Head and turntable on their simulators: where they stand, that they stop, and every fault of the line."""

import asyncio
import contextlib
import math

import pytest

from drivers.base import AttendantNeededError, Condition, DeviceOfflineError
from drivers.pan_tilt import HeadPosition, visca
from drivers.turntable import gcode
from tests.drivers.patience import PATIENT_S, hurry


@pytest.fixture
async def head(shop):
    driver = visca.DRIVER(
        visca.ViscaOptions(
            address=shop.ports["head"], pan_min_deg=-20.0, pan_max_deg=20.0, zoom_max=10.0, timeout_s=PATIENT_S
        )
    )
    await driver.open()
    yield shop, driver
    await driver.close()


@pytest.fixture
async def table(shop):
    driver = gcode.DRIVER(
        gcode.GcodeOptions(address=shop.ports["turntable"], fastest_deg_per_s=90.0, timeout_s=PATIENT_S)
    )
    await driver.open()
    yield shop, driver
    await driver.close()


def head_of(shop) -> dict:
    return shop.world()["heads"]["head"]


def table_of(shop) -> dict:
    return shop.world()["turntables"]["turntable"]


async def steer(driver) -> None:
    """Move and look: one of the two meets the fault."""
    if isinstance(driver, visca.DRIVER):
        await driver.move(0.5, 0, 0)
        await driver.position()
    else:
        await driver.turn(0.5)
        await driver.angle_deg()


async def test_a_head_goes_where_it_is_told(head, eventually):
    shop, driver = head
    await driver.go_to(HeadPosition(pan_deg=12, tilt_deg=-7, zoom=4.5))
    await eventually(lambda: not head_of(shop)["moving"])
    true = head_of(shop)
    assert (true["pan_deg"], true["tilt_deg"]) == pytest.approx((12, -7), abs=0.08)
    assert true["zoom"] == pytest.approx(4.5, abs=0.05)
    said = await driver.position()
    assert (said.pan_deg, said.tilt_deg, said.zoom) == pytest.approx((12, -7, 4.5), abs=0.08)


async def test_a_head_stays_inside_its_limits(head, eventually):
    shop, driver = head
    await driver.go_to(HeadPosition(pan_deg=90, tilt_deg=0, zoom=18))
    await eventually(lambda: not head_of(shop)["moving"])
    assert head_of(shop)["pan_deg"] == pytest.approx(20, abs=0.08)
    assert head_of(shop)["zoom"] == pytest.approx(10, abs=0.05)


async def test_steering_moves_and_stop_stops(head, eventually):
    shop, driver = head
    await driver.go_to(HeadPosition(pan_deg=-15, tilt_deg=0, zoom=1))
    await eventually(lambda: not head_of(shop)["moving"])
    await driver.move(0.4, 0.3, 0.5)
    await eventually(lambda: head_of(shop)["pan_deg"] > -13 and head_of(shop)["zoom"] > 1.2)
    await driver.stop()
    stood = head_of(shop)
    assert not stood["moving"]
    await driver.move(-0.4, 0, 0)
    await eventually(lambda: head_of(shop)["pan_deg"] < stood["pan_deg"])
    await driver.move(0, 0, 0)
    assert not head_of(shop)["moving"]


async def test_stop_also_ends_the_way_to_a_position(head):
    shop, driver = head
    await driver.go_to(HeadPosition(pan_deg=-20, tilt_deg=-10, zoom=1))
    await driver.go_to(HeadPosition(pan_deg=20, tilt_deg=10, zoom=10))
    assert head_of(shop)["moving"]
    await driver.stop()
    assert not head_of(shop)["moving"]


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.01, 0.03])
async def test_a_question_that_was_given_up_spoils_nothing_that_is_told_or_asked_after(head, eventually, after_s):
    """Its answer comes late, into the middle of the next exchange or before it."""
    shop, driver = head
    for pan_deg in (12, -12):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(after_s):
                await driver.position()
        await driver.go_to(HeadPosition(pan_deg=pan_deg, tilt_deg=0, zoom=2))
        await eventually(lambda: not head_of(shop)["moving"])
        assert head_of(shop)["pan_deg"] == pytest.approx(pan_deg, abs=0.08)
        assert (await driver.position()).pan_deg == pytest.approx(pan_deg, abs=0.08)


async def test_closing_and_opening_stop_a_head(head):
    shop, driver = head
    await driver.move(0.1, 0, 0.1)
    await driver.close()
    assert not head_of(shop)["moving"]


async def test_a_daemon_that_died_is_stopped_by_the_next_opening(head):
    shop, driver = head
    await driver.go_to(HeadPosition(pan_deg=-20, tilt_deg=0, zoom=1))
    await driver.move(0.1, 0, 0)
    await driver._pipe.close()
    again = visca.DRIVER(visca.ViscaOptions(address=shop.ports["head"], timeout_s=PATIENT_S))
    await again.open()
    assert not head_of(shop)["moving"]
    await again.close()


@pytest.mark.parametrize("fault", ["silent", "garbage", "unplugged", "hang_up"])
async def test_a_head_that_is_not_there_is_offline(head, fault):
    shop, driver = head
    shop.fault("head", fault)
    hurry(driver)
    with pytest.raises(DeviceOfflineError):
        await steer(driver)


async def test_a_table_goes_the_shorter_way(table, eventually):
    shop, driver = table
    for angle in (350, 20, 200):
        began = table_of(shop)["angle_deg"]
        await driver.turn_to(angle)
        seen = [began]
        while table_of(shop)["moving"]:
            seen.append(table_of(shop)["angle_deg"])
        assert (await driver.angle_deg()) == pytest.approx(angle, abs=0.01)
        way = sum(abs(math.remainder(b - a, 360)) for a, b in zip(seen, [*seen[1:], angle], strict=True))
        assert way <= 181


async def test_a_table_turns_either_way_and_stops(table, eventually):
    shop, driver = table
    await driver.turn_to(100)
    await eventually(lambda: not table_of(shop)["moving"])
    await driver.turn(0.5)
    assert (await driver.status()).condition == Condition.BUSY
    await eventually(lambda: 110 < table_of(shop)["angle_deg"] < 200)
    await driver.turn(-1.0)
    await eventually(lambda: table_of(shop)["angle_deg"] < 105)
    await driver.stop()
    assert not table_of(shop)["moving"]
    assert (await driver.status()).condition == Condition.ONLINE
    assert (await driver.angle_deg()) == pytest.approx(table_of(shop)["angle_deg"], abs=0.01)


async def test_steering_goes_on_when_one_bounded_turn_has_ended(table, eventually, monkeypatch):
    shop, driver = table
    monkeypatch.setattr(gcode, "LONGEST_TURN_DEG", 10.0)
    for _ in range(3):
        began = table_of(shop)["angle_deg"]
        await driver.turn(1.0)
        await eventually(lambda: not table_of(shop)["moving"])
        assert math.remainder(table_of(shop)["angle_deg"] - began, 360) == pytest.approx(10, abs=0.1)


async def test_a_table_left_turning_is_stopped_by_the_next_opening(table):
    shop, driver = table
    await driver.turn(0.5)
    await driver._link.pipe.close()
    assert table_of(shop)["moving"]
    again = gcode.DRIVER(gcode.GcodeOptions(address=shop.ports["turntable"], timeout_s=PATIENT_S))
    await again.open()
    assert not table_of(shop)["moving"]
    await again.close()


async def test_closing_stops_a_table(table):
    shop, driver = table
    await driver.turn(0.5)
    await driver.close()
    assert not table_of(shop)["moving"]


async def test_a_half_written_line_is_never_joined_to_the_next(table):
    shop, driver = table
    before = table_of(shop)["angle_deg"]
    await driver._link.pipe.write(b"G0X9", 1)
    await driver._link.pipe.close()
    again = gcode.DRIVER(gcode.GcodeOptions(address=shop.ports["turntable"], timeout_s=PATIENT_S))
    await again.open()
    assert not table_of(shop)["moving"]
    assert table_of(shop)["angle_deg"] == before
    await again.turn_to(30)
    await again.close()


@pytest.mark.parametrize("fault", ["silent", "garbage", "unplugged", "hang_up"])
async def test_a_table_that_is_not_there_is_offline(table, fault):
    shop, driver = table
    shop.fault("turntable", fault)
    hurry(driver)
    with pytest.raises(DeviceOfflineError):
        await steer(driver)


async def test_an_alarm_needs_the_attendant(table):
    shop, driver = table
    shop.fault("turntable", "alarm")
    with pytest.raises(AttendantNeededError) as caught:
        await asyncio.wait_for(driver.turn(0.5), PATIENT_S)
    assert caught.value.reason == "alarm"
    assert (await driver.status()).reason == "alarm"
    await driver._link.pipe.write(b"$X\n", 1)  # the person's part, at the controller
