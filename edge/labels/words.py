"""Text into boxes: broken into lines, made smaller until it fits, never cut off. Pure but for font metrics."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from edge.labels.typeface import Typeface

LEADING = 1.22
"""Line distance in type sizes: below it, Chinese lines with full-height characters touch."""


class TextTooLongError(Exception):
    """The text does not fit its box even at the smallest type."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Lines at one type size."""

    lines: tuple[str, ...]
    size_px: int

    @property
    def height_px(self) -> int:
        """Dots from the top of the first line to the bottom of the last."""
        return round(self.size_px * LEADING * len(self.lines))


def fit(
    face: Typeface,
    paragraphs: Iterable[str],
    width_px: int,
    height_px: int,
    sizes_px: tuple[int, int],
    *,
    is_bold: bool = False,
) -> Fitted:
    """Return the largest setting from `sizes_px` (largest, smallest) that fits; raise TextTooLongError."""
    texts = [text for text in paragraphs if text]
    largest, smallest = sizes_px
    size_px = largest
    while True:
        lines = tuple(line for text in texts for line in wrap(face, text, width_px, size_px, is_bold=is_bold))
        fitted = Fitted(lines, size_px)
        if fitted.height_px <= height_px:
            return fitted
        if size_px <= smallest:
            raise TextTooLongError(f"{sum(map(len, texts))} characters do not fit {width_px} x {height_px} dots")
        # area goes with the square of the size, so this comes close at once and never overshoots by a whole step
        wanted = size_px * (height_px / fitted.height_px) ** 0.5
        size_px = max(smallest, min(size_px - 1, round(wanted) + 1))


def wrap(face: Typeface, text: str, width_px: int, size_px: int, *, is_bold: bool = False) -> list[str]:
    """Break a paragraph: between words, beside any CJK character, and inside a word only if it fills a whole line."""
    lines, line, used = [], "", 0.0
    for piece in _breakable(text):
        if used + face.width(piece.rstrip(), size_px, is_bold=is_bold) <= width_px:
            line, used = line + piece, used + face.width(piece, size_px, is_bold=is_bold)
            continue
        if line.strip():
            lines.append(line.rstrip())
        line = piece.lstrip()
        while face.width(line.rstrip(), size_px, is_bold=is_bold) > width_px:
            count = _most(face, line, width_px, size_px, is_bold)
            lines.append(line[:count])
            line = line[count:]
        used = face.width(line, size_px, is_bold=is_bold)
    if line.strip():
        lines.append(line.rstrip())
    return lines


def _most(face: Typeface, line: str, width_px: int, size_px: int, is_bold: bool) -> int:
    count = 1
    while count < len(line) and face.width(line[: count + 1], size_px, is_bold=is_bold) <= width_px:
        count += 1
    return count


def _breakable(text: str) -> list[str]:
    """Split where a line may end: after spaces and hyphens, and around wide characters but not before punctuation."""
    pieces: list[str] = []
    for character in text:
        is_wide = unicodedata.east_asian_width(character) in "WF"
        starts = not pieces or pieces[-1][-1] in " -/" or is_wide or _is_wide_end(pieces[-1])
        is_tied = bool(pieces) and (unicodedata.category(character) in ("Pe", "Po", "Pf", "Mn") or character == " ")
        if starts and not is_tied:
            pieces.append(character)
        else:
            pieces[-1] += character
    return pieces


def _is_wide_end(piece: str) -> bool:
    return unicodedata.east_asian_width(piece[-1]) in "WF"
