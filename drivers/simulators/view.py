"""Where a camera looks: from millimetres in the plane of the pieces to pixels of its picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drivers.simulators.texture import Picture

# field of view at 1x, measured in the plane where the pieces stand
FIELD_MM = 900.0
# the EVI-D70 sees 48 degrees at its wide end (technical manual, p. 54), so 900 mm are seen from this far
DISTANCE_MM = FIELD_MM / 2 / math.tan(math.radians(24.0))
# the viewing cameras look down on the table by this angle
LOOK_DOWN_DEG = 15.0
SIN_DOWN, COS_DOWN = math.sin(math.radians(LOOK_DOWN_DEG)), math.cos(math.radians(LOOK_DOWN_DEG))
# height of the table's top at the pieces' axis below the optical centre at pan 0, tilt 0
TABLE_Y_MM = -45.0
Affine = Picture


@dataclass(frozen=True, slots=True)
class View:
    """A picture whose middle shows the point (x, y), mm right and up of the optical centre; sizes in pixels."""

    x_mm: float
    y_mm: float
    px_per_mm: float
    width: int
    height: int

    @staticmethod
    def through(pan_deg: float, tilt_deg: float, zoom: float, width: int) -> View:
        """What a head at this position shows; pictures are 16:9."""
        x_mm = DISTANCE_MM * math.tan(math.radians(pan_deg))
        y_mm = DISTANCE_MM * math.tan(math.radians(tilt_deg))
        return View(x_mm, y_mm, width / FIELD_MM * zoom, width, width * 9 // 16)

    def pixel(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        """Where a point of the plane is in the picture."""
        return (
            (x_mm - self.x_mm) * self.px_per_mm + self.width / 2,
            (self.y_mm - y_mm) * self.px_per_mm + self.height / 2,
        )

    def place(self, left_mm: float, top_mm: float, px_per_mm: float) -> Affine:
        """The transform that lays a picture of this scale, with its top left corner there, into this view."""
        scale = self.px_per_mm / px_per_mm
        x, y = self.pixel(left_mm, top_mm)
        # pixel middles, not corners, fall on each other
        return np.array([[scale, 0.0, x + scale / 2 - 0.5], [0.0, scale, y + scale / 2 - 0.5]])


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a picture that something covers: columns left…right, rows top…bottom."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, as OpenCV wants it."""
        return self.right - self.left, self.bottom - self.top

    def of(self, picture: Picture) -> Picture:
        """That part of a picture, shared."""
        return picture[self.top : self.bottom, self.left : self.right]

    def moved(self, affine: Affine) -> Affine:
        """The same transform, into the cut part."""
        inside = affine.copy()
        inside[0, 2] -= self.left
        inside[1, 2] -= self.top
        return inside


def cut(view: View, left_mm: float, top_mm: float, right_mm: float, bottom_mm: float) -> Cut | None:
    """The part of the view that this rectangle covers; None when it is outside."""
    left, top = view.pixel(left_mm, top_mm)
    right, bottom = view.pixel(right_mm, bottom_mm)
    found = Cut(max(int(left), 0), max(int(top), 0), min(int(right) + 1, view.width), min(int(bottom) + 1, view.height))
    return found if found.right > found.left and found.bottom > found.top else None
