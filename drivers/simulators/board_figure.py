"""A framed print that stands on edge: two faces and a rim, seen at the table's angle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from drivers.simulators.bodies import Board
from drivers.simulators.engraving import visible_share
from drivers.simulators.plan import Piece
from drivers.simulators.prints import draw_back, draw_front
from drivers.simulators.texture import Picture
from drivers.simulators.view import COS_DOWN, SIN_DOWN, Cut, View

FACE_PX = 8.0
FRAME_TONE = (44, 70, 104)


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where the board stands and how it is turned."""

    x_mm: float
    y_mm: float
    sine: float
    cosine: float

    def point(self, across: float, out: float, up: float) -> tuple[float, float]:
        """A point of the board (mm right of its middle, out of its front, up) in the view's plane."""
        depth = -across * self.sine + out * self.cosine
        return self.x_mm + across * self.cosine + out * self.sine, self.y_mm + up * COS_DOWN - depth * SIN_DOWN


class BoardFigure:
    """A flat piece."""

    def __init__(self, piece: Piece, body: Board, seed: int) -> None:
        self.body = body
        self._front = draw_front(seed, body, FACE_PX)
        self._blank, self._engraved = draw_back(body, FACE_PX, piece.engraving)

    def draw(self, picture: Picture, view: View, x_mm: float, y_mm: float, angle_deg: float) -> None:
        angle = math.radians(angle_deg)
        stand = _Stand(x_mm, y_mm, math.sin(angle), math.cos(angle))
        self._rim(picture, view, stand)
        if abs(stand.cosine) > 0.02:
            self._face(picture, view, stand, angle_deg)

    def draw_from_above(self, picture: Picture, middle: tuple[int, int], px_per_mm: float) -> None:
        """Lying on its back, turned a quarter so that it fits."""
        lying = np.rot90(self._front)
        size = (round(self.body.height_mm * 0.9 * px_per_mm), round(self.body.width_mm * 0.9 * px_per_mm))
        shown = cv2.resize(lying, size, interpolation=cv2.INTER_LINEAR)
        left, top = max(middle[0] - size[0] // 2, 0), max(middle[1] - size[1] // 2, 0)
        target = picture[top : top + size[1], left : left + size[0]]
        target[:] = shown[: target.shape[0], : target.shape[1]]

    def _rim(self, picture: Picture, view: View, stand: _Stand) -> None:
        half, thick, height = self.body.width_mm / 2, self.body.thick_mm / 2, self.body.height_mm
        tone = 0.5 + 0.3 * abs(stand.sine)
        colour = tuple(float(value * tone) for value in FRAME_TONE)
        top = [(-half, -thick, height), (half, -thick, height), (half, thick, height), (-half, thick, height)]
        sides = [
            [(across, -thick, 0.0), (across, thick, 0.0), (across, thick, height), (across, -thick, height)]
            for across in (-half, half)
        ]
        for corners in (top, *sides):
            points = np.asarray([view.pixel(*stand.point(*corner)) for corner in corners])
            cv2.fillPoly(picture, [(points * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)

    def _face(self, picture: Picture, view: View, stand: _Stand, angle_deg: float) -> None:
        """The face that looks at the camera."""
        sign = 1.0 if stand.cosine >= 0 else -1.0
        half, out, top = self.body.width_mm / 2 * sign, self.body.thick_mm / 2 * sign, self.body.height_mm
        corners = [(-half, out, top), (half, out, top), (-half, out, 0.0), (half, out, 0.0)]
        points = np.asarray([view.pixel(*stand.point(*corner)) for corner in corners], np.float32)
        left, upper = np.floor(points.min(0)).astype(int)
        right, lower = np.ceil(points.max(0)).astype(int) + 1
        where = Cut(max(left, 0), max(upper, 0), min(right, view.width), min(lower, view.height))
        if where.right <= where.left or where.bottom <= where.top:
            return
        face = self._lit_face(stand, angle_deg, view.px_per_mm / FACE_PX)
        height, width = face.shape[:2]
        source = np.asarray([(0, 0), (width, 0), (0, height)], np.float32)
        affine = where.moved(cv2.getAffineTransform(source, points[:3]))
        shown = cv2.warpAffine(face, affine, where.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        mask = np.zeros((where.size[1], where.size[0]), np.uint8)
        local = (points[[0, 1, 3, 2]] - np.asarray((where.left, where.top))).astype(np.int32)
        cv2.fillPoly(mask, [local], 1)
        cv2.copyTo(shown, mask, where.of(picture))

    def _lit_face(self, stand: _Stand, angle_deg: float, shrink: float) -> Picture:
        """Front, or back with as much of its engraving as is seen; smoothed when it will be drawn small."""
        if stand.cosine >= 0:
            face = self._front
        else:
            share = visible_share((180.0 + angle_deg + 180.0) % 360.0 - 180.0)
            face = cv2.addWeighted(self._engraved, share, self._blank, 1 - share, 0)
        towards_light = -0.08 * stand.sine * (1 if stand.cosine >= 0 else -1)
        lit: Picture = cv2.convertScaleAbs(face, alpha=0.66 + 0.38 * abs(stand.cosine) + towards_light)
        return lit if shrink >= 0.6 else cv2.GaussianBlur(lit, (0, 0), 0.42 / shrink)
