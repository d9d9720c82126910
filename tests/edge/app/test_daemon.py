"""The daemon as a process over the simulated shop: ready soon, one per data directory, clean end, one order's way."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path


import pytest

ROOT = Path(__file__).parents[3]


def test_ready_within_three_seconds_and_small(daemon, wait_until):
    daemon.start()
    wait_until(daemon.is_up)
    ready = next(line for line in wait_until(lambda: [part for part in daemon.log() if part["message"] == "ready"]))
    assert ready["shop_id"] == "teahouse"
    print(f"ready after {time.monotonic() - daemon.started_s:.2f} s")
    daemon.sign_in()
    wait_until(lambda: all(device["health"] == "online" for device in daemon.state()["devices"]))
    rss_mb = rss_mb_of(daemon.process.pid)
    print(f"RSS {rss_mb:.0f} MB with all devices online")
    assert daemon.end() == 0


def rss_mb_of(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1000
    raise AssertionError("the process is gone")
