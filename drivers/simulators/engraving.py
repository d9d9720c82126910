"""The engraved panel on a piece's back: text 3 mm high, a 6 mm DataMatrix of the same text, dark in pale clay.

The strokes are cut deeper than wide: their floor is hidden from GROOVE_DEG off. That, and what the lens resolves,
is all that limits reading.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import zint
from PIL import Image, ImageDraw, ImageFont

from drivers.simulators.texture import Colour, Field, Picture, cloud, mix, tinted

TEXT_MM, MATRIX_MM = 3.0, 6.0
PANEL_HEIGHT_MM = 15.0
# arctan(width ÷ depth) of a stroke: from this angle on its walls hide its floor
GROOVE_DEG = 34.0
CLAY: Colour = (196, 214, 226)
INK: Colour = (26, 26, 34)
# drawn this much finer than the skin, then averaged down
FINE = 4


def visible_share(off_deg: float) -> float:
    """How much of a groove's floor is seen from `off_deg` beside its normal: 1 straight on, 0 from GROOVE_DEG."""
    if abs(off_deg) >= GROOVE_DEG:
        return 0.0
    return 1.0 - math.tan(math.radians(abs(off_deg))) / math.tan(math.radians(GROOVE_DEG))


def matrix_modules(text: str) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """The DataMatrix of a text: True is dark, no quiet zone."""
    symbol = zint.Symbol()
    symbol.symbology = zint.Symbology.DATAMATRIX
    symbol.option_3 = 100  # squares only (zint manual, Data Matrix options)
    symbol.encode(text)
    symbol.buffer()
    grey = np.asarray(symbol.bitmap, np.uint8)[..., 0]
    rows = (np.arange(symbol.rows) * 2 + 1) * grey.shape[0] // (2 * symbol.rows)
    columns = (np.arange(symbol.width) * 2 + 1) * grey.shape[1] // (2 * symbol.width)
    return grey[np.ix_(rows, columns)] < 128


def panel_width_mm(text: str) -> float:
    """Width of the panel: quiet zone, matrix, gap, text."""
    return 3.0 + MATRIX_MM + 3.0 + _text_mm(text) + 4.0


def draw_panel(text: str, px_per_mm: float) -> tuple[Picture, Picture]:
    """The panel without and with its engraving, BGR."""
    chance = np.random.default_rng(7)
    height, width = round(PANEL_HEIGHT_MM * px_per_mm), round(panel_width_mm(text) * px_per_mm)
    blank = tinted(CLAY, cloud(chance, height, width, 2 * px_per_mm, 2 * px_per_mm), 0.015)
    edge = np.zeros((height, width), np.float32)
    inset = max(int(0.7 * px_per_mm), 1)
    cv2.rectangle(edge, (inset, inset), (width - 1 - inset, height - 1 - inset), 1.0, max(int(0.35 * px_per_mm), 1))
    blank = mix(blank, (110, 130, 150), edge * 0.5)
    ink = _ink(text, px_per_mm * FINE, height * FINE, width * FINE)
    share = cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA)
    return blank.astype(np.uint8), mix(blank, INK, share).astype(np.uint8)


def _ink(text: str, px: float, height: int, width: int) -> Field:
    """The strokes: 0…1."""
    ink = np.zeros((height, width), np.float32)
    if not text:
        return ink
    modules = matrix_modules(text).astype(np.float32)
    side = round(MATRIX_MM * px)
    top, left = round((PANEL_HEIGHT_MM - MATRIX_MM) / 2 * px), round(3.0 * px)
    ink[top : top + side, left : left + side] = cv2.resize(modules, (side, side), interpolation=cv2.INTER_NEAREST)
    letters = Image.new("L", (width, height))
    # capital letters of this face are 0.73 of its size
    font = ImageFont.load_default(TEXT_MM / 0.73 * px)
    ImageDraw.Draw(letters).text(
        ((3.0 + MATRIX_MM + 3.0) * px, PANEL_HEIGHT_MM / 2 * px), text, fill=255, font=font, anchor="lm"
    )
    return np.maximum(ink, np.asarray(letters, np.float32) / 255)


def _text_mm(text: str) -> float:
    """How wide the text is at its height."""
    return float(ImageFont.load_default(100).getlength(text)) / 100 * TEXT_MM / 0.73
