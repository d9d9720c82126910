"""A shop for the fault table: the edge's own bench and page, real drivers, a simulated world; and how it is held."""

import asyncio
import contextlib
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from drivers.camera import Still
from drivers.camera.mjpeg import DRIVER as CAMERA
from drivers.label_printer.escpos import DRIVER as PRINTER
from drivers.labeller.grbl import DRIVER as LABELLER
from drivers.packer.modbus import DRIVER as PACKER
from drivers.scanner.serial import DRIVER as SCANNER
from drivers.sorter.modbus import DRIVER as SORTER
from edge.attendant.questions import Questions
from edge.attendant.room import AttendantRoom, Privacy
from edge.bench import Devices
from edge.bench.parcel import load_label
from edge.clock import Clock
from edge.device_host import DeviceHost
from edge.locations import shelves
from edge.locations.carrier import Carrier
from edge.reasons import sentence_for
from tests.edge.bench.fake_shop import PLAN, Shop, piece
from tests.edge.bench.simulated import SimulatedWorld
from tests.fault_table.kinds import Device, Fault
from wire.codec import to_json
from wire.plan import Text

PIECES = 98
WORLD = """
# what the viewing camera sees does not matter here, and the bench is drawn with less work than the shop
[world]
name = "bench"
[camera.bench]
place = "bench"
[camera.front]
place = "bench"
[printer.printer]
speed_mm_s = {printer_mm_s}
[labeller.labeller]
rapid_mm_min = {rapid_mm_min}
rapid_z_mm_min = {rapid_mm_min}
[packer.packer]
job_s = {job_s}
[scanner.scanner]
[sorter.sorter]
job_s = {sort_s}
"""
FAST = WORLD.format(printer_mm_s=1500.0, rapid_mm_min=120000.0, job_s=0.3, sort_s=0.3)
UNHURRIED = WORLD.format(printer_mm_s=100.0, rapid_mm_min=6000.0, job_s=2.0, sort_s=2.0)
"""Slow enough that a fault set half way through an act strikes half way, also on a machine busy with other things."""

SORTING, SORTING_UNHURRIED = (f"# every piece lies in a location\n{machines}" for machines in (FAST, UNHURRIED))
"""The same worlds, but what is ordered lies where the sorter fetches it."""

PATIENCE_S = 4.0
CAMERA_S = 10.0
LOOK_EVERY_S = 0.4
SLOW_S = 0.2
"""How long drivers wait for an answer here, and how late a slow one comes."""

AT = {Device.CAMERA: "bench"}
"""The simulators' names of the devices, where they differ from the roles."""
SWITCH = {
    Fault.GARBLED: "garbage",
    Fault.PRINTED_TWICE: "double_label",
    Fault.LABEL_LOST: "lose_label",
    Fault.DOUBLE_LABEL: "two_labels",
    Fault.LOST_REPLY: "drop_reply",
}
"""The simulators' names of the faults, where they differ."""


def location(number: int) -> str:
    """Return where a piece lies in a world whose pieces lie in locations."""
    return f"A-{(number - 1) // 20 + 1}-{(number - 1) % 20 + 1}"


