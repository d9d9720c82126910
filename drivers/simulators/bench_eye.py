"""What the bench camera sees: piece or parcel, and the very labels that were printed and stuck on it."""

from __future__ import annotations

import threading

import cv2
import numpy as np

from drivers.simulators.bench_top import WIDTH, bare_bench, stick, with_parcel, with_piece
from drivers.simulators.figure import Figures
from drivers.simulators.sensor import Film, Sensor
from drivers.simulators.texture import Picture
from drivers.simulators.world import BENCH, Parcel, World

FRAME_PX, STILL_PX = 1280, WIDTH
# a fixed lens, focused on the parcel's top: as good as the sensor
SOFTNESS_PX = 0.22
# fine print must survive the compression, so this camera is set better than the viewing ones
BETTER_QUALITY = 8


class BenchEye:
    """Draws the bench once for every change, in both sizes when asked."""

    def __init__(self, world: World, figures: Figures, jpeg_quality: int = 80) -> None:
        self._world = world
        self._figures = figures
        self._quality = min(jpeg_quality + BETTER_QUALITY, 100)
        self._lock = threading.Lock()
        self._sensors: dict[int, Sensor] = {}
        self._films: dict[int, Film] = {}
        self._bare: Picture | None = None
        self._drawn: tuple[int, Picture] | None = None
        self._exposed: dict[int, tuple[int, Picture]] = {}

    def frame(self, now_s: float) -> bytes:
        return self._jpeg(FRAME_PX)

    def still(self, now_s: float) -> bytes:
        return self._jpeg(STILL_PX)

    def black(self) -> bytes:
        with self._lock:
            sensor = self._sensor(FRAME_PX)
        return sensor.jpeg(np.zeros((FRAME_PX * 9 // 16, FRAME_PX, 3), np.uint8))

    def label_close_up(self, piece: str = "") -> Picture:
        """A parcel's labels as the handheld scanner sees them: near, sharp, grey."""
        with self._lock:
            parcel = self._world.parcel_with(piece) if piece else self._world.parcel
            is_aside = parcel is not None and parcel is not self._world.parcel
            seen = self._parcel(parcel) if parcel and is_aside else self._drawing()
            return cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY)

    def _jpeg(self, width: int) -> bytes:
        with self._lock:
            sensor = self._sensor(width)
            drawing, found = self._drawing(), self._exposed.get(width)
            changes = self._drawn[0] if self._drawn else 0
            if found is None or found[0] != changes:
                size = (width, width * 9 // 16)
                picture = drawing if width == STILL_PX else cv2.resize(drawing, size, interpolation=cv2.INTER_AREA)
                found = self._exposed[width] = (changes, sensor.expose(picture, SOFTNESS_PX))
        return self._films[width].jpeg(found[1])

    def _sensor(self, width: int) -> Sensor:
        if width not in self._sensors:
            self._sensors[width] = Sensor(width, self._quality, width)
            self._films[width] = Film(self._sensors[width])
        return self._sensors[width]

    def _drawing(self) -> Picture:
        """The whole bench at full resolution."""
        changes = self._world.bench_changes
        if self._drawn is None or self._drawn[0] != changes:
            parcel, piece = self._world.parcel, self._world.piece_at(BENCH)
            if parcel:
                picture = self._parcel(parcel)
            elif piece:
                picture = with_piece(self._bare_bench().copy(), self._figures.of(piece))
            else:
                picture = self._bare_bench().copy()
            self._drawn = (changes, picture)
        return self._drawn[1]

    def _parcel(self, parcel: Parcel) -> Picture:
        picture = with_parcel(self._bare_bench().copy(), parcel)
        for label in self._world.labels.on(parcel.no):
            stick(picture, label)
        return picture

    def _bare_bench(self) -> Picture:
        if self._bare is None:
            self._bare = bare_bench()
        return self._bare
