"""Both camera models on the simulated network camera: pictures, stills, and a camera that goes bad."""

import asyncio

import pytest

from drivers.base import Condition, DeviceOfflineError
from drivers.camera import mjpeg, opencv
from tests.drivers.patience import PATIENT_S


@pytest.fixture(scope="module")
def drawn(shop_process):
    """The simulator paints its scenery when first looked at, which takes some seconds."""
    for url in shop_process.stills.values():
        shop_process.control.get(url).raise_for_status()
    return shop_process


@pytest.fixture
def frozen_s() -> float:
    """The longest that a living picture stands still on a machine that has much else to do."""
    return PATIENT_S


@pytest.fixture
def timeout_s() -> float:
    return PATIENT_S


@pytest.fixture(params=["mjpeg", "opencv"])
async def camera(request, drawn, shop, frozen_s, timeout_s):
    url, still_url = shop.ports["bench"], shop.stills["bench"]
    if request.param == "mjpeg":
        driver = mjpeg.DRIVER(mjpeg.MjpegOptions(url=url, still_url=still_url, frozen_s=frozen_s, timeout_s=timeout_s))
    else:
        driver = opencv.DRIVER(
            opencv.OpencvOptions(source=url, still_url=still_url, frozen_s=frozen_s, timeout_s=timeout_s)
        )
    yield shop, driver
    await driver.close()


async def seen(driver, count: int) -> list:
    frames, enough, loop = [], asyncio.Event(), asyncio.get_running_loop()

    def take(frame) -> None:
        frames.append(frame)
        if len(frames) == count:
            loop.call_soon_threadsafe(enough.set)

    await driver.watch(take)
    await asyncio.wait_for(enough.wait(), 2 * PATIENT_S)
    return frames


async def test_frames_and_a_still_at_full_resolution(camera):
    _, driver = camera
    await driver.open()
    frames = await seen(driver, 10)
    assert frames[0].pixels.shape == (720, 1280, 3)
    still = await driver.still()
    assert (still.width_px, still.height_px) == (3840, 2160)
    assert (await driver.status()).condition == Condition.ONLINE


@pytest.mark.parametrize(("fault", "frozen_s"), [("black", PATIENT_S), ("frozen", 0.5)])
async def test_a_picture_that_says_nothing_needs_the_attendant(camera, eventually, fault):
    shop, driver = camera
    await seen(driver, 2)
    shop.fault("bench", fault)

    async def shows() -> bool:
        return (await driver.status()).reason == fault

    await eventually(shows)
    shop.fault("bench", fault, on=False)

    async def is_well() -> bool:
        return (await driver.status()).condition == Condition.ONLINE

    await eventually(is_well)


@pytest.mark.parametrize(("fault", "timeout_s"), [("unplugged", PATIENT_S), ("silent", 3.0), ("hang_up", PATIENT_S)])
async def test_a_camera_that_goes_away_shows_and_comes_back(camera, eventually, fault):
    shop, driver = camera
    await seen(driver, 2)
    shop.fault("bench", fault)

    async def is_lost() -> bool:
        try:
            await driver.status()
        except DeviceOfflineError:
            return True
        return False

    await eventually(is_lost)
    shop.mend()
    assert len(await seen(driver, 2)) >= 2  # its host watches again
    assert (await driver.status()).condition == Condition.ONLINE
