"""How each kind of piece is coloured: its unrolled skin.

x runs around the body (0 = front, half way = back), y from top to foot; `px` is points a millimetre.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from drivers.simulators.texture import Colour, Field, cloud, crackle, mix, tinted

COBALT: Colour = (128, 62, 34)
GOLD: Colour = (96, 168, 212)
Painter = Callable[[np.random.Generator, int, int, float, str], Field]

ZISHA: dict[str, Colour] = {
    "purple": (58, 72, 124),
    "red": (52, 82, 158),
    "green": (88, 128, 142),
    "black": (48, 50, 56),
}
CELADON: dict[str, Colour] = {"green": (158, 196, 168), "blue": (196, 194, 168), "plum": (150, 110, 160)}
LACQUER: dict[str, Colour] = {"red": (38, 34, 150), "black": (34, 30, 28), "green": (70, 92, 40)}


def zisha(chance: np.random.Generator, height: int, width: int, px: float, colour: str) -> Field:
    """Unglazed purple-sand clay: fine grain, throwing lines, an incised bamboo in front."""
    grain = cloud(chance, height, width, 1.1 * px, 1.1 * px, octaves=2)
    slow = cloud(chance, height, width, 30 * px, 60 * px, octaves=2)
    lines = np.sin(np.linspace(0, height / px * 2.3, height, dtype=np.float32))[:, None] * 0.4
    skin = tinted(ZISHA.get(colour, ZISHA["purple"]), 0.5 * grain + 0.5 * slow + lines, 0.075)
    art = np.zeros((height, width), np.float32)
    _bamboo(art, px, width * 0.0, height * 0.60)
    _bamboo(art, px, width * 1.0, height * 0.60)
    lit = cv2.GaussianBlur(np.roll(art, (2, 2), (0, 1)), (0, 0), 0.8)
    return mix(mix(skin, (150, 190, 225), lit * 0.35), (22, 30, 52), cv2.GaussianBlur(art, (0, 0), 0.7) * 0.75)


def celadon(chance: np.random.Generator, height: int, width: int, px: float, colour: str) -> Field:
    """Thick pale glaze, darker where it runs together at the foot, crackled."""
    flow = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    skin = tinted(
        CELADON.get(colour, CELADON["green"]), -0.10 * flow + 0.05 * cloud(chance, height, width, 40 * px, 70 * px), 1.0
    )
    skin = mix(skin, (72, 96, 96), crackle(chance, height, width, 7 * px) * 0.30)
    return mix(skin, (60, 84, 128), np.clip((flow - 0.94) * 14, 0, 1) * 0.9)


def blue_white(chance: np.random.Generator, height: int, width: int, px: float, colour: str) -> Field:
    """Cobalt on white porcelain: bands above and below, a scroll of lotus between."""
    skin = tinted((240, 242, 236), cloud(chance, height, width, 50 * px, 90 * px), 0.012)
    art = np.zeros((height, width), np.float32)
    for share in (0.06, 0.10, 0.86, 0.93):
        y = int(height * share)
        cv2.line(art, (0, y), (width, y), 1.0, max(int(0.9 * px), 1))
    _waves(art, px, height * 0.895, height * 0.03)
    _scroll(art, px, height * 0.47, height * 0.23)
    wet = cv2.GaussianBlur(art, (0, 0), 0.35 * px) * (0.82 + 0.3 * cloud(chance, height, width, 5 * px, 5 * px))
    return mix(skin, COBALT if colour != "red" else (60, 50, 170), np.clip(wet, 0, 0.94))


def tenmoku(chance: np.random.Generator, height: int, width: int, px: float, colour: str) -> Field:
    """Black-brown iron glaze with hare's-fur streaks that run down from a rusty rim."""
    streak = cloud(chance, height, width, 60 * px, 1.6 * px, octaves=2)
    down = np.linspace(1, 0, height, dtype=np.float32)[:, None]
    fur = np.clip(streak * 1.5 - 0.15, 0, 1) * np.clip(down * 1.5 - 0.1, 0, 1)
    skin = tinted((26, 28, 34), cloud(chance, height, width, 20 * px, 20 * px), 0.18)
    skin = mix(skin, (60, 110, 168) if colour != "silver" else (150, 156, 160), fur * 0.8)
    skin = mix(skin, (42, 78, 138), np.clip((down - 0.93) * 16, 0, 1))
    return mix(skin, (62, 76, 100), np.clip((0.12 - down + 0.02 * streak) * 30, 0, 1))


