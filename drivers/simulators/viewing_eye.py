"""What a viewing camera sees: the pieces that really stand there, through the head's real pan, tilt and zoom."""

from __future__ import annotations

import itertools
import math
import threading
import time
from dataclasses import dataclass

import cv2
import numpy as np

from drivers.simulators.axis import Axis
from drivers.simulators.figure import Figures
from drivers.simulators.lens import magnification, softness_px
from drivers.simulators.plan import CameraPlan
from drivers.simulators.plate import PLATE_MM, RIM_MM, Plate
from drivers.simulators.scene import SCENE_PX, Scene
from drivers.simulators.sensor import Film, Sensor
from drivers.simulators.tag_card import CARD_MM, draw_card
from drivers.simulators.texture import Picture
from drivers.simulators.time_strip import Mark, draw, draw_on_planes
from drivers.simulators.view import DISTANCE_MM, FIELD_MM, TABLE_Y_MM, View, cut
from drivers.simulators.world import TURNTABLE, HeadState, World

FRAME_PX, STILL_PX = 1280, 2560
# while head or table move the picture is smeared anyway: it is drawn smaller and stretched, which costs a quarter
MOVING_PX = 640
SPOT_MM = 205.0
# how far below the table's line the tag's upper edge lies in the picture
CARD_BELOW_MM = 26.0
Standing = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that decides what a picture shows."""

    standing: Standing
    view: View
    zoom: float
    angle_deg: float


class ViewingEye:
    """One viewing camera over the front or the turntable."""

    def __init__(self, name: str, world: World, figures: Figures) -> None:
        self._world = world
        self._figures = figures
        self._plan: CameraPlan = world.plan.cameras[name]
        head = world.plan.heads.get(self._plan.head)
        pan, tilt = (head.pan_max_deg, head.tilt_max_deg) if head else (0.0, 0.0)
        self._half_width = FIELD_MM / 2 + DISTANCE_MM * math.tan(math.radians(pan)) + 5
        self._half_height = FIELD_MM * 9 / 32 + DISTANCE_MM * math.tan(math.radians(tilt)) + 5
        self._seed = sum(name.encode())
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        # built when somebody looks for the first time: a shop must be up at once
        self._scene: Scene | None = None
        self._plate: Plate | None = None
        self._sensors: dict[int, Sensor] = {}
        self._films: dict[int, Film] = {}
        self._shadowed: tuple[Standing, Picture] | None = None
        self._ground: tuple[Standing, View, Picture] | None = None
        self._last: tuple[Look, Picture] | None = None
        self._last_still: tuple[Look, Picture] | None = None

    def frame(self, now_s: float) -> bytes:
        return self._jpeg(FRAME_PX, self._exposed(now_s))

    def raw(self, now_s: float) -> Picture:
        """The picture of the stream uncompressed, as I420."""
        noisy = self._sensor(FRAME_PX).noisy(self._exposed(now_s))
        planes: Picture = cv2.cvtColor(noisy, cv2.COLOR_BGR2YUV_I420)
        if self._plan.shows_time:
            draw_on_planes(planes, self._mark())
        return planes

    def _exposed(self, now_s: float) -> Picture:
        """What falls on the sensor now."""
        width = MOVING_PX if self._is_moving(now_s) else FRAME_PX
        drawn_on, look = self._sensor(width), self._look(now_s, width)
        with self._lock:
            if self._last is None or self._last[0] != look:
                exposed = drawn_on.expose(self._draw(look), softness_px(look.zoom))
                if width != FRAME_PX:
                    exposed = cv2.resize(exposed, (FRAME_PX, FRAME_PX * 9 // 16), interpolation=cv2.INTER_LINEAR)
                self._last = (look, exposed)
            return self._last[1]

    def still(self, now_s: float) -> bytes:
        sensor, look = self._sensor(STILL_PX), self._look(now_s, STILL_PX)
        with self._lock:
            if self._last_still is None or self._last_still[0] != look:
                self._last_still = (look, sensor.expose(self._draw(look), softness_px(look.zoom)))
            exposed = self._last_still[1]
        return self._jpeg(STILL_PX, exposed)

    def _jpeg(self, width: int, exposed: Picture) -> bytes:
        """One picture of this size; what bears a strip is compressed each time."""
        sensor = self._sensor(width)
        if not self._plan.shows_time:
            return self._films[width].jpeg(exposed)
        noisy = sensor.noisy(exposed)
        draw(noisy, self._mark())
        return sensor.pack(noisy)

    def black(self) -> bytes:
        return self._sensor(FRAME_PX).jpeg(np.zeros((FRAME_PX * 9 // 16, FRAME_PX, 3), np.uint8))

    def _mark(self) -> Mark:
        """What the strip says; the wall clock is the one that a browser's page shares. Time and pan are of one moment,
        once the scene is drawn and has its noise: the simulator's time, 17 ms while a head moves, and no camera's.
        """
        pan_deg = self._head().pan.at(time.monotonic())
        return Mark(taken_s=time.time(), number=next(self._numbers), pan_deg=pan_deg)

    def _sensor(self, width: int) -> Sensor:
        with self._lock:
            if width not in self._sensors:
                self._sensors[width] = Sensor(width, self._plan.jpeg_quality, self._seed + width)
                self._films[width] = Film(self._sensors[width])
            return self._sensors[width]

    def _head(self) -> HeadState:
        """The head that turns this camera; one that never moves for a fixed camera."""
        return self._world.heads.get(self._plan.head) or HeadState(Axis(), Axis(), Axis())

    def _is_moving(self, now_s: float) -> bool:
        head = self._head()
        tables = self._world.tables.values() if self._plan.place == TURNTABLE else ()
        return any(axis.is_moving(now_s) for axis in (head.pan, head.tilt, head.zoom, *tables))

    def _look(self, now_s: float, width: int) -> Look:
        head = self._head()
        zoom = magnification(head.zoom.at(now_s))
        view = View.through(head.pan.at(now_s), head.tilt.at(now_s), zoom, width)
        if self._plan.place == TURNTABLE:
            piece = self._world.piece_at(TURNTABLE)
            return Look(((piece, 0.0),) if piece else (), view, zoom, self._world.table_angle(now_s))
        return Look(self._row(), view, zoom, 0.0)

    def _row(self) -> Standing:
        """The pieces at their spots, left to right around the middle."""
        with self._world.lock:
            at = {int(place[5:]): piece for piece, place in self._world.places.items() if place.startswith("spot:")}
            spots = [piece.spot for piece in self._world.pieces.values() if piece.spot]
        middle = (max(spots, default=1) + 1) / 2
        return tuple((piece, (spot - middle) * SPOT_MM) for spot, piece in sorted(at.items()))

    def _draw(self, look: Look) -> Picture:
        picture = self._behind(look.standing, look.view).copy()
        if self._plan.place == TURNTABLE:
            self._plate = self._plate or Plate()
            bodies = [self._figures.of(piece).body for piece, _x_mm in look.standing]
            shadow_mm = max((getattr(body, "radius_mm", 60.0) for body in bodies), default=0.0)
            self._plate.draw(picture, look.view, look.angle_deg, shadow_mm)
        for piece, x_mm in look.standing:
            self._figures.of(piece).draw(picture, look.view, x_mm, TABLE_Y_MM, look.angle_deg)
        if self._plan.place != TURNTABLE:
            self._cards(picture, look)
        return picture

    def _behind(self, standing: Standing, view: View) -> Picture:
        """Wall, table and shadows as this view sees them; kept while neither changes."""
        if self._ground and self._ground[:2] == (standing, view):
            return self._ground[2]
        ground = self._behind_now(standing, view)
        if view.width <= FRAME_PX:
            self._ground = (standing, view, ground)
        return ground

    def _behind_now(self, standing: Standing, view: View) -> Picture:
        if self._scene is None:
            self._scene = Scene(self._world.plan.style, self._half_width, self._half_height, self._seed)
        if self._shadowed is None or self._shadowed[0] != standing:
            bodies = [(x_mm, self._figures.of(piece).body) for piece, x_mm in standing]
            shadows = [(x_mm, getattr(body, "radius_mm", 60.0), body.height_mm) for x_mm, body in bodies]
            if self._plan.place == TURNTABLE:
                shadows.append((0.0, PLATE_MM, RIM_MM))
            self._shadowed = (standing, self._scene.with_shadows(shadows))
        affine = view.place(self._scene.left_mm, self._scene.top_mm, SCENE_PX)
        size = (view.width, view.height)
        return cv2.warpAffine(self._shadowed[1], affine, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)

    def _cards(self, picture: Picture, look: Look) -> None:
        """The tag in front of each piece."""
        width, height = CARD_MM
        for piece, x_mm in look.standing:
            left, top = x_mm - width / 2, TABLE_Y_MM - CARD_BELOW_MM
            where = cut(look.view, left, top, left + width, top - height)
            if where:
                card, px = draw_card(self._world.pieces[piece].code, look.view.px_per_mm)
                affine = where.moved(look.view.place(left, top, px))
                where.of(picture)[:] = cv2.warpAffine(
                    card, affine, where.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
                )
