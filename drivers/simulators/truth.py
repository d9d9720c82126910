"""The truth log: what physically happened, append-only and on disk before anybody hears of it."""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any


class TruthLog:
    """RUNDIR/truth.jsonl: one line per physical event, numbered from 1 over all runs in this folder, fsync'd.

    `wall` gives the time of day as an aware UTC datetime.
    """

    def __init__(self, path: Path, wall: Callable[[], datetime]) -> None:
        self._wall = wall
        self._lock = threading.Lock()
        self._last: deque[dict[str, Any]] = deque(maxlen=500)
        self._n = _count_lines(path)
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, device: str, event: str, **facts: Any) -> str:
        """Append one event and return its time (ISO 8601)."""
        with self._lock:
            self._n += 1
            at = self._wall().isoformat(timespec="milliseconds")
            entry = {"n": self._n, "at": at, "device": device, "event": event, **facts}
            os.write(self._fd, json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            os.fsync(self._fd)
            self._last.append(entry)
            return at

    def last(self, count: int) -> list[dict[str, Any]]:
        """The newest `count` entries of this run (at most 500), oldest first."""
        with self._lock:
            return list(self._last)[-count:] if count > 0 else []

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` with `data` so that a reader sees the old or the new file, never half of one."""
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _count_lines(path: Path) -> int:
    """How many events stand in the log already."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(1 for _ in file)
