"""One label as pixels: who it goes to, what is inside, and the codes, laid out for the roll that is loaded. Pure.

From the top: sender and service · the recipient, as large as fits · the large code that resolves, beside it the
contents and the codes of goods and merchant · bars across the foot (the SSCC, or the serial where there is none).
"""

import contextlib
from dataclasses import dataclass

from PIL import Image, ImageDraw

from drivers.label_printer import Media
from edge.labels.symbols import BadCodeError, code_128, data_matrix, dots_for, draw_modules, gs1_128, qr_code
from edge.labels.typeface import Typeface
from edge.labels.words import Fitted, TextTooLongError, fit
from wire.plan import Address, LabelContent, LabelLine

WIDTH_MM_MIN, LENGTH_MM_MIN = 56.0, 90.0
"""Below this the bars of an SSCC at 0.25 mm and a readable address do not fit together."""

QUIET = {"qr": 4, "matrix": 2, "bars": 10}
"""Free modules around a code: ISO/IEC 18004, ISO/IEC 16022 (1, doubled against ink spread), ISO/IEC 15417."""

CODES_MM_TALL = (50, 44, 38, 33)
CODES_MM_SHORT = (36, 32, 28, 25)
"""Heights of the part with the large code, tried in turn; the smallest still gives a QR module 3 dots at 203 dpi."""

TYPE_MM_MIN = 1.9
"""Smallest type: a 300-character address still fits, and a person still reads it at arm's length."""


class BadLabelError(Exception):
    """This content cannot be put on this label; the message says which part and what to do."""


@dataclass(frozen=True, slots=True)
class _Box:
    left: int
    top: int
    width: int
    height: int


def render_label(
    content: LabelContent, serial: str, url: str, media: Media, face: Typeface, *, copy_no: int = 1
) -> Image.Image:
    """Return a black-on-white image (mode 1) of `media` size in dots.

    `url` is the text of the large code, `copy_no` counts the printings of this label number. Raises BadLabelError.
    """
    try:
        return _Sheet(media, face).draw(content, serial, url, copy_no)
    except TextTooLongError as error:
        raise BadLabelError(f"label of order {content.order_id}: {error}; shorten the address") from None
    except BadCodeError as error:
        raise BadLabelError(f"label of order {content.order_id}: {error}") from None


def warm_up(face: Typeface) -> None:
    """Draw a label for nobody, so that the first paid order does not wait for fonts and libraries to load."""
    to = Address(name="A", lines=("Warm 1 暖",), postal_code="1", city="B", country="CN")
    content = LabelContent(
        order_id="warm",
        label_no=1,
        to=to,
        sender_lines=("Warm 暖",),
        goods_code="warm",
        merchant_code="warm",
        resolver_url="warm",
        sscc="000000000000000000",
        service="warm",
    )
    render_label(content, "00000000", "warm", Media(width_mm=100, length_mm=150, dots_per_mm=8), face)