class FaultShop(Shop):
    """One shop on a simulated world. `grip` holds a device, so that the bench's next act with it waits its turn."""

    def __init__(self, folder: Path, simulated: SimulatedWorld, number: int, *, is_sorting: bool = False) -> None:
        super().__init__(folder, seed=number)
        self.simulated, self.number = simulated, number
        pieces = [piece(no) for no in range(1, PIECES + 1)]
        if is_sorting:
            pieces = [replace(one, location=location(no)) for no, one in enumerate(pieces, 1)]
        self.plan = replace(PLAN, pieces=tuple(pieces))
        self.shift = timedelta()
        self.clock = Clock(wall=lambda: datetime.now(UTC) + self.shift)
        self.labels_before = len(simulated.labels())
        self.truth_before = len(self.all_truth())
        self.is_first_life = True
        self.grips: dict[str, contextlib.AsyncExitStack] = {}

    # life

    async def start(self, **more: Any) -> None:
        ports, stills = self.simulated.ports, self.simulated.stills
        host = DeviceHost(self.clock.wall)
        camera = {"timeout_s": CAMERA_S, "frozen_s": 0.3}
        made: dict[str, tuple[str, Any, dict[str, Any]]] = {
            "front": ("camera", CAMERA, {"url": ports["front"], "still_url": stills["front"], **camera}),
            "camera": ("camera", CAMERA, {"url": ports["bench"], "still_url": stills["bench"], **camera}),
            "printer": ("label_printer", PRINTER, {"address": ports["printer"], "length_mm": 150.0}),
            "labeller": ("labeller", LABELLER, {"address": ports["labeller"], "open_s": PATIENCE_S}),
            "packer": ("packer", PACKER, {"address": ports["packer"]}),
            "scanner": ("scanner", SCANNER, {"address": ports["scanner"]}),
            "sorter": ("sorter", SORTER, {"address": ports["sorter"]}),
        }
        for name, (kind, driver, options) in made.items():
            if name in ("printer", "labeller", "packer", "sorter"):
                options["timeout_s"] = PATIENCE_S
            host.add(name, kind, "", lambda driver=driver, options=options: driver(driver.Options(**options)))
        self.host = host
        self.looking: dict[str, asyncio.Task[None]] = {}
        for name in made:
            if made[name][0] != "camera":  # a look at a camera is a still: they are looked at when it matters
                self.look_at(name)
        await super().start(**more)
        await self.journal.write(lambda tx: shelves.learn(tx, self.plan))
        carrier = Carrier(
            journal=self.journal, bench=self.bench, sorter=host.handles["sorter"], plan=lambda: self.plan,
            clock=self.clock, random_bytes=self.chance.randbytes, has_room=lambda: self.has_room,
        )  # fmt: skip
        self.carrying = asyncio.create_task(carrier.run())
        self.room = AttendantRoom(
            shop_id="teahouse",
            language="zh",
            bench=self.bench,
            devices=host,
            questions=Questions(self.journal, self.clock, lambda: None),
            privacy=Privacy(self.folder / "privacy_is_on", self._no_switch),
            plan=self.journal.plan,
            is_relay_near=lambda: True,
            picture=self.pictures.read,
            newest_pictures=self._no_pictures,
        )
        if not self.is_first_life:
            return
        self.is_first_life = False
        robot = self.host.handles["labeller"]
        await self.wait_for(lambda: robot.finding.health.value == "online", 40.0)
        async with robot.use() as driver:
            await driver.home()
        await self.well("labeller")

    @staticmethod
    async def _no_switch(_is_on: bool) -> None:
        """Viewing is not part of this shop."""

    @staticmethod
    async def _no_pictures() -> dict[str, str]:
        return {}

    def make_devices(self) -> Devices:
        return Devices(**{name: handle for name, handle in self.host.handles.items() if name != "front"})

    async def _take_still(self, session_id: str, camera: str) -> Still:
        async with self.host.handles[camera].use() as driver:
            still: Still = await driver.still()
        return still

    async def stop(self) -> None:
        self.carrying.cancel()
        await asyncio.gather(self.carrying, return_exceptions=True)
        await super().stop()  # the bench first: an act that waits for a held device must not begin now
        for role in tuple(self.grips):
            await self.let_go(role)
        for task in self.looking.values():
            task.cancel()
        await asyncio.gather(*self.looking.values(), return_exceptions=True)
        await self.host.close()

    def look_at(self, role: str) -> None:
        """Let the host ask this device how it is, as it does of every device of a shop."""
        if role not in self.looking:
            self.looking[role] = asyncio.create_task(self.host.handles[role].run())

    # holding an act

    async def grip(self, role: str) -> None:
        stack = contextlib.AsyncExitStack()
        await stack.enter_async_context(self.host.handles[role].use())
        self.grips[role] = stack

    async def let_go(self, role: str) -> None:
        await self.grips.pop(role).aclose()

    async def pass_on(self, role: str) -> None:
        """Let whoever waits for this device have it once, and hold it again before anybody else."""
        lock = self.host.handles[role]._lock
        await self.wait_for(lambda: bool(lock._waiters))  # the stage is written before the act asks for its device
        again = contextlib.AsyncExitStack()
        waiting = asyncio.create_task(again.enter_async_context(self.host.handles[role].use()))
        await asyncio.sleep(0)
        await self.let_go(role)
        await waiting
        self.grips[role] = again

    # the world

    async def hands(self, act: str, **words: Any) -> int:
        return await asyncio.to_thread(self.simulated.post, "/hands", {"act": act, **words})

    async def set_fault(self, device: Device, fault: Fault, *, is_on: bool = True, **words: Any) -> None:
        switch = {"device": AT.get(device, device.value), "fault": SWITCH.get(fault, fault.value), "on": is_on, **words}
        if fault is Fault.SLOW:
            switch["seconds"] = SLOW_S
        assert await asyncio.to_thread(self.simulated.post, "/faults", switch) == 200, switch

    async def mend(self) -> None:
        """Do what a person does to every machine that complains, and put every cable in."""
        for standing in await asyncio.to_thread(self.simulated.get, "/faults"):
            switch = {"device": standing["device"], "fault": standing["fault"], "on": False}
            await asyncio.to_thread(self.simulated.post, "/faults", switch)
        for act in ("refill", "close_cover", "clear_jam", "close_door", "load_film", "release_stop"):
            await self.hands(act)

    async def look(self) -> Any:
        return await asyncio.to_thread(self.simulated.get, "/world")

    async def see_bench(self) -> None:
        """Let the simulator draw what stands there: the first drawing of a piece takes a busy machine its time."""

        def look() -> None:
            with urllib.request.urlopen(self.simulated.stills["bench"], timeout=120) as answer:
                answer.read()

        await asyncio.to_thread(look)

    def labels(self) -> list[dict[str, Any]]:
        """Return the labels that came out for this shop, strays among them."""
        return self.simulated.labels()[self.labels_before :]

    def all_truth(self) -> list[str]:
        return (self.simulated.folder / "truth.jsonl").read_text().splitlines()

    # the page

    async def page(self) -> dict[str, Any]:
        return await self.room.state()

    async def well(self, role: str, reason: str = "", timeout_s: float = 40.0, or_else: str = "") -> None:
        """Wait until the device's line says so (empty: nothing is wrong)."""
        self.look_at(role)
        handle, until = self.host.handles[role], asyncio.get_running_loop().time() + timeout_s
        while True:
            found = handle.finding
            if found.reason in (reason, or_else or reason) and (bool(found.reason) or found.health.value == "online"):
                return
            assert asyncio.get_running_loop().time() < until, f"{role} says {found}, not {reason!r}"
            handle.look_soon()
            await asyncio.sleep(LOOK_EVERY_S)

    async def line_says(self, role: str, reason: str) -> None:
        """Assert that the device's line on the page carries the sentence."""
        lines = {line["device"]: line for line in (await self.page())["devices"]}
        assert lines[role]["text"] == to_json(sentence_for(reason)), lines[role]

    async def asked(self, text: Text) -> bool:
        return any(task["text"] == to_json(text) for task in (await self.page())["tasks"])

    async def serial_url(self, parcel_id: str = "p1") -> str:
        parcel = await self.parcel(parcel_id)
        label = await self.journal.read(lambda tx: load_label(tx, parcel.serial))
        return str(label.url) if label else ""

    def unsync(self) -> None:
        """The box's clock is set wrong by an hour: what was learned of relay time counts no more."""
        self.shift += timedelta(hours=1)
        assert self.clock.relay_now() is None
