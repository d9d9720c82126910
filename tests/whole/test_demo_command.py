"""`demo` as a person meets it: addresses, what dies is started again and said, Ctrl-C leaves nothing, clear errors."""

import contextlib
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from demo.ports import free_block

ROOT = Path(__file__).resolve().parents[2]
OPEN_S, BACK_S = 150, 40


class Demo:
    """A running demo and what it has said so far."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-u", "-m", "demo", *arguments]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, pattern: str, timeout_s: float) -> str:
        """Return the next line that matches."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            line = self._lines.get(timeout=max(0.1, deadline_s - time.monotonic()))
            assert line is not None, "the demo ended:\n" + "".join(self.said)
            self.said.append(line)
            if re.search(pattern, line):
                return line

    def stop(self) -> int:
        """Press Ctrl-C and wait."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=60)
        self._reader.join(5)
        assert self.process.stdout
        self.process.stdout.close()
        return code


def processes_of(folder: Path) -> list[int]:
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            with contextlib.suppress(OSError):
                if str(folder) in (process / "cmdline").read_bytes().decode(errors="replace"):
                    found.append(int(process.name))
    return found


@pytest.fixture(scope="module")
def base_port():
    return free_block(first=13080).base


def test_it_opens_restarts_what_dies_and_closes_without_a_trace(tmp_path, base_port):
    data = tmp_path / "mall"
    demo = Demo("--port", str(base_port), "--data", str(data))
    try:
        demo.wait_for("Ctrl-C closes the mall", OPEN_S)
        told = "".join(demo.said)
        assert f"http://127.0.0.1:{base_port}/" in told
        assert "shopper@vitrine.example" in told
        assert "PIN" in told
        running = processes_of(data)
        assert len(running) >= 6
        relay = next(pid for pid in running if b"cloud_relay\0run" in Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(relay, signal.SIGKILL)
        demo.wait_for(r"relay died \(signal SIGKILL\)", BACK_S)
        demo.wait_for("relay is back", BACK_S)
        with urllib.request.urlopen(f"http://127.0.0.1:{base_port}/healthz", timeout=5) as answer:
            assert json.load(answer)["status"] == "ok"
    finally:
        code = demo.stop()
    assert code == 0
    assert processes_of(data) == []


def test_a_port_in_use_is_said_with_what_to_do(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = subprocess.run(
            [sys.executable, "-m", "demo", "--port", str(port), "--data", str(tmp_path / "mall")],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert demo.returncode == 1
    assert f"port {port} on 127.0.0.1 is in use" in demo.stdout
    assert "--port" in demo.stdout


@pytest.mark.parametrize("nonce", ["", "k7q4", "TOO-LONG-1", "茶"])
def test_a_nonce_that_cannot_be_engraved_is_refused(nonce):
    demo = subprocess.run(
        [sys.executable, "-m", "demo", "--once", "--nonce", nonce],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert demo.returncode == 2
    assert "A-Z and 0-9" in demo.stderr
