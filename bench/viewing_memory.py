"""Whether the shop box grows while many watch: its memory over some minutes, and the straight line through it."""

import asyncio
from pathlib import Path

from bench.figures import Figure, Report
from bench.viewing_load import receivers
from bench.viewing_mall import timed_mall
from bench.viewing_pace import percentile, slope

VIEWERS = 20
SETTLE_S, EVERY_S = 60.0, 5.0
GROWTH_MAX = 0.01


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process in MB (VmRSS of proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))) / 1024


def growth(points: list[tuple[float, float]]) -> float:
    """Return by what share the straight line through (seconds, MB) rises from its first point to its last."""
    rise_mb = slope(points) * (points[-1][0] - points[0][0])
    return rise_mb / percentile([memory for _, memory in points], 50)


async def measure(folder: Path, minutes: float) -> Report:
    """Open a mall, let VIEWERS watch, and look at the shop box again and again."""
    report, loop = Report(), asyncio.get_running_loop()
    async with timed_mall(folder) as opened, receivers("shop", opened.mall.relay_url, opened.piece_id) as crowd:
        if await crowd.say(str(VIEWERS)) == "no":
            raise RuntimeError(f"fewer than {VIEWERS} viewers were let in")
        print(f"{VIEWERS} viewers, {minutes:g} minutes …", flush=True)
        await asyncio.sleep(min(SETTLE_S, minutes * 60))
        await crowd.say("frames")
        begun_s, points = loop.time(), []
        while (passed_s := loop.time() - begun_s) < minutes * 60:
            points.append((passed_s, memory_mb(opened.edge_pid)))
            await asyncio.sleep(EVERY_S)
        rate_hz = int(await crowd.say("frames")) / VIEWERS / (loop.time() - begun_s)
    rise = growth(points)
    report.values |= {"memory_mb": points, "memory_growth": rise, "memory_rate_hz": rate_hz}
    report.figures.append(
        Figure(
            name=f"shop box, {VIEWERS} viewers at {rate_hz:.0f}/s, {minutes:g} min: growth of memory",
            measured=f"{rise:+.2%} of {percentile([memory for _, memory in points], 50):.0f} MB",
            yardstick=f"goal {GROWTH_MAX:.0%}", ratio=rise / GROWTH_MAX, limit=1, is_floor=False,
        )
    )  # fmt: skip
    return report
