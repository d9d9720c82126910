"""A bottleneck that appears in mid-stream: mall and Chromium in a network namespace where media get 1.5 Mbit/s.

Run by `measure` as `unshare --net python -m bench.viewing_bottleneck FOLDER`, as root; prints JSON. Only UDP, which
is the picture, is held back: camera, pages and MQTT share the loopback with it.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.figures import Report
from bench.viewing_mall import OpenMall, timed_mall
from bench.viewing_pace import moving_again_s
from bench.viewing_page import NoPictureError, Watcher, open_browser
from demo.mall import ROOT

RATE_KBIT, QUEUE_KB = 1500, 40
"""A queue of 0.2 s, as a small router's."""

BEFORE_S, AFTER_S = 6.0, 25.0
RATE_HZ_MIN, RECOVERY_S = 25.0, 3.0
NETWORK = (
    "ip link set lo up",
    "ip link add media0 type veth peer name media1",
    "ip address add 10.77.0.1/24 dev media0",
    "ip link set media0 up",
    "ip link set media1 up",
)
"""Chromium offers no loopback address; with one address more it has something to send from. It all stays on lo."""

BOTTLENECK = (
    "tc qdisc add dev lo root handle 1: htb",
    f"tc class add dev lo parent 1: classid 1:10 htb rate {RATE_KBIT}kbit burst 6k cburst 6k",
    f"tc qdisc add dev lo parent 1:10 handle 10: bfifo limit {QUEUE_KB}kb",
    "tc filter add dev lo parent 1: protocol ip u32 match ip protocol 17 0xff flowid 1:10",
)


def why_not() -> str:
    """Return why this machine cannot make the bottleneck, or nothing."""
    missing = [name for name in ("unshare", "ip", "tc") if shutil.which(name) is None]
    if missing:
        return f"needs {', '.join(missing)} (Debian: util-linux, iproute2)"
    if os.geteuid() != 0:
        return "makes a network namespace: needs root"
    trial = ["unshare", "--net", "sh", "-c", " && ".join((*NETWORK, *BOTTLENECK))]
    tried = subprocess.run(trial, capture_output=True, text=True, timeout=30, check=False)
    return "" if tried.returncode == 0 else f"the kernel cannot shape: {tried.stderr.strip()[:200]}"


async def measure(folder: Path) -> dict[str, Any]:
    """Return what was found in the namespace; raise RuntimeError with its last words."""
    process = await asyncio.create_subprocess_exec(
        "unshare", "--net", sys.executable, "-m", "bench.viewing_bottleneck", str(folder), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, words = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"in the namespace: {words.decode(errors='replace')[-1500:]}")
    found: dict[str, Any] = json.loads(told.splitlines()[-1])
    return found


async def tell(report: Report, folder: Path) -> None:
    """Measure the bottleneck where this machine can make one."""
    missing = why_not()
    if missing:
        report.left_out["bottleneck_recovery_s"] = missing
        return
    print("a bottleneck …", flush=True)
    found = await measure(folder)
    report.values["bottleneck"] = found
    recovery_s = found["recovery_s"]
    if recovery_s is None:
        report.values["bottleneck_recovery_s"] = None
        report.left_out["bottleneck_recovery_s"] = f"the picture did not come back: {found['rate_after_hz']:.0f}/s"
        return
    name = f"1.5 Mbit/s appears in mid-stream: {found['rate_after_hz']:.0f}/s again after"
    report.most("bottleneck_recovery_s", name, [recovery_s], "s", RECOVERY_S)


def squeeze() -> None:
    """Make the bottleneck."""
    for command in BOTTLENECK:
        subprocess.run(command.split(), check=True, timeout=30)


async def inside(folder: Path) -> dict[str, Any]:
    """Look, squeeze, look on."""
    async with timed_mall(folder) as opened, open_browser() as browser:
        watcher = await Watcher.come(browser, opened.mall.relay_url)
        await look(watcher, opened)
        before = await watcher.window(BEFORE_S)
        squeeze()
        squeezed_ms = time.time() * 1000
        await asyncio.sleep(AFTER_S)
        pictures = await watcher.pictures()
        width_px = await watcher.page.evaluate("document.querySelector('video').videoWidth")
        way = await watcher.page.get_attribute("#look", "data-way")
    last = [one for one in pictures if one.seen_ms > pictures[-1].seen_ms - 5000]
    return {
        "rate_before_hz": before.rate_hz, "rate_after_hz": len(last) / 5,
        "recovery_s": moving_again_s(pictures, squeezed_ms, RATE_HZ_MIN), "width_px": width_px, "way": way,
        "seen_ms": [round(one.seen_ms - squeezed_ms) for one in pictures],
    }  # fmt: skip


async def look(watcher: Watcher, opened: OpenMall) -> None:
    """Look; once more where a machine too busy to connect in time has made the page fall back to stills."""
    for chances in (2, 1, 0):
        try:
            await watcher.click_look(opened.mall.relay_url, opened.listing_id, opened.piece_id)
        except NoPictureError:
            if not chances:
                raise
            await watcher.leave()
        else:
            return


if __name__ == "__main__":
    for command in NETWORK:
        subprocess.run(command.split(), check=True, timeout=30)
    print(json.dumps(asyncio.run(inside(Path(sys.argv[1])))))
