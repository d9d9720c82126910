"""A whole shop as processes: the simulated world, the daemon, the test relay."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[3]
PIN = "2468"
PYCACHE = Path(tempfile.gettempdir()) / f"vitrine-pycache-{os.getuid()}"

CONFIG = """
[shop]
data_dir = "box"
language = "en"
[attendant]
port = {page_port}
pin = "{pin}"
[webrtc]
addresses = ["127.0.0.1"]
[viewing.front]
head = "front_head"
[viewing.table]
head = "table_head"
turntable = "turntable"
[bench]
camera = "bench"
printer = "printer"
labeller = "labeller"
packer = "packer"
scanner = "scanner"
[device.front]
kind = "camera"
model = "mjpeg"
url = "{front}"
still_url = "{front_still}"
[device.front_head]
kind = "pan_tilt"
model = "visca"
address = "{front_head}"
[device.table]
kind = "camera"
model = "mjpeg"
url = "{table}"
still_url = "{table_still}"
[device.table_head]
kind = "pan_tilt"
model = "visca"
address = "{table_head}"
[device.turntable]
kind = "turntable"
model = "gcode"
address = "{turntable}"
[device.bench]
kind = "camera"
model = "opencv"
source = "{bench}"
still_url = "{bench_still}"
[device.labeller]
kind = "labeller"
model = "grbl"
address = "{labeller}"
[device.printer]
kind = "label_printer"
model = "escpos"
address = "{printer}"
[device.packer]
kind = "packer"
model = "modbus"
address = "{packer}"
[device.scanner]
kind = "scanner"
model = "serial"
address = "{scanner}"
"""


class World:
    """The simulated world of the teahouse as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "drivers.simulators", "run", str(ROOT / "config/simulators/teahouse.toml")]
        self.process = subprocess.Popen(
            [*command, "--dir", str(folder), "--with-parent"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the simulated world did not start"
        self.facts: dict[str, Any] = json.loads(line)

    def post(self, path: str, **body: Any) -> Any:
        return httpx.post(self.facts["control"] + path, json=body, timeout=10).raise_for_status().json()

    def get(self, path: str) -> Any:
        return httpx.get(self.facts["control"] + path, timeout=10).raise_for_status().json()

    def config(self, page_port: int) -> str:
        stills = {f"{name}_still": url for name, url in self.facts["stills"].items()}
        return CONFIG.format(page_port=page_port, pin=PIN, **self.facts["ports"], **stills)

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@dataclass
class Daemon:
    """The shop daemon as a process, its log, and the attendant's page signed in."""

    folder: Path
    page_port: int
    notify_path: Path
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    page: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.page = httpx.Client(base_url=f"http://127.0.0.1:{self.page_port}", timeout=10)

    def environment(self) -> dict[str, str]:
        """Return an environment in which compiled modules are kept, as on an installed box."""
        kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return kept | {"PYTHONPYCACHEPREFIX": str(PYCACHE)}

    def start(self, file_bytes_max: int = 0) -> None:
        """Start it; with `file_bytes_max` no file of its can grow beyond that, as on a full disk."""
        command = ["prlimit", f"--fsize={file_bytes_max}"] if file_bytes_max else []
        command += [sys.executable, "-m", "edge", "run", "--config", str(self.folder / "shop.toml")]
        with (self.folder / "log.jsonl").open("ab") as log:
            self.started_s = time.monotonic()
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment(), stderr=log)

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]

    def is_up(self) -> bool:
        assert self.process is not None and self.process.poll() is None, f"the daemon ended: {self.log()[-3:]}"
        try:
            return self.page.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def sign_in(self) -> None:
        self.page.post("/api/sign-in", json={"pin": PIN}).raise_for_status()

    def state(self) -> dict[str, Any]:
        return self.page.get("/api/state").raise_for_status().json()

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(20)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.end()


@pytest.fixture
def daemon(
    tmp_path: Path, world: World, relay: Any, make_identity: Callable[..., Any], free_port: Callable[[], int]
) -> Iterator[Daemon]:
    folder = tmp_path / "shop"
    folder.mkdir()
    page_port = free_port()
    (folder / "shop.toml").write_text(world.config(page_port))
    make_identity(folder / "box")
    made = Daemon(folder, page_port, tmp_path / "notify")
    yield made
    made.page.close()
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait()
