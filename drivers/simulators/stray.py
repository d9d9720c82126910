"""A label that does not belong here: left on the applicator by somebody before us."""

from __future__ import annotations

import numpy as np
import segno
from PIL import Image, ImageDraw, ImageFont

from drivers.simulators.labels import Label
from drivers.simulators.world import World

TEXT = "https://id.gs1.org/00/395200000000000012"


def stray_label(world: World, found_by: str) -> Label:
    """Make the stray label (100 × 150 mm, 8 dots/mm) and log that it turned up."""
    picture = Image.new("L", (800, 1200), 255)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((20, 20, 779, 1179), outline=0, width=6)
    draw.text((60, 60), "OLD LABEL / 旧标签", fill=0, font=ImageFont.load_default(40))
    code = segno.make(TEXT, error="m", micro=False)
    rows = np.array([[0 if dark else 255 for dark in row] for row in code.matrix_iter(border=4)], np.uint8)
    picture.paste(Image.fromarray(rows).resize((500, 500), Image.Resampling.NEAREST), (150, 300))
    return world.label_printed(found_by, np.asarray(picture, np.uint8), 8, "stray_label")
