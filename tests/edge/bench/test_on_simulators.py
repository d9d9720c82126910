"""The same bench with real drivers on the simulators' real ports: the judge is the simulated world's own truth."""

import asyncio
import contextlib
import io

import pytest
from PIL import Image
from pyzbar import pyzbar

from drivers.camera.mjpeg import DRIVER as CAMERA
from drivers.label_printer.escpos import DRIVER as PRINTER
from drivers.labeller.grbl import DRIVER as LABELLER
from drivers.packer.modbus import DRIVER as PACKER
from drivers.scanner.serial import DRIVER as SCANNER
from edge.bench import Devices
from edge.device_host import DeviceHost
from tests.edge.bench.fake_shop import Shop
from tests.edge.bench.simulated import SimulatedWorld
from wire.commands import PhotoAnswer
from wire.reports import Health

SCAN_AGAIN_S = 10.0
"""Whoever hears no beep scans again."""


class RealShop(Shop):
    """A shop whose devices are drivers on a simulated world's ports."""

    def __init__(self, folder, simulated: SimulatedWorld, number: int) -> None:
        super().__init__(folder, seed=number)
        self.simulated, self.number = simulated, number
        self.printed_before = len(simulated.labels())

    async def start(self, **more) -> None:
        ports, stills = self.simulated.ports, self.simulated.stills
        host = DeviceHost(self.clock.wall)
        made = {
            "camera": ("camera", CAMERA, {"url": ports["bench"], "still_url": stills["bench"]}),
            "printer": ("label_printer", PRINTER, {"address": ports["printer"], "length_mm": 150.0}),
            "labeller": ("labeller", LABELLER, {"address": ports["labeller"]}),
            "packer": ("packer", PACKER, {"address": ports["packer"]}),
            "scanner": ("scanner", SCANNER, {"address": ports["scanner"]}),
        }
        for name, (kind, driver, options) in made.items():
            host.add(name, kind, "", lambda driver=driver, options=options: driver(driver.Options(**options)))
        self.host = host
        self.looking = [asyncio.create_task(handle.run()) for handle in host.runs()]
        await super().start(**more)
        until_s = asyncio.get_running_loop().time() + 30
        while host.handles["scanner"].finding.health is not Health.ONLINE:  # nobody hears what is scanned before
            assert asyncio.get_running_loop().time() < until_s, host.handles["scanner"].finding
            await asyncio.sleep(0.005)

    def make_devices(self) -> Devices:
        return Devices(**self.host.handles)

    async def stop(self) -> None:
        await super().stop()
        for task in self.looking:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.host.close()

    async def task(self, kind: str, timeout_s: float = 30.0):
        return await super().task(kind, timeout_s)

    async def hands(self, act: str, **words) -> int:
        return await asyncio.to_thread(self.simulated.post, "/hands", {"act": act, **words})

    async def fault(self, device: str, fault: str, **words) -> None:
        await asyncio.to_thread(self.simulated.post, "/faults", {"device": device, "fault": fault, **words})

    async def fetch(self) -> None:
        """Do what the task says: carry the piece to the bench and scan its tag there, until the scan has been heard."""
        await self.task("fetch_piece")
        assert await self.hands("carry", piece=f"piece_{self.number}", to="bench") == 200
        while await self.stage() == "picking":
            await self.hands("scan_piece", piece=f"piece_{self.number}")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SCAN_AGAIN_S):
                    await self.wait_for(self._is_picked)

    async def _is_picked(self) -> bool:
        return await self.stage() != "picking"

    def labels(self):
        """Return the labels printed for this order."""
        return self.simulated.labels()[self.printed_before :]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """One world for all tests of this file: each sells another piece of it."""
    world = SimulatedWorld(tmp_path_factory.mktemp("world"))
    world.sold = 0
    yield world
    assert world.stop() == 0


@pytest.fixture
async def real(simulated, tmp_path):
    simulated.sold += 1
    shop = RealShop(tmp_path, simulated, simulated.sold)
    await shop.start()
    yield shop
    await shop.stop()
    await asyncio.to_thread(simulated.tidy)


async def order(shop: RealShop) -> None:
    await shop.prepare(session_id="", piece_no=shop.number)
    await shop.pay(piece_no=shop.number)
    await shop.fetch()