class _Sheet:
    """One label being drawn. Measures in dots; `_mm` turns millimetres into them."""

    def __init__(self, media: Media, face: Typeface) -> None:
        if media.width_mm < WIDTH_MM_MIN or media.length_mm < LENGTH_MM_MIN:
            raise BadLabelError(
                f"label: {media.width_mm:g} x {media.length_mm:g} mm is too small; load at least "
                f"{WIDTH_MM_MIN:g} x {LENGTH_MM_MIN:g} mm"
            )
        self._dots, self._face = media.dots_per_mm, face
        self._image = Image.new("1", (self._mm(media.width_mm), self._mm(media.length_mm)), 1)
        self._pen = ImageDraw.Draw(self._image)
        self._is_tall = media.length_mm >= 120
        self._is_tight = False
        self._margin = self._mm(3)

    def _mm(self, length_mm: float) -> int:
        return round(length_mm * self._dots)

    def draw(self, content: LabelContent, serial: str, url: str, copy_no: int) -> Image.Image:
        """Draw every part from top to bottom."""
        width, height = self._image.size
        inner = width - 2 * self._margin
        head = self._mm(15 if self._is_tall else 9)
        foot = self._mm(25 if self._is_tall else 17)
        rest = height - head - foot - 2 * self._margin
        to, middle = self._share(content.to, inner, rest)
        top = self._margin
        self._draw_head(content, _Box(self._margin, top, inner, head))
        top += head
        self._rule(top, 0.8)
        self._draw_recipient(content.to, _Box(self._margin, top, inner, to))
        top += to
        self._rule(top, 0.4)
        self._draw_middle(content, serial, url, copy_no, _Box(self._margin, top, inner, middle))
        top += middle
        self._rule(top, 0.4)
        self._draw_foot(content.sscc, serial, _Box(self._margin, top, inner, foot))
        return self._image

    def _share(self, to: Address, width: int, rest: int) -> tuple[int, int]:
        """Divide the height between recipient and codes: the codes give way to a long address, but stay readable."""
        heights_mm = CODES_MM_TALL if self._is_tall else CODES_MM_SHORT
        for middle_mm in heights_mm:
            room = rest - self._mm(middle_mm)
            with contextlib.suppress(TextTooLongError):
                self._recipient(to, width, room)
                return room, self._mm(middle_mm)
        room = rest - self._mm(heights_mm[-1])
        self._is_tight = True
        self._recipient(to, width, room)
        return room, self._mm(heights_mm[-1])

    def _rule(self, top: int, thickness_mm: float) -> None:
        self._pen.rectangle(
            (self._margin, top, self._image.width - self._margin, top + self._mm(thickness_mm) - 1), fill=0
        )

    def _sizes(self, largest_mm: float, smallest_mm: float = TYPE_MM_MIN) -> tuple[int, int]:
        return self._mm(largest_mm), self._mm(smallest_mm)

    def _write(self, fitted: Fitted, left: int, top: int, *, is_bold: bool = False) -> int:
        """Draw lines downward; returns where they end."""
        step = fitted.height_px / max(1, len(fitted.lines))
        for number, line in enumerate(fitted.lines):
            self._face.draw(self._image, (left, top + number * step), line, fitted.size_px, is_bold=is_bold)
        return top + fitted.height_px

    def _draw_head(self, content: LabelContent, box: _Box) -> None:
        service = content.service.upper()
        room = box.width
        if service:
            size = self._mm(4.2 if self._is_tall else 3.4)
            plate = min(round(self._face.width(service, size, is_bold=True)) + self._mm(4), box.width // 2)
            fitted = fit(
                self._face, [service], plate - self._mm(3), box.height - self._mm(2), (size, self._mm(2)), is_bold=True
            )
            left = box.left + box.width - plate
            self._pen.rectangle((left, box.top, box.left + box.width, box.top + box.height - self._mm(1)), fill=0)
            top = box.top + (box.height - self._mm(1) - fitted.height_px) // 2
            step = fitted.height_px / len(fitted.lines)
            for number, line in enumerate(fitted.lines):
                at = (left + self._mm(2), top + number * step)
                self._face.draw(self._image, at, line, fitted.size_px, is_bold=True, ink=1)
            room -= plate + self._mm(2)
        if content.sender_lines:
            fitted = fit(self._face, content.sender_lines, room, box.height - self._mm(1), self._sizes(3.0, 1.6))
            self._write(fitted, box.left, box.top)

    def _recipient(self, to: Address, width: int, height: int) -> tuple[Fitted, Fitted, Fitted]:
        """Set name, address lines, and place with phone, so that together they fill the box without leaving it."""
        room = height - self._mm(2.4)
        place = "  ".join(part for part in (to.postal_code, to.city, to.country.upper()) if part)
        name_mm, last_mm = (2.6, 2.2) if self._is_tight else (6.5 if self._is_tall else 4.4, 5.2)
        name = fit(self._face, [to.name], width, room // 3, self._sizes(name_mm), is_bold=True)
        half = (room - name.height_px) // 2
        last = fit(self._face, [place, to.phone], width, half, self._sizes(last_mm), is_bold=True)
        left = room - name.height_px - last.height_px
        return name, fit(self._face, to.lines, width, left, self._sizes(5.0)), last

    def _draw_recipient(self, to: Address, box: _Box) -> None:
        name, lines, last = self._recipient(to, box.width, box.height)
        top = self._write(name, box.left, box.top + self._mm(1.6), is_bold=True)
        top = self._write(lines, box.left, top)
        self._write(last, box.left, top, is_bold=True)

    def _draw_middle(self, content: LabelContent, serial: str, url: str, copy_no: int, box: _Box) -> None:
        side = self._draw_large_code(url, box)
        left = box.left + side + self._mm(1.5)
        width = box.left + box.width - left
        small = self._mm(15 if self._is_tall else 12)
        caption = self._mm(2.2)
        top = box.top + box.height - small - caption - self._mm(0.8)
        halves = ((content.goods_code, "GOODS 货品"), (content.merchant_code, "SHOP 商家"))
        for number, (text, title) in enumerate(halves):
            if text:
                self._draw_small_code(text, title, _Box(left + number * (width // 2), top, width // 2, small + caption))
        words = [line for part in content.lines for line in _line_words(part)]
        copy = f"  COPY 副本 {copy_no}" if copy_no > 1 else ""
        identity = [f"Label 标签 {serial}", f"No. {content.label_no}{copy}", f"Order 订单 {content.order_id}"]
        room = top - box.top - self._mm(1.5)
        fitted = fit(self._face, [*words, *identity], width, room, self._sizes(3.0, 1.4))
        self._write(fitted, left, box.top + self._mm(1.2))

    def _draw_large_code(self, url: str, box: _Box) -> int:
        modules = qr_code(url)
        side = min(box.height, box.width // 2)
        dots = dots_for(modules, side, QUIET["qr"])
        if dots < 3:
            raise BadLabelError(
                f"label: the address in the large code is too long ({len(url)} characters) for this roll"
            )
        code = draw_modules(modules, dots)
        self._image.paste(code, (box.left + (side - code.width) // 2, box.top + (box.height - code.height) // 2))
        return side

    def _draw_small_code(self, text: str, title: str, box: _Box) -> None:
        modules = data_matrix(text)
        dots = dots_for(modules, min(box.width, box.height - self._mm(2.2)), QUIET["matrix"])
        if dots < 2:
            raise BadLabelError(f"label: {title}: {len(text)} characters are too many for this roll")
        code = draw_modules(modules, dots)
        self._image.paste(code, (box.left + dots * QUIET["matrix"], box.top + dots * QUIET["matrix"]))
        self._face.draw(self._image, (box.left, box.top + box.height - self._mm(2.0)), title, self._mm(1.8))

    def _draw_foot(self, sscc: str, serial: str, box: _Box) -> None:
        modules = gs1_128(sscc) if sscc else code_128(serial)
        words = f"(00) {sscc[0]} {sscc[1:8]} {sscc[8:17]} {sscc[17]}" if sscc else serial
        dots = min(dots_for(modules, self._image.width, QUIET["bars"]), 5)
        if dots < 2:
            raise BadLabelError("label: the bars do not fit this roll; load a wider one")
        size = self._mm(4.0 if self._is_tall else 3.0)
        top = box.top + self._mm(2)
        code = draw_modules(modules, dots, box.height - self._mm(2.5) - round(size * 1.15))
        self._image.paste(code, ((self._image.width - code.width) // 2, top))
        left = (self._image.width - self._face.width(words, size, is_bold=True)) / 2
        self._face.draw(self._image, (left, top + code.height + self._mm(0.4)), words, size, is_bold=True)


def _line_words(line: LabelLine) -> list[str]:
    title = " ".join(part for part in (line.title.zh, line.title.en) if part)
    words = [f"{line.quantity} x {title}"]
    if line.serial:
        words.append(f"S/N {line.serial}")
    return words
