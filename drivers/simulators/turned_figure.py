"""A turned piece: its skin with the engraved panel, seen through the maps of its shape, and its limbs."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass

import cv2
import numpy as np

from drivers.simulators.bodies import Body, smooth
from drivers.simulators.engraving import PANEL_HEIGHT_MM, draw_panel, panel_width_mm, visible_share
from drivers.simulators.glazes import PAINTERS
from drivers.simulators.limb import draw_limb, is_behind
from drivers.simulators.plan import Piece
from drivers.simulators.sprite import MAP_PX, OUTLINE_STEP_MM, Maps, make_maps
from drivers.simulators.texture import Field, Picture, cloud, tinted, to_picture
from drivers.simulators.view import Cut, View, cut

# finest skin, points a millimetre; coarser levels follow for views from afar
SKIN_PX = 8.0
# glazes are painted at this and made finer; only the engraving and the grain need all points
PAINT_PX = 4.0
LEVELS = 4
# maps are kept for views of the stream, not for stills: those are large and rare
KEPT_VIEWS, KEPT_WIDTH = 3, 1280


@dataclass(frozen=True, slots=True)
class Panel:
    """Where the engraved panel is on one level of the skin, without and with its engraving."""

    rows: slice
    columns: slice
    blank: Picture
    engraved: Picture


@dataclass(frozen=True, slots=True)
class Warped:
    """The maps as one view sees them, in the cut part of its picture."""

    cut: Cut
    level: int
    columns: Field
    rows: Field
    gain: Picture
    gleam: Picture
    inside: Picture
    edge: tuple[Field, Field]
    edge_share: Field


class TurnedFigure:
    """A body of revolution."""

    def __init__(self, piece: Piece, body: Body, seed: int) -> None:
        self.body = body
        self._maps: Maps = make_maps(body)
        self._lock = threading.Lock()
        self._warped: OrderedDict[tuple[View, float, float], Warped | None] = OrderedDict()
        chance = np.random.default_rng(seed)
        line = smooth(body.outer, OUTLINE_STEP_MM)
        self._rows = round(len(line) * OUTLINE_STEP_MM * SKIN_PX)
        self._columns = round(2 * math.pi * body.radius_mm * SKIN_PX) // 8 * 8
        rows, columns = round(self._rows * PAINT_PX / SKIN_PX), round(self._columns * PAINT_PX / SKIN_PX)
        skin = PAINTERS[body.paint](chance, rows, columns, PAINT_PX, piece.colour)
        self._ink = skin.reshape(-1, 3).mean(0)
        painted = to_picture(np.concatenate([skin, self._inside(chance, skin)]) if body.inner else skin)
        size = (self._columns, round(len(painted) * SKIN_PX / PAINT_PX))
        whole = _grained(chance, cv2.resize(painted, size, interpolation=cv2.INTER_CUBIC), 0.5 - 0.45 * body.gloss)
        sizes = [(self._columns >> level, whole.shape[0] >> level) for level in range(LEVELS)]
        self._levels: list[Picture] = [cv2.resize(whole, size, interpolation=cv2.INTER_AREA) for size in sizes]
        self._panels = [self._panel(piece.engraving, line, level) for level in range(LEVELS)]
        self._shown_share = -1.0

    def _inside(self, chance: np.random.Generator, skin: Field) -> Field:
        """The skin of the inside: as the rim, with a soft unevenness; iron glaze streaks inside as outside."""
        rows = max(int(len(skin) * 0.8), 8)
        if self.body.paint == "tenmoku":
            return skin[:rows]
        blue, green, red = skin[: max(len(skin) // 12, 1)].reshape(-1, 3).mean(0)
        return tinted((blue, green, red), cloud(chance, rows, skin.shape[1], 80, 80), 0.02)

    def _panel(self, text: str, line: Field, level: int) -> Panel:
        """The panel on the back, half way around."""
        at = int(np.argmin(np.abs(line[:, 1] - self.body.panel_mm) + 1000 * (line[:, 0] < 5)))
        middle = (1 - at / (len(line) - 1)) * self._rows / 2**level
        # the skin is as wide as the widest ring; where the body is narrower the same width takes more columns
        stretch = self.body.radius_mm / float(line[at, 0])
        px = SKIN_PX / 2**level
        height, width = round(PANEL_HEIGHT_MM * px), round(panel_width_mm(text) * px * stretch)
        top, left = round(middle - height / 2), round(self._levels[level].shape[1] / 2 - width / 2)
        blank, engraved = (
            cv2.resize(one, (width, height), interpolation=cv2.INTER_AREA) for one in draw_panel(text, px * 2)
        )
        return Panel(slice(top, top + height), slice(left, left + width), blank, engraved)

    def draw(self, picture: Picture, view: View, x_mm: float, y_mm: float, angle_deg: float) -> None:
        behind = [limb for limb in self.body.limbs if is_behind(limb, angle_deg)]
        before = [limb for limb in self.body.limbs if not is_behind(limb, angle_deg)]
        for limb in behind:
            draw_limb(picture, view, (x_mm, y_mm), limb, angle_deg, self._ink, self.body.gloss)
        with self._lock:
            warped = self._warp(view, x_mm, y_mm)
            if warped:
                self._engrave(angle_deg)
                self._draw_body(picture, warped, angle_deg)
        for limb in before:
            draw_limb(picture, view, (x_mm, y_mm), limb, angle_deg, self._ink, self.body.gloss)

    def draw_from_above(self, picture: Picture, middle: tuple[int, int], px_per_mm: float) -> None:
        """Rings of its own colour, brighter towards the light."""
        radius = self.body.radius_mm * px_per_mm
        for share in np.linspace(1.0, 0.05, 60):
            tone = 0.55 + 0.6 * (1 - share) ** 0.7
            shift = round(radius * 0.10 * (1 - share))
            colour = tuple(float(min(value * tone, 255)) for value in self._ink)
            cv2.circle(picture, (middle[0] - shift, middle[1] - shift), round(radius * share), colour, -1, cv2.LINE_AA)

    def _warp(self, view: View, x_mm: float, y_mm: float) -> Warped | None:
        """The maps as this view sees them; kept while the camera stands still."""
        key = (view, x_mm, y_mm)
        if view.width > KEPT_WIDTH:
            return self._warp_now(*key)
        if key not in self._warped:
            self._warped[key] = self._warp_now(view, x_mm, y_mm)
            if len(self._warped) > KEPT_VIEWS:
                self._warped.popitem(last=False)
        return self._warped[key]

    def _warp_now(self, view: View, x_mm: float, y_mm: float) -> Warped | None:
        maps = self._maps
        left, top = x_mm + maps.left_mm, y_mm + maps.top_mm
        rows, columns = maps.around.shape
        where = cut(view, left, top, left + columns / MAP_PX, top - rows / MAP_PX)
        if where is None:
            return None
        affine, size = where.moved(view.place(left, top, MAP_PX)), where.size
        around, along, gain, gleam, cover = (
            cv2.warpAffine(one, affine, size, flags=cv2.INTER_LINEAR)
            for one in (maps.around, maps.along, maps.gain, maps.gleam, maps.cover)
        )
        level = self._level(view)
        # the soft edge of the maps is about three of their points wide; here it is made about one pixel wide
        slope = max(view.px_per_mm / MAP_PX * 3.0, 1.0)
        share = np.clip((cover.astype(np.float32) - 127.5) * (slope / 255) + 0.5, 0, 1)
        edge = np.nonzero((share > 0) & (share < 1))
        return Warped(
            where, level, around * (self._levels[level].shape[1] / (2 * math.pi)), along * (self._rows / 2**level),
            gain, gleam, (share >= 0.5).astype(np.uint8), (edge[0], edge[1]), share[edge][:, None],
        )  # fmt: skip

    def _level(self, view: View) -> int:
        """The coarsest skin that is still fine enough for this scale: finer ones would flicker."""
        fits = [level for level in range(LEVELS) if SKIN_PX / 2**level >= view.px_per_mm * 0.9]
        return max(fits, default=0)

    def _engrave(self, angle_deg: float) -> None:
        """Show as much of the grooves' floor as this angle lets see."""
        off = (180.0 + angle_deg + 180.0) % 360.0 - 180.0
        share = round(visible_share(off), 3)
        if share != self._shown_share:
            self._shown_share = share
            for skin, panel in zip(self._levels, self._panels, strict=True):
                skin[panel.rows, panel.columns] = cv2.addWeighted(panel.engraved, share, panel.blank, 1 - share, 0)

    def _draw_body(self, picture: Picture, warped: Warped, angle_deg: float) -> None:
        skin = self._levels[warped.level]
        # anticlockwise from above brings what was left of the front to the front
        offset = np.float32((-angle_deg / 360.0 % 1.0) * skin.shape[1])
        shown = cv2.remap(skin, warped.columns + offset, warped.rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        lit = cv2.add(cv2.multiply(shown, warped.gain, scale=1 / 128), warped.gleam)
        target = warped.cut.of(picture)
        ground = target[warped.edge]
        cv2.copyTo(lit, warped.inside, target)
        target[warped.edge] = (ground + (lit[warped.edge].astype(np.float32) - ground) * warped.edge_share).astype(
            np.uint8
        )


def _grained(chance: np.random.Generator, skin: Picture, strength: float) -> Picture:
    """Fine grain all over, stronger on raw clay than on glaze."""
    grain = to_picture(128 + 12 * strength * cloud(chance, 512, 512, 4, 4, octaves=1))
    tiled = np.tile(grain, (skin.shape[0] // 512 + 1, skin.shape[1] // 512 + 1))[: skin.shape[0], : skin.shape[1]]
    return cv2.multiply(skin, cv2.merge([tiled, tiled, tiled]), scale=1 / 128)
