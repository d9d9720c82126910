"""Writes docs/faults.md from the table."""

from itertools import groupby
from pathlib import Path

from edge.attendant.stages import STAGES
from tests.fault_table.kinds import DEVICE_WORDS, FAULT_WORDS, Device, Fault, why_never
from tests.fault_table.table import Cell, End, Moment, Point, cell, cells, points

PATH = Path(__file__).parents[2] / "docs" / "faults.md"

HEAD = """# What happens when something fails at the bench

Made from the table in `tests/fault_table` by `python -m tests.fault_table --write`; a test fails when this page is
stale. Every cell is a run over the real bench code, real driver bytes and simulated machines: `python -m
tests.fault_table` runs them all, the normal tests one for each device and fault.

In every one of them no machine moves twice for one parcel, never are two labels of one parcel on it, and once the fault
is gone and what the page asks is answered the order ends.

**What comes of it** — *held*: the parcel stops, and the page asks the attendant. *waits*: the next act is put off and
begins by itself. *shown*: the parcel is not touched, the page says what to do. *asked*: the parcel stays where it is,
and a question stands or is put. *goes on*: nobody need act. *cannot*: the two cannot meet, so nothing happens.

**Stages** — a stage in which the device itself acts is split in two: as its act begins (nothing has moved yet) and half
way.
"""

ENDS = {
    End.CANNOT: "cannot",
    End.GOES_ON: "goes on",
    End.SHOWN: "shown",
    End.WAITS: "waits",
    End.ASKED: "asked",
    End.HELD: "**held**",
}
ORDER = (End.HELD, End.WAITS, End.ASKED, End.SHOWN, End.GOES_ON, End.CANNOT)
MOMENTS = {Moment.STANDS: "", Moment.BEGINS: " (as it begins)", Moment.HALF_WAY: " (half way)"}


def document() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *_overview(), *_stages(), *(line for device in Device for line in _device(device))]) + "\n"


def _overview() -> list[str]:
    """Each device × each fault: the worst that comes of it at any stage, or why there is no such thing."""
    lines = ["## At a glance", "", "The worst that comes of it at any stage.", ""]
    lines += ["| fault | " + " | ".join(DEVICE_WORDS[device] for device in Device) + " |"]
    lines += ["|---" * (len(Device) + 1) + "|"]
    for fault in Fault:
        row = [_worst(device, fault) for device in Device]
        lines.append(f"| {FAULT_WORDS[fault]} | " + " | ".join(row) + " |")
    found = [ENDS[one.end].strip("*") for one in cells()]
    counts = ", ".join(f"{found.count(word)} {word}" for word in (ENDS[end].strip("*") for end in ORDER))
    return [*lines, "", f"{len(found)} cells: {counts}.", ""]


def _worst(device: Device, fault: Fault) -> str:
    never = why_never(device, fault)
    if never:
        return f"– {never}"
    ends = {cell(device, fault, point).end for point in points(device)}
    return ENDS[next(end for end in ORDER if end in ends)]


def _stages() -> list[str]:
    lines = ["## The stages of a job", "", "| stage | on the page |  |", "|---|---|---|"]
    return [*lines, *(f"| `{stage.value}` | {text.en} | {text.zh} |" for stage, text in STAGES.items()), ""]


def _device(device: Device) -> list[str]:
    lines = [f"## {DEVICE_WORDS[device].capitalize()}", ""]
    never = [FAULT_WORDS[fault] for fault in Fault if why_never(device, fault)]
    for fault in Fault:
        if not why_never(device, fault):
            lines += _fault(device, fault)
    return [*lines, f"Cannot have, at any stage: {'; '.join(never)} (reasons above).", ""]


def _fault(device: Device, fault: Fault) -> list[str]:
    lines = [f"### {DEVICE_WORDS[device].capitalize()}: {FAULT_WORDS[fault]}", ""]
    lines += ["| stages | what comes of it | stands then | the sentence | | goes on by itself once it is gone |"]
    lines += ["|---" * 6 + "|"]
    found = sorted((cell(device, fault, point) for point in points(device)), key=_likeness)
    for _, alike in groupby(found, key=_likeness):
        lines.append(_row(list(alike)))
    return [*lines, ""]


def _likeness(one: Cell) -> tuple[int, str, str, str, str, bool]:
    follows = "" if one.stage is one.point.stage else one.stage.value
    asks = one.asks.value if one.asks else ""
    return ORDER.index(one.end), follows, asks, one.reason, one.why, one.heals


def _row(alike: list[Cell]) -> str:
    one, text = alike[0], alike[0].sentence()
    stages = ", ".join(_point(part.point) for part in alike)
    why = f" ({one.why})" if one.why else ""
    stands = "the same" if one.stage is one.point.stage else f"`{one.stage.value}`"
    heals = "yes" if one.heals else "no: a person answers"
    en, zh = (" ".join(part.split()) for part in (text.en, text.zh))
    return f"| {stages} | {ENDS[one.end]}{why} | {stands} | {en} | {zh} | {heals} |"


def _point(point: Point) -> str:
    return f"`{point.stage.value}`{MOMENTS[point.moment]}"
