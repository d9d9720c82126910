"""The zoom lens of the heads: position units and magnification, and how soft it is.

Sony EVI-D70/P technical manual, Lens Control: zoom position 0000 = 1x … 4000 = 18x; straight lines between the entries.
The ends (p. 51) and 12x = 3B4B (p. 54) were checked on the pages, the entries between them were not.
"""

from __future__ import annotations

import numpy as np

ZOOM_POSITIONS = (
    0x0000, 0x1606, 0x2151, 0x2860, 0x2CB5, 0x3060, 0x32D3, 0x3545, 0x3727,
    0x38A9, 0x3A42, 0x3B4B, 0x3C85, 0x3D75, 0x3E4E, 0x3EF7, 0x3FA0, 0x4000,
)  # fmt: skip
ZOOM_MAX_POSITION = 0x4000
# standard deviation of the lens's point spread, in pixels of a 1280-pixel picture, by magnification: soft at the wide
# end, stopped down and sharp from about 4x on
SOFTNESS = ((1.0, 0.85), (2.0, 1.1), (3.0, 1.2), (3.4, 1.1), (3.8, 0.6), (4.0, 0.5), (10.0, 0.6), (18.0, 0.9))


def magnification(position: float) -> float:
    """Zoom position units → magnification, 1…18."""
    return float(np.interp(position, ZOOM_POSITIONS, range(1, 19)))


def softness_px(zoom: float) -> float:
    """How far the lens spreads a point at this magnification (standard deviation, pixels of a 1280-pixel picture)."""
    zooms, spreads = zip(*SOFTNESS, strict=True)
    return float(np.interp(zoom, zooms, spreads))
