"""Live viewing beside its yardsticks: one Chromium, one camera port, rounds in turn; raw figures for programs."""

import asyncio
import statistics
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Error as PlaywrightError

from bench import viewing_bottleneck
from bench.figures import Figure, Report
from bench.viewing_janus import janus, why_no_janus
from bench.viewing_load import Loaded, cores_over, cores_per_viewer, loads, receivers, told
from bench.viewing_mall import CAMERA, RATE_HZ, OpenMall, timed_mall
from bench.viewing_pace import Course, percentile
from bench.viewing_page import NoPictureError, Watcher, open_browser
from bench.viewing_peers import Yardstick, plain_mjpeg, stock_aiortc

LOOKS = 3
IDLE_AFTER_S, IDLE_S = 12.0, 20.0
OURS, THEIRS = (1, 5, 10, 20), (1, 2, 3)
"""Numbers of viewers: where ours still has room, and where one encode each fills two cores."""

STILL_MS, FIRST_FRAME_MS, GAP_MS, CPU, IDLE = 80.0, 200.0, 50.0, 0.006, 0.02
RATIO_SLOPE, RECOVERY_S, PHOTON = 0.02, 3.0, 0.75
RATIOS = {
    "stock aiortc": ("g2g_ratio_stock", 0.35), "Janus": ("g2g_ratio_janus", 0.55),
    "plain MJPEG in an img": ("g2g_ratio_mjpeg", 1.0),
}  # fmt: skip
"""Key and goal of each yardstick; the camera's own stream carries ten times the bits."""


@dataclass(slots=True)
class Ours:
    """What the product showed over all rounds."""

    course: Course = field(default_factory=Course)
    first_ms: list[float] = field(default_factory=list)
    cold_ms: list[float] = field(default_factory=list)
    still_ms: list[float] = field(default_factory=list)
    photon_ms: list[float] = field(default_factory=list)

    async def watch(self, watcher: Watcher, opened: OpenMall, seconds: float) -> None:
        """Click "look" a few times, look at the last for a while, steer, leave."""
        for number in range(LOOKS):
            first_ms, still_ms = await watcher.click_look(opened.mall.relay_url, opened.listing_id, opened.piece_id)
            (self.first_ms if number else self.cold_ms).append(first_ms)
            self.still_ms += [] if still_ms is None else [still_ms]
            if number < LOOKS - 1:
                await watcher.leave()
                await asyncio.sleep(1)
        self.course.windows.append(await watcher.window(seconds))
        self.photon_ms += await watcher.press()
        await watcher.leave()


async def measure(folder: Path, rounds: int, seconds: float) -> Report:
    """Open a mall of its own and the yardsticks, measure, close everything."""
    report = Report()
    for part in ("mall", "squeezed"):
        (folder / part).mkdir()
    async with timed_mall(folder / "mall") as opened:
        yardsticks = await _yardsticks(report, opened)
        await _idle(report, opened.edge_pid)
        await _part(report, "pictures", _pictures(report, opened, yardsticks, rounds, seconds))
        await _part(report, "cpu_per_viewer", _crowds(report, opened, yardsticks[0], seconds))
    await _part(report, "bottleneck_recovery_s", _squeezed(report, folder / "squeezed"))
    return report


async def _part(report: Report, key: str, doing: Coroutine[Any, Any, None]) -> None:
    """Do one part; what cannot be measured is left out with the reason, and the others go on."""
    try:
        await doing
    except (NoPictureError, PlaywrightError, TimeoutError, RuntimeError) as error:
        print(f"{key}: {error}", flush=True)
        report.left_out[key] = str(error).strip().splitlines()[-1][:200] or type(error).__name__


async def _yardsticks(report: Report, opened: OpenMall) -> list[Yardstick]:
    mall, ports = opened.mall, [opened.mall.ports.world(1, number) for number in range(3)]
    found = [
        await stock_aiortc(opened.supervisor, opened.camera_url, ports[0], mall.logs / "stock-aiortc.log"),
        plain_mjpeg(mall.camera_url(opened.shop), CAMERA),
    ]
    if missing := why_no_janus():
        report.left_out["g2g_ratio_janus"] = missing
    else:
        found.append(await janus(opened.supervisor, opened.camera_url, mall.folder / "janus", ports[1], ports[2]))
    return found


async def _idle(report: Report, edge_pid: int) -> None:
    print("a shop that nobody looks at …", flush=True)
    await asyncio.sleep(IDLE_AFTER_S)
    cores = await cores_over(edge_pid, IDLE_S)
    report.most("idle_core", "shop box with two viewing cameras, nobody looking", [cores], "core", IDLE, 3)


async def _pictures(report: Report, opened: OpenMall, yardsticks: list[Yardstick], rounds: int, seconds: float) -> None:
    ours = Ours()
    async with open_browser() as browser:
        shopper = await Watcher.come(browser, opened.mall.relay_url)
        stranger = await Watcher.come(browser)
        for number in range(rounds):
            print(f"pictures, round {number + 1} of {rounds} …", flush=True)
            await ours.watch(shopper, opened, seconds)
            _say("vitrine", ours.course)
            for yardstick in yardsticks:
                await _try(report, yardstick, stranger, seconds)
    _tell_ours(report, ours)
    for yardstick in yardsticks:
        if yardstick.course.windows:
            key, limit = RATIOS[yardstick.name]
            mine, theirs = ours.course.medians_ms, yardstick.course.medians_ms
            _tell_course(report, yardstick.name, yardstick.course)
            report.against(key, "glass to glass p50, MJPEG camera", mine, theirs, yardstick.name, limit)
        if yardstick.name == "Janus" and yardstick.course.windows and ours.photon_ms:
            theirs = [middle + 1000 / RATE_HZ for middle in yardstick.course.medians_ms]
            peer = "Janus’s glass to glass + one picture"
            report.against("photon_ratio_janus", "control to photon p50", ours.photon_ms, theirs, peer, PHOTON)


