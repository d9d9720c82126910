"""What a viewing camera sees: the pieces that really stand there, through the head's real pan, tilt and zoom."""

from __future__ import annotations

import math
import threading

import cv2
import numpy as np

from drivers.simulators.figure import Figure, make_figure
from drivers.simulators.lens import magnification, softness_px
from drivers.simulators.plan import CameraPlan, Piece
from drivers.simulators.scene import SCENE_PX, Scene
from drivers.simulators.sensor import Sensor
from drivers.simulators.tag_card import CARD_MM, draw_card
from drivers.simulators.texture import Picture, to_picture, wood
from drivers.simulators.view import DISTANCE_MM, FIELD_MM, SIN_DOWN, TABLE_Y_MM, View, cut
from drivers.simulators.world import TURNTABLE, World

FRAME_PX, STILL_PX = 1280, 2560
SPOT_MM = 205.0
PLATE_MM, PLATE_PX = 135.0, 3.0
Standing = tuple[tuple[str, float], ...]


class Figures:
    """The drawable pieces of a shop, made when first seen and shared by its cameras."""

    def __init__(self, pieces: dict[str, Piece]) -> None:
        self._pieces = pieces
        self._made: dict[str, Figure] = {}
        self._lock = threading.Lock()

    def of(self, piece: str) -> Figure:
        """The figure of a piece."""
        with self._lock:
            if piece not in self._made:
                self._made[piece] = make_figure(self._pieces[piece])
            return self._made[piece]


