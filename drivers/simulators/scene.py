"""What stands behind and under the pieces of the viewing cameras: a warm wall with window light, a wooden table."""

from __future__ import annotations

import cv2
import numpy as np

from drivers.simulators.texture import Colour, Field, Picture, cloud, lit, tinted, to_picture, wood
from drivers.simulators.view import SIN_DOWN, TABLE_Y_MM

SCENE_PX = 1.6
# light and shadow are soft: this many pixels a millimetre are enough for them
SOFT_PX = 0.4
# the table reaches this far behind the pieces' axis
TABLE_BACK_MM = 330.0
BOARD_MM = 170.0
# wall, dark and light grain of the table
STYLES: dict[str, tuple[Colour, Colour, Colour]] = {
    "teahouse": ((186, 206, 222), (40, 66, 104), (78, 118, 166)),
    "studio": ((214, 218, 216), (120, 156, 186), (156, 190, 214)),
}
WARM = np.asarray((0.80, 0.95, 1.07), np.float32)
Standing = list[tuple[float, float, float]]


class Scene:
    """The background of one camera, wider than the widest view so that the head can move."""

    def __init__(self, style: str, half_width_mm: float, half_height_mm: float, seed: int) -> None:
        self.left_mm, self.top_mm = -half_width_mm, half_height_mm
        chance = np.random.default_rng(seed)
        wall, dark, light = STYLES.get(style, STYLES["teahouse"])
        height, width = int(2 * half_height_mm * SCENE_PX), int(2 * half_width_mm * SCENE_PX)
        edge = int((half_height_mm - (TABLE_Y_MM + TABLE_BACK_MM * SIN_DOWN)) * SCENE_PX)
        picture = np.empty((height, width, 3), np.uint8)
        picture[:edge] = _wall(chance, edge, width, wall)
        picture[edge:] = _table(chance, height - edge, width, dark, light)
        self._soft = (int(2 * half_height_mm * SOFT_PX), int(2 * half_width_mm * SOFT_PX))
        self.bare = lit(picture, self._lamp(edge / SCENE_PX))

    def with_shadows(self, standing: Standing) -> Picture:
        """The scene with the shadows of pieces: (x, radius, height) in mm each."""
        shade = np.zeros(self._soft, np.float32)
        for x_mm, radius, height in standing:
            self._contact(shade, x_mm, radius)
            self._cast(shade, x_mm, radius, height)
        return lit(self.bare, 1 - shade[..., None] * np.asarray((0.85, 0.92, 1.0), np.float32))

    def _contact(self, shade: Field, x_mm: float, radius: float) -> None:
        """Where the piece stands: a dark rim, and a wider paler one."""
        for share, spread, strength, beside in ((1.05, 0.04, 0.55, 0.05), (1.25, 0.14, 0.30, 0.25)):
            layer = np.zeros_like(shade)
            x = (x_mm + radius * beside - self.left_mm) * SOFT_PX
            y = (self.top_mm - TABLE_Y_MM + radius * 0.05) * SOFT_PX
            axes = (round(radius * share * SOFT_PX * 16), round(radius * share * SIN_DOWN * SOFT_PX * 16))
            cv2.ellipse(layer, (round(x * 16), round(y * 16)), axes, 0, 0, 360, strength, -1, cv2.LINE_8, 4)
            np.maximum(shade, cv2.GaussianBlur(layer, (0, 0), radius * spread * SOFT_PX + 0.7), out=shade)

    def _cast(self, shade: Field, x_mm: float, radius: float, height: float) -> None:
        """The long soft shadow that the key light throws to the right and back."""
        layer = np.zeros_like(shade)
        base_x, base_y = (x_mm - self.left_mm) * SOFT_PX, (self.top_mm - TABLE_Y_MM) * SOFT_PX
        tip_x, tip_y = base_x + height * 0.75 * SOFT_PX, base_y - height * 0.8 * SIN_DOWN * SOFT_PX
        half = radius * SIN_DOWN * SOFT_PX
        far, near = (
            ((tip_x, tip_y - half * 0.8), (tip_x, tip_y + half * 0.8)),
            ((base_x, base_y - half), (base_x, base_y + half)),
        )
        points = np.asarray([near[0], far[0], far[1], near[1]])
        cv2.fillPoly(layer, [points.astype(np.int32)], 0.26)
        np.maximum(shade, cv2.GaussianBlur(layer, (0, 0), 9 * SOFT_PX), out=shade)

    def _lamp(self, edge_mm: float) -> Field:
        """A warm pool of light where the pieces stand; darker to the sides and where the wall meets the table."""
        rows, columns = self._soft
        ys = np.linspace(self.top_mm, -self.top_mm, rows, dtype=np.float32)[:, None]
        xs = np.linspace(self.left_mm, -self.left_mm, columns, dtype=np.float32)[None, :]
        wide = max(-self.left_mm, 500.0) * 1.05
        pool = np.exp(-(((xs + 60) / wide) ** 2) - ((ys + 30) / 330) ** 2)
        corner = 1 - 0.30 * np.exp(-np.abs(self.top_mm - ys - edge_mm) / 14)
        light: Field = (0.62 + 0.46 * pool[..., None] * WARM) * corner[..., None]
        return light


def _wall(chance: np.random.Generator, height: int, width: int, colour: Colour) -> Picture:
    """Plaster, with the light of a lattice window lying across it."""
    rows, columns = int(height * SOFT_PX / SCENE_PX), int(width * SOFT_PX / SCENE_PX)
    plaster = to_picture(tinted(colour, cloud(chance, rows, columns, 100, 130), 0.022))
    ys, xs = np.mgrid[0:rows, 0:columns].astype(np.float32) / SOFT_PX
    slanted = xs + 0.35 * ys
    bars = (np.abs((slanted % 130) - 65) < 58) & (np.abs((ys % 150) - 75) < 68) & ((slanted % 900) < 520)
    light = cv2.GaussianBlur(bars.astype(np.float32), (0, 0), 11 * SOFT_PX)
    bright = lit(plaster, 0.80 + 0.24 * light[..., None] * np.asarray((0.86, 0.97, 1.06), np.float32))
    grain = cloud(chance, 256, 512, 3, 3, octaves=1)
    tiled = np.tile(grain, (height // 256 + 1, width // 512 + 1))[:height, :width]
    rough = to_picture(128 + tiled * 1.1)
    large = cv2.resize(bright, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.multiply(large, cv2.merge([rough, rough, rough]), scale=1 / 128)


def _table(chance: np.random.Generator, height: int, width: int, dark: Colour, light: Colour) -> Picture:
    """Boards along x, foreshortened because the camera looks almost along them."""
    true_height = int(height / SIN_DOWN)
    # half the rows are enough: they are squeezed to a quarter afterwards
    top = wood(chance, true_height // 2, width, SCENE_PX, dark, light)
    step = int(BOARD_MM * SCENE_PX / 2)
    for board in range(0, len(top), step):
        top[board : board + step] = cv2.convertScaleAbs(top[board : board + step], alpha=chance.uniform(0.92, 1.06))
        top[board : board + 2] //= 2
    return cv2.resize(top, (width, height), interpolation=cv2.INTER_AREA)
