"""Reading bar and matrix codes off a picture, as the handheld scanner's own optics do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import zxingcpp

MATRIX = {zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.DataMatrix}


@dataclass(frozen=True, slots=True)
class Code:
    """One code as read: its text, its symbology's name, and the size of its picture in square pixels."""

    text: str
    symbology: str
    area_px: float
    is_matrix: bool


def read_codes(picture: npt.NDArray[np.uint8]) -> list[Code]:
    """All codes in a grey or BGR picture: matrix codes first, the larger before the smaller."""
    found = zxingcpp.read_barcodes(picture, text_mode=zxingcpp.TextMode.Plain)
    codes = [Code(hit.text, str(hit.format), _area(hit.position), hit.format in MATRIX) for hit in found if hit.text]
    return sorted(codes, key=lambda code: (not code.is_matrix, -code.area_px))


def _area(position: zxingcpp.Position) -> float:
    """Size of a quadrilateral by the shoelace formula."""
    corners = [position.top_left, position.top_right, position.bottom_right, position.bottom_left]
    pairs = zip(corners, corners[1:] + corners[:1], strict=True)
    return abs(sum(a.x * b.y - b.x * a.y for a, b in pairs)) / 2