def plum(chance: np.random.Generator, height: int, width: int, px: float, colour: str) -> Field:
    """White porcelain with a branch of plum blossom painted around it; `colour` yellow for winter jasmine."""
    ink: Colour = (70, 190, 236) if colour == "yellow" else (128, 108, 226)
    skin = tinted((236, 240, 241), cloud(chance, height, width, 50 * px, 90 * px), 0.012)
    branch = np.zeros((height, width), np.float32)
    petals = np.zeros((height, width), np.float32)
    hearts = np.zeros((height, width), np.float32)
    xs = np.linspace(-0.22, 0.30, 40) * width
    ys = height * (0.62 - 0.22 * np.sin(np.linspace(0, 3.4, 40)) - 0.10 * np.linspace(0, 1, 40))
    for turn in (0, width):
        points = np.stack([xs + turn, ys], axis=1).astype(np.int32)
        cv2.polylines(
            branch, [points], isClosed=False, color=1.0, thickness=max(int(1.7 * px), 1), lineType=cv2.LINE_AA
        )
        for at in range(3, 40, 4):
            x, y = points[at] + (chance.uniform(-5, 5, 2) * px).astype(np.int32)
            cv2.line(branch, tuple(map(int, points[at])), (int(x), int(y)), 1.0, max(int(0.8 * px), 1), cv2.LINE_AA)
            _blossom(petals, hearts, int(x), int(y), chance.uniform(2.4, 4.2) * px)
    skin = mix(skin, (52, 62, 82), cv2.GaussianBlur(branch, (0, 0), 0.25 * px) * 0.9)
    skin = mix(skin, ink, cv2.GaussianBlur(petals, (0, 0), 0.3 * px) * 0.85)
    skin = mix(skin, (90, 200, 240), hearts)
    rim = np.clip(1 - np.arange(height, dtype=np.float32)[:, None] / (1.2 * px), 0, 1) * np.ones((1, width), np.float32)
    return mix(skin, GOLD, rim)


def lacquer(chance: np.random.Generator, height: int, width: int, px: float, colour: str) -> Field:
    """Polished lacquer with fish-scale waves in gold below and a moon above them."""
    skin = tinted(LACQUER.get(colour, LACQUER["red"]), cloud(chance, height, width, 25 * px, 40 * px), 0.06)
    art = np.zeros((height, width), np.float32)
    count = max(round(width / (19 * px)), 6)
    step = width / count
    thick = max(round(0.5 * px), 1)
    # the foot hides the lowest millimetres; the side begins where the lid ends, at about half of the outline
    for row in range(7):
        y = height * 0.97 - row * step * 0.25
        for at in range(-1, count + 1):
            x = (at + 0.5 * (row % 2)) * step
            cv2.circle(art, (int(x), int(y)), int(0.5 * step), 0.0, -1)
            for ring in (0.50, 0.37, 0.24):
                cv2.circle(art, (int(x), int(y)), int(ring * step), 0.9, thick, cv2.LINE_AA)
    moon = (int(width * 0.04), int(height * 0.585))
    for turn in (0, width):
        cv2.circle(art, (moon[0] + turn, moon[1]), int(6.5 * px), 0.9, -1, cv2.LINE_AA)
    return mix(skin, GOLD, cv2.GaussianBlur(art, (0, 0), 0.15 * px) * 0.85)


PAINTERS: dict[str, Painter] = {
    "zisha": zisha, "celadon": celadon, "blue_white": blue_white, "tenmoku": tenmoku, "plum": plum, "lacquer": lacquer,
}  # fmt: skip


