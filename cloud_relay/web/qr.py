"""A QR code as an address that a page can show at once."""

import base64
import io

import segno


def picture_of(text: str, encoding: str | None = None) -> str:
    """Return a QR code (ISO/IEC 18004, level M) as a data: URL of an SVG, with the quiet zone that cameras need.

    `encoding` where a standard fixes one; without it the shortest that holds the text.
    """
    out = io.BytesIO()
    segno.make(text, error="m", micro=False, encoding=encoding).save(out, kind="svg", scale=8, border=4)
    return "data:image/svg+xml;base64," + base64.b64encode(out.getvalue()).decode()
