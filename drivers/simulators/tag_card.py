"""The small card with its tag that stands in front of a piece: number and QR code of the tag's text."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import segno
from PIL import Image, ImageDraw, ImageFont

from drivers.simulators.texture import Picture

CARD_MM = (46.0, 22.0)
CARD_PX = 10.0


def draw_card(code: str, px_per_mm: float) -> tuple[Picture, float]:
    """The card's picture (BGR) for a view of this scale, and the picture's own pixels a millimetre."""
    return _drawn(code, next((px for px in (2.0, 4.0) if px >= px_per_mm), CARD_PX))


@lru_cache(maxsize=64)
def _drawn(code: str, px: float) -> tuple[Picture, float]:
    """The card at one scale: drawn fine, then averaged down so that it doesn't flicker."""
    width, height = (round(side * CARD_PX) for side in CARD_MM)
    card = Image.new("RGB", (width, height), (246, 240, 226))
    draw = ImageDraw.Draw(card)
    draw.rectangle((4, 4, width - 5, height - 5), outline=(150, 60, 40), width=3)
    rows = np.array([list(row) for row in segno.make(code, error="m").matrix_iter(border=2)], np.uint8)
    side = height - 24
    matrix = Image.fromarray(np.where(rows > 0, 20, 246).astype(np.uint8)).resize(
        (side, side), Image.Resampling.NEAREST
    )
    card.paste(matrix.convert("RGB"), (12, 12))
    short = code.rsplit("/", 1)[-1][-8:]
    letters = 86
    while ImageFont.load_default(letters).getlength(short) > width - side - 40:
        letters -= 4
    draw.text(
        ((side + width) / 2 + 4, height / 2),
        short,
        fill=(44, 32, 26),
        font=ImageFont.load_default(letters),
        anchor="mm",
    )
    fine = np.asarray(card, np.uint8)[..., ::-1].copy()
    size = (round(CARD_MM[0] * px), round(CARD_MM[1] * px))
    return cv2.resize(fine, size, interpolation=cv2.INTER_AREA), px