def _bamboo(art: Field, px: float, x: float, y: float) -> None:
    """Two stalks with leaves, as cut with a bamboo knife."""
    for offset, lean in ((-6, 0.10), (4, -0.06)):
        top = (int(x + (offset + lean * 90) * px), int(y - 32 * px))
        cv2.line(art, (int(x + offset * px), int(y + 20 * px)), top, 1.0, max(int(1.1 * px), 1), cv2.LINE_AA)
        for at in range(6):
            joint_y = y + 16 * px - at * 9 * px
            joint_x = x + (offset + lean * (16 + at * 9)) * px
            for side in (-1, 1):
                tip = (int(joint_x + side * (9 + at % 3 * 2) * px), int(joint_y + (5 - at) * px))
                cv2.ellipse(
                    art, (int((joint_x + tip[0]) / 2), int((joint_y + tip[1]) / 2)), (int(5 * px), int(1.0 * px)),
                    math.degrees(math.atan2(tip[1] - joint_y, tip[0] - joint_x)), 0, 360, 1.0, -1, cv2.LINE_AA,
                )  # fmt: skip


def _waves(art: Field, px: float, y: float, swing: float) -> None:
    xs = np.arange(art.shape[1])
    turns = max(round(art.shape[1] / (12 * px)), 4)
    ys = y + swing * np.sin(xs / art.shape[1] * 2 * math.pi * turns)
    cv2.polylines(
        art,
        [np.stack([xs, ys], axis=1).astype(np.int32)],
        isClosed=False,
        color=1.0,
        thickness=max(int(0.8 * px), 1),
        lineType=cv2.LINE_AA,
    )


def _scroll(art: Field, px: float, y: float, swing: float) -> None:
    """A winding stem with leaves and flowers that closes around the body."""
    width = art.shape[1]
    turns = max(round(width / (58 * px)), 2)
    xs = np.arange(-4, width + 4)
    ys = y + swing * 0.62 * np.sin(xs / width * 2 * math.pi * turns)
    cv2.polylines(
        art,
        [np.stack([xs, ys], axis=1).astype(np.int32)],
        isClosed=False,
        color=0.9,
        thickness=max(int(1.1 * px), 1),
        lineType=cv2.LINE_AA,
    )
    for at in range(turns * 2 + 1):
        x = (at + 0.5) / (turns * 2) * width
        side = -1 if at % 2 else 1
        _lotus(art, int(x), int(y - side * swing * 0.12), 0.5 * swing, px)
    for at in range(turns * 8):
        x = at / (turns * 8) * width
        stem_y = y + swing * 0.62 * math.sin(x / width * 2 * math.pi * turns)
        for side in (-1, 1):
            cv2.ellipse(
                art,
                (int(x), int(stem_y + side * 3.2 * px)),
                (int(3.4 * px), int(1.3 * px)),
                35 * side + at * 40,
                0,
                360,
                0.75,
                -1,
                cv2.LINE_AA,
            )


def _lotus(art: Field, x: int, y: int, size: float, px: float) -> None:
    for petal in range(8):
        angle = petal * 45.0
        radians = math.radians(angle)
        middle = (int(x + 0.52 * size * math.cos(radians)), int(y + 0.52 * size * math.sin(radians)))
        axes = (max(int(size * 0.44), 1), max(int(size * 0.2), 1))
        cv2.ellipse(art, middle, axes, angle, 0, 360, 0.55, -1, cv2.LINE_AA)
        cv2.ellipse(art, middle, axes, angle, 0, 360, 1.0, max(int(0.5 * px), 1), cv2.LINE_AA)
    cv2.circle(art, (x, y), max(int(size * 0.2), 1), 1.0, -1, cv2.LINE_AA)


def _blossom(petals: Field, hearts: Field, x: int, y: int, size: float) -> None:
    for petal in range(5):
        angle = math.radians(petal * 72 + 18)
        cv2.circle(
            petals,
            (int(x + 0.6 * size * math.cos(angle)), int(y + 0.6 * size * math.sin(angle))),
            max(int(size * 0.48), 1),
            0.9,
            -1,
            cv2.LINE_AA,
        )
    cv2.circle(hearts, (x, y), max(int(size * 0.25), 1), 1.0, -1, cv2.LINE_AA)