async def _try(report: Report, yardstick: Yardstick, watcher: Watcher, seconds: float) -> None:
    try:
        await yardstick.watch(watcher, seconds)
    except (NoPictureError, PlaywrightError) as error:
        report.left_out[yardstick.name] = f"{len(yardstick.course.windows)} rounds, then: {str(error)[:200]}"
        await watcher.leave()
    else:
        _say(yardstick.name, yardstick.course)


def _say(name: str, course: Course) -> None:
    window = course.windows[-1]
    middle_ms, gap_ms = course.medians_ms[-1], percentile(window.gaps_ms, 99)
    print(f"  {name}: {middle_ms:.1f} ms, {window.rate_hz:.1f}/s, gap p99 {gap_ms:.0f} ms", flush=True)


def _tell_ours(report: Report, ours: Ours) -> None:
    course = ours.course
    _tell_course(report, "vitrine", course)
    first_ms = ours.cold_ms + ours.first_ms
    report.most("first_frame_ms", "click “look” to first live picture", first_ms, "ms", FIRST_FRAME_MS, 0)
    report.values |= {"first_frame_cold_ms": ours.cold_ms, "first_frame_warm_ms": ours.first_ms}
    if ours.still_ms:
        report.most("still_ms", "click “look” to a live still", ours.still_ms, "ms", STILL_MS, 0)
    else:
        report.left_out["still_ms"] = "the page showed no live still before the moving picture"
    report.most(
        "gap_p99_ms",
        "gap between pictures, p99",
        [percentile(window.gaps_ms, 99) for window in course.windows],
        "ms",
        GAP_MS,
    )
    seconds = sum(sum(window.gaps_ms) for window in course.windows) / 1000
    freezes = sum(window.freezes for window in course.windows)
    report.values["freezes"] = freezes
    report.figures.append(
        Figure(
            name="freezes", measured=f"{freezes} in {seconds:.0f} s", yardstick="goal 0", ratio=freezes, limit=0,
            is_floor=False,
        )
    )  # fmt: skip
    if ours.photon_ms:
        report.values["control_to_photon_ms"] = statistics.median(ours.photon_ms)


def _tell_course(report: Report, name: str, course: Course) -> None:
    report.values.setdefault("courses", {})[name] = {
        "g2g_p50_ms": course.delay_ms(50), "g2g_p95_ms": course.delay_ms(95), "g2g_p99_ms": course.delay_ms(99),
        "g2g_p50_ms_of_rounds": course.medians_ms, "gap_p99_ms": course.gap_ms(99),
        "rate_hz": [window.rate_hz for window in course.windows],
        "missed": sum(window.missed for window in course.windows),
        "freezes": sum(window.freezes for window in course.windows),
        "delays_ms": [round(delay, 1) for window in course.windows for delay in window.delays_ms],
    }  # fmt: skip


async def _crowds(report: Report, opened: OpenMall, stock: Yardstick, seconds: float) -> None:
    print("crowds …", flush=True)
    async with receivers("shop", opened.mall.relay_url, opened.piece_id) as crowd:
        ours = await loads(crowd, opened.edge_pid, OURS, seconds)
    async with receivers("offer", stock.origin) as crowd:
        theirs = await loads(crowd, opened.pid(stock.name), THEIRS, seconds)
    _tell_crowds(report, ours, theirs)


async def _squeezed(report: Report, folder: Path) -> None:
    """Measure the bottleneck where this machine can make one."""
    missing = viewing_bottleneck.why_not()
    if missing:
        report.left_out["bottleneck_recovery_s"] = missing
        return
    print("a bottleneck …", flush=True)
    found = await viewing_bottleneck.measure(folder)
    report.values["bottleneck"] = found
    recovery_s = found["recovery_s"]
    if recovery_s is None:
        report.values["bottleneck_recovery_s"] = None
        report.left_out["bottleneck_recovery_s"] = f"the picture did not come back: {found['rate_after_hz']:.0f}/s"
        return
    name = f"1.5 Mbit/s appears in mid-stream: {found['rate_after_hz']:.0f}/s again after"
    report.most("bottleneck_recovery_s", name, [recovery_s], "s", RECOVERY_S)


def _tell_crowds(report: Report, ours: list[Loaded], theirs: list[Loaded]) -> None:
    print(f"viewers: ours {told(ours)}; stock aiortc {told(theirs)}", flush=True)
    try:
        mine, other = cores_per_viewer(ours), cores_per_viewer(theirs)
    except ValueError as error:
        report.left_out["cpu_per_viewer"] = str(error)
        return
    report.values["cores"] = {
        name: [(one.viewers, one.cores, one.rate_hz) for one in found]
        for name, found in (("vitrine", ours), ("stock aiortc", theirs))
    }
    if len(ours) < len(OURS):
        report.left_out[f"{OURS[len(ours)]} viewers"] = "the shop lets no more in directly"
    name = f"server, each viewer more (to {ours[-1].viewers})"
    report.most("cpu_per_viewer", name, [mine], "core", CPU, 4)
    report.against("cpu_ratio_stock", name, [mine], [other], "stock aiortc", RATIO_SLOPE, "core", 4)
