"""Spouts and handles: tubes drawn as rows of lit balls, the far ones first."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np

from drivers.simulators.bodies import Limb, spline
from drivers.simulators.texture import Field, Picture
from drivers.simulators.view import COS_DOWN, SIN_DOWN, View

# how large a ball of this tone is, how bright, and how far it is moved towards the light, in radii
TONES = (
    (1.00, 0.46, 0.00), (0.93, 0.60, 0.05), (0.85, 0.74, 0.10), (0.75, 0.86, 0.16), (0.63, 0.97, 0.22),
    (0.49, 1.07, 0.28), (0.34, 1.16, 0.33), (0.18, 1.25, 0.37),
)  # fmt: skip


def is_behind(limb: Limb, angle_deg: float) -> bool:
    """Whether the limb is on the far side of the body."""
    return math.cos(math.radians(limb.azimuth_deg + angle_deg)) < 0.05


@lru_cache(maxsize=16)
def _balls(limb: Limb) -> Field:
    """The tube's balls as (distance from the axis, height, radius)."""
    return spline(np.asarray(limb.path, np.float32), 1.2)


def draw_limb(
    picture: Picture, view: View, at: tuple[float, float], limb: Limb, angle_deg: float, ink: Field, gloss: float
) -> None:
    """Draw one limb of a body whose foot's middle is at `at` (mm in the view's plane)."""
    azimuth = math.radians(limb.azimuth_deg + angle_deg)
    side, depth = math.sin(azimuth), math.cos(azimuth)
    line = _balls(limb)
    if depth < 0:
        line = line[::-1]
    x = at[0] + line[:, 0] * side
    y = at[1] + line[:, 1] * COS_DOWN - line[:, 0] * depth * SIN_DOWN
    radius = line[:, 2]
    left, top = view.pixel(0.0, 0.0)
    scale = view.px_per_mm
    inside = (np.abs(left + x * scale - view.width / 2) < view.width) & (np.abs(top - y * scale) < 3 * view.height)
    for number, (size, tone, shift) in enumerate(TONES):
        shine = 1 + gloss * 0.9 * max(number - 5, 0) / 2
        colour = tuple(float(min(value * tone * shine * (0.96 + 0.1 * depth), 255)) for value in ink)
        spots = np.stack(
            [left + (x - shift * radius) * scale, top - (y + shift * radius) * scale, radius * size * scale]
        )
        # only the outermost tone shows an edge, so only that one is drawn softly
        if number == 0:
            for px, py, ball in (spots[:, inside] * 16).astype(int).T.tolist():
                cv2.circle(picture, (px, py), max(ball, 1), colour, -1, cv2.LINE_AA, 4)
        else:
            for px, py, ball in np.rint(spots[:, inside]).astype(int).T.tolist():
                cv2.circle(picture, (px, py), max(ball, 1), colour, -1)
