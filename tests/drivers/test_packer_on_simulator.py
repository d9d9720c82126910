"""The packing machine on its simulator: one job packs once, whatever the line and the machine do (RELIABILITY E16)."""

import asyncio
import itertools

import pytest

from drivers.base import AttendantNeededError, BadOptionsError, Condition, DeviceOfflineError, OutcomeUnknownError
from drivers.packer import PackJob
from drivers.packer.modbus import DRIVER, ModbusOptions, encode_job
from tests.drivers.patience import PATIENT_S

numbers = itertools.count(1)


def make(shop, **more) -> DRIVER:
    return DRIVER(
        ModbusOptions(
            address=shop.ports["packer"],
            **{"timeout_s": PATIENT_S, "idle_s": PATIENT_S, "work_s": 3 * PATIENT_S, **more},
        )
    )


HASTY = {"timeout_s": 2.0, "idle_s": 3.0}
"""For what is never answered: long enough for all that is answered before it."""

answers_get_lost = pytest.mark.parametrize("packer", [HASTY], indirect=True)


@pytest.fixture
async def packer(shop, eventually, request):
    driver = make(shop, **getattr(request, "param", {}))
    await driver.open()
    yield shop, driver
    await driver.close()
    shop.mend()
    await eventually(lambda: is_settled(shop))


def is_settled(shop) -> bool:
    """Whether the machine has ended what it was doing."""
    return not shop.world()["machines"]["packer"]["registers"][4]


def started(shop, job_no: int) -> int:
    truth = shop.control.get("/truth", params={"last": "100000"}).json()
    return len(
        [
            line
            for line in truth
            if (line["device"], line["event"], line.get("job")) == ("packer", "job_started", job_no)
        ]
    )


async def test_a_job_is_packed_once_however_often_it_is_asked_for(packer):
    shop, driver = packer
    job = PackJob(job_no=next(numbers))
    await driver.pack(job)
    await driver.pack(job)
    assert await driver.last_done() == job.job_no
    assert started(shop, job.job_no) == 1
    assert (await driver.status()).condition == Condition.ONLINE


@pytest.mark.parametrize("fault", ["film_out", "door_open", "emergency_stop"])
async def test_a_machine_that_needs_a_person_starts_nothing(packer, fault):
    shop, driver = packer
    shop.fault("packer", fault)
    status = await driver.status()
    assert (status.condition, status.reason) == (Condition.NEEDS_ATTENDANT, fault)
    job = PackJob(job_no=next(numbers))
    with pytest.raises(AttendantNeededError) as caught:
        await driver.pack(job)
    assert caught.value.reason == fault
    assert started(shop, job.job_no) == 0


@pytest.mark.parametrize("fault", ["jam", "film_out", "door_open", "emergency_stop"])
async def test_a_job_that_is_interrupted_goes_on_and_is_never_started_again(packer, eventually, fault):
    shop, driver = packer
    job = PackJob(job_no=next(numbers))
    if fault == "jam":
        shop.fault("packer", "jam")
    task = asyncio.create_task(driver.pack(job))
    await eventually(lambda: started(shop, job.job_no))
    if fault != "jam":
        shop.fault("packer", fault)
    with pytest.raises(AttendantNeededError) as caught:
        await task
    assert caught.value.reason == fault
    assert (await driver.status()).reason == fault
    waiting = asyncio.create_task(driver.pack(job))
    with pytest.raises(AttendantNeededError):
        await waiting
    shop.mend()
    await driver.pack(job)
    assert started(shop, job.job_no) == 1
    assert await driver.last_done() == job.job_no


@answers_get_lost
@pytest.mark.parametrize("after", range(12))
async def test_one_lost_reply_at_any_point_never_packs_twice(packer, eventually, after):
    shop, driver = packer
    job = PackJob(job_no=next(numbers))
    shop.fault("packer", "drop_reply", after=after)
    try:
        await driver.pack(job)
    except DeviceOfflineError:
        assert started(shop, job.job_no) == 0
    except OutcomeUnknownError:
        assert started(shop, job.job_no) == 1
    await eventually(lambda: is_settled(shop))
    again = make(shop)
    await again.open()
    done = await again.last_done()
    assert (done == job.job_no) == (started(shop, job.job_no) == 1)
    await again.pack(job)
    assert started(shop, job.job_no) == 1
    await again.close()


