"""A label that belongs to no order: one large code and a few lines of words. Pure."""

from PIL import Image

from drivers.label_printer import Media
from edge.labels.render import QUIET, BadLabelError
from edge.labels.symbols import dots_for, draw_modules, qr_code
from edge.labels.typeface import Typeface
from edge.labels.words import TextTooLongError, fit

MARGIN_MM, TYPE_MM, TYPE_MM_MIN = 3.0, 8.0, 1.9
CODE_SHARE = 0.62
"""Share of the label's height that the code may take; the words get the rest."""


def draw_note(code: str, words: tuple[str, ...], media: Media, face: Typeface) -> Image.Image:
    """Draw the code as QR and the words below it, the first line bold; raises BadLabelError for too small a roll."""
    per_mm = media.dots_per_mm
    image = Image.new("1", (round(media.width_mm * per_mm), round(media.length_mm * per_mm)), 1)
    margin, modules = round(MARGIN_MM * per_mm), qr_code(code)
    width = image.width - 2 * margin
    dots = dots_for(modules, min(width, round(image.height * CODE_SHARE)), QUIET["qr"])
    if dots < 2:
        raise BadLabelError(f"label: {media.width_mm:g} x {media.length_mm:g} mm is too small: load a wider roll")
    drawn = draw_modules(modules, dots)
    image.paste(drawn, ((image.width - drawn.width) // 2, margin + dots * QUIET["qr"]))
    top = margin + drawn.height + 2 * dots * QUIET["qr"]
    share = (image.height - margin - top) // max(1, len(words))
    sizes = (round(TYPE_MM * per_mm), round(TYPE_MM_MIN * per_mm))
    for number, line in enumerate(words):
        try:
            fitted = fit(face, [line], width, share, sizes, is_bold=number == 0)
        except TextTooLongError as error:
            raise BadLabelError(f"label: {error}; load a wider roll") from None
        step = fitted.height_px / len(fitted.lines)
        for row, part in enumerate(fitted.lines):
            face.draw(image, (margin, top + row * step), part, fitted.size_px, is_bold=number == 0)
        top += share
    return image
