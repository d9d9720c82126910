"""What stands behind and under the pieces of the viewing cameras: a warm wall with window light, a wooden table."""

from __future__ import annotations

import cv2
import numpy as np

from drivers.simulators.texture import Field, Picture, cloud, mix, tinted, to_picture, wood
from drivers.simulators.view import SIN_DOWN, TABLE_Y_MM

SCENE_PX = 1.6
# the table reaches this far behind the pieces' axis
TABLE_BACK_MM = 330.0
STYLES = {
    "teahouse": {"wall": (186, 206, 222), "dark": (40, 66, 104), "light": (78, 118, 166)},
    "studio": {"wall": (214, 218, 216), "dark": (120, 156, 186), "light": (156, 190, 214)},
}


class Scene:
    """The background of one camera, wider than the widest view so that the head can move."""

    def __init__(self, style: str, half_width_mm: float, half_height_mm: float, seed: int) -> None:
        self.left_mm, self.top_mm = -half_width_mm, half_height_mm
        chance = np.random.default_rng(seed)
        colours = STYLES.get(style, STYLES["teahouse"])
        height, width = int(2 * half_height_mm * SCENE_PX), int(2 * half_width_mm * SCENE_PX)
        edge = int((half_height_mm - (TABLE_Y_MM + TABLE_BACK_MM * SIN_DOWN)) * SCENE_PX)
        picture = np.empty((height, width, 3), np.float32)
        picture[:edge] = _wall(chance, edge, width, colours["wall"])
        picture[edge:] = _table(chance, height - edge, width, colours["dark"], colours["light"])
        picture = _edge_shade(picture, edge)
        self.bare: Picture = to_picture(_lamp(picture, half_width_mm, half_height_mm))

    def with_shadows(self, standing: list[tuple[float, float, float]]) -> Picture:
        """The scene with the shadows of pieces: (x, radius, height) in mm each."""
        shade = np.zeros(self.bare.shape[:2], np.float32)
        for x_mm, radius, height in standing:
            for share, spread, strength in ((1.05, 0.16, 0.55), (1.25, 0.55, 0.30)):
                layer = np.zeros_like(shade)
                x = (x_mm + radius * (0.25 if share > 1.1 else 0.05) - self.left_mm) * SCENE_PX
                y = (self.top_mm - TABLE_Y_MM + radius * 0.05) * SCENE_PX
                axes = (int(radius * share * SCENE_PX), int(radius * share * SIN_DOWN * SCENE_PX))
                cv2.ellipse(layer, (int(x), int(y)), axes, 0, 0, 360, strength, -1)
                shade = np.maximum(shade, cv2.GaussianBlur(layer, (0, 0), radius * spread * 0.25 * SCENE_PX + 1))
            self._cast(shade, x_mm, radius, height)
        return to_picture(self.bare.astype(np.float32) * (1 - shade[..., None] * np.array((0.85, 0.92, 1.0), np.float32)))

    def _cast(self, shade: Field, x_mm: float, radius: float, height: float) -> None:
        """The long soft shadow that the key light throws to the right and back."""
        layer = np.zeros_like(shade)
        base_x, base_y = (x_mm - self.left_mm) * SCENE_PX, (self.top_mm - TABLE_Y_MM) * SCENE_PX
        tip_x, tip_y = base_x + height * 0.75 * SCENE_PX, base_y - height * 0.8 * SIN_DOWN * SCENE_PX
        half = radius * SIN_DOWN * SCENE_PX
        points = np.array([(base_x, base_y - half), (tip_x, tip_y - half * 0.8), (tip_x, tip_y + half * 0.8), (base_x, base_y + half)])
        cv2.fillPoly(layer, [points.astype(np.int32)], 0.26)
        np.maximum(shade, cv2.GaussianBlur(layer, (0, 0), 9 * SCENE_PX), out=shade)


def _wall(chance: np.random.Generator, height: int, width: int, colour: tuple[float, float, float]) -> Field:
    """Plaster, with the light of a lattice window lying across it."""
    wall = tinted(colour, cloud(chance, height, width, 260, 340) + 0.3 * cloud(chance, height, width, 9, 9), 0.022)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32) / SCENE_PX
    slanted = xs + 0.35 * ys
    bars = (np.abs((slanted % 130) - 65) < 58) & (np.abs((ys % 150) - 75) < 68) & ((slanted % 900) < 520)
    light = cv2.GaussianBlur(bars.astype(np.float32), (0, 0), 11 * SCENE_PX)
    return wall * (0.80 + 0.24 * light[..., None] * np.array((0.86, 0.97, 1.06), np.float32))


def _table(
    chance: np.random.Generator, height: int, width: int, dark: tuple[float, float, float], light: tuple[float, float, float]
) -> Field:
    """Boards along x, foreshortened because the camera looks almost along them."""
    true_height = int(height / SIN_DOWN)
    top = wood(chance, true_height // 2, width, SCENE_PX, dark, light)
    top = np.repeat(top, 2, axis=0)
    for board in range(0, true_height, int(170 * SCENE_PX)):
        top[board : board + 3] *= 0.55
        top[board : board + int(170 * SCENE_PX)] *= chance.uniform(0.92, 1.06)
    return cv2.resize(top, (width, height), interpolation=cv2.INTER_AREA)


def _edge_shade(picture: Field, edge: int) -> Field:
    """Where the wall meets the table it is darker."""
    rows = np.abs(np.arange(picture.shape[0]) - edge).astype(np.float32) / SCENE_PX
    return picture * (1 - 0.30 * np.exp(-rows / 14))[:, None, None]


def _lamp(picture: Field, half_width_mm: float, half_height_mm: float) -> Field:
    """A warm pool of light where the pieces stand, falling off to the sides."""
    height, width = picture.shape[:2]
    ys = np.linspace(half_height_mm, -half_height_mm, height, dtype=np.float32)[:, None]
    xs = np.linspace(-half_width_mm, half_width_mm, width, dtype=np.float32)[None, :]
    wide = max(half_width_mm, 500.0)
    pool = np.exp(-(((xs + 60) / (wide * 1.05)) ** 2) - ((ys + 30) / 330) ** 2)
    warm = np.array((0.80, 0.95, 1.07), np.float32)
    return mix(picture * 0.62, (0, 0, 0), np.zeros((height, width), np.float32)) + picture * 0.46 * pool[..., None] * warm