@answers_get_lost
async def test_a_lost_reply_to_go_is_read_back(packer, monkeypatch):
    """The write was carried out, its answer lost: the registers say so and the job ends well."""
    shop, driver = packer
    job = PackJob(job_no=next(numbers))
    write = driver._jobs._write_one

    async def write_and_lose(register: int, value: int) -> None:
        shop.fault("packer", "drop_reply")
        await write(register, value)

    monkeypatch.setattr(driver._jobs, "_write_one", write_and_lose)
    await driver.pack(job)
    assert started(shop, job.job_no) == 1


@answers_get_lost
@pytest.mark.parametrize("count", [1, 12, 40, 60, 75, 90])
async def test_the_line_goes_at_byte(packer, eventually, count):
    shop, driver = packer
    job = PackJob(job_no=next(numbers))
    shop.fault("packer", "hang_up", after=count)
    try:
        await driver.pack(job)
    except DeviceOfflineError:
        assert started(shop, job.job_no) == 0
    except OutcomeUnknownError:
        assert started(shop, job.job_no) <= 1
    else:  # only the answer to go was lost, and the registers told the rest
        assert started(shop, job.job_no) == 1
    await eventually(lambda: is_settled(shop))
    again = make(shop)
    await again.open()
    await again.pack(job)
    assert started(shop, job.job_no) == 1
    await again.close()


@answers_get_lost
@pytest.mark.parametrize("fault", ["silent", "garbage", "unplugged"])
async def test_a_machine_that_says_nothing_sensible_is_offline(packer, fault):
    shop, driver = packer
    job = PackJob(job_no=next(numbers))
    shop.fault("packer", fault)
    with pytest.raises(DeviceOfflineError):
        await driver.pack(job)
    assert started(shop, job.job_no) == 0
    with pytest.raises(DeviceOfflineError):
        await make(shop, **HASTY).open()


@answers_get_lost
async def test_silence_while_it_works_is_unknown_and_is_sensed_later(packer, eventually):
    shop, driver = packer
    job = PackJob(job_no=next(numbers))
    task = asyncio.create_task(driver.pack(job))
    await eventually(lambda: started(shop, job.job_no))
    shop.fault("packer", "silent")
    with pytest.raises(OutcomeUnknownError) as caught:
        await task
    assert caught.value.reason == "silent"
    shop.mend()
    await eventually(lambda: is_settled(shop))
    again = make(shop)
    await again.open()
    assert await again.last_done() == job.job_no
    await again.close()


async def test_a_size_that_the_machine_refuses(packer):
    shop, driver = packer
    job = PackJob(job_no=next(numbers), length_mm=900)
    with pytest.raises(AttendantNeededError) as caught:
        await driver.pack(job)
    assert caught.value.reason == "size_out_of_range"
    assert started(shop, job.job_no) == 0


async def test_an_earlier_job_is_waited_for(packer, eventually):
    shop, driver = packer
    first, second = PackJob(job_no=next(numbers)), PackJob(job_no=next(numbers))
    task = asyncio.create_task(driver.pack(first))
    await eventually(lambda: started(shop, first.job_no))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await driver.pack(second)
    assert started(shop, first.job_no) == started(shop, second.job_no) == 1


async def test_registers_that_do_not_exist_are_the_technicians_affair(shop):
    driver = make(shop, done_register=500, state_register=501)
    with pytest.raises(BadOptionsError) as caught:
        await driver.open()
    assert caught.value.reason == "settings"


@pytest.mark.parametrize("job", [PackJob(job_no=0), PackJob(job_no=65536), PackJob(job_no=1, height_mm=0)])
def test_a_job_that_fits_no_register_is_a_bug(job):
    with pytest.raises(ValueError, match="16-bit"):
        encode_job(job)


@pytest.mark.parametrize("wrong", [{"unit": 256}, {"go_register": 2}, {"done_register": 70000}])
def test_wrong_options(wrong):
    with pytest.raises(ValueError, match=r"unit|register"):
        ModbusOptions(address="tcp://127.0.0.1:502", **wrong)
