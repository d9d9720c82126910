"""The turntable's disc: walnut with tick marks, turned and foreshortened."""

from __future__ import annotations

import math

import cv2
import numpy as np

from drivers.simulators.texture import Picture, lit, wood
from drivers.simulators.view import SIN_DOWN, TABLE_Y_MM, View, cut

PLATE_MM, PLATE_PX = 135.0, 3.0
RIM_MM = 12.0
# beyond this OpenCV's fixed-point ellipses overflow
FAR = 400_000


class Plate:
    """Draws the disc at any angle."""

    def __init__(self) -> None:
        side = int(2 * PLATE_MM * PLATE_PX)
        top = wood(np.random.default_rng(11), side, side, PLATE_PX, (32, 48, 72), (58, 86, 122))
        middle, radius = (side // 2, side // 2), PLATE_MM * PLATE_PX
        for share, tone in ((0.985, (28, 40, 58)), (0.90, (40, 58, 84))):
            cv2.circle(top, middle, int(radius * share), tone, 3, cv2.LINE_AA)
        for tick in range(24):
            angle = math.radians(tick * 15)
            inner, outer = (
                (int(middle[0] + math.sin(angle) * share * radius), int(middle[1] + math.cos(angle) * share * radius))
                for share in (0.92, 0.97 if tick % 6 else 0.985)
            )
            cv2.line(top, inner, outer, (120, 170, 205), 2 if tick % 6 else 4, cv2.LINE_AA)
        self._top = top

    def draw(self, picture: Picture, view: View, angle_deg: float, shadow_mm: float) -> None:
        """The disc with its rim, turned anticlockwise by the angle, and the shadow of a piece of this radius on it."""
        low = TABLE_Y_MM - PLATE_MM * SIN_DOWN - RIM_MM
        where = cut(view, -PLATE_MM, TABLE_Y_MM + PLATE_MM * SIN_DOWN, PLATE_MM, low)
        if where is None:
            return
        x, y = view.pixel(0.0, TABLE_Y_MM)
        centre = (int(x * 16), int((y + RIM_MM * view.px_per_mm) * 16))
        axes = (int(PLATE_MM * view.px_per_mm * 16), int(PLATE_MM * SIN_DOWN * view.px_per_mm * 16))
        if max(map(abs, centre)) > FAR:
            return
        cv2.ellipse(picture, centre, axes, 0, 0, 360, (22, 32, 46), -1, cv2.LINE_AA, 4)
        shown = cv2.warpAffine(
            self._top, where.moved(_turned(view, x, y, angle_deg)), where.size, flags=cv2.INTER_LINEAR
        )
        mask = np.zeros((where.size[1], where.size[0]), np.uint8)
        local = (int((x - where.left) * 16), int((y - where.top) * 16))
        cv2.ellipse(mask, local, axes, 0, 0, 360, 1, -1, cv2.LINE_8, 4)
        cv2.copyTo(shown, mask, where.of(picture))
        if shadow_mm:
            _shade(picture, view, shadow_mm)


def _turned(view: View, x: float, y: float, angle_deg: float) -> Picture:
    """From the disc's picture to the view's: what is in front (down in the disc's picture) goes to the right."""
    turn, scale, half = math.radians(angle_deg), view.px_per_mm / PLATE_PX, PLATE_MM * PLATE_PX
    sine, cosine = math.sin(turn), math.cos(turn)
    matrix = np.asarray([[cosine * scale, sine * scale, x], [-sine * scale * SIN_DOWN, cosine * scale * SIN_DOWN, y]])
    matrix[:, 2] -= matrix[:, :2] @ (half, half)
    return matrix


def _shade(picture: Picture, view: View, radius_mm: float) -> None:
    """A soft dark spot around a standing piece, a little to the right: the key light comes from the left."""
    reach, beside = radius_mm * 1.9, radius_mm * 0.15
    high = reach * SIN_DOWN
    where = cut(view, beside - reach, TABLE_Y_MM + high, beside + reach, TABLE_Y_MM - high)
    if where is None:
        return
    xs = (np.linspace(where.left, where.right, 48) - view.pixel(beside, 0)[0]) / (reach * view.px_per_mm)
    ys = (np.linspace(where.top, where.bottom, 32) - view.pixel(0, TABLE_Y_MM)[1]) / (high * view.px_per_mm)
    far = np.sqrt(xs[None, :] ** 2 + ys[:, None] ** 2)
    # full under the piece, gone at its reach
    dark = 0.62 * np.clip((1.0 - far) / 0.52, 0, 1) ** 1.5
    target = where.of(picture)
    target[:] = lit(target, np.repeat(1 - dark[..., None], 3, axis=2))
