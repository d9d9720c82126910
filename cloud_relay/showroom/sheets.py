"""Sheets of tags as PDF: A4 pages drawn as black and white dots at 600 dpi, so what people typed stays a drawing."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import segno
from PIL import Image, ImageDraw

from cloud_relay.showroom.rules import SheetSize
from cloud_relay.showroom.typeface import LEADING, Typeface
from wire.tags import TagFace

DPI = 600
"""A laser printer's own dots: bars and small type come out as they were drawn."""
PER_MM = DPI / 25.4
PAGE_MM = (210.0, 297.0)
"""A4 (ISO 216)."""
PAGES_MAX = 20
MARGIN_MM = 3.5
"""Printers leave a rim of 3 to 4 mm white, and scissors are not exact either."""
QUIET = 4
"""Free modules around a QR code (ISO/IEC 18004 9.1)."""
MODULE_MM_MIN = 0.396
"""GS1 General Specifications 5.12.3.1: smallest X-dimension of a QR code with a Digital Link URI at retail."""
CODE_SHARE = 0.46
"""Share of a tag's width that its QR code may take; the words get the rest."""
CODE_MM_MAX = 78.0
"""Read from three metres by any phone; larger is only ink."""


class BadSheetError(Exception):
    """These tags cannot be put on this sheet; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class _Box:
    left: int
    top: int
    width: int
    height: int


def draw_sheet(faces: Sequence[TagFace], size: SheetSize, typeface: Typeface) -> bytes:
    """Return the sheet as PDF, page after page; BadSheetError when there are too many or a code does not fit."""
    pages = [faces[first : first + size.count] for first in range(0, len(faces), size.count)]
    if not 0 < len(pages) <= PAGES_MAX:
        raise BadSheetError(f"sheet: {len(pages)} pages; at most {PAGES_MAX}: choose a smaller size or fewer tags")
    out = io.BytesIO()
    for number, page in enumerate(pages):
        image = _draw_page(page, size, typeface)
        image.save(out, "PDF", resolution=DPI, append=number > 0, producer="Vitrine", creator="Vitrine")
        out.seek(0)  # the next page is appended to what was read from the beginning
    return out.getvalue()


def _draw_page(faces: Sequence[TagFace], size: SheetSize, typeface: Typeface) -> Image.Image:
    image = Image.new("1", (_dots(PAGE_MM[0]), _dots(PAGE_MM[1])), 1)
    left_mm = (PAGE_MM[0] - size.across * size.width_mm) / 2
    top_mm = (PAGE_MM[1] - size.down * size.height_mm) / 2
    pen = ImageDraw.Draw(image)
    for number, one in enumerate(faces):
        row, column = divmod(number, size.across)
        left, top = left_mm + column * size.width_mm, top_mm + row * size.height_mm
        _mark_corners(pen, left, top, size)
        margin = MARGIN_MM if size.height_mm < 100 else 3 * MARGIN_MM
        box = _Box(
            _dots(left + margin), _dots(top + margin), _dots(size.width_mm - 2 * margin),
            _dots(size.height_mm - 2 * margin),
        )  # fmt: skip
        _draw_tag(image, pen, one, box, typeface)
    return image


def _dots(mm: float) -> int:
    return round(mm * PER_MM)


def _mark_corners(pen: ImageDraw.ImageDraw, left_mm: float, top_mm: float, size: SheetSize) -> None:
    """Draw where to cut: short lines at the corners that lie on the paper."""
    arm = _dots(1.2)
    for x_mm in (left_mm, left_mm + size.width_mm):
        for y_mm in (top_mm, top_mm + size.height_mm):
            x, y = _dots(x_mm), _dots(y_mm)
            pen.line((x - arm, y, x + arm, y), fill=0, width=2)
            pen.line((x, y - arm, x, y + arm), fill=0, width=2)


def _draw_tag(image: Image.Image, pen: ImageDraw.ImageDraw, one: TagFace, box: _Box, typeface: Typeface) -> None:
    line = max(_dots(2.1), round(box.height * 0.06))
    code = _code(
        one.address, min(round(box.width * CODE_SHARE), box.height - round(line * LEADING), _dots(CODE_MM_MAX))
    )
    top = box.top + (box.height - code.height - round(line * LEADING)) // 2
    image.paste(code, (box.left, top))
    lines, size_px = typeface.fit(one.printed, code.width, line, (line, _dots(1.6)), is_bold=True)
    offset = (code.width - typeface.width(lines[0], size_px, is_bold=True)) / 2
    typeface.draw(pen, (box.left + offset, top + code.height), lines[0], size_px, is_bold=True)
    gap = _dots(1.5)
    words = _Box(box.left + code.width + gap, box.top, box.width - code.width - gap, box.height)
    _draw_words(pen, one, words, typeface)


def _draw_words(pen: ImageDraw.ImageDraw, one: TagFace, box: _Box, typeface: Typeface) -> None:
    """Heading, titles, price and foot from above, each in its share of the height."""
    titles = [title for title in one.titles if title]
    shares: list[tuple[str, float, float, bool]] = [(one.heading, 0.12, 0.09, False)]
    left = 1.0 - 0.12 - 0.1 - (0.3 if one.price else 0.0)
    shares += [(title, left / len(titles), 0.17, number == 0) for number, title in enumerate(titles)]
    shares += [(one.price, 0.3, 0.24, True)] if one.price else []
    shares += [(one.foot, 0.1, 0.08, False)]
    top = float(box.top)
    smallest = _dots(1.6)
    for text, share, type_share, is_bold in shares:
        height = box.height * share
        if text:
            largest = max(smallest, round(box.height * type_share))
            lines, size_px = typeface.fit(text, box.width, round(height), (largest, smallest), is_bold=is_bold)
            for number, part in enumerate(lines):
                typeface.draw(pen, (box.left, top + number * size_px * LEADING), part, size_px, is_bold=is_bold)
        top += height


def _code(address: str, room_px: int) -> Image.Image:
    """Return the QR code with its quiet zone, whole dots for each module; BadSheetError when it does not fit."""
    code = segno.make_qr(address, error="m", boost_error=False)
    modules = len(code.matrix)
    dots = room_px // (modules + 2 * QUIET)
    if dots < MODULE_MM_MIN * PER_MM:
        raise BadSheetError("sheet: the code's address is too long for a tag of this size; choose a larger one")
    image = Image.new("1", (modules, modules), 1)
    for y, row in enumerate(code.matrix):
        for x, is_dark in enumerate(row):
            if is_dark:
                image.putpixel((x, y), 0)
    grown = image.resize((modules * dots, modules * dots), Image.Resampling.NEAREST)
    framed = Image.new("1", (grown.width + 2 * QUIET * dots, grown.height + 2 * QUIET * dots), 1)
    framed.paste(grown, (QUIET * dots, QUIET * dots))
    return framed
