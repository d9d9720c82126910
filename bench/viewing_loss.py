"""Loss on a long line: mall and Chromium in a network namespace where 2 % of the UDP packets vanish and all take 30 ms.

Run by `measure` as `unshare --net python -m bench.viewing_loss FOLDER SECONDS`, as root; prints JSON.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.figures import Figure, Report
from bench.viewing_bottleneck import NETWORK, look
from bench.viewing_mall import timed_mall
from bench.viewing_page import Watcher, open_browser
from demo.mall import ROOT

LOSS, DELAY_MS = 0.02, 30
LOSS_S = 60.0
FREEZE_MS = 300.0
READY_S = 20.0


def why_not() -> str:
    """Return why this machine cannot make such a line, or nothing."""
    missing = [name for name in ("unshare", "ip") if shutil.which(name) is None]
    if missing:
        return f"needs {', '.join(missing)} (Debian: util-linux, iproute2)"
    if os.geteuid() != 0:
        return "makes a network namespace: needs root"
    if not Path("/dev/net/tun").exists():
        return "needs /dev/net/tun (modprobe tun)"
    trial = ["unshare", "--net", sys.executable, "-c", "from bench.slow_line import open_device; open_device()"]
    tried = subprocess.run(trial, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    return "" if tried.returncode == 0 else f"no such line here: {tried.stderr.strip()[-200:]}"


async def tell(report: Report, folder: Path, seconds: float) -> None:
    """Measure the freezes where this machine can make such a line."""
    missing = await asyncio.to_thread(why_not)
    if missing:
        report.left_out["loss_freezes"] = missing
        return
    print("a lossy line …", flush=True)
    found = await measure(folder, seconds)
    report.values |= {"loss": found, "loss_freezes": found["freezes"]}
    report.figures.append(
        Figure(
            name=f"2 % loss, {DELAY_MS} ms one way: gaps over {FREEZE_MS:.0f} ms",
            measured=f"{found['freezes']} in {found['seconds']:.0f} s (longest {found['gap_max_ms']:.0f} ms, "
            f"{found['rate_hz']:.1f}/s)",
            yardstick="goal 0", ratio=found["freezes"], limit=0, is_floor=False,
        )
    )  # fmt: skip


async def measure(folder: Path, seconds: float) -> dict[str, Any]:
    """Return what was found in the namespace; raise RuntimeError with its last words."""
    process = await asyncio.create_subprocess_exec(
        "unshare", "--net", sys.executable, "-m", "bench.viewing_loss", str(folder), str(seconds), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, words = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"in the namespace: {words.decode(errors='replace')[-1500:]}")
    found: dict[str, Any] = json.loads(told.splitlines()[-1])
    return found


@asynccontextmanager
async def lossy_line() -> AsyncIterator[None]:
    """Make the line, and end it; raise RuntimeError when it cannot be made."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.slow_line", str(LOSS), str(DELAY_MS), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        if await asyncio.wait_for(process.stdout.readline(), READY_S) != b"ready\n":
            raise RuntimeError("the lossy line could not be made; its words stand above")
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def inside(folder: Path, seconds: float) -> dict[str, Any]:
    """Look over the lossy line for some time."""
    async with timed_mall(folder) as opened, lossy_line(), open_browser() as browser:
        watcher = await Watcher.come(browser, opened.mall.relay_url)
        await look(watcher, opened)
        seen = await watcher.window(seconds)
        way = await watcher.page.get_attribute("#look", "data-way")
    gaps = seen.gaps_ms
    return {
        "seconds": sum(gaps) / 1000, "freezes": sum(gap > FREEZE_MS for gap in gaps), "gap_max_ms": max(gaps),
        "rate_hz": seen.rate_hz, "way": way, "delay_ms": sorted(seen.delays_ms)[len(seen.delays_ms) // 2],
        "gaps_ms": [round(gap) for gap in gaps],
    }  # fmt: skip


if __name__ == "__main__":
    for command in NETWORK:
        subprocess.run(command.split(), check=True, timeout=30)
    print(json.dumps(asyncio.run(inside(Path(sys.argv[1]), float(sys.argv[2])))))
