"""The fonts that labels are drawn with: a CJK font first, others for what it lacks, a marked box for what all lack."""

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
"""Where fontconfig looks by default (fonts.conf)."""

CJK_FONTS = (
    ("NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc", 2),  # face 2 of Debian's fonts-noto-cjk is Simplified Chinese
    ("NotoSansSC-Regular.otf", "NotoSansSC-Bold.otf", 0),
    ("SourceHanSansCN-Regular.otf", "SourceHanSansCN-Bold.otf", 0),
    ("NotoSansCJK.ttc", "NotoSansCJK.ttc", 2),
    ("wqy-microhei.ttc", "wqy-microhei.ttc", 0),
    ("wqy-zenhei.ttc", "wqy-zenhei.ttc", 0),
)
"""Regular, bold and face number of each, the best first."""

MORE_FONTS = (
    "NotoEmoji-Regular.ttf", "DejaVuSans.ttf", "NotoSansThai-Regular.ttf", "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf", "NotoSansDevanagari-Regular.ttf",
)  # fmt: skip
"""Asked in this order for characters that the CJK font lacks."""

MISSING = "\U0010fffd"
"""A private character that no font has: what is drawn for it is drawn for everything missing."""

UNSEEN = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
"""Variation selectors (Unicode 23.4) choose among forms of the character before them and have none of their own."""

BOX_SHARE = 0.9
"""Width of a box that stands for a missing character, in type sizes: two columns of hex digits fit."""


class FontMissingError(Exception):
    """No font for Chinese on this box; the message says which package to install."""


class Typeface:
    """Regular and bold at any size, with the fonts that help out."""

    def __init__(self, regular: Path, bold: Path, index: int, more: Iterable[Path]) -> None:
        self.regular, self.bold, self.index, self.more = regular, bold, index, tuple(more)

    def runs(
        self, text: str, size_px: int, *, is_bold: bool = False
    ) -> list[tuple[str, ImageFont.FreeTypeFont | None]]:
        """Split text into runs of one font; a character that no font has is a run of its own with None."""
        runs: list[tuple[str, ImageFont.FreeTypeFont | None]] = []
        fonts = self._fonts(size_px, is_bold)
        for character in text:
            if character in UNSEEN:
                continue
            number = self._font_of(character, is_bold)
            font = fonts[number] if number is not None else None
            if runs and font is not None and runs[-1][1] is font:
                runs[-1] = (runs[-1][0] + character, font)
            else:
                runs.append((character, font))
        return runs

    def width(self, text: str, size_px: int, *, is_bold: bool = False) -> float:
        """Return how many dots wide a line is, or a little less: kerning only brings letters closer."""
        return sum(self._advance(character, size_px, is_bold) for character in text)

    @lru_cache(maxsize=65536)  # noqa: B019 one typeface lives as long as the daemon
    def _advance(self, character: str, size_px: int, is_bold: bool) -> float:
        if character in UNSEEN:
            return 0.0
        number = self._font_of(character, is_bold)
        return BOX_SHARE * size_px if number is None else self._fonts(size_px, is_bold)[number].getlength(character)

    def draw(
        self,
        image: Image.Image,
        at: tuple[float, float],
        text: str,
        size_px: int,
        *,
        is_bold: bool = False,
        ink: int = 0,
    ) -> None:
        """Draw one line whose type box begins at `at` (left, top); `ink` is 0 for black, 1 for white (mode 1)."""
        pen, (left, top) = ImageDraw.Draw(image), at
        baseline = top + 0.88 * size_px
        for part, font in self.runs(text, size_px, is_bold=is_bold):
            if font is None:
                _draw_box(pen, left, top, size_px, part, self._fonts(max(6, size_px // 3), is_bold=False)[0], ink)
                left += BOX_SHARE * size_px
            else:
                pen.text((round(left), round(baseline)), part, fill=ink, font=font, anchor="ls")
                left += font.getlength(part)

    @lru_cache(maxsize=64)  # noqa: B019 as above
    def _fonts(self, size_px: int, is_bold: bool) -> tuple[ImageFont.FreeTypeFont, ...]:
        first = ImageFont.truetype(self.bold if is_bold else self.regular, size_px, index=self.index)
        return (first, *(ImageFont.truetype(path, size_px) for path in self.more))

    @lru_cache(maxsize=8192)  # noqa: B019 as above
    def _font_of(self, character: str, is_bold: bool) -> int | None:
        for number, font in enumerate(self._fonts(32, is_bold)):
            if character.isspace() or _shape(font, character) != _shape(font, MISSING):
                return number
        return None


@lru_cache(maxsize=8192)
def _shape(font: ImageFont.FreeTypeFont, character: str) -> bytes:
    mask = font.getmask(character, mode="1")
    return bytes(mask) + bytes(str(mask.size), "ascii")


def _draw_box(
    pen: ImageDraw.ImageDraw,
    left: float,
    top: float,
    size_px: int,
    character: str,
    font: ImageFont.FreeTypeFont,
    ink: int,
) -> None:
    """Draw a box with the character's number in hex, so that nothing typed disappears unseen."""
    width, edge = BOX_SHARE * size_px, max(1, size_px // 16)
    pen.rectangle((left + 1, top + 1, left + width - 2, top + size_px - 2), outline=ink, width=edge)
    digits = f"{ord(character):06X}"
    for row in range(3):
        pair = digits[2 * row : 2 * row + 2]
        pen.text((left + width / 2, top + size_px * (row + 0.55) / 3.1), pair, fill=ink, font=font, anchor="mm")


def find_typeface(folders: Iterable[str] = FONT_FOLDERS) -> Typeface:
    """Find the fonts of this box; raise FontMissingError when none has Chinese."""
    files: dict[str, Path] = {}
    for folder in folders:
        for path, _, names in os.walk(Path(folder).expanduser()):
            for name in names:
                files.setdefault(name, Path(path) / name)
    more = [files[name] for name in MORE_FONTS if name in files]
    for regular, bold, index in CJK_FONTS:
        if regular in files:
            return Typeface(files[regular], files.get(bold, files[regular]), index, more)
    raise FontMissingError("labels: no font with Chinese characters on this box; install fonts-noto-cjk, then restart")
