"""Live viewing beside its yardsticks: one Chromium, one camera port, rounds in turn; raw figures for programs."""

import asyncio
import statistics
import subprocess
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Error as PlaywrightError

from bench import viewing_bottleneck, viewing_crowd, viewing_loss, viewing_whep
from bench.figures import Figure, Report
from bench.viewing_janus import janus, why_no_janus
from bench.viewing_load import cores_over
from bench.viewing_loss import LOSS_S
from bench.viewing_mall import CAMERA, RATE_HZ, OpenMall, timed_mall
from bench.viewing_pace import Course, percentile
from bench.viewing_page import PRESSED_MS, NoPictureError, Watcher, open_browser
from bench.viewing_peers import Yardstick, plain_mjpeg, stock_aiortc
from bench.viewing_plot import cores_svg, delays_svg
from demo.people import RelayRefusedError
from demo.steps import StepFailedError
from demo.viewer import ViewerError

LOOKS = 3
IDLE_AFTER_S, IDLE_S = 12.0, 20.0
CROWD_S = 8.0
"""Each of many crowds is looked at for so long at most."""
STILL_MS, FIRST_FRAME_MS, GAP_MS, IDLE = 80.0, 200.0, 50.0, 0.02
PHOTON, FIRST = 0.75, 0.6
UNMEASURED = (
    NoPictureError, PlaywrightError, RelayRefusedError, StepFailedError, ViewerError, httpx.HTTPError, OSError,
    subprocess.SubprocessError, TimeoutError, RuntimeError, ValueError,
)  # fmt: skip
"""What ends one part of a run and not the others: a browser, a network or a machine that does not do what was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One kind of camera port: what its systems are called in the figures, and each yardstick's key and goal."""

    name: str
    prefix: str
    ratios: dict[str, tuple[str, float]]


MJPEG = Port(
    name="MJPEG camera",
    prefix="",
    ratios={
        "stock aiortc": ("g2g_ratio_stock", 0.35),
        "Janus": ("g2g_ratio_janus", 0.55),
        "plain MJPEG in an img": ("g2g_ratio_mjpeg", 1.0),  # it carries ten times the bits
    },
)
RAW = Port(
    name="raw camera",
    prefix="raw: ",
    ratios={"stock aiortc": ("raw_g2g_ratio_stock", 0.20), "Janus": ("raw_g2g_ratio_janus", 0.40)},
)


@dataclass(slots=True)
class Ours:
    """What the product showed over all rounds."""

    course: Course = field(default_factory=Course)
    first_ms: list[float] = field(default_factory=list)
    cold_ms: list[float] = field(default_factory=list)
    pressed_ms: list[float] = field(default_factory=list)
    still_ms: list[float] = field(default_factory=list)
    photon_ms: list[float] = field(default_factory=list)

    async def watch(self, watcher: Watcher, opened: OpenMall, seconds: float, looks: int = LOOKS) -> None:
        """Click "look" a few times, look at the last for a while, steer, leave."""
        for number in range(looks):
            look = await watcher.click_look(opened.mall.relay_url, opened.listing_id, opened.piece_id)
            (self.first_ms if number else self.cold_ms).append(look.first_ms)
            self.pressed_ms.append(look.pressed_ms)
            self.still_ms += [] if look.still_ms is None else [look.still_ms]
            if number < looks - 1:
                await watcher.leave()
                await asyncio.sleep(1)
        self.course.windows.append(await watcher.window(seconds))
        self.photon_ms += await watcher.press()
        await watcher.leave()


async def measure(folder: Path, rounds: int, seconds: float) -> Report:
    """Open a mall of its own and the yardsticks, measure, close everything."""
    report = Report()
    for part in ("mall", "raw", "squeezed", "lossy"):
        (folder / part).mkdir()
    async with timed_mall(folder / "mall") as opened:
        yardsticks = await _yardsticks(report, opened)
        await _idle(report, opened.edge_pid)
        await _part(report, "pictures", _pictures(report, MJPEG, opened, yardsticks, rounds, seconds))
        shorter_s = min(seconds, CROWD_S)
        await _part(report, "cpu_per_viewer", viewing_crowd.measure(report, opened, yardsticks[0], shorter_s))
        await _part(report, "steering_among_50", viewing_crowd.measure_steering(report, opened, shorter_s))
    await _part(report, "raw_g2g_ratio_janus", _raw(report, folder / "raw", rounds, seconds))
    await _part(report, "bottleneck_recovery_s", viewing_bottleneck.tell(report, folder / "squeezed"))
    await _part(report, "loss_freezes", viewing_loss.tell(report, folder / "lossy", max(seconds, LOSS_S)))
    return report


async def _raw(report: Report, folder: Path, rounds: int, seconds: float) -> None:
    """The same pictures without a JPEG on the way, and the first answer while STUN servers keep silent."""
    with viewing_whep.silent_servers() as stun_urls:
        async with timed_mall(folder, is_raw=True, stun_urls=stun_urls) as opened:
            yardsticks = await _yardsticks(report, opened)
            await _part(report, "raw pictures", _pictures(report, RAW, opened, yardsticks, rounds, seconds))
            await _part(report, "whep_post_ms", viewing_whep.measure(report, opened))


