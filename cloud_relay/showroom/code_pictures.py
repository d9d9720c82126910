"""Reads codes for browsers that have no reader of their own: a small grey picture comes in, texts go out.

Raw pixels of one fixed size, so that no decoder ever meets a stranger's file; and small enough for the usual limit of a
request. The library is the one that the shop box reads labels with.
"""

import zxingcpp

SIDE_PX = 240
"""A square of 240 × 240: 8 pixels a module for the QR code of a tag (29 modules), 2.5 for the 95 of an EAN-13."""

CODES_MAX = 4


def read_codes(luma: bytes) -> list[str]:
    """Return the texts of the codes on a grey picture, row by row from the top left; ValueError for another size."""
    if len(luma) != SIDE_PX * SIDE_PX:
        raise ValueError(f"a picture of {len(luma)} bytes; {SIDE_PX} × {SIDE_PX} grey pixels are needed")
    pixels = memoryview(luma).cast("B", (SIDE_PX, SIDE_PX))
    found = zxingcpp.read_barcodes(pixels, text_mode=zxingcpp.TextMode.Plain)
    return [one.text for one in found[:CODES_MAX]]
