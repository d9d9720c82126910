"""The labelling robot on its simulator: the label goes where it should, and every way in which it may not."""

import asyncio

import pytest
from PIL import Image, ImageDraw

from drivers.base import AttendantNeededError, Condition, DeviceOfflineError, OutcomeUnknownError
from drivers.label_printer import escpos
from drivers.labeller import LabelPlace
from drivers.labeller.grbl import DRIVER, GrblOptions
from tests.drivers.patience import PATIENT_S, hurry


def make(shop, **more) -> DRIVER:
    patience = {"timeout_s": PATIENT_S, "motion_s": 3 * PATIENT_S}
    return DRIVER(GrblOptions(address=shop.ports["labeller"], press_mm_per_min=6000.0, **{**patience, **more}))


@pytest.fixture
async def robot(shop):
    """A homed robot, a parcel on the bench, no label anywhere."""
    clear(shop)
    driver = make(shop)
    await driver.open()
    await driver.home()
    if shop.world()["parcel"] is None:
        shop.hands("pack")
    yield shop, driver
    await driver.close()
    shop.mend()


def clear(shop) -> None:
    """Take every label off mouth, cup, parcel and floor."""
    for place in ("mouth", "parcel", "bench", "cup"):
        while shop.control.post("/hands", json={"act": "peel_label", "from": place}).is_success:
            pass


async def print_label(shop) -> None:
    printer = escpos.DRIVER(
        escpos.EscposOptions(address=shop.ports["printer"], width_mm=100.0, length_mm=40.0, timeout_s=PATIENT_S)
    )
    await printer.open()
    image = Image.new("L", (800, 320), 255)
    ImageDraw.Draw(image).rectangle((50, 50, 700, 250), fill=0)
    await printer.print_label(image)
    await printer.close()


def last_label(shop) -> dict:
    return shop.world()["labels"][-1]


def machine(shop) -> dict:
    return shop.world()["machines"]["labeller"]


async def test_the_label_goes_onto_the_parcel(robot):
    shop, driver = robot
    await print_label(shop)
    await driver.apply()
    assert last_label(shop)["where"] == "parcel"
    assert last_label(shop)["applied_at"]
    assert machine(shop)["at"] == [0, 0, 0]
    assert (await driver.status()).condition == Condition.ONLINE


async def test_a_place_given_by_the_bench(robot):
    shop, driver = robot
    await print_label(shop)
    await driver.apply(LabelPlace(x_mm=330, y_mm=190, z_mm=-100))
    assert last_label(shop)["where"] == "parcel"


async def test_no_label_at_the_mouth_is_found_out_before_the_parcel(robot):
    shop, driver = robot
    with pytest.raises(OutcomeUnknownError) as caught:
        await driver.apply()
    assert caught.value.reason == "label_not_picked"
    assert machine(shop)["at"] == [0, 0, 0]
    assert (await driver.status()).condition == Condition.ONLINE


async def test_a_label_lost_on_the_way_is_found_out_before_pressing(robot):
    shop, driver = robot
    await print_label(shop)
    shop.fault("labeller", "lose_label")
    with pytest.raises(OutcomeUnknownError) as caught:
        await driver.apply()
    assert caught.value.reason == "label_lost"
    assert last_label(shop)["where"] == "floor"
    assert not last_label(shop)["applied_at"]


@pytest.mark.parametrize("place", [{"x_mm": 700}, {"y_mm": -1}, {"z_mm": -300}, {"z_mm": 5}, {"x_mm": float("nan")}])
async def test_a_place_out_of_reach_moves_nothing(robot, place):
    shop, driver = robot
    with pytest.raises(AttendantNeededError) as caught:
        await driver.apply(LabelPlace(**{"x_mm": 360.0, "y_mm": 200.0, "z_mm": -100.0, **place}))
    assert caught.value.reason == "out_of_reach"
    assert machine(shop)["at"] == [0, 0, 0]


async def test_a_robot_with_three_axes_turns_no_label(robot):
    with pytest.raises(AttendantNeededError) as caught:
        await robot[1].apply(LabelPlace(x_mm=360, y_mm=200, z_mm=-100, angle_deg=90))
    assert caught.value.reason == "out_of_reach"


async def under_way(shop, eventually) -> None:
    """Wait until the robot is between its places."""
    await eventually(lambda: machine(shop)["state"] == "Run" and machine(shop)["at"] != [0, 0, 0])