async def test_one_order_on_real_ports(real):
    await order(real)
    await real.until("photo_offered", timeout_s=60)
    (label,) = real.labels()
    assert label["applied_at"] and not label["destroyed_at"]
    parcel = await real.parcel()
    jpeg = await real.pictures.read(parcel.photo_sha256)
    read = {code.data.decode() for code in pyzbar.decode(Image.open(io.BytesIO(jpeg)).convert("L"))}
    assert any(text.endswith(f"?s={parcel.serial}") for text in read)

    await real.answer_photo(PhotoAnswer.CONFIRMED)
    await real.task("hand_over")
    await real.hands("scan_parcel", match="s=")

    async def is_scanned():
        return bool((await real.task("hand_over")).scanned)

    await real.wait_for(is_scanned)
    assert await real.press("hand_over", "handed_over")
    await real.until("handed_over")
    printed = dict(await real.reports())["LabelPrinted"]
    assert printed["first_byte_at"]


async def test_paper_out_in_the_middle_of_a_label(real):
    """A torn label, and the rest of it on the next one, never reach the parcel as its label."""
    await real.fault("printer", "paper_out", after=300)
    await order(real)
    await attend(real)
    assert "ParcelHeld" in await real.types()
    assert_one_label(real)


async def test_a_label_that_the_robot_lost(real):
    await real.fault("labeller", "lose_label", times=1)
    await order(real)
    await attend(real)
    assert [bool(label["applied_at"]) for label in real.labels()] == [False, True]


async def test_a_wrong_label_from_the_robot(real):
    await real.fault("labeller", "wrong_label", times=1)
    await order(real)
    await attend(real)
    assert_one_label(real)
    held = [data["reason"] for kind, data in await real.reports() if kind == "ParcelHeld"]
    assert "label_wrong" in held


async def test_a_label_printed_twice(real):
    await real.fault("printer", "double_label", times=1)
    await order(real)
    await attend(real)
    assert_one_label(real)


async def test_the_packers_lost_reply(real):
    await real.fault("packer", "drop_reply", times=1)
    packed = len(real.simulated.events("packed"))
    await order(real)
    await attend(real)
    assert len(real.simulated.events("packed")) == packed + 1


async def test_the_printers_line_goes_in_the_middle_of_a_label(real):
    await real.fault("printer", "hang_up", after=20000, times=1)
    await order(real)
    await attend(real)
    assert_one_label(real)


async def test_the_robots_emergency_stop(real):
    await real.fault("labeller", "emergency_stop")
    await order(real)
    await attend(real)
    assert_one_label(real)


async def test_killed_while_the_robot_moves_and_started_again(real):
    """The machines go on being where they are; the next life looks before it moves anything."""
    await order(real)
    await real.until("applying", timeout_s=60)
    await real.restart()
    await attend(real)
    assert_one_label(real)


def assert_one_label(real: RealShop) -> None:
    """At any time at most one label of ours was on the parcel, and now exactly one is."""
    on_parcel = [label for label in real.labels() if label["parcel"] and not label["destroyed_at"]]
    assert len(on_parcel) == 1, real.labels()


async def attend(real: RealShop, timeout_s: float = 90.0) -> None:
    """Be an attendant who does what the page asks, until the photo is offered."""
    until = asyncio.get_running_loop().time() + timeout_s
    while await real.stage() != "photo_offered":
        assert asyncio.get_running_loop().time() < until, (await real.stage(), real.labels())
        for task in await real.bench.tasks():
            if task.kind in ("label_in_doubt", "destroy_label"):
                for act in ("refill", "release_stop"):
                    await real.hands(act)
                await asyncio.sleep(0.5)
                for place in ("parcel", "mouth") * 3:
                    await real.hands("peel_label", **{"from": place})
                await real.bench.answer_task(task.task_id, "destroyed")
            elif task.kind in ("tend_device", "read_label"):
                for act in ("refill", "release_stop", "close_cover"):
                    await real.hands(act)
                await real.bench.answer_task(task.task_id, "again")
            elif task.kind == "pack_in_doubt":
                is_packed = any(f"piece_{real.number}" == entry["piece"] for entry in real.simulated.events("packed"))
                await real.bench.answer_task(task.task_id, "packed" if is_packed else "not_packed")
        await asyncio.sleep(0.1)
