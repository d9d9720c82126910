"""The shapes of the pieces in mm: outlines turned around an axis, and what sticks out of them (spout, handle)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drivers.simulators.texture import Field as Line

Outline = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Limb:
    """A tube that sticks out at `azimuth_deg` (0 = front, 90 = right).

    `path` is its middle line as (distance from the axis, height, radius).
    """

    azimuth_deg: float
    path: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class Body:
    """A turned body.

    `outer` runs from the foot to the rim or the lid's knob as (radius, height), `inner` from the bottom inside to the
    rim; `panel_mm` is the height of the engraved panel's middle, `paint` the name of its glaze, `gloss` 0…1.
    """

    outer: Outline
    paint: str
    panel_mm: float
    inner: Outline = ()
    limbs: tuple[Limb, ...] = ()
    gloss: float = 0.5

    @property
    def height_mm(self) -> float:
        """The highest point."""
        return max(height for _radius, height in self.outer)

    @property
    def radius_mm(self) -> float:
        """The widest radius of the body itself."""
        return max(radius for radius, _height in self.outer)

    @property
    def reach_mm(self) -> float:
        """How far anything sticks out from the axis."""
        tips = [distance + radius for limb in self.limbs for distance, _height, radius in limb.path]
        return max([self.radius_mm, *tips])


@dataclass(frozen=True, slots=True)
class Board:
    """A flat thing that stands on edge: a framed print."""

    width_mm: float
    height_mm: float
    thick_mm: float
    panel_mm: float


SPOUT = Limb(90.0, ((38, 34, 9.5), (48, 38, 8.4), (57, 45, 7.0), (64, 54, 5.8), (69, 64, 4.9), (73, 70, 4.4)))
HANDLE = Limb(
    270.0,
    (
        (40, 74, 4.6),
        (50, 80, 4.6),
        (61, 78, 4.6),
        (68, 68, 4.5),
        (68, 55, 4.4),
        (62, 43, 4.3),
        (53, 34, 4.2),
        (43, 30, 4.6),
    ),
)
CUP_HANDLE = Limb(
    270.0, ((39, 62, 3.2), (48, 66, 3.2), (56, 60, 3.2), (57, 48, 3.1), (52, 38, 3.0), (44, 32, 3.0), (38, 30, 3.2))
)

BODIES: dict[str, Body | Board] = {
    "teapot": Body(
        outer=((26, 0), (28, 3), (30, 4), (42, 14), (49, 28), (51, 42), (49, 58), (43, 72), (36, 79),
               (33, 81), (33, 83), (31, 85),
               (22, 90), (9, 93), (5, 95), (5, 98), (8, 101), (8.5, 104), (6, 107), (0, 108)),
        paint="zisha", panel_mm=48, limbs=(SPOUT, HANDLE), gloss=0.22,
    ),
    "round_teapot": Body(
        outer=((24, 0), (26, 3), (40, 10), (50, 24), (54, 40), (52, 54), (44, 66), (32, 73), (28, 75),
               (27, 78), (20, 83), (8, 86),
               (4, 88), (4, 91), (7, 94), (6, 98), (0, 100)),
        paint="blue_white", panel_mm=42, limbs=(SPOUT, HANDLE), gloss=0.9,
    ),
    "vase": Body(
        outer=((28, 0), (30, 4), (31, 12), (38, 30), (47, 58), (51, 84), (50, 110), (42, 136), (30, 154),
               (21, 168), (17, 186),
               (17, 204), (21, 216), (27, 222)),
        inner=((12, 190), (15, 206), (19, 216), (26, 222)), paint="celadon", panel_mm=66, gloss=0.8,
    ),
    "meiping": Body(
        outer=((30, 0), (32, 5), (34, 30), (40, 64), (50, 100), (58, 134), (58, 156), (48, 176), (30, 188),
               (17, 193), (15, 200),
               (18, 208)),
        inner=((10, 190), (13, 200), (17, 208)), paint="blue_white", panel_mm=64, gloss=0.9,
    ),
    "bowl": Body(
        outer=((24, 0), (25, 6), (27, 8), (46, 19), (59, 36), (64, 54), (66, 72)),
        inner=((2, 10), (26, 13), (46, 24), (58, 40), (63, 56), (65, 72)),
        paint="tenmoku", panel_mm=55, gloss=0.9,
    ),
    "cup": Body(
        outer=((22, 0), (23, 4), (30, 10), (36, 26), (39, 48), (41, 72)),
        inner=((2, 12), (28, 14), (35, 30), (38, 50), (40, 72)),
        paint="plum", panel_mm=38, limbs=(CUP_HANDLE,), gloss=0.8,
    ),
    "caddy": Body(
        outer=((40, 0), (43, 3), (43, 62), (41, 63), (43, 64), (43, 84), (41, 87), (20, 89), (7, 90), (6, 95),
               (4, 97), (0, 98)),
        paint="lacquer", panel_mm=44, gloss=0.7,
    ),
    "print": Board(width_mm=150, height_mm=210, thick_mm=16, panel_mm=66),
}  # fmt: skip


def spline(points: Line, step: float) -> Line:
    """A curve through all points (centripetal Catmull-Rom: no loops where points lie close), about `step` apart."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    pieces = []
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        t1 = math.sqrt(float(np.linalg.norm(p1 - p0))) or 1e-3
        t2 = t1 + (math.sqrt(float(np.linalg.norm(p2 - p1))) or 1e-3)
        t3 = t2 + (math.sqrt(float(np.linalg.norm(p3 - p2))) or 1e-3)
        count = max(int(float(np.linalg.norm(p2 - p1)) / step), 1)
        t = np.linspace(t1, t2, count, endpoint=False)[:, None]
        a1, a2 = p0 + (p1 - p0) * t / t1, p1 + (p2 - p1) * (t - t1) / (t2 - t1)
        a3 = p2 + (p3 - p2) * (t - t2) / (t3 - t2)
        b1, b2 = a1 + (a2 - a1) * t / t2, a2 + (a3 - a2) * (t - t1) / (t3 - t1)
        pieces.append(b1 + (b2 - b1) * (t - t1) / (t2 - t1))
    return np.concatenate([*pieces, points[-1:]]).astype(np.float32)


def smooth(outline: Outline, step_mm: float) -> Line:
    """An outline as evenly spaced (radius, height) points on a curve."""
    curve = spline(np.asarray(outline, np.float32), step_mm / 2)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    fine = np.arange(0.0, along[-1], step_mm)
    points = np.stack([np.interp(fine, along, curve[:, 0]), np.interp(fine, along, curve[:, 1])], axis=1)
    return np.maximum(points, 0.0).astype(np.float32)
