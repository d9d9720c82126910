"""One piece ready to be drawn into any view at any angle: skin, engraved panel, limbs; boards for flat things."""

from __future__ import annotations

import math
import threading
import zlib
from collections import OrderedDict

import cv2
import numpy as np

from drivers.simulators.bodies import BODIES, Board, Body, Limb, smooth
from drivers.simulators.engraving import PANEL_HEIGHT_MM, draw_panel, panel_width_mm, visible_share
from drivers.simulators.glazes import PAINTERS
from drivers.simulators.plan import Piece
from drivers.simulators.sprite import MAP_PX, Maps, make_maps
from drivers.simulators.texture import Field, Picture, cloud, tinted
from drivers.simulators.view import COS_DOWN, SIN_DOWN, Cut, View, cut

# finest skin, points a millimetre; coarser levels follow for views from afar
SKIN_PX = 8.0
LEVELS = 3
Warped = tuple[Field, Field, Picture, Picture, Field]


def seed_of(piece: Piece) -> int:
    """The same piece always looks the same."""
    return zlib.crc32(f"{piece.id} {piece.kind} {piece.colour}".encode())


class TurnedFigure:
    """A body of revolution. `draw` is safe from several threads."""

    def __init__(self, piece: Piece, body: Body) -> None:
        self.body = body
        self._maps: Maps = make_maps(body)
        self._lock = threading.Lock()
        self._warped: OrderedDict[tuple[View, float, float], tuple[Cut, Warped] | None] = OrderedDict()
        chance = np.random.default_rng(seed_of(piece))
        length = len(smooth(body.outer, 0.2)) * 0.2
        self._rows = round(length * SKIN_PX)
        self._columns = round(2 * math.pi * body.radius_mm * SKIN_PX) // 4 * 4
        skin = PAINTERS[body.paint](chance, self._rows, self._columns, SKIN_PX, piece.colour)
        self.ink = skin.reshape(-1, 3).mean(0)
        whole = np.concatenate([skin, self._inside(chance, skin)]).astype(np.uint8)
        self._levels = [whole]
        for level in range(1, LEVELS):
            size = (self._columns >> level, whole.shape[0] >> level)
            self._levels.append(cv2.resize(whole, size, interpolation=cv2.INTER_AREA))
        self._panels = self._make_panels(piece.engraving)
        self._shown_share = -1.0

    def _inside(self, chance: np.random.Generator, skin: Field) -> Field:
        """The skin of the inside: as the rim, with a soft unevenness."""
        rows = max(int(self._rows * 0.8), 8)
        colour = skin[: max(self._rows // 12, 1)].reshape(-1, 3).mean(0)
        if self.body.paint == "tenmoku":
            return skin[:rows]
        return tinted(tuple(colour), cloud(chance, rows, self._columns, 160, 160), 0.02)

    def _make_panels(self, text: str) -> list[tuple[slice, slice, Picture, Picture]]:
        """For each level: where the panel is in it, blank and engraved."""
        line = smooth(self.body.outer, 0.2)
        at = int(np.argmin(np.abs(line[:, 1] - self.body.panel_mm) + 1000 * (line[:, 0] < 5)))
        middle_row = (1 - at / (len(line) - 1)) * self._rows
        # the skin is as wide as the widest ring; here the body is narrower, so the same width takes more of its columns
        stretch = self.body.radius_mm / float(line[at, 0])
        panels = []
        for level in range(LEVELS):
            px = SKIN_PX / 2**level
            height, width = round(PANEL_HEIGHT_MM * px), round(panel_width_mm(text) * px * stretch)
            top = round(middle_row / 2**level - height / 2)
            left = round(self._levels[level].shape[1] / 2 - width / 2)
            rows, columns = slice(top, top + height), slice(left, left + width)
            pair = [cv2.resize(one, (width, height), interpolation=cv2.INTER_AREA) for one in draw_panel(text, px * 2)]
            panels.append((rows, columns, pair[0], pair[1]))
        return panels

    def draw(self, picture: Picture, view: View, x_mm: float, y_mm: float, angle_deg: float) -> None:
        """Draw it standing with the middle of its foot at (x, y) of the view's plane, turned anticlockwise by the angle."""
        for limb in self.body.limbs:
            if _is_behind(limb, angle_deg):
                self._draw_limb(picture, view, x_mm, y_mm, limb, angle_deg)
        with self._lock:
            found = self._warp(view, x_mm, y_mm)
            if found:
                self._engrave(angle_deg)
                self._draw_body(picture, view, found[0], found[1], angle_deg)
        for limb in self.body.limbs:
            if not _is_behind(limb, angle_deg):
                self._draw_limb(picture, view, x_mm, y_mm, limb, angle_deg)

    def _warp(self, view: View, x_mm: float, y_mm: float) -> tuple[Cut, Warped] | None:
        """The maps as this view sees them; kept while the camera stands still."""
        key = (view, x_mm, y_mm)
        if key not in self._warped:
            self._warped[key] = self._warp_now(view, x_mm, y_mm)
            if len(self._warped) > 3:
                self._warped.popitem(last=False)
        return self._warped[key]

    def _warp_now(self, view: View, x_mm: float, y_mm: float) -> tuple[Cut, Warped] | None:
        maps = self._maps
        left, top = x_mm + maps.left_mm, y_mm + maps.top_mm
        rows, columns = maps.around.shape
        where = cut(view, left, top, left + columns / MAP_PX, top - rows / MAP_PX)
        if where is None:
            return None
        affine = where.moved(view.place(left, top, MAP_PX))
        size = where.size
        around, along, gain, gleam, cover = (
            cv2.warpAffine(one, affine, size, flags=cv2.INTER_LINEAR)
            for one in (maps.around, maps.along, maps.gain, maps.gleam, maps.cover)
        )
        # the soft edge of the maps is about three of their points wide; here it is made about one pixel wide
        slope = max(view.px_per_mm / MAP_PX * 3.0, 1.0)
        alpha = np.clip((cover.astype(np.float32) / 255 - 0.5) * slope + 0.5, 0, 1)[..., None]
        level = self._level(view)
        skin = self._levels[level]
        scale_rows = self._rows / 2**level
        return where, (around * (skin.shape[1] / (2 * math.pi)), along * scale_rows, gain, gleam, alpha)

    def _level(self, view: View) -> int:
        """The finest skin that doesn't flicker at this scale."""
        for level in range(LEVELS - 1, 0, -1):
            if SKIN_PX / 2**level >= view.px_per_mm * 0.9:
                return level
        return 0

    def _engrave(self, angle_deg: float) -> None:
        """Show as much of the grooves' floor as this angle lets see."""
        off = (180.0 + angle_deg + 180.0) % 360.0 - 180.0
        share = round(visible_share(off), 3)
        if share == self._shown_share:
            return
        self._shown_share = share
        for skin, (rows, columns, blank, engraved) in zip(self._levels, self._panels, strict=True):
            skin[rows, columns] = cv2.addWeighted(engraved, share, blank, 1 - share, 0)

    def _draw_body(self, picture: Picture, view: View, where: Cut, warped: Warped, angle_deg: float) -> None:
        columns, rows, gain, gleam, alpha = warped
        skin = self._levels[self._level(view)]
        # anticlockwise from above brings what was left of the front to the front
        offset = (-angle_deg / 360.0 % 1.0) * skin.shape[1]
        shown = cv2.remap(skin, columns + np.float32(offset), rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        lit = cv2.add(cv2.multiply(shown, gain, scale=1 / 128), gleam)
        target = where.of(picture)
        target[:] = (target + (lit.astype(np.float32) - target) * alpha).astype(np.uint8)

    def _draw_limb(self, picture: Picture, view: View, x_mm: float, y_mm: float, limb: Limb, angle_deg: float) -> None:
        """A tube as a row of lit balls, the far ones first."""
        azimuth = math.radians(limb.azimuth_deg + angle_deg)
        side, depth = math.sin(azimuth), math.cos(azimuth)
        path = np.asarray(limb.path, np.float32)
        steps = np.linspace(0, len(path) - 1, 90)
        balls = np.stack([np.interp(steps, np.arange(len(path)), path[:, axis]) for axis in range(3)], axis=1)
        order = balls if depth >= 0 else balls[::-1]
        ink = self.ink * (0.95 + 0.15 * depth)
        tones = ((1.0, 0.42, 0.0), (0.86, 0.72, 0.08), (0.62, 0.98, 0.20), (0.30, 1.22 + 0.5 * self.body.gloss, 0.36))
        for size, tone, shift in tones:
            colour = tuple(float(min(value * tone, 255)) for value in ink)
            for distance, height, radius in order:
                spot = view.pixel(
                    x_mm + distance * side - shift * radius, y_mm + height * COS_DOWN - distance * depth * SIN_DOWN + shift * radius
                )
                centre = (int(spot[0] * 16), int(spot[1] * 16))
                if all(-3000 < value < 90000 for value in centre):
                    cv2.circle(picture, centre, max(int(radius * size * view.px_per_mm * 16), 1), colour, -1, cv2.LINE_AA, 4)


def _is_behind(limb: Limb, angle_deg: float) -> bool:
    return math.cos(math.radians(limb.azimuth_deg + angle_deg)) < 0.05


class BoardFigure:
    """A framed print that stands on edge: two faces and a rim."""

    def __init__(self, piece: Piece, body: Board) -> None:
        from drivers.simulators.prints import draw_back, draw_front  # noqa: PLC0415  # drawn only where one is shown

        self.body = body
        self._front = draw_front(seed_of(piece), body, SKIN_PX)
        self._blank, self._engraved = draw_back(body, SKIN_PX, piece.engraving)

    def draw(self, picture: Picture, view: View, x_mm: float, y_mm: float, angle_deg: float) -> None:
        """As TurnedFigure.draw."""
        angle = math.radians(angle_deg)
        sine, cosine = math.sin(angle), math.cos(angle)
        if cosine < 0:
            share = visible_share((angle_deg + 180.0 + 180.0) % 360.0 - 180.0)
            face = cv2.addWeighted(self._engraved, share, self._blank, 1 - share, 0)
        else:
            face = self._front
        sign = 1.0 if cosine >= 0 else -1.0
        self._rim(picture, view, (x_mm, y_mm), (sine, cosine), sign)
        if abs(cosine) > 0.02:
            self._face(picture, view, (x_mm, y_mm), (sine, cosine), sign, face)

    def _corner(self, at: tuple[float, float], turn: tuple[float, float], across: float, out: float, up: float) -> tuple[float, float]:
        """A point of the board (mm right of its middle, out of its front, up) in the view's plane."""
        sine, cosine = turn
        x = across * cosine + out * sine
        depth = -across * sine + out * cosine
        return at[0] + x, at[1] + up * COS_DOWN - depth * SIN_DOWN

    def _rim(self, picture: Picture, view: View, at: tuple[float, float], turn: tuple[float, float], sign: float) -> None:
        half, thick = self.body.width_mm / 2, self.body.thick_mm / 2
        for across in (-half, half):
            corners = [(across, -thick, 0.0), (across, thick, 0.0), (across, thick, self.body.height_mm), (across, -thick, self.body.height_mm)]
            points = [view.pixel(*self._corner(at, turn, *corner)) for corner in corners]
            tone = 0.5 + 0.3 * abs(turn[0])
            colour = tuple(float(value * tone) for value in (44, 70, 104))
            cv2.fillPoly(picture, [(np.asarray(points) * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)

    def _face(
        self, picture: Picture, view: View, at: tuple[float, float], turn: tuple[float, float], sign: float, face: Picture
    ) -> None:
        half, out, top = self.body.width_mm / 2 * sign, self.body.thick_mm / 2 * sign, self.body.height_mm
        corners = [(-half, out, top), (half, out, top), (-half, out, 0.0), (half, out, 0.0)]
        points = np.array([view.pixel(*self._corner(at, turn, *corner)) for corner in corners], np.float32)
        left, upper = np.floor(points.min(0)).astype(int)
        right, lower = np.ceil(points.max(0)).astype(int) + 1
        where = Cut(max(left, 0), max(upper, 0), min(right, view.width), min(lower, view.height))
        if where.right <= where.left or where.bottom <= where.top:
            return
        height, width = face.shape[:2]
        source = np.array([(0, 0), (width, 0), (0, height)], np.float32)
        affine = where.moved(cv2.getAffineTransform(source, points[:3]))
        lit = cv2.convertScaleAbs(face, alpha=0.62 + 0.38 * abs(turn[1]) - 0.08 * turn[0] * sign)
        shrink = view.px_per_mm / SKIN_PX
        if shrink < 0.6:
            lit = cv2.GaussianBlur(lit, (0, 0), 0.42 / shrink)
        shown = cv2.warpAffine(lit, affine, where.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        mask = np.zeros((where.bottom - where.top, where.right - where.left), np.uint8)
        local = ((points[[0, 1, 3, 2]] - (where.left, where.top)) * 16).astype(np.int32)
        cv2.fillPoly(mask, [local], 255, cv2.LINE_AA, 4)
        target = where.of(picture)
        share = mask.astype(np.float32)[..., None] / 255
        target[:] = (target + (shown.astype(np.float32) - target) * share).astype(np.uint8)


Figure = TurnedFigure | BoardFigure


def make_figure(piece: Piece) -> Figure:
    """Build what is needed to draw a piece (a few tenths of a second)."""
    body = BODIES.get(piece.kind, BODIES["vase"])
    return BoardFigure(piece, body) if isinstance(body, Board) else TurnedFigure(piece, body)
