"""The font that tags are drawn with: one with Chinese, found where fontconfig looks; DejaVu helps out."""

import os
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from PIL import ImageDraw, ImageFont

FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts")
CJK_FONTS = (
    ("NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc", 2),  # face 2 of Debian's fonts-noto-cjk is Simplified Chinese
    ("NotoSansSC-Regular.otf", "NotoSansSC-Bold.otf", 0),
    ("SourceHanSansCN-Regular.otf", "SourceHanSansCN-Bold.otf", 0),
    ("wqy-microhei.ttc", "wqy-microhei.ttc", 0),
    ("wqy-zenhei.ttc", "wqy-zenhei.ttc", 0),
)
"""Regular, bold and face number of each, the best first."""
HELPER = "DejaVuSans.ttf"
LEADING = 1.22
"""Line distance in type sizes: below it Chinese lines touch."""
MEASURED_PX, STEP_PX = 64, 4
"""Widths are measured at one size; sizes go in steps, so that a sheet opens few of them."""
MISSING = "\U0010fffd"
"""A private character that no font has: what is drawn for it is drawn for everything missing."""


class FontMissingError(Exception):
    """No font for Chinese on this machine; the message says which package to install."""


class Typeface:
    """Regular and bold at any size, with one font that helps out for what the first lacks."""

    def __init__(self, regular: Path, bold: Path, index: int, helper: Path | None) -> None:
        self._regular, self._bold, self._index, self._helper = regular, bold, index, helper

    @lru_cache(maxsize=128)  # noqa: B019  # one typeface lives as long as the process
    def _fonts(self, size_px: int, is_bold: bool) -> tuple[ImageFont.FreeTypeFont, ...]:
        first = ImageFont.truetype(self._bold if is_bold else self._regular, size_px, index=self._index)
        return (first, ImageFont.truetype(self._helper, size_px)) if self._helper else (first,)

    @lru_cache(maxsize=8192)  # noqa: B019  # as above
    def _font_of(self, character: str, is_bold: bool) -> int:
        for number, font in enumerate(self._fonts(MEASURED_PX, is_bold)):
            if character.isspace() or _shape(font, character) != _shape(font, MISSING):
                return number
        return 0

    @lru_cache(maxsize=16384)  # noqa: B019  # as above
    def _advance(self, character: str, is_bold: bool) -> float:
        """Return a character's width in type sizes: opening the font anew for every size tried would take seconds."""
        return self._fonts(MEASURED_PX, is_bold)[self._font_of(character, is_bold)].getlength(character) / MEASURED_PX

    def width(self, text: str, size_px: int, *, is_bold: bool = False) -> float:
        """Return how many dots wide a line is."""
        return size_px * sum(self._advance(one, is_bold) for one in text)

    def draw(
        self, pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size_px: int, *, is_bold: bool
    ) -> None:
        """Draw one line in black, its type box beginning at `at` (left, top)."""
        left, baseline = at[0], at[1] + 0.88 * size_px
        fonts = self._fonts(size_px, is_bold)
        for number, run in groupby(text, lambda character: self._font_of(character, is_bold)):
            part = "".join(run)
            pen.text((round(left), round(baseline)), part, fill=0, font=fonts[number], anchor="ls")
            left += self.width(part, size_px, is_bold=is_bold)

    def fit(
        self, text: str, width_px: int, height_px: int, sizes_px: tuple[int, int], *, is_bold: bool = False
    ) -> tuple[list[str], int]:
        """Return lines and the largest type size of `sizes_px` (largest, smallest) at which they fit.

        At the smallest one, what does not fit is cut with an ellipsis: the address behind the code has all of it.
        """
        largest, smallest = (size // STEP_PX * STEP_PX for size in sizes_px)
        for size_px in range(largest, smallest - 1, -max(STEP_PX, largest // 24 // STEP_PX * STEP_PX)):
            lines = self._wrap(text, width_px, size_px, is_bold=is_bold)
            if round(len(lines) * size_px * LEADING) <= height_px:
                return lines, size_px
        lines = self._wrap(text, width_px, smallest, is_bold=is_bold)
        most = max(1, int(height_px / (smallest * LEADING)))
        return [*lines[: most - 1], lines[most - 1][:-1] + "…"] if len(lines) > most else lines, smallest

    def _wrap(self, text: str, width_px: int, size_px: int, *, is_bold: bool) -> list[str]:
        """Break between words and beside any wide character, inside a word only if it fills a whole line."""
        lines, line = [], ""
        for word in _words(text):
            if self.width((line + word).rstrip(), size_px, is_bold=is_bold) <= width_px:
                line += word
                continue
            if line.strip():
                lines.append(line.strip())
            line = word
            while self.width(line.rstrip(), size_px, is_bold=is_bold) > width_px and len(line) > 1:
                most = next(n for n in range(len(line) - 1, 0, -1)
                            if n == 1 or self.width(line[:n], size_px, is_bold=is_bold) <= width_px)  # fmt: skip
                lines.append(line[:most])
                line = line[most:]
        return [*lines, line.strip()] if line.strip() else lines


def _words(text: str) -> list[str]:
    words: list[str] = []
    for character in text:
        is_wide = "\u2e80" <= character <= "\uffef"
        if words and not is_wide and not words[-1].endswith(" ") and not "\u2e80" <= words[-1][-1] <= "\uffef":
            words[-1] += character
        else:
            words.append(character)
    return words


@lru_cache(maxsize=8192)
def _shape(font: ImageFont.FreeTypeFont, character: str) -> bytes:
    mask = font.getmask(character, mode="1")
    return bytes(mask) + str(mask.size).encode()


@lru_cache(maxsize=4)
def find_typeface(folders: Iterable[str] = FONT_FOLDERS) -> Typeface:
    """Find the fonts of this machine; raise FontMissingError when none has Chinese."""
    files: dict[str, Path] = {}
    for folder in folders:
        for path, _, names in os.walk(Path(folder).expanduser()):
            for name in names:
                files.setdefault(name, Path(path) / name)
    for regular, bold, index in CJK_FONTS:
        if regular in files:
            return Typeface(files[regular], files.get(bold, files[regular]), index, files.get(HELPER))
    raise FontMissingError(
        "tags: no font with Chinese characters on this machine; install fonts-noto-cjk, then restart"
    )
