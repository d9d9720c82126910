"""One measured line: what, its median and spread, the yardstick of the same run, the ratio, the floor it must keep."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`ratio` is compared with `limit`: at most it, or at least it when `is_floor`."""

    name: str
    measured: str
    yardstick: str
    ratio: float
    limit: float
    is_floor: bool

    @property
    def is_kept(self) -> bool:
        """Whether the goal is met."""
        return self.ratio >= self.limit if self.is_floor else self.ratio <= self.limit


def median_text(values: Sequence[float], unit: str, digits: int = 1) -> str:
    """Return `median unit (least to most, n)`."""
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} {unit} ({least:.{digits}f} to {most:.{digits}f}, n={len(values)})"


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| what | measured | yardstick | ratio | goal | |", "|---|---|---|---|---|---|"]
    for one in figures:
        goal = f"{'≥' if one.is_floor else '≤'} {one.limit:g}"
        verdict = "kept" if one.is_kept else "**missed**"
        lines.append(f"| {one.name} | {one.measured} | {one.yardstick} | {one.ratio:.2f} | {goal} | {verdict} |")
    return "\n".join(lines)


def write_json(figures: Sequence[Figure], file: Path) -> None:
    """Write the figures for programs."""
    rows = [{**asdict(one), "is_kept": one.is_kept} for one in figures]
    file.write_text(json.dumps({"figures": rows}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
