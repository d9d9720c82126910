"""One measured line: what, its median and spread, the yardstick of the same run, the ratio, the floor it must keep."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


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


@dataclass(slots=True)
class Report:
    """What one benchmark measured: lines of the table, values by key for programs, what was left out and why."""

    figures: list[Figure] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def most(self, key: str, name: str, values: Sequence[float], unit: str, limit: float, digits: int = 1) -> None:
        """Add a line whose median must not exceed its limit."""
        middle = self.values[key] = statistics.median(values)
        self.figures.append(
            Figure(
                name=name, measured=median_text(values, unit, digits), yardstick=f"goal {limit:g} {unit}",
                ratio=middle / limit, limit=1, is_floor=False,
            )
        )  # fmt: skip

    def least(self, key: str, name: str, values: Sequence[float], unit: str, limit: float, digits: int = 2) -> None:
        """Add a line whose median must not fall below its limit."""
        middle = self.values[key] = statistics.median(values)
        self.figures.append(
            Figure(
                name=name, measured=median_text(values, unit, digits), yardstick=f"goal {limit:g} {unit}",
                ratio=middle / limit, limit=1, is_floor=True,
            )
        )  # fmt: skip

    def against(
        self, key: str, name: str, ours: Sequence[float], theirs: Sequence[float], peer: str, limit: float,
        unit: str = "ms", digits: int = 1,
    ) -> None:  # fmt: skip
        """Add a line whose median may be at most this share of a yardstick's."""
        ratio = self.values[key] = statistics.median(ours) / statistics.median(theirs)
        self.figures.append(
            Figure(
                name=name, measured=median_text(ours, unit, digits),
                yardstick=f"{peer} {median_text(theirs, unit, digits)}", ratio=ratio, limit=limit, is_floor=False,
            )
        )  # fmt: skip

    def text(self) -> str:
        """Return the table, and below it what was left out."""
        return "\n".join([table(self.figures), *(f"left out: {key}: {why}" for key, why in self.left_out.items())])

    def write_json(self, file: Path) -> None:
        """Write everything for programs: each value under its own key."""
        rows = [{**asdict(one), "is_kept": one.is_kept} for one in self.figures]
        document = {"figures": rows, **self.values, "left_out": self.left_out}
        file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
