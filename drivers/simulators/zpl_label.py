"""One ZPL format (^XA … ^XZ) → what it draws. Knows graphics, boxes and plain text; names what it doesn't know."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from drivers.simulators.zpl_graphics import BadGraphicError, decode_graphic

COMMAND = re.compile(r"\^([A-Z@][A-Z0-9@]?)([^\^]*)", re.DOTALL)
# settings that change nothing in the picture
SILENT = {
    "XA",
    "XZ",
    "FX",
    "CI",
    "MM",
    "MN",
    "MT",
    "MD",
    "PR",
    "PO",
    "PM",
    "LS",
    "LT",
    "JU",
    "FS",
    "CF",
    "FH",
    "BY",
    "MU",
    "JM",
}


@dataclass(slots=True)
class Drawing:
    """A format as drawn: True is black; `copies` of it; `unknown` commands were left out."""

    dots: npt.NDArray[np.bool_]
    copies: int = 1
    unknown: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Pen:
    """Where the next field begins and how large its letters are."""

    x: int = 0
    y: int = 0
    home_x: int = 0
    home_y: int = 0
    is_bottom: bool = False
    font: int = 30


def draw_format(text: str, width: int, length: int) -> Drawing:
    """Draw the commands between ^XA and ^XZ on a label of width × length dots (^PW and ^LL change them)."""
    drawing = Drawing(np.zeros((length, width), bool))
    pen = _Pen()
    for found in COMMAND.finditer(text):
        name, rest = found.group(1), found.group(2)
        if name[0] == "A":
            numbers = _numbers(rest)
            pen.font = max([30, *numbers[:1]])
        else:
            _draw_one(drawing, pen, name, rest)
    return drawing


def _draw_one(drawing: Drawing, pen: _Pen, name: str, rest: str) -> None:
    numbers = _numbers(rest)
    if name in {"FO", "FT"}:
        pen.x, pen.y = pen.home_x + _at(numbers, 0), pen.home_y + _at(numbers, 1)
        pen.is_bottom = name == "FT"
    elif name == "LH":
        pen.home_x, pen.home_y = _at(numbers, 0), _at(numbers, 1)
    elif name == "PW":
        drawing.dots = _sized(drawing.dots, _at(numbers, 0), drawing.dots.shape[0])
    elif name == "LL":
        drawing.dots = _sized(drawing.dots, drawing.dots.shape[1], _at(numbers, 0))
    elif name == "PQ":
        drawing.copies = max(_at(numbers, 0), 1)
    elif name == "GF":
        _graphic(drawing, pen, rest)
    elif name == "GB":
        _box(drawing, pen, numbers)
    elif name == "FD":
        _text(drawing, pen, rest)
    elif name not in SILENT:
        drawing.unknown.append(name)


def _graphic(drawing: Drawing, pen: _Pen, rest: str) -> None:
    kind, _total, count, per_row, data = (*rest.split(",", 4), "", "", "", "")[:5]
    try:
        if kind.strip().upper() != "A":
            raise BadGraphicError(f"^GF of kind {kind!r} is not drawn")
        dots = decode_graphic(int(count), int(per_row), data)
    except (BadGraphicError, ValueError) as error:
        drawing.unknown.append(f"GF: {error}")
        return
    _stamp(drawing, pen.x, pen.y - (dots.shape[0] if pen.is_bottom else 0), dots)


def _box(drawing: Drawing, pen: _Pen, numbers: list[int]) -> None:
    thick = max(_at(numbers, 2), 1)
    width, height = max(_at(numbers, 0), thick), max(_at(numbers, 1), thick)
    dots = np.ones((height, width), bool)
    dots[thick : height - thick, thick : width - thick] = False
    _stamp(drawing, pen.x, pen.y, dots)


def _text(drawing: Drawing, pen: _Pen, text: str) -> None:
    strip = Image.new("1", (max(len(text), 1) * pen.font, pen.font + 8))
    ImageDraw.Draw(strip).text((0, 0), text, fill=1, font=ImageFont.load_default(pen.font))
    _stamp(drawing, pen.x, pen.y - (pen.font if pen.is_bottom else 0), np.asarray(strip, bool))


def _stamp(drawing: Drawing, x: int, y: int, dots: npt.NDArray[np.bool_]) -> None:
    """Lay dots on the label; what lies beside it is cut off."""
    height, width = drawing.dots.shape
    x, y = max(x, 0), max(y, 0)
    part = dots[: max(height - y, 0), : max(width - x, 0)]
    drawing.dots[y : y + part.shape[0], x : x + part.shape[1]] |= part


def _sized(dots: npt.NDArray[np.bool_], width: int, length: int) -> npt.NDArray[np.bool_]:
    """The same picture on a label of another size (limits: 32000 dots each way, as the language has)."""
    fresh = np.zeros((min(max(length, 1), 32000), min(max(width, 1), 32000)), bool)
    rows, columns = min(fresh.shape[0], dots.shape[0]), min(fresh.shape[1], dots.shape[1])
    fresh[:rows, :columns] = dots[:rows, :columns]
    return fresh


def _numbers(rest: str) -> list[int]:
    """The leading numbers of a command's parameters; an empty one is 0."""
    return [int(part) if part.strip().lstrip("-").isdigit() else 0 for part in rest.split(",")[:6]]


def _at(numbers: list[int], place: int) -> int:
    return numbers[place] if place < len(numbers) else 0
