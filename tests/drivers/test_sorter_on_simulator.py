"""The sorting machine on its simulator: one job carries once, whatever the line and the machine do."""

import asyncio
import itertools

import pytest

from drivers.base import AttendantNeededError, BadOptionsError, Condition, DeviceOfflineError, OutcomeUnknownError
from drivers.sorter import CarryJob, Location, parse_location
from drivers.sorter.modbus import DRIVER, ModbusOptions, encode_job
from tests.drivers.patience import PATIENT_S

numbers = itertools.count(1)
CUP, SAUCER, EMPTY = Location(1, 2, 3), Location(1, 2, 4), Location(4, 5, 20)


def make(shop, **more) -> DRIVER:
    return DRIVER(
        ModbusOptions(
            address=shop.ports["sorter"],
            places=("bench", "pickup"),
            **{"timeout_s": PATIENT_S, "idle_s": PATIENT_S, "work_s": 3 * PATIENT_S, **more},
        )
    )


HASTY = {"timeout_s": 2.0, "idle_s": 3.0}
"""For what is never answered: long enough for all that is answered before it."""

answers_get_lost = pytest.mark.parametrize("sorter", [HASTY], indirect=True)


@pytest.fixture
async def sorter(shop, eventually, request):
    shop.hands("carry", piece="cup", to="spot")
    driver = make(shop, **getattr(request, "param", {}))
    await driver.open()
    yield shop, driver
    await driver.close()
    shop.mend()
    await eventually(lambda: is_settled(shop))
    shop.hands("carry", piece="cup", to="spot")


def is_settled(shop) -> bool:
    """Whether the machine has ended what it was doing."""
    return not shop.world()["machines"]["sorter"]["registers"][5]


def job(location: Location = CUP, place: str = "pickup") -> CarryJob:
    return CarryJob(job_no=next(numbers), location=location, place=place)


def count(shop, event: str, job_no: int) -> int:
    truth = shop.control.get("/truth", params={"last": "100000"}).json()
    return len(
        [line for line in truth if (line["device"], line["event"], line.get("job")) == ("sorter", event, job_no)]
    )


async def test_a_thing_is_carried_once_however_often_it_is_asked_for(sorter):
    shop, driver = sorter
    one = job()
    await driver.carry(one)
    await driver.carry(one)
    assert await driver.last_carried() == one.job_no
    assert count(shop, "job_started", one.job_no) == count(shop, "carried", one.job_no) == 1
    assert next(piece["at"] for piece in shop.world()["pieces"] if piece["id"] == "cup") == "pickup"
    assert (await driver.status()).condition == Condition.ONLINE


async def test_an_empty_location_and_a_taken_place_say_so_and_move_nothing(sorter):
    shop, driver = sorter
    nothing = job(EMPTY)
    with pytest.raises(AttendantNeededError) as caught:
        await driver.carry(nothing)
    assert caught.value.reason == "nothing_there"
    assert await driver.last_carried() == 0
    await driver.carry(job())
    taken = job(SAUCER)
    with pytest.raises(AttendantNeededError) as caught:
        await driver.carry(taken)
    assert caught.value.reason == "place_taken"
    assert count(shop, "carried", nothing.job_no) + count(shop, "carried", taken.job_no) == 0
    shop.hands("carry", piece="cup", to="spot")
    await driver.carry(job(SAUCER))
    shop.hands("carry", piece="saucer", to="spot")


async def test_a_location_out_of_its_reach_starts_nothing(sorter):
    shop, driver = sorter
    far = job(Location(9, 1, 1))
    with pytest.raises(AttendantNeededError) as caught:
        await driver.carry(far)
    assert caught.value.reason == "no_such_location"
    assert count(shop, "job_started", far.job_no) == 0


@pytest.mark.parametrize("fault", ["door_open", "emergency_stop"])
async def test_a_machine_that_needs_a_person_starts_nothing(sorter, fault):
    shop, driver = sorter
    shop.fault("sorter", fault)
    status = await driver.status()
    assert (status.condition, status.reason) == (Condition.NEEDS_ATTENDANT, fault)
    one = job()
    with pytest.raises(AttendantNeededError) as caught:
        await driver.carry(one)
    assert caught.value.reason == fault
    assert count(shop, "job_started", one.job_no) == 0


