"""What drivers are tried on: raw byte peers on real ports, and one simulated shop."""

import asyncio
import json
import os
import pty
import select
import subprocess
import sys
import threading
import time
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

Answer = Callable[[bytes], bytes]


def no_answer(_got: bytes) -> bytes:
    return b""


@dataclass
class PtyPeer:
    """The far end of a serial line; `answer` gets what came in one read and gives what to send back."""

    answer: Answer = no_answer
    got: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.address = os.ttyname(slave)
        self._slave = slave  # kept open, so that a driver's close is no hang-up for this side
        self._is_closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    async def send(self, data: bytes) -> None:
        """Send without blocking the loop; what the line doesn't take is dropped."""
        if select.select([], [self.master], [], 0)[1]:
            os.write(self.master, data)

    async def hang_up(self) -> None:
        """Pull the plug."""
        self.close()

    def close(self) -> None:
        self._is_closing = True
        self._thread.join()

    def _serve(self) -> None:
        while not self._is_closing:
            if not select.select([self.master], [], [], 0.02)[0]:
                continue
            data = os.read(self.master, 4096)
            self.got += data
            answer = self.answer(data)
            if answer:
                os.write(self.master, answer)
        os.close(self._slave)
        os.close(self.master)


@dataclass
class TcpPeer:
    """A TCP server for one device; `hang_up_after` bytes it drops the connection."""

    answer: Answer = no_answer
    hang_up_after: int | None = None
    reads: bool = True
    got: bytearray = field(default_factory=bytearray)
    connections: int = 0
    server: asyncio.Server | None = None
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    tasks: list[asyncio.Task] = field(default_factory=list)

    @property
    def address(self) -> str:
        assert self.server is not None
        return f"tcp://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        self.tasks.append(asyncio.current_task())
        try:
            while self.reads and (data := await reader.read(4096)):
                self.got += data
                if self.hang_up_after is not None and len(self.got) >= self.hang_up_after:
                    writer.transport.abort()
                    return
                writer.write(self.answer(data))
                await writer.drain()
        except ConnectionError:
            pass

    async def send(self, data: bytes) -> None:
        for writer in self.writers:
            writer.write(data)
            await writer.drain()

    async def hang_up(self) -> None:
        for writer in self.writers:
            writer.close()

    async def close(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
        await asyncio.gather(*self.tasks)
        if self.server is not None:
            self.server.close()
            await self.server.wait_closed()


@pytest.fixture
def pty_peer() -> Iterator[PtyPeer]:
    peer = PtyPeer()
    yield peer
    peer.close()


@pytest.fixture
async def tcp_peer() -> AsyncIterator[TcpPeer]:
    peer = TcpPeer()
    peer.server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    yield peer
    await peer.close()


@pytest.fixture(scope="session")
def peers_folder() -> Path:
    return Path(__file__).parent / "peers"


WORLD = """
[world]
name = "bench"
[camera.front]
place = "front"
[camera.bench]
place = "bench"
[head.head]
[turntable.turntable]
[printer.printer]
label_length_mm = 40.0
speed_mm_s = 400.0
[printer.zebra]
language = "zpl"
label_length_mm = 40.0
speed_mm_s = 400.0
[labeller.labeller]
rapid_mm_min = 60000.0
rapid_z_mm_min = 60000.0
[packer.packer]
job_s = 0.4
[sorter.sorter]
job_s = 0.3
[scanner.scanner]
[[piece]]
id = "cup"
code = "4712"
title_zh = "茶杯"
title_en = "Cup"
kind = "cup"
location = "A-2-3"
[[piece]]
id = "saucer"
code = "4713"
title_zh = "茶托"
title_en = "Saucer"
kind = "cup"
location = "A-2-4"
[[piece]]
id = "pot"
code = "4711"
title_zh = "茶壶"
title_en = "Teapot"
kind = "teapot"
spot = 3
"""


class Shop:
    """One simulator process: where its ports are, what its people do, what truly happened."""

    def __init__(self, folder: Path) -> None:
        world = folder / "world.toml"
        world.write_text(WORLD, encoding="utf-8")
        self.folder = folder / "run"
        command = [
            sys.executable,
            "-m",
            "drivers.simulators",
            "run",
            str(world),
            "--dir",
            str(self.folder),
            "--with-parent",
        ]
        root = Path(__file__).parents[2]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root)
        assert self.process.stdout is not None
        said = json.loads(self.process.stdout.readline())
        self.ports: dict[str, str] = said["ports"]
        self.stills: dict[str, str] = said["stills"]
        self.control = httpx.Client(base_url=said["control"], timeout=60)

    def hands(self, act: str, **more: object) -> None:
        self.control.post("/hands", json={"act": act, **more}).raise_for_status()

    def fault(self, device: str, fault: str, *, on: bool = True, **more: object) -> None:
        self.control.post("/faults", json={"device": device, "fault": fault, "on": on, **more}).raise_for_status()

    def world(self) -> dict:
        return self.control.get("/world").json()

    def events(self, device: str) -> list[str]:
        truth = self.control.get("/truth", params={"last": "100000"}).json()
        return [line["event"] for line in truth if line["device"] == device]

    def mend(self) -> None:
        """Take every fault away and put every machine right."""
        for entry in self.control.get("/faults").json():
            self.fault(entry["device"], entry["fault"], on=False)
        for act in ("refill", "close_cover", "clear_jam", "load_film", "close_door", "release_stop"):
            self.control.post("/hands", json={"act": act})
        until = time.monotonic() + 30
        while any(machine.get("waiting") for machine in self.world()["machines"].values()):
            assert time.monotonic() < until, "a printer never ends what is left in its buffer"
            time.sleep(0.02)

    def end(self) -> None:
        self.control.close()
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


@pytest.fixture(scope="session")
def shop_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    yield shop
    shop.end()


@pytest.fixture
def shop(shop_process: Shop) -> Iterator[Shop]:
    """The simulated shop, whole again after each test."""
    yield shop_process
    shop_process.mend()
