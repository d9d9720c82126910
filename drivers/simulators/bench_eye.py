"""What the bench camera sees from straight above: mat, piece or parcel, and the very labels that were printed."""

from __future__ import annotations

import threading

import cv2
import numpy as np

from drivers.simulators.figure import Figure
from drivers.simulators.labels import Label, Where
from drivers.simulators.plan import CameraPlan
from drivers.simulators.sensor import Sensor
from drivers.simulators.texture import Picture, cloud, mix, tinted, to_picture, wood
from drivers.simulators.viewing_eye import Figures
from drivers.simulators.world import BENCH, Parcel, World

FIELD_MM = (400.0, 225.0)
FRAME_PX, STILL_PX = 1280, 3840
MAT_MM = (380.0, 205.0)
KRAFT = (118, 158, 192)


class BenchEye:
    """Draws the bench once for every change, in both sizes when asked."""

    def __init__(self, name: str, world: World, figures: Figures) -> None:
        self._world = world
        self._figures = figures
        plan: CameraPlan = world.plan.cameras[name]
        self._sensors = {width: Sensor(width, width * 9 // 16, plan.jpeg_quality + 8, width) for width in (FRAME_PX, STILL_PX)}
        self._lock = threading.Lock()
        self._bare: Picture | None = None
        self._drawn: tuple[int, Picture] | None = None
        self._exposed: dict[int, tuple[int, Picture]] = {}

    def frame(self, now_s: float) -> bytes:
        return self._sensors[FRAME_PX].jpeg(self._expose(FRAME_PX))

    def still(self, now_s: float) -> bytes:
        return self._sensors[STILL_PX].jpeg(self._expose(STILL_PX))

    def black(self) -> bytes:
        return self._sensors[FRAME_PX].jpeg(np.zeros((FRAME_PX * 9 // 16, FRAME_PX, 3), np.uint8))

    def label_close_up(self) -> Picture:
        """The parcel's labels as the handheld scanner sees them: near, sharp, grey."""
        with self._lock:
            return np.asarray(cv2.cvtColor(self._drawing(), cv2.COLOR_BGR2GRAY), np.uint8)

    def _expose(self, width: int) -> Picture:
        with self._lock:
            drawing = self._drawing()
            found = self._exposed.get(width)
            if found is None or found[0] != self._world.changes:
                size = (width, width * 9 // 16)
                picture = drawing if width == STILL_PX else cv2.resize(drawing, size, interpolation=cv2.INTER_AREA)
                found = (self._world.changes, self._sensors[width].expose(np.asarray(picture, np.uint8), 0.22))
                self._exposed[width] = found
            return found[1]

    def _drawing(self) -> Picture:
        """The whole bench at full resolution."""
        changes = self._world.changes
        if self._drawn is None or self._drawn[0] != changes:
            if self._bare is None:
                self._bare = _bare_bench()
            picture = self._bare.copy()
            parcel, piece = self._world.parcel, self._world.piece_at(BENCH)
            if parcel:
                _draw_parcel(picture, parcel)
                for label in self._world.labels.at(Where.PARCEL):
                    _draw_label(picture, label)
            elif piece:
                _draw_from_above(picture, self._figures.of(piece), piece)
            self._drawn = (changes, picture)
        return self._drawn[1]


PX = STILL_PX / FIELD_MM[0]


def _point(x_mm: float, y_mm: float) -> tuple[int, int]:
    """A point right and up of the picture's middle."""
    return round((FIELD_MM[0] / 2 + x_mm) * PX), round((FIELD_MM[1] / 2 - y_mm) * PX)


def _bare_bench() -> Picture:
    """Beech top, green cutting mat with its grid, a lamp's light from the upper left."""
    chance = np.random.default_rng(3)
    height, width = round(FIELD_MM[1] * PX), STILL_PX
    half = wood(chance, height // 3, width // 3, PX / 3, (120, 160, 190), (150, 190, 214))
    picture = cv2.resize(half, (width, height), interpolation=cv2.INTER_LINEAR)
    left, top = _point(-MAT_MM[0] / 2, MAT_MM[1] / 2)
    right, bottom = _point(MAT_MM[0] / 2, -MAT_MM[1] / 2)
    mat = tinted((84, 104, 58), cv2.resize(cloud(chance, (bottom - top) // 4, (right - left) // 4, 2, 2), (right - left, bottom - top)), 0.05)
    for step in range(0, 400, 10):
        tone = (110, 136, 84) if step % 50 else (132, 160, 104)
        x, y = round(step * PX), round(step * PX)
        if x < mat.shape[1]:
            cv2.line(mat, (x, 0), (x, mat.shape[0]), tone, 2)
        if y < mat.shape[0]:
            cv2.line(mat, (0, y), (mat.shape[1], y), tone, 2)
    picture[top:bottom, left:right] = mat
    ys = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    xs = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    light = 1.04 - 0.14 * ((xs + 0.3) ** 2 + (ys + 0.2) ** 2)
    return to_picture(picture * light[..., None] * np.array((0.95, 1.0, 1.03), np.float32))


def _draw_parcel(picture: Picture, parcel: Parcel) -> None:
    """A carton from above: flaps, tape, fluting, a shadow on the mat."""
    left, top = _point(-parcel.length_mm / 2, parcel.width_mm / 2)
    right, bottom = _point(parcel.length_mm / 2, -parcel.width_mm / 2)
    shade = np.zeros(picture.shape[:2], np.float32)
    cv2.rectangle(shade, (left + 30, top + 40), (right + 90, bottom + 70), 0.55, -1)
    shade = cv2.resize(cv2.GaussianBlur(cv2.resize(shade, None, fx=0.125, fy=0.125), (0, 0), 6), shade.shape[::-1])
    picture[:] = to_picture(picture * (1 - shade[..., None]))
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, picture.shape[1]), min(bottom, picture.shape[0])
    height, width = bottom - top, right - left
    chance = np.random.default_rng(100 + parcel.no)
    small = (height // 4 + 1, width // 4 + 1)
    grain = cv2.resize(cloud(chance, *small, 3, 30, octaves=2), (width, height))
    flutes = np.sin(np.arange(width, dtype=np.float32) / PX / 6.5 * 2 * np.pi)[None, :]
    carton = tinted(KRAFT, grain + 0.25 * flutes, 0.03)
    seam = height // 2
    carton[seam - 3 : seam + 3] *= 0.6
    tape = round(24 * PX)
    shine = np.zeros((height, width), np.float32)
    shine[seam - tape : seam + tape] = 0.55
    carton = mix(carton, (150, 182, 206), shine)
    for edge in (slice(0, 6), slice(height - 6, height)):
        carton[edge] *= 0.8
    picture[top:bottom, left:right] = to_picture(carton)


def _draw_label(picture: Picture, label: Label) -> None:
    """White stock with exactly what was printed on it, where and how it was pressed on."""
    x_mm, y_mm, turn = label.place
    height, width = label.picture.shape
    scale = PX / label.dots_per_mm
    x, y = FIELD_MM[0] / 2 + x_mm, FIELD_MM[1] / 2 - y_mm
    affine = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), turn, scale)
    affine[:, 2] += np.array((x * PX - width / 2, y * PX - height / 2))
    size = (picture.shape[1], picture.shape[0])
    stock = np.clip(label.picture.astype(np.float32) / 255 * 222 + 24, 0, 255).astype(np.uint8)
    shown = cv2.warpAffine(stock, affine, size, flags=cv2.INTER_LINEAR)
    cover = cv2.warpAffine(np.full((height, width), 255, np.uint8), affine, size, flags=cv2.INTER_LINEAR)
    edge = cv2.dilate(cover, np.ones((7, 7), np.uint8))
    picture[:] = np.where(edge[..., None] > 0, (picture * 0.72).astype(np.uint8), picture)
    picture[:] = np.where(cover[..., None] > 127, shown[..., None], picture)


def _draw_from_above(picture: Picture, figure: Figure, piece: str) -> None:
    """A piece waiting to be packed, seen from above: rings of its own colours."""
    body = figure.body
    radius = getattr(body, "radius_mm", 0.0)
    centre = _point(0, 0)
    if not radius:
        half_w, half_h = getattr(body, "width_mm", 100.0) / 2, 95.0
        cv2.rectangle(picture, _point(-half_h, half_w), _point(half_h, -half_w), (44, 66, 96), -1)
        cv2.rectangle(picture, _point(-half_h + 10, half_w - 10), _point(half_h - 10, -half_w + 10), (214, 228, 234), -1)
        return
    ink = getattr(figure, "ink", np.array((120.0, 130.0, 140.0)))
    shade = np.zeros(picture.shape[:2], np.uint8)
    cv2.circle(shade, (centre[0] + 60, centre[1] + 60), round(radius * PX), 120, -1)
    shade = cv2.resize(cv2.GaussianBlur(cv2.resize(shade, None, fx=0.125, fy=0.125), (0, 0), 5), shade.shape[::-1])
    picture[:] = to_picture(picture * (1 - shade[..., None] / 255.0))
    for share in np.linspace(1.0, 0.05, 60):
        tone = 0.55 + 0.6 * (1 - share) ** 0.7
        shift = round(radius * PX * 0.10 * (1 - share))
        cv2.circle(picture, (centre[0] - shift, centre[1] - shift), round(radius * share * PX), tuple(float(min(c * tone, 255)) for c in ink), -1, cv2.LINE_AA)
