"""A tag for a sample, a shelf or a place, as pixels for the roll that is loaded: code, words, price. Pure."""

from dataclasses import dataclass

from PIL import Image

from drivers.label_printer import Media
from edge.labels.render import QUIET, BadLabelError
from edge.labels.symbols import BadCodeError, dots_for, draw_modules, qr_code
from edge.labels.typeface import Typeface
from edge.labels.words import TextTooLongError, fit
from wire.tags import TagFace

MARGIN_MM = 2.0
MODULE_MM_MIN = 0.375
"""Three dots at 203 dpi. GS1 General Specifications 5.12.3.1 ask for 0.396 mm at retail, which four dots are."""
CODE_SHARE_WIDE, CODE_SHARE_TALL = 0.46, 0.52
"""Share of a wide label's width, or of a tall one's height, that the code with its text may take."""
CODE_MM_MAX = 70.0
TYPED_MM = 5.0
"""Height of the code as people type it, at most."""
TYPE_MM_MIN = 1.6
SHARES = (0.1, 0.5, 0.28, 0.12)
"""Of the words' height: heading, titles, price, foot. What a tag lacks goes to its titles."""
LARGEST_MM = (4.0, 11.0, 16.0, 3.4)


@dataclass(frozen=True, slots=True)
class _Box:
    left: int
    top: int
    width: int
    height: int


def draw_tag(tag: TagFace, media: Media, face: Typeface) -> Image.Image:
    """Return a black-on-white image (mode 1) of `media` size in dots; raises BadLabelError naming what does not fit."""
    per_mm = media.dots_per_mm
    image = Image.new("1", (round(media.width_mm * per_mm), round(media.length_mm * per_mm)), 1)
    margin = round(MARGIN_MM * per_mm)
    inner = _Box(margin, margin, image.width - 2 * margin, image.height - 2 * margin)
    is_wide = media.width_mm > media.length_mm
    if is_wide:
        side = min(round(inner.width * CODE_SHARE_WIDE), inner.height)
        code = _Box(inner.left, inner.top, side, inner.height)
        words = _Box(inner.left + side + margin, inner.top, inner.width - side - margin, inner.height)
    else:
        side = round(inner.height * CODE_SHARE_TALL)
        code = _Box(inner.left, inner.top, inner.width, side)
        words = _Box(inner.left, inner.top + side + margin, inner.width, inner.height - side - margin)
    try:
        _draw_code(image, tag, code, face, per_mm)
        _draw_words(image, tag, words, face, per_mm)
    except (TextTooLongError, BadCodeError) as error:
        raise BadLabelError(f"tag {tag.printed}: {error}; load a larger roll") from None
    return image


def _draw_code(image: Image.Image, tag: TagFace, box: _Box, face: Typeface, per_mm: int) -> None:
    """Draw the code as large as fits, in the middle, and below it what a person may type instead."""
    modules, typed = qr_code(tag.address), round(min(TYPED_MM * per_mm, box.height * 0.16))
    room = min(box.width, box.height - typed, round(CODE_MM_MAX * per_mm))
    dots = dots_for(modules, room, QUIET["qr"])
    if dots < MODULE_MM_MIN * per_mm:
        raise BadLabelError(f"tag {tag.printed}: this roll is too small for its code; load a larger one")
    drawn = draw_modules(modules, dots)
    quiet = dots * QUIET["qr"]
    height = drawn.height + 2 * quiet + typed
    top = box.top + (box.height - height) // 2
    image.paste(drawn, (box.left + (box.width - drawn.width) // 2, top + quiet))
    fitted = fit(face, [tag.printed], box.width, typed, (round(typed * 0.8), round(TYPE_MM_MIN * per_mm)), is_bold=True)
    width = face.width(fitted.lines[0], fitted.size_px, is_bold=True)
    at = (box.left + (box.width - width) / 2, top + drawn.height + 2 * quiet)
    face.draw(image, at, fitted.lines[0], fitted.size_px, is_bold=True)


def _draw_words(image: Image.Image, tag: TagFace, box: _Box, face: Typeface, per_mm: int) -> None:
    """Draw heading, titles, price and foot from above, each as large as its share of the height allows."""
    parts = ((tag.heading,), tag.titles, (tag.price,), (tag.foot,))
    filled = [bool("".join(part)) for part in parts]
    spare = sum(share for share, is_there in zip(SHARES, filled, strict=True) if not is_there)
    smallest, top = round(TYPE_MM_MIN * per_mm), float(box.top)
    for number, part in enumerate(parts):
        if not filled[number]:
            continue
        is_bold = number in (1, 2)
        height = round(box.height * (SHARES[number] + (spare if number == 1 else 0.0)))
        largest = max(smallest, min(height, round(LARGEST_MM[number] * per_mm)))
        fitted = fit(face, part, box.width, height, (largest, smallest), is_bold=is_bold)
        step = fitted.height_px / max(1, len(fitted.lines))
        for row, line in enumerate(fitted.lines):
            face.draw(image, (box.left, top + row * step), line, fitted.size_px, is_bold=is_bold)
        top += height
