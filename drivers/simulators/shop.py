"""Composition root of one simulated shop: builds the world, its machines and their ports, opens and closes them."""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import cv2

from drivers.simulators.bench_eye import BenchEye
from drivers.simulators.control import Control
from drivers.simulators.escpos_printer import EscposPrinter
from drivers.simulators.faults import FaultBoard
from drivers.simulators.figure import Figures
from drivers.simulators.gcode_turntable import GcodeTurntable
from drivers.simulators.grbl_labeller import GrblLabeller
from drivers.simulators.hands import Hands
from drivers.simulators.http_server import Answer, Caller, HttpServer, Request, as_json
from drivers.simulators.labels import LabelBook
from drivers.simulators.mjpeg_camera import MjpegCamera
from drivers.simulators.modbus_machine import ModbusMachine
from drivers.simulators.modbus_packer import ModbusPacker
from drivers.simulators.modbus_sorter import ModbusSorter
from drivers.simulators.paper import PaperPath
from drivers.simulators.plan import WorldPlan
from drivers.simulators.port import Port, Reply, SessionMaker
from drivers.simulators.pty_port import PtyPort
from drivers.simulators.raw_camera import RawCamera
from drivers.simulators.serial_scanner import SerialScanner
from drivers.simulators.tcp_port import TcpPort
from drivers.simulators.truth import TruthLog, write_atomically
from drivers.simulators.viewing_eye import ViewingEye
from drivers.simulators.visca_head import ViscaHead
from drivers.simulators.world import World
from drivers.simulators.zpl_printer import ZplPrinter
from drivers.simulators.zvt_terminal import ZvtTerminal

WARM_UP_AFTER_S = 6.0
"""The first look of a shopper should not wait until pots are glazed, nor a whole mall that opens at the same time."""