async def _part(report: Report, key: str, doing: Coroutine[Any, Any, None]) -> None:
    """Do one part; what cannot be measured is left out with the reason, and the others go on."""
    try:
        await doing
    except UNMEASURED as error:
        print(f"{key}: {type(error).__name__}: {error}", flush=True)
        report.left_out[key] = [*str(error).strip().splitlines(), type(error).__name__][-2:][0][:200]


async def _yardsticks(report: Report, opened: OpenMall) -> list[Yardstick]:
    mall, ports = opened.mall, [opened.mall.ports.world(1, number) for number in range(3)]
    found = [await stock_aiortc(opened.supervisor, opened.camera_url, ports[0], mall.logs / "stock-aiortc.log")]
    if not opened.is_raw:
        found.append(plain_mjpeg(mall.camera_url(opened.shop), CAMERA))
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


async def _pictures(
    report: Report, port: Port, opened: OpenMall, yardsticks: list[Yardstick], rounds: int, seconds: float
) -> None:
    ours, is_main = Ours(), port is MJPEG
    async with open_browser() as browser:
        shopper = await Watcher.come(browser, opened.mall.relay_url)
        stranger = await Watcher.come(browser)
        for number in range(rounds):
            print(f"pictures of the {port.name}, round {number + 1} of {rounds} …", flush=True)
            await ours.watch(shopper, opened, seconds, LOOKS if is_main else 1)
            _say("vitrine", ours.course)
            for yardstick in yardsticks:
                await _try(report, port, yardstick, stranger, seconds)
    _tell_course(report, f"{port.prefix}vitrine", ours.course)
    if is_main:
        _tell_ours(report, ours)
    for yardstick in yardsticks:
        if yardstick.course.windows:
            key, limit = port.ratios[yardstick.name]
            mine, theirs = ours.course.medians_ms, yardstick.course.medians_ms
            _tell_course(report, f"{port.prefix}{yardstick.name}", yardstick.course)
            report.against(key, f"glass to glass p50, {port.name}", mine, theirs, yardstick.name, limit)
            if is_main and yardstick.name == "Janus":
                _tell_against_janus(report, ours, yardstick)


def _tell_against_janus(report: Report, ours: Ours, peer: Yardstick) -> None:
    name, mine = "click “look” to first live picture", ours.cold_ms + ours.first_ms
    report.against("first_frame_ratio_janus", name, mine, peer.first_ms, "Janus’s page from its opening", FIRST)
    if ours.photon_ms:
        theirs = [middle + 1000 / RATE_HZ for middle in peer.course.medians_ms]
        name, yardstick = "control to photon p50", "Janus’s glass to glass + one picture"
        report.against("photon_ratio_janus", name, ours.photon_ms, theirs, yardstick, PHOTON)


async def _try(report: Report, port: Port, yardstick: Yardstick, watcher: Watcher, seconds: float) -> None:
    try:
        await yardstick.watch(watcher, seconds)
    except (NoPictureError, PlaywrightError) as error:
        report.left_out[f"{port.prefix}{yardstick.name}"] = (
            f"{len(yardstick.course.windows)} rounds, then: {str(error)[:200]}"
        )
        await watcher.leave()
    else:
        _say(yardstick.name, yardstick.course)


def _say(name: str, course: Course) -> None:
    window = course.windows[-1]
    middle_ms, gap_ms = course.medians_ms[-1], percentile(window.gaps_ms, 99)
    print(f"  {name}: {middle_ms:.1f} ms, {window.rate_hz:.1f}/s, gap p99 {gap_ms:.0f} ms", flush=True)


def _tell_ours(report: Report, ours: Ours) -> None:
    course = ours.course
    first_ms = ours.cold_ms + ours.first_ms
    report.most("first_frame_ms", "click “look” to first live picture", first_ms, "ms", FIRST_FRAME_MS, 0)
    goal_ms = FIRST_FRAME_MS + PRESSED_MS
    report.most("pressed_first_frame_ms", "the same from the press of the button", ours.pressed_ms, "ms", goal_ms, 0)
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


def write(report: Report, folder: Path) -> None:
    """Write the table and the plots of a run into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    courses: dict[str, dict[str, list[float]]] = report.values.get("courses", {})
    if courses:
        delays = {name: course["delays_ms"] for name, course in courses.items()}
        (folder / "viewing-delays.svg").write_text(delays_svg(delays), encoding="utf-8")
    cores: dict[str, list[tuple[int, float, float]]] = report.values.get("cores", {})
    if cores:
        lines = {name: [(viewers, used) for viewers, used, _ in points] for name, points in cores.items()}
        (folder / "viewing-cores.svg").write_text(cores_svg(lines), encoding="utf-8")
    (folder / "viewing.md").write_text(f"# Live viewing, the last run\n\n{report.text()}\n", encoding="utf-8")
