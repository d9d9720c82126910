"""A simulated shop as a real process, spoken to with raw bytes."""

import asyncio
import json
import os
import re
import select
import socket
import subprocess
import sys
import threading
import time
import tty
import urllib.error
import urllib.request
from pathlib import Path

from drivers.simulators.plan import load_plan
from drivers.simulators.shop import run_until

MACHINES = """
[world]
name = "machines"
[head.front_head]
[turntable.turntable]
[printer.printer]
speed_mm_s = 1500.0
[labeller.labeller]
rapid_mm_min = 120000.0
rapid_z_mm_min = 60000.0
[packer.packer]
job_s = 0.3
[scanner.scanner]
[[piece]]
id = "caddy"
code = "4716"
title_zh = "朱漆茶罐"
title_en = "Red lacquer tea caddy"
kind = "caddy"
engraving = "L8D5"
spot = 1
"""
CAMERAS = """
[camera.front]
place = "front"
head = "front_head"
[camera.table]
place = "turntable"
head = "table_head"
[camera.bench]
place = "bench"
[head.table_head]
pan_min_deg = -15.0
pan_max_deg = 15.0
tilt_min_deg = -12.0
tilt_max_deg = 12.0
"""


def wait_for(seen, what, timeout_s=30.0):
    """Ask until something true comes back; the deadline is for slow machines, not for slow code."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        found = seen()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {timeout_s} s for {what}")


class Line:
    """A serial port or TCP connection, raw."""

    def __init__(self, address):
        self.socket = None
        self.kept = b""
        if address.startswith("tcp://"):
            host, port = address[6:].split(":")
            self.socket = socket.create_connection((host, int(port)), 10)
            self.fd = self.socket.fileno()
        else:
            self.fd = os.open(address, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(self.fd)

    def send(self, data):
        if self.socket:
            self.socket.sendall(data)
        else:
            os.write(self.fd, data)

    def some(self, timeout_s=30.0):
        """What comes next; empty when the line was closed, None when nothing came in time."""
        if not select.select([self.fd], [], [], timeout_s)[0]:
            return None
        try:
            return os.read(self.fd, 65536)
        except OSError:
            return b""

    def read(self, count, timeout_s=30.0):
        while len(self.kept) < count:
            more = self.some(timeout_s)
            if not more:
                raise AssertionError(f"only {self.kept!r} of {count} bytes came")
            self.kept += more
        data, self.kept = self.kept[:count], self.kept[count:]
        return data

    def until(self, end, timeout_s=30.0):
        data = b""
        while not data.endswith(end):
            data += self.read(1, timeout_s)
        return data

    def ask(self, line):
        """A G-code line; its answer (pushed messages before it are in front)."""
        self.send(line.encode() + b"\n")
        answer = []
        while True:
            answer.append(self.until(b"\r\n").decode().strip())
            if answer[-1] == "ok" or answer[-1].startswith("error:"):
                return answer

    def status(self):
        """`?` → (state, (x, y, z), the whole report)."""
        self.send(b"?")
        while True:
            line = self.until(b"\r\n").decode().strip()
            if line.startswith("<"):
                found = re.match(r"<([^|]+)\|MPos:([-\d.]+),([-\d.]+),([-\d.]+)", line)
                return found[1], tuple(float(found[at]) for at in (2, 3, 4)), line

    def close(self):
        if self.socket:
            self.socket.close()
        else:
            os.close(self.fd)

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()


class Shop:
    """Where a shop is, and what tests do with it."""

    def __init__(self, folder, world):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "world.toml").write_text(world, encoding="utf-8")
        self.description = None

    @property
    def ports(self):
        return self.description["ports"]

    def line(self, device):
        return Line(self.ports[device])

    def get(self, path):
        with urllib.request.urlopen(self.description["control"] + path, timeout=20) as answer:
            return json.loads(answer.read())

    def post(self, path, document):
        """The status and the JSON answer."""
        request = urllib.request.Request(
            self.description["control"] + path, json.dumps(document).encode(), method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def hands(self, act, **words):
        status, answer = self.post("/hands", {"act": act, **words})
        assert status == 200, answer

    def fault(self, device, fault, **words):
        status, answer = self.post("/faults", {"device": device, "fault": fault, **words})
        assert status == 200, answer

    def still(self, camera):
        with urllib.request.urlopen(self.description["stills"][camera], timeout=60) as answer:
            return answer.read()

    def labels(self):
        return json.loads((self.folder / "labels_printed.json").read_text())

    def events(self, name):
        lines = (self.folder / "truth.jsonl").read_text().splitlines()
        return [entry for entry in map(json.loads, lines) if entry["event"] == name]


class ShopProcess(Shop):
    """A shop as it is run in the field: a process of its own."""

    def __init__(self, folder, world):
        super().__init__(folder, world)
        command = [sys.executable, "-m", "drivers.simulators", "run", str(folder / "world.toml")]
        command += ["--dir", str(folder), "--with-parent"]
        root = Path(__file__).parents[3]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root)
        said = self.process.stdout.readline()
        self.description = json.loads(said) if said else None

    def stop(self):
        """Close its standard input; the exit code."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        code = self.process.wait(30)
        self.process.stdout.close()
        return code


class ShopThread(Shop):
    """The same shop on the same real ports, served by a thread of the tests: it is up at once."""

    def __init__(self, folder, world):
        super().__init__(folder, world)
        self.is_ready = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        assert self.is_ready.wait(30)
        assert self.failure is None, self.failure

    def _serve(self):
        try:
            asyncio.run(self._until_stopped())
        except Exception as error:  # noqa: BLE001  # shown by the test that waits for this thread
            self.failure = error
            self.is_ready.set()

    async def _until_stopped(self):
        self.loop, self.stopping = asyncio.get_running_loop(), asyncio.Event()
        await run_until(load_plan(self.folder / "world.toml"), self.folder, self.stopping, self._ready)

    def _ready(self, description):
        self.description = description
        self.is_ready.set()

    def stop(self):
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join(30)
        assert self.failure is None, self.failure
        return 0
