"""The world TOML as frozen dataclasses; a mistake is named by file, section and key."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar


class BadPlanError(Exception):
    """The world file says something that cannot be built; the message names file, section and key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A physical thing. `code` is the text of its tag, `kind` how it is drawn (bodies.py).

    `spot` is where it stands at first: 1… at the front, 0 on the shelf behind; with `location` (aisle-shelf-bin, such
    as A-1-2) it lies there instead. `colour` picks among the kind's glazes; `engraving` stands on its back.
    """

    id: str
    code: str
    title_zh: str
    title_en: str
    kind: str
    engraving: str = ""
    spot: int = 0
    colour: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraPlan:
    """A network camera: `place` front, turntable or bench; `head` names the device that turns it.

    `shows_time` has a viewing camera draw a strip into each picture that says when it was taken (time_strip.py);
    `raw_port` gives its pictures uncompressed too (raw_camera.py): a TCP port, 0 = free, −1 = none.
    """

    place: str
    head: str = ""
    rate_hz: float = 25.0
    jpeg_quality: int = 80
    shows_time: bool = False
    raw_port: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPlan:
    """A VISCA head and the fence its mount gives it, in degrees."""

    pan_min_deg: float = -30.0
    pan_max_deg: float = 30.0
    tilt_min_deg: float = -15.0
    tilt_max_deg: float = 15.0
    port: str = "pty"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurntablePlan:
    """A turntable; `start_deg` is the angle where it stands at power-up."""

    start_deg: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterPlan:
    """A label printer. `language` escpos or zpl; `port` TCP, 0 = free; `connection` tcp or pty."""

    language: str = "escpos"
    connection: str = "tcp"
    port: int = 0
    width_mm: float = 104.0
    label_width_mm: float = 100.0
    label_length_mm: float = 150.0
    dots_per_mm: int = 8
    speed_mm_s: float = 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabellerPlan:
    """A three-axis robot; places in its own millimetres (see README). `placing_mm` is its scatter."""

    mouth_x_mm: float = 60.0
    mouth_y_mm: float = 200.0
    mouth_z_mm: float = -40.0
    parcel_x_mm: float = 360.0
    parcel_y_mm: float = 200.0
    bench_z_mm: float = -250.0
    rapid_mm_min: float = 18000.0
    rapid_z_mm_min: float = 9000.0
    placing_mm: float = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class PackerPlan:
    """A packing machine on Modbus TCP; a job takes `job_s`."""

    port: int = 0
    job_s: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SorterPlan:
    """A sorting machine on Modbus TCP that reaches so many aisles, shelves and bins; a job takes `job_s`."""

    port: int = 0
    job_s: float = 1.5
    aisles: int = 4
    shelves: int = 5
    bins: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerPlan:
    """A serial scanner; `suffix` ends each code."""

    suffix: str = "\r"


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalPlan:
    """A card terminal on ZVT over TCP. The shopper holds a card to it after `card_s`; `currency_no` is ISO 4217's."""

    port: int = 0
    password: str = "000000"  # noqa: S105  # the makers' own, printed in their manuals
    terminal_id: str = "28004869"
    currency_no: int = 156
    card_s: float = 0.4
    card_name: str = "girocard"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldPlan:
    """One shop's world as it is at power-up."""

    name: str
    style: str = "teahouse"
    http_port: int = 0
    control_port: int = 0
    pieces: tuple[Piece, ...] = ()
    cameras: dict[str, CameraPlan] = field(default_factory=dict)
    heads: dict[str, HeadPlan] = field(default_factory=dict)
    turntables: dict[str, TurntablePlan] = field(default_factory=dict)
    printers: dict[str, PrinterPlan] = field(default_factory=dict)
    labellers: dict[str, LabellerPlan] = field(default_factory=dict)
    packers: dict[str, PackerPlan] = field(default_factory=dict)
    sorters: dict[str, SorterPlan] = field(default_factory=dict)
    scanners: dict[str, ScannerPlan] = field(default_factory=dict)
    terminals: dict[str, TerminalPlan] = field(default_factory=dict)

    def device_kinds(self) -> dict[str, str]:
        """Each device's name and kind, as the faults know them."""
        kinds = ("camera", "head", "turntable", "printer", "labeller", "packer", "sorter", "scanner", "terminal")
        groups: tuple[dict[str, Any], ...] = (
            self.cameras, self.heads, self.turntables, self.printers, self.labellers, self.packers, self.sorters,
            self.scanners, self.terminals,
        )  # fmt: skip
        return {name: kind for kind, group in zip(kinds, groups, strict=True) for name in group}


T = TypeVar("T")
DEVICE_SECTIONS: dict[str, type[Any]] = {
    "camera": CameraPlan,
    "head": HeadPlan,
    "turntable": TurntablePlan,
    "printer": PrinterPlan,
    "labeller": LabellerPlan,
    "packer": PackerPlan,
    "sorter": SorterPlan,
    "scanner": ScannerPlan,
    "terminal": TerminalPlan,
}


def load_plan(path: Path) -> WorldPlan:
    """Read a world file; raise BadPlanError naming file, section and key."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadPlanError(f"{path}: {error}") from error
    world = document.pop("world", {})
    pieces = tuple(_make(Piece, entry, f"{path} [[piece]]") for entry in document.pop("piece", []))
    groups = {
        f"{section}s": {
            name: _make(plan, options, f"{path} [{section}.{name}]")
            for name, options in document.pop(section, {}).items()
        }
        for section, plan in DEVICE_SECTIONS.items()
    }
    if document:
        raise BadPlanError(f"{path}: unknown section [{min(document)}]")
    plan = _make(WorldPlan, {**world, "pieces": pieces, **groups}, f"{path} [world]")
    _check(plan, path)
    return plan


def _make(kind: type[T], options: dict[str, Any], where: str) -> T:
    """Build one dataclass from a table; an unknown or missing key, or a value of the wrong type, is named."""
    known = {entry.name: entry for entry in dataclasses.fields(kind)}  # type: ignore[arg-type]  # T is always a dataclass
    for key, value in options.items():
        if key not in known:
            raise BadPlanError(f"{where}: unknown key {key!r}; known are {', '.join(known)}")
        wanted = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}.get(str(known[key].type))
        if wanted and (not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted)):
            raise BadPlanError(f"{where}: {key} must be {known[key].type}, not {value!r}")
    try:
        return kind(**options)
    except TypeError as error:
        raise BadPlanError(f"{where}: {error}") from error


def _check(plan: WorldPlan, path: Path) -> None:
    """What one table alone can't show."""
    for name, camera in plan.cameras.items():
        if camera.place not in {"front", "turntable", "bench"}:
            raise BadPlanError(f"{path} [camera.{name}]: place {camera.place!r} is none of front, turntable, bench")
        if camera.head and camera.head not in plan.heads:
            raise BadPlanError(f"{path} [camera.{name}]: head {camera.head!r} is no [head.…] of this file")
    for name, printer in plan.printers.items():
        if printer.language not in {"escpos", "zpl"} or printer.connection not in {"tcp", "pty"}:
            raise BadPlanError(f"{path} [printer.{name}]: language is escpos or zpl, connection tcp or pty")
    if len({piece.id for piece in plan.pieces}) < len(plan.pieces):
        raise BadPlanError(f"{path} [[piece]]: two pieces have the same id")