@pytest.mark.parametrize("fault", ["jam", "emergency_stop"])
async def test_a_job_that_is_interrupted_goes_on_and_is_never_started_again(sorter, eventually, fault):
    shop, driver = sorter
    one = job()
    if fault == "jam":
        shop.fault("sorter", "jam")
    task = asyncio.create_task(driver.carry(one))
    await eventually(lambda: count(shop, "job_started", one.job_no))
    if fault != "jam":
        shop.fault("sorter", fault)
    with pytest.raises(AttendantNeededError) as caught:
        await task
    assert caught.value.reason == fault
    shop.mend()
    await driver.carry(one)
    assert count(shop, "job_started", one.job_no) == count(shop, "carried", one.job_no) == 1


@answers_get_lost
@pytest.mark.parametrize("after", range(0, 12, 3))
async def test_one_lost_reply_at_any_point_never_carries_twice(sorter, eventually, after):
    shop, driver = sorter
    one = job()
    shop.fault("sorter", "drop_reply", after=after)
    try:
        await driver.carry(one)
    except DeviceOfflineError:
        assert count(shop, "carried", one.job_no) == 0
    except OutcomeUnknownError:
        assert count(shop, "job_started", one.job_no) == 1
    await eventually(lambda: is_settled(shop))
    again = make(shop)
    await again.open()
    assert (await again.last_carried() == one.job_no) == (count(shop, "carried", one.job_no) == 1)
    await again.carry(one)
    assert count(shop, "carried", one.job_no) == 1
    await again.close()


@answers_get_lost
@pytest.mark.parametrize("bytes_sent", [1, 40, 75])
async def test_the_line_goes_at_byte(sorter, eventually, bytes_sent):
    shop, driver = sorter
    one = job()
    shop.fault("sorter", "hang_up", after=bytes_sent)
    try:
        await driver.carry(one)
    except (DeviceOfflineError, OutcomeUnknownError):
        assert count(shop, "job_started", one.job_no) <= 1
    await eventually(lambda: is_settled(shop))
    again = make(shop)
    await again.open()
    await again.carry(one)
    assert count(shop, "carried", one.job_no) == 1
    await again.close()


@answers_get_lost
@pytest.mark.parametrize("fault", ["silent", "unplugged"])
async def test_a_machine_that_says_nothing_is_offline(sorter, fault):
    shop, driver = sorter
    one = job()
    shop.fault("sorter", fault)
    with pytest.raises(DeviceOfflineError):
        await driver.carry(one)
    assert count(shop, "job_started", one.job_no) == 0


async def test_registers_that_do_not_exist_are_the_technicians_affair(shop):
    driver = make(shop, done_register=500, state_register=501)
    with pytest.raises(BadOptionsError) as caught:
        await driver.open()
    assert caught.value.reason == "settings"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (CarryJob(job_no=0, location=CUP), "16-bit"),
        (CarryJob(job_no=65536, location=CUP), "16-bit"),
        (CarryJob(job_no=1, location=CUP, place="moon"), "places"),
    ],
)
def test_a_job_that_fits_no_register_is_a_bug(wrong, words):
    with pytest.raises(ValueError, match=words):
        encode_job(wrong, ("bench", "pickup"))


@pytest.mark.parametrize("wrong", [{"unit": 256}, {"go_register": 4}, {"result_register": 11}, {"places": ()}])
def test_wrong_options(wrong):
    with pytest.raises(ValueError, match=r"unit|register|places"):
        ModbusOptions(address="tcp://127.0.0.1:502", **wrong)


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("A-1-2", Location(1, 1, 2)),
        (" c-03-12 ", Location(3, 3, 12)),
        ("27-1-1", Location(27, 1, 1)),
        ("A-0-2", None),
        ("window, place 1", None),
        ("A-1", None),
        ("AA-1-1", None),
        ("", None),
    ],
)
def test_a_location_is_aisle_shelf_bin(text, location):
    assert parse_location(text) == location
    assert location is None or parse_location(str(location)) == location
