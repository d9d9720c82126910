"""The whole mall as a visitor finds it: the demonstration's programs as processes, by `python -m demo`."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from demo.mall import ROOT
from demo.ports import free_block

OPEN_S = 300.0
CLOSE_S = 30.0
SHOPPER = ("shopper@vitrine.example", "shopper-demo-1")
TEAHOUSE = ("teahouse@vitrine.example", "teahouse-demo-1")
STUDIO = ("studio@vitrine.example", "studio-demo-1")
OPERATOR = ("operator@vitrine.example", "operator-demo-1")


class WholeMall:
    """`url` is where the pages are; `courier_links` grows as parcels are handed over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = free_block(27000)
        self.url = f"http://127.0.0.1:{self.ports.relay}"
        self.lines: list[str] = []
        self._is_open = threading.Event()
        command = [sys.executable, "-m", "demo", "--port", str(self.ports.base), "--data", str(folder)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith("Try:"):
                self._is_open.set()

    def wait_open(self) -> None:
        until = time.monotonic() + OPEN_S
        while not self._is_open.wait(0.2):
            assert self._process.poll() is None, "\n".join(self.lines)
            assert time.monotonic() < until, "\n".join(self.lines)

    @property
    def is_closed(self) -> bool:
        return bool(self._process.stdout and self._process.stdout.closed)

    def close(self) -> None:
        if self.is_closed:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(CLOSE_S)
        finally:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._reader.join(5)
        assert self._process.stdout
        self._process.stdout.close()

    @property
    def deaths(self) -> list[str]:
        """What died on the way; nothing should."""
        return [line for line in self.lines if " died (" in line]

    def courier_links(self, shop: str) -> list[str]:
        found = (re.search(rf"{shop}: the courier's link is (\S+)", line) for line in self.lines)
        return [match.group(1) for match in found if match]

    def courier_link(self, shop: str, parcel_id: str, timeout_s: float = 60) -> str:
        """Return the link of this parcel as soon as the courier has seen it at the bench."""
        until = time.monotonic() + timeout_s
        while not (found := [link for link in self.courier_links(shop) if parcel_id in link]):
            assert time.monotonic() < until, "\n".join(self.lines[-20:])
            time.sleep(0.2)
        return found[-1]

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Read the relay's own database, beside the running relay."""
        connection = sqlite3.connect(f"file:{self.folder / 'relay' / 'relay.sqlite3'}?mode=ro", uri=True, timeout=10)
        try:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]
        finally:
            connection.close()

    def write(self, statement: str, *values: Any) -> None:
        """Change the relay's own database, beside the running relay, where no page or program could."""
        connection = sqlite3.connect(self.folder / "relay" / "relay.sqlite3", timeout=20)
        try:
            with connection:
                connection.execute(statement, values)
        finally:
            connection.close()

    def labels(self, shop: str, text: str = "") -> list[dict[str, Any]]:
        """The printer's own truth of what came out of it; with `text` only labels on which a code holds it."""
        file = self.folder / shop / "world" / "labels_printed.json"
        labels: list[dict[str, Any]] = json.loads(file.read_text()) if file.exists() else []
        return [label for label in labels if not text or any(text in code for code in label["codes"])]
