"""The small card with its tag that stands in front of a piece: number and QR code of the tag's text."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import segno
from PIL import Image, ImageDraw, ImageFont

from drivers.simulators.texture import Picture

CARD_MM = (46.0, 22.0)
CARD_PX = 10.0


@lru_cache(maxsize=64)
def draw_card(code: str) -> tuple[Picture, float]:
    """The card's picture (BGR) and its pixels a millimetre."""
    width, height = (round(side * CARD_PX) for side in CARD_MM)
    card = Image.new("RGB", (width, height), (246, 240, 226))
    draw = ImageDraw.Draw(card)
    draw.rectangle((4, 4, width - 5, height - 5), outline=(150, 60, 40), width=3)
    rows = np.array([list(row) for row in segno.make(code, error="m").matrix_iter(border=2)], np.uint8)
    side = height - 24
    matrix = Image.fromarray(np.where(rows > 0, 20, 246).astype(np.uint8)).resize((side, side), Image.Resampling.NEAREST)
    card.paste(matrix.convert("RGB"), (12, 12))
    short = code.rsplit("/", 1)[-1][-8:]
    size = 86
    while ImageFont.load_default(size).getlength(short) > width - side - 40:
        size -= 4
    draw.text(((side + width) / 2 + 4, height / 2), short, fill=(44, 32, 26), font=ImageFont.load_default(size), anchor="mm")
    return np.asarray(card, np.uint8)[..., ::-1].copy(), CARD_PX