class Shop:
    """Everything of one shop. Open it, wait, close it; `description` is what the ready line says."""

    def __init__(self, plan: WorldPlan, folder: Path, chance: random.Random) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # two cores serve a whole mall; OpenCV's own threads would only fight over them
        cv2.setNumThreads(1)
        self._folder = folder
        self._plan = plan
        self._chance = chance
        self._draw_on = ThreadPoolExecutor(2, "draw")
        self._warm_up_on = ThreadPoolExecutor(1, "warm-up", initializer=_step_back)
        self.truth = TruthLog(folder / "truth.jsonl", lambda: datetime.now(UTC))
        self.faults = FaultBoard(plan.device_kinds())
        self.world = World(plan, self.truth, LabelBook(folder, self.truth), chance)
        self._ports: dict[str, Port] = {}
        self._controllers: list[GcodeTurntable | GrblLabeller] = []
        self._papers: dict[str, PaperPath] = {}
        self._job_machines: dict[str, ModbusMachine] = {}
        self._scanners: dict[str, SerialScanner] = {}
        self._terminals: dict[str, ZvtTerminal] = {}
        self._cameras: dict[str, MjpegCamera] = {}
        self._bench: BenchEye | None = None
        self._figures = Figures(self.world.pieces)
        self._cameras_http = HttpServer(self._camera, plan.http_port)
        self._machines()
        self._eyes()
        hands = Hands(self.world, self.faults, self._papers, self._job_machines, self._scanners, self._see_label)
        shown: dict[str, Any] = {**self._papers, **self._job_machines, **self._terminals}
        shown |= {one.name: one for one in self._controllers}
        self._control_http = HttpServer(Control(self.world, self.faults, hands, shown).answer, plan.control_port)

    def description(self) -> dict[str, Any]:
        """Where everything is found."""
        cameras = {name: f"{self._cameras_http.url}/{name}" for name in self._cameras}
        return {
            "ready": True,
            "control": self._control_http.url,
            "ports": {name: f"{url}/stream" for name, url in cameras.items()}
            | {name: port.address for name, port in self._ports.items()},
            "stills": {name: f"{url}/still" for name, url in cameras.items()},
        }

    async def open(self) -> None:
        """Open every port, then write ports.json."""
        for controller in self._controllers:
            controller.start()
        for paper in self._papers.values():
            paper.start()
        for port in self._ports.values():
            await port.open()
        await self._cameras_http.open()
        await self._control_http.open()
        write_atomically(self._folder / "ports.json", json.dumps(self.description()).encode())
        self.truth.write("shop", "opened", name=self._plan.name)
        self._warm_up = asyncio.get_running_loop().call_later(WARM_UP_AFTER_S, self._glaze_all)

    def _glaze_all(self) -> None:
        for camera in self._cameras.values():
            self._warm_up_on.submit(camera.warm_up)

    async def close(self) -> None:
        """Close every port and stop every machine."""
        self._warm_up.cancel()
        await self._control_http.close()
        await self._cameras_http.close()
        for port in self._ports.values():
            await port.close()
        running = [*self._cameras.values(), *self._controllers, *self._papers.values(), *self._job_machines.values()]
        for machine in running:
            await machine.shut_down()
        self._warm_up_on.shutdown(cancel_futures=True)
        self._draw_on.shutdown(cancel_futures=True)
        self.truth.write("shop", "closed", name=self._plan.name)
        self.truth.close()

    def _machines(self) -> None:
        plan, world, faults = self._plan, self.world, self.faults
        for name in plan.heads:
            self._serial(name, partial(ViscaHead, name, world))
        for name in plan.turntables:
            self._serial(name, partial(self._controller, GcodeTurntable, name))
        for name in plan.labellers:
            self._serial(name, partial(self._controller, GrblLabeller, name))
        for name, options in plan.scanners.items():
            self._serial(name, partial(self._scanner, name, options.suffix))
        for name, packer_plan in plan.packers.items():
            packer = self._job_machines[name] = ModbusPacker(name, world, faults)
            self._tcp(name, packer_plan.port, packer.session, is_exclusive=False)
        for name, sorter_plan in plan.sorters.items():
            sorter = self._job_machines[name] = ModbusSorter(name, world, faults)
            self._tcp(name, sorter_plan.port, sorter.session, is_exclusive=False)
        for name in plan.printers:
            self._printer(name)
        for name, terminal_plan in plan.terminals.items():
            terminal = self._terminals[name] = ZvtTerminal(name, terminal_plan, self.truth, faults)
            self._tcp(name, terminal_plan.port, terminal.session, is_exclusive=True)

    def _printer(self, name: str) -> None:
        plan = self._plan.printers[name]
        paper = self._papers[name] = PaperPath(name, plan, self.world, self.faults)
        bytes_file = self._folder / "printer.bin"
        bytes_file.touch()
        kind = EscposPrinter if plan.language == "escpos" else ZplPrinter
        printer = kind(name, paper, self.truth, bytes_file)
        if plan.connection == "pty":
            self._serial(name, printer.session)
        else:
            self._tcp(name, plan.port, printer.session, is_exclusive=True)

    def _serial(self, name: str, make_session: SessionMaker) -> None:
        self._ports[name] = PtyPort(name, self._folder / "dev" / name, self.faults, make_session, self._chance)

    def _tcp(self, name: str, number: int, make_session: SessionMaker, *, is_exclusive: bool) -> None:
        self._ports[name] = TcpPort(name, number, self.faults, make_session, self._chance, is_exclusive=is_exclusive)

    def _controller(
        self, kind: type[GcodeTurntable | GrblLabeller], name: str, reply: Reply
    ) -> GcodeTurntable | GrblLabeller:
        machine = kind(name, self.world, self.faults, reply)
        self._controllers.append(machine)
        return machine

    def _scanner(self, name: str, suffix: str, reply: Reply) -> SerialScanner:
        scanner = self._scanners[name] = SerialScanner(name, self.truth, suffix, reply)
        return scanner

    def _eyes(self) -> None:
        for name, camera in self._plan.cameras.items():
            if camera.place == "bench":
                eye: BenchEye | ViewingEye = BenchEye(self.world, self._figures, camera.jpeg_quality)
                self._bench = self._bench or (eye if isinstance(eye, BenchEye) else None)
            else:
                eye = ViewingEye(name, self.world, self._figures)
                if camera.raw_port >= 0:
                    self._ports[f"{name}_raw"] = RawCamera(
                        name, eye, camera.rate_hz, camera.raw_port, self.faults, self._draw_on, self._chance
                    )
            self._cameras[name] = MjpegCamera(name, eye, camera.rate_hz, self.faults, self._draw_on)

    async def _camera(self, request: Request, caller: Caller) -> Answer | None:
        _empty, name, what = (*request.path.split("/"), "", "")[:3]
        if request.method != "GET" or name not in self._cameras or what not in {"stream", "still"}:
            return as_json(
                {"error": f"there are /<camera>/stream and /<camera>/still of {', '.join(self._cameras)}"}, 404
            )
        return await self._cameras[name].answer(what, caller)

    async def _see_label(self, piece: str) -> Any:
        bench = self._bench or BenchEye(self.world, self._figures)
        return await asyncio.get_running_loop().run_in_executor(self._draw_on, bench.label_close_up, piece)


def _step_back() -> None:
    """Let every other thread of this machine go first (Linux gives each thread its own niceness)."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


async def run_until(plan: WorldPlan, folder: Path, stop: asyncio.Event, ready: Any) -> None:
    """Open a shop, tell `ready` where it is, and close it when `stop` is set."""
    shop = Shop(plan, folder, random.Random(time.monotonic_ns()))
    await shop.open()
    try:
        ready(shop.description())
        await stop.wait()
    finally:
        await shop.close()
