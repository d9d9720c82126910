"""Both printer languages on the simulators: each fault at each phase, and what was truly printed."""

import asyncio

import pytest
from PIL import Image, ImageDraw

from drivers.base import AttendantNeededError, Condition, DeviceOfflineError, OutcomeUnknownError
from drivers.label_printer import escpos, zpl
from tests.drivers.patience import PATIENT_S, hurry

MEDIA = {"width_mm": 100.0, "length_mm": 40.0, "timeout_s": PATIENT_S, "print_s": PATIENT_S}
MODELS = {"escpos": (escpos, "printer"), "zpl": (zpl, "zebra")}


@pytest.fixture(params=["escpos gs_r", "escpos gs_h", "zpl"])
def kind(request):
    """Return the device's name and how to make its driver; ESC/POS with either proof."""
    model, _, proof = request.param.partition(" ")
    module, device = MODELS[model]
    more = {"gs_r": {"proof": "paper_status"}, "gs_h": {"proof": "process_id"}}.get(proof, {})

    def make(address, **other):
        return module.DRIVER(module.DRIVER.Options(address=address, **{**MEDIA, **more, **other}))

    return device, make


@pytest.fixture
async def printer(shop, kind):
    device, make = kind
    driver = make(shop.ports[device])
    await driver.open()
    yield shop, device, driver
    await driver.close()


def label(grey: int = 0) -> Image.Image:
    image = Image.new("L", (800, 320), 255)
    ImageDraw.Draw(image).rectangle((100, 40, 700, 280), fill=grey)
    return image


def printed(shop, device: str) -> int:
    return shop.events(device).count("label_printed")


async def test_one_label_is_one_label(printer):
    shop, device, driver = printer
    before = printed(shop, device)
    await driver.print_label(label())
    assert printed(shop, device) == before + 1
    assert (await driver.status()).condition == Condition.ONLINE


@pytest.mark.parametrize(("fault", "reason"), [("paper_out", "paper_out"), ("cover_open", "cover_open")])
async def test_what_a_person_must_do_comes_before_any_byte(printer, fault, reason):
    shop, device, driver = printer
    before = printed(shop, device)
    shop.fault(device, fault)
    status = await driver.status()
    assert (status.condition, status.reason) == (Condition.NEEDS_ATTENDANT, reason)
    with pytest.raises(AttendantNeededError) as caught:
        await driver.print_label(label())
    assert caught.value.reason == reason
    shop.mend()
    assert (await driver.status()).condition == Condition.ONLINE
    assert printed(shop, device) == before
    await driver.print_label(label())
    assert printed(shop, device) == before + 1


@pytest.mark.parametrize("rows", [1, 40, 200, 279])
async def test_paper_ends_in_the_middle(printer, rows):
    shop, device, driver = printer
    shop.fault(device, "paper_out", after=rows)
    with pytest.raises(OutcomeUnknownError) as caught:
        await driver.print_label(label())
    assert caught.value.reason == "paper_out"


@pytest.mark.parametrize("phase", ["silent", "garbage"])
async def test_a_printer_that_says_nothing_sensible_before(printer, phase):
    shop, device, driver = printer
    before = printed(shop, device)
    shop.fault(device, phase)
    hurry(driver)
    with pytest.raises(DeviceOfflineError):
        await driver.print_label(label())
    assert printed(shop, device) == before


@pytest.mark.parametrize("count", [200, 5000, 20000])
async def test_silence_after_some_bytes_is_unknown(printer, count):
    shop, device, driver = printer
    shop.fault(device, "silent", after=count)
    hurry(driver, 2.0, print_s=3.0)
    with pytest.raises(OutcomeUnknownError) as caught:
        await driver.print_label(label())
    assert caught.value.reason == "silent"


@pytest.mark.parametrize("count", [1, 200, 5000, 20000, 31000])
async def test_the_line_goes_at_byte(printer, kind, count):
    shop, device, driver = printer
    before = printed(shop, device)
    shop.fault(device, "hang_up", after=count)
    with pytest.raises(DeviceOfflineError if count == 1 else OutcomeUnknownError) as caught:
        await driver.print_label(label())
    assert caught.value.reason == "hang_up"
    assert printed(shop, device) == before
    again = kind[1](shop.ports[device])
    await again.open()
    await again.print_label(label())
    assert printed(shop, device) == before + 1
    await again.close()


async def test_slow_answers_are_waited_for(printer):
    shop, device, driver = printer
    before = printed(shop, device)
    shop.fault(device, "slow", seconds=0.3)
    await driver.print_label(label())
    assert printed(shop, device) == before + 1


async def test_an_unplugged_printer_is_offline(printer, kind):
    shop, device, driver = printer
    shop.fault(device, "unplugged")
    with pytest.raises(DeviceOfflineError):
        await driver.status()
    with pytest.raises(DeviceOfflineError):
        await kind[1](shop.ports[device]).open()


async def test_a_label_of_another_size_is_a_bug(printer):
    with pytest.raises(ValueError, match="the label is"):
        await printer[2].print_label(Image.new("L", (100, 100)))


async def test_cancelled_while_printing_leaves_a_port_that_works(printer, kind):
    shop, device, driver = printer
    task = asyncio.create_task(driver.print_label(label()))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await driver.close()
    again = kind[1](shop.ports[device])
    await again.open()
    assert (await again.status()).condition in (Condition.ONLINE, Condition.BUSY)
    await again.close()
