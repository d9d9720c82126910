"""The packing bench from straight above: mat, carton, labels. Everything in millimetres from the picture's middle."""

from __future__ import annotations

import cv2
import numpy as np

from drivers.simulators.figure import Figure
from drivers.simulators.labels import Label
from drivers.simulators.texture import Colour, Field, Picture, cloud, lit, mix, tinted, to_picture, wood
from drivers.simulators.world import Parcel

FIELD_MM = (400.0, 225.0)
WIDTH, HEIGHT = 3840, 2160
PX = WIDTH / FIELD_MM[0]
MAT_MM = (380.0, 205.0)
# light, shadow and carton grain are soft: this many pixels a millimetre are enough for them
SOFT_PX = 1.2
KRAFT: Colour = (118, 158, 192)
TAPE: Colour = (150, 182, 206)
TAPE_HALF_MM = 24.0


def point(x_mm: float, y_mm: float) -> tuple[int, int]:
    """The pixel of a point right and up of the middle."""
    return round((FIELD_MM[0] / 2 + x_mm) * PX), round((FIELD_MM[1] / 2 - y_mm) * PX)


def bare_bench() -> Picture:
    """Beech top, green cutting mat with its grid, a lamp's light from the upper left."""
    chance = np.random.default_rng(3)
    small = wood(chance, HEIGHT // 4, WIDTH // 4, PX / 4, (120, 160, 190), (150, 190, 214))
    picture = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    (left, top), (right, bottom) = point(-MAT_MM[0] / 2, MAT_MM[1] / 2), point(MAT_MM[0] / 2, -MAT_MM[1] / 2)
    rubber = to_picture(tinted((84, 104, 58), cloud(chance, (bottom - top) // 4, (right - left) // 4, 2, 2), 0.05))
    mat = cv2.resize(rubber, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    for step in range(0, round(MAT_MM[0]), 10):
        tone = (110, 136, 84) if step % 50 else (132, 160, 104)
        at = round(step * PX)
        cv2.line(mat, (at, 0), (at, mat.shape[0]), tone, 2)
        cv2.line(mat, (0, at), (mat.shape[1], at), tone, 2)
    picture[top:bottom, left:right] = mat
    ys = np.linspace(-1, 1, round(FIELD_MM[1] * SOFT_PX), dtype=np.float32)[:, None]
    xs = np.linspace(-1, 1, round(FIELD_MM[0] * SOFT_PX), dtype=np.float32)[None, :]
    light = 1.04 - 0.14 * ((xs + 0.3) ** 2 + (ys + 0.2) ** 2)
    return lit(picture, light[..., None] * np.asarray((0.95, 1.0, 1.03), np.float32))


def shaded(picture: Picture, outline: Field, strength: float, spread_mm: float) -> Picture:
    """The picture with the shadow of an outline (points in mm right and up of the middle) thrown to the lower right."""
    shade: Field = np.zeros((round(FIELD_MM[1] * SOFT_PX), round(FIELD_MM[0] * SOFT_PX)), np.float32)
    pixels = (np.asarray((FIELD_MM[0] / 2, FIELD_MM[1] / 2)) + outline * (1, -1) + (6.0, 6.0)) * SOFT_PX
    cv2.fillPoly(shade, [np.rint(pixels).astype(np.int32)], strength)
    shade = cv2.GaussianBlur(shade, (0, 0), spread_mm * SOFT_PX)
    return lit(picture, np.repeat((1 - shade)[..., None], 3, axis=2))


def with_parcel(picture: Picture, parcel: Parcel) -> Picture:
    """The bench with a closed carton on it."""
    half_l, half_w = parcel.length_mm / 2, parcel.width_mm / 2
    corners = np.asarray([(-half_l, half_w), (half_l, half_w), (half_l, -half_w), (-half_l, -half_w)])
    picture = shaded(picture, corners, 0.6, 5.0)
    (left, top), (right, bottom) = point(-half_l, half_w), point(half_l, -half_w)
    carton = _carton(parcel, bottom - top, right - left)
    inside = (slice(max(-top, 0), HEIGHT - top), slice(max(-left, 0), WIDTH - left))
    picture[max(top, 0) : bottom, max(left, 0) : right] = carton[inside]
    return picture


def _carton(parcel: Parcel, height: int, width: int) -> Picture:
    """Kraft board with its fluting showing through, seam and tape along the middle."""
    chance = np.random.default_rng(100 + parcel.no)
    rows, columns = round(parcel.width_mm * SOFT_PX * 2), round(parcel.length_mm * SOFT_PX * 2)
    flutes = np.sin(np.arange(columns, dtype=np.float32) / (SOFT_PX * 2) / 6.5 * 2 * np.pi)[None, :]
    board = tinted(KRAFT, cloud(chance, rows, columns, 3, 30, octaves=2) + 0.25 * flutes, 0.03)
    tape = np.zeros((rows, columns), np.float32)
    half = round(TAPE_HALF_MM * SOFT_PX * 2)
    tape[rows // 2 - half : rows // 2 + half] = 0.55
    carton = cv2.resize(to_picture(mix(board, TAPE, tape)), (width, height), interpolation=cv2.INTER_LINEAR)
    seam = height // 2
    for line, tone in ((carton[seam - 3 : seam + 3], 0.5), (carton[:6], 0.8), (carton[-6:], 0.8)):
        line[:] = cv2.convertScaleAbs(line, alpha=tone)
    return carton


def stick(picture: Picture, label: Label) -> None:
    """White stock with exactly what was printed on it, where and how it was pressed on."""
    x_mm, y_mm, turn = label.place
    height, width = label.picture.shape
    x, y = point(x_mm, y_mm)
    affine = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), turn, PX / label.dots_per_mm)
    affine[:, 2] += np.asarray((x - width / 2, y - height / 2))
    corners = cv2.transform(np.asarray([[(0, 0), (width, 0), (width, height), (0, height)]], np.float32), affine)[0]
    low, high = np.floor(corners.min(0)).astype(int) - 8, np.ceil(corners.max(0)).astype(int) + 8
    left, top, right, bottom = max(low[0], 0), max(low[1], 0), min(high[0], WIDTH), min(high[1], HEIGHT)
    if right <= left or bottom <= top:
        return
    affine[:, 2] -= (left, top)
    size = (int(right - left), int(bottom - top))
    stock = cv2.convertScaleAbs(label.picture, alpha=222 / 255, beta=24)
    shown = cv2.warpAffine(cv2.merge([stock, stock, stock]), affine, size, flags=cv2.INTER_LINEAR)
    cover = cv2.warpAffine(np.full((height, width), 255, np.uint8), affine, size, flags=cv2.INTER_NEAREST)
    target = picture[top:bottom, left:right]
    edge = cv2.dilate(cover, np.ones((7, 7), np.uint8))
    cv2.copyTo(cv2.convertScaleAbs(target, alpha=0.72), edge, target)
    cv2.copyTo(shown, cover, target)


def with_piece(picture: Picture, figure: Figure) -> Picture:
    """A piece waiting to be packed, with its shadow."""
    reach = float(getattr(figure.body, "radius_mm", 80.0))
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    picture = shaded(picture, np.stack([np.cos(turn), np.sin(turn)], axis=1) * reach, 0.5, 4.0)
    figure.draw_from_above(picture, point(0, 0), PX)
    return picture
