"""Crowds at one camera: what one viewer more costs, and what the one who steers notices of forty-nine others."""

from bench.figures import Figure, Report
from bench.viewing_load import Loaded, cores_per_viewer, loads, receivers, told
from bench.viewing_mall import OpenMall
from bench.viewing_pace import percentile
from bench.viewing_page import Watcher, open_browser
from bench.viewing_peers import Yardstick

OURS, THEIRS = (1, 5, 10, 20, 35, 50), (1, 2, 3)
"""Numbers of viewers: as many as a camera takes, and where one encode each fills two cores."""

OTHERS = 49
CPU, RATIO_SLOPE, RATE_HZ_MIN = 0.006, 0.02, 29.0
SLOWER, LATER_MS = 1.5, 10.0
"""Among fifty the one who steers may see pictures half as late again, or so many milliseconds, whichever is more."""


async def measure(report: Report, opened: OpenMall, stock: Yardstick, seconds: float) -> None:
    """Measure the server's processor time against the number of viewers, ours and stock aiortc's."""
    print("crowds …", flush=True)
    async with receivers("shop", opened.mall.relay_url, opened.piece_id) as crowd:
        ours = await loads(crowd, opened.edge_pid, OURS, seconds)
    async with receivers("offer", stock.origin) as crowd:
        theirs = await loads(crowd, opened.pid(stock.name), THEIRS, seconds)
    _tell(report, ours, theirs)


def _tell(report: Report, ours: list[Loaded], theirs: list[Loaded]) -> None:
    print(f"viewers: ours {told(ours)}; stock aiortc {told(theirs)}", flush=True)
    report.values["cores"] = {
        name: [(one.viewers, one.cores, one.rate_hz) for one in found]
        for name, found in (("vitrine", ours), ("stock aiortc", theirs))
    }
    if len(ours) < len(OURS):
        report.left_out[f"{OURS[len(ours)]} viewers"] = "the shop or the relay let no more in"
    try:
        mine, other = cores_per_viewer(ours), cores_per_viewer(theirs)
    except ValueError as error:
        report.left_out["cpu_per_viewer"] = str(error)
        return
    name = f"server, each viewer more (to {ours[-1].viewers})"
    report.most("cpu_per_viewer", name, [mine], "core", CPU, 4)
    report.against("cpu_ratio_stock", name, [mine], [other], "stock aiortc", RATIO_SLOPE, "core", 4)


async def measure_steering(report: Report, opened: OpenMall, seconds: float) -> None:
    """Measure one real Chromium that steers, alone and among OTHERS who watch; and whether all keep their pace."""
    print(f"steering alone and among {OTHERS} …", flush=True)
    async with open_browser() as browser, receivers("shop", opened.mall.relay_url, opened.piece_id) as crowd:
        shopper = await Watcher.come(browser, opened.mall.relay_url)
        await shopper.click_look(opened.mall.relay_url, opened.listing_id, opened.piece_id)
        await shopper.page.wait_for_selector("#look[data-state=steering]")
        alone = await shopper.window(seconds)
        if await crowd.say(str(OTHERS)) == "no":
            raise RuntimeError(f"fewer than {OTHERS} others were let in")
        await crowd.say("frames")
        among = await shopper.window(seconds)
        frames = int(await crowd.say("frames"))
    passed_s = sum(among.gaps_ms) / 1000
    alone_ms, among_ms = percentile(alone.delays_ms, 50), percentile(among.delays_ms, 50)
    rate_hz = min(frames / OTHERS / max(passed_s, 0.001), among.rate_hz)
    report.values |= {"steering_p50_ms": [alone_ms, among_ms], "rate_hz_among_50": rate_hz}
    limit_ms = max(alone_ms * SLOWER, alone_ms + LATER_MS)
    report.figures += [
        Figure(
            name=f"the one who steers among {OTHERS}: glass to glass p50", measured=f"{among_ms:.1f} ms",
            yardstick=f"alone {alone_ms:.1f} ms, so at most {limit_ms:.1f} ms", ratio=among_ms / limit_ms, limit=1,
            is_floor=False,
        ),
        Figure(
            name=f"{OTHERS + 1} viewers: pictures a second", measured=f"{rate_hz:.1f} /s",
            yardstick=f"goal {RATE_HZ_MIN:g} /s", ratio=rate_hz / RATE_HZ_MIN, limit=1, is_floor=True,
        ),
    ]  # fmt: skip
