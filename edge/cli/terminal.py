"""How commands look on a terminal: colours, columns, progress, pictures made of half blocks."""

import os
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import TextIO

from edge.cli.language import say

GREEN, YELLOW, RED, GREY, BOLD = "32", "33", "31", "90", "1"
"""Parameters of SGR (ECMA-48, 8.3.117)."""

PROGRESS_S = 1.0
"""What takes longer than this shows that it lives."""

DARK_TO_LIGHT = " .:-=+*#%@"


def is_colourful(stream: TextIO) -> bool:
    """Whether colours may go there: a terminal that knows them, and NO_COLOR is empty or absent (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Return the text in a colour if it goes to a terminal that shows it."""
    return f"\x1b[{colour}m{text}\x1b[0m" if colour and is_colourful(stream or sys.stdout) else text


def width_of(text: str) -> int:
    """Return how many columns a text takes: wide East Asian signs take two (UAX 11)."""
    return sum(0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)


def columns(rows: Sequence[Sequence[str]], colours: Sequence[Sequence[str]] | None = None) -> Iterator[str]:
    """Yield rows as lines with aligned columns; `colours` has one for each cell, empty for none."""
    widths = [max(map(width_of, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = []
        for place, (text, width) in enumerate(zip(row, widths, strict=True)):
            gap = " " * (width - width_of(text)) if place < len(row) - 1 else ""
            cells.append(paint(text, colours[number][place] if colours else "") + gap)
        yield "  ".join(cells).rstrip()


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Show on standard error that work goes on after a second: a clock on a terminal, else one line."""
    done = Event()
    ticking = Thread(target=_tick, args=(what, done), daemon=True)
    ticking.start()
    try:
        yield
    finally:
        done.set()
        ticking.join()


def _tick(what: str, done: Event) -> None:
    begun = time.monotonic()
    if done.wait(PROGRESS_S):
        return
    stream = sys.stderr
    if not stream.isatty():
        print(f"{what} …", file=stream, flush=True)
        return
    while not done.wait(0.2):
        print(f"\r{what} … {time.monotonic() - begun:.0f} s", end="", file=stream, flush=True)
    print("\r\x1b[2K", end="", file=stream, flush=True)


def draw(jpeg: bytes, *, columns_max: int = 0, rows_max: int = 0) -> Iterator[str]:
    """Yield a JPEG as terminal lines: two pixels a sign in colour, shades of signs where colours may not be.

    Raises ValueError for bytes that are no picture.
    """
    import io

    from PIL import Image, UnidentifiedImageError

    size = shutil.get_terminal_size()
    columns_max, rows_max = columns_max or size.columns, rows_max or size.lines - 2
    try:
        with Image.open(io.BytesIO(jpeg)) as picture:
            picture.draft("RGB", (columns_max * 2, rows_max * 4))
            shown = picture.convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise ValueError(say(f"this is no picture: {error}", f"不是图片：{error}")) from None
    scale = min(columns_max / shown.width, 2 * rows_max / shown.height)
    width, height = max(1, round(shown.width * scale)), max(2, round(shown.height * scale / 2) * 2)
    pixels = shown.resize((width, height))
    if not is_colourful(sys.stdout):
        grey = pixels.convert("L").resize((width, height // 2)).tobytes()
        for row in range(height // 2):
            levels = grey[row * width : (row + 1) * width]
            yield "".join(DARK_TO_LIGHT[level * len(DARK_TO_LIGHT) // 256] for level in levels)
        return
    points = pixels.tobytes()
    for row in range(0, height, 2):
        yield "".join(_half_block(points, width, row, column) for column in range(width)) + "\x1b[0m"


def _half_block(points: bytes, width: int, row: int, column: int) -> str:
    """Return the upper half block: its own colour above, the background below."""
    above, below = (row * width + column) * 3, ((row + 1) * width + column) * 3
    if os.environ.get("COLORTERM", "") in ("truecolor", "24bit"):
        top, bottom = (";".join(map(str, points[at : at + 3])) for at in (above, below))
        return f"\x1b[38;2;{top};48;2;{bottom}m▀"
    return f"\x1b[38;5;{_of_256(points[above : above + 3])};48;5;{_of_256(points[below : below + 3])}m▀"


def _of_256(rgb: bytes) -> int:
    """Return the nearest colour of xterm's cube of 6³, which begins at 16; levels 0, 95, 135, 175, 215, 255."""
    red, green, blue = (0 if level < 48 else 1 if level < 115 else (level - 35) // 40 for level in rgb)
    return 16 + 36 * red + 6 * green + blue