class ViewingEye:
    """One viewing camera over the front or the turntable."""

    def __init__(self, name: str, world: World, figures: Figures) -> None:
        self._world = world
        self._figures = figures
        self._plan: CameraPlan = world.plan.cameras[name]
        head = world.plan.heads.get(self._plan.head)
        pan, tilt = (head.pan_max_deg, head.tilt_max_deg) if head else (0.0, 0.0)
        half_width = FIELD_MM / 2 + DISTANCE_MM * math.tan(math.radians(pan)) + 5
        half_height = FIELD_MM * 9 / 32 + DISTANCE_MM * math.tan(math.radians(tilt)) + 5
        # built when somebody looks for the first time: a shop must be up at once
        self._make_scene = lambda: Scene(world.plan.style, half_width, half_height, sum(name.encode()))
        self._scene: Scene | None = None
        self._plate = _plate() if self._plan.place == TURNTABLE else None
        self._sensors = {width: Sensor(width, width * 9 // 16, self._plan.jpeg_quality, width) for width in (FRAME_PX, STILL_PX)}
        self._lock = threading.Lock()
        self._background: tuple[Standing, Picture] | None = None
        self._last: tuple[object, Picture] | None = None

    def frame(self, now_s: float) -> bytes:
        sensor = self._sensors[FRAME_PX]
        key = self._look(now_s, FRAME_PX)
        with self._lock:
            if self._last is None or self._last[0] != key:
                self._last = (key, sensor.expose(self._draw(*key), softness_px(self._zoom(now_s))))
            exposed = self._last[1]
        return sensor.jpeg(exposed)

    def still(self, now_s: float) -> bytes:
        sensor = self._sensors[STILL_PX]
        return sensor.jpeg(sensor.expose(self._draw(*self._look(now_s, STILL_PX)), softness_px(self._zoom(now_s))))

    def black(self) -> bytes:
        sensor = self._sensors[FRAME_PX]
        return sensor.jpeg(np.zeros((FRAME_PX * 9 // 16, FRAME_PX, 3), np.uint8))

    def _zoom(self, now_s: float) -> float:
        head = self._world.heads.get(self._plan.head)
        return magnification(head.zoom.at(now_s)) if head else 1.0

    def _look(self, now_s: float, width: int) -> tuple[Standing, View, float]:
        """Everything that decides what the picture shows."""
        head = self._world.heads.get(self._plan.head)
        pan, tilt = (head.pan.at(now_s), head.tilt.at(now_s)) if head else (0.0, 0.0)
        view = View.through(pan, tilt, self._zoom(now_s), width)
        if self._plan.place == TURNTABLE:
            piece = self._world.piece_at(TURNTABLE)
            return ((piece, 0.0),) if piece else (), view, self._world.table_angle(now_s)
        return self._row(), view, 0.0

    def _row(self) -> Standing:
        """The pieces at their spots, left to right around the middle."""
        with self._world.lock:
            at = {int(place[5:]): piece for piece, place in self._world.places.items() if place.startswith("spot:")}
            spots = [piece.spot for piece in self._world.pieces.values() if piece.spot]
        middle = (max(spots, default=1) + 1) / 2
        return tuple((piece, (spot - middle) * SPOT_MM) for spot, piece in sorted(at.items()))

    def _draw(self, standing: Standing, view: View, angle_deg: float) -> Picture:
        scene, background = self._behind(standing)
        picture = cv2.warpAffine(
            background,
            view.place(scene.left_mm, scene.top_mm, SCENE_PX),
            (view.width, view.height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
        result = np.asarray(picture, np.uint8)
        if self._plate is not None:
            _draw_plate(result, view, self._plate, angle_deg)
        for piece, x_mm in standing:
            self._figures.of(piece).draw(result, view, x_mm, TABLE_Y_MM, angle_deg)
        if self._plan.place != TURNTABLE:
            self._cards(result, view, standing)
        return result

    def _behind(self, standing: Standing) -> tuple[Scene, Picture]:
        if self._scene is None:
            self._scene = self._make_scene()
        if self._background is None or self._background[0] != standing:
            bodies = [(x_mm, self._figures.of(piece).body) for piece, x_mm in standing]
            shadows = [(x_mm, getattr(body, "radius_mm", 60.0), body.height_mm) for x_mm, body in bodies]
            self._background = (standing, self._scene.with_shadows(shadows))
        return self._scene, self._background[1]

    def _cards(self, picture: Picture, view: View, standing: Standing) -> None:
        """The tag in front of each piece."""
        for piece, x_mm in standing:
            width, height = CARD_MM
            left, top = x_mm - width / 2, TABLE_Y_MM - 26
            where = cut(view, left, top, left + width, top - height)
            if where:
                card, px = draw_card(self._world.pieces[piece].code)
                shown = cv2.warpAffine(
                    card, where.moved(view.place(left, top, px)), where.size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
                )
                where.of(picture)[:] = shown


def _plate() -> Picture:
    """The turntable's top as seen from straight above: a walnut disc, transparent outside (fourth channel)."""
    side = int(2 * PLATE_MM * PLATE_PX)
    chance = np.random.default_rng(11)
    top = to_picture(wood(chance, side, side, PLATE_PX, (32, 48, 72), (58, 86, 122)))
    middle = (side // 2, side // 2)
    for radius, tone in ((0.985, (28, 40, 58)), (0.90, (40, 58, 84))):
        cv2.circle(top, middle, int(PLATE_MM * PLATE_PX * radius), tone, 3, cv2.LINE_AA)
    for tick in range(24):
        angle = math.radians(tick * 15)
        ends = [
            (int(middle[0] + math.sin(angle) * r * PLATE_MM * PLATE_PX), int(middle[1] + math.cos(angle) * r * PLATE_MM * PLATE_PX))
            for r in (0.92, 0.97 if tick % 6 else 0.985)
        ]
        cv2.line(top, ends[0], ends[1], (120, 170, 205), 4 if tick % 6 == 0 else 2, cv2.LINE_AA)
    cover = np.zeros((side, side), np.uint8)
    cv2.circle(cover, middle, int(PLATE_MM * PLATE_PX), 255, -1, cv2.LINE_AA)
    return np.dstack([top, cover])


def _draw_plate(picture: Picture, view: View, plate: Picture, angle_deg: float) -> None:
    """The disc, turned and foreshortened, and its rim of 12 mm."""
    rim_mm = 12.0
    where = cut(view, -PLATE_MM, TABLE_Y_MM + PLATE_MM * SIN_DOWN, PLATE_MM, TABLE_Y_MM - PLATE_MM * SIN_DOWN - rim_mm)
    if where is None:
        return
    x, y = view.pixel(0.0, TABLE_Y_MM)
    centre = (int(x * 16), int((y + rim_mm * view.px_per_mm) * 16))
    axes = (int(PLATE_MM * view.px_per_mm * 16), int(PLATE_MM * SIN_DOWN * view.px_per_mm * 16))
    if max(map(abs, centre)) < 400_000:
        cv2.ellipse(picture, centre, axes, 0, 0, 360, (22, 32, 46), -1, cv2.LINE_AA, 4)
    turn, scale = math.radians(angle_deg), view.px_per_mm / PLATE_PX
    sine, cosine = math.sin(turn), math.cos(turn)
    half = plate.shape[0] / 2
    # anticlockwise from above: what is in front (down in the plate's picture) goes to the right
    matrix = np.array([[cosine * scale, sine * scale, x], [-sine * scale * SIN_DOWN, cosine * scale * SIN_DOWN, y]])
    matrix[:, 2] -= matrix[:, :2] @ (half, half)
    shown = cv2.warpAffine(plate, where.moved(matrix), where.size, flags=cv2.INTER_LINEAR)
    target, share = where.of(picture), shown[..., 3:].astype(np.float32) / 255
    target[:] = (target + (shown[..., :3].astype(np.float32) - target) * share).astype(np.uint8)