async def begin(shop, driver, eventually) -> asyncio.Task:
    task = asyncio.create_task(driver.apply())
    await under_way(shop, eventually)
    return task


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("emergency_stop", "emergency_stop"), ("alarm", "alarm"), ("silent", "silent"), ("unplugged", "hang_up")],
)
async def test_trouble_under_way_is_an_unknown_outcome(robot, eventually, fault, reason):
    shop, driver = robot
    await print_label(shop)
    task = await begin(shop, driver, eventually)
    shop.fault("labeller", fault)
    hurry(driver, 2.0)
    with pytest.raises(OutcomeUnknownError) as caught:
        await task
    assert caught.value.reason == reason


async def test_an_emergency_stop_latches_until_a_person_releases_it(robot, eventually):
    shop, driver = robot
    task = await begin(shop, driver, eventually)
    shop.fault("labeller", "emergency_stop")
    with pytest.raises(OutcomeUnknownError):
        await task
    stood = machine(shop)["at"]
    with pytest.raises(AttendantNeededError) as caught:
        await driver.home()
    assert caught.value.reason == "emergency_stop"
    with pytest.raises(AttendantNeededError) as caught:
        await driver.apply()
    assert caught.value.reason == "emergency_stop"
    assert machine(shop)["at"] == stood
    shop.hands("release_stop")
    await driver.home()
    assert machine(shop)["at"] == [0, 0, 0]


async def test_hold_stops_at_once_and_keeps_the_position(robot, eventually):
    shop, driver = robot
    task = await begin(shop, driver, eventually)
    await driver.hold()
    with pytest.raises(OutcomeUnknownError) as caught:
        await task
    assert caught.value.reason == "on_hold"
    status = await driver.status()
    assert (status.condition, status.reason) == (Condition.NEEDS_ATTENDANT, "on_hold")
    stood = machine(shop)["at"]
    await driver.close()
    again = make(shop, timeout_s=2.0)  # a robot on hold takes no line, which opening waits for
    await again.open()
    hurry(again, PATIENT_S)
    assert machine(shop)["at"] == stood
    with pytest.raises(AttendantNeededError):
        await again.apply()
    await again.home()
    assert machine(shop)["at"] == [0, 0, 0]
    await again.close()


async def test_a_cancelled_labelling_is_held(robot, eventually):
    shop, driver = robot
    task = await begin(shop, driver, eventually)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: machine(shop)["state"].startswith("Hold"))
    await driver.home()
    assert machine(shop)["at"] == [0, 0, 0]


async def test_opening_moves_nothing_and_holds_what_moves(robot, eventually):
    """The daemon died under way: the robot does not know it and goes on until somebody opens it again."""
    shop, driver = robot
    task = await begin(shop, driver, eventually)
    pipe = driver._link.pipe
    await pipe.close()
    with pytest.raises(OutcomeUnknownError):
        await task
    again = make(shop)
    await again.open()
    await eventually(lambda: machine(shop)["state"] in ("Idle", "Hold:0"))
    stood = machine(shop)["at"]
    await asyncio.sleep(0.2)
    assert machine(shop)["at"] == stood
    await again.close()


@pytest.mark.parametrize("count", [1, 8, 20, 60, 100, 120])
async def test_the_line_goes_at_byte(robot, count):
    """Until the first move is sent nothing moved; from then on the outcome is unknown, and no line is sent twice."""
    shop, driver = robot
    await print_label(shop)
    shop.fault("labeller", "hang_up", after=count)
    with pytest.raises(OutcomeUnknownError if count > 10 else DeviceOfflineError):
        await driver.apply()
    picked = shop.events("labeller").count("label_picked")
    await asyncio.sleep(0.3)
    assert shop.events("labeller").count("label_picked") == picked


async def test_a_stuck_label_must_be_taken_off_first(robot, eventually):
    shop, driver = robot
    await print_label(shop)
    task = asyncio.create_task(driver.apply())
    await eventually(lambda: last_label(shop)["where"] == "cup")
    await driver.hold()
    with pytest.raises(OutcomeUnknownError):
        await task
    with pytest.raises(AttendantNeededError) as caught:
        await driver.home()
    assert caught.value.reason == "cup_not_empty"
    shop.hands("peel_label", **{"from": "cup"})
    await driver.home()
    assert last_label(shop)["destroyed_at"]


async def test_slow_answers_and_noise(robot):
    shop, driver = robot
    shop.fault("labeller", "slow", seconds=0.2)
    assert (await driver.status()).condition == Condition.ONLINE
    shop.mend()
    shop.fault("labeller", "garbage")
    hurry(driver)
    with pytest.raises(DeviceOfflineError):
        await driver.status()
