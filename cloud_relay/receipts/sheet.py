"""A receipt as PDF: one A4 page drawn as black and white dots, so what people typed stays a drawing."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from cloud_relay.receipts.reading import Receipt
from cloud_relay.showroom.typeface import LEADING, Typeface
from cloud_relay.web.amounts import money
from cloud_relay.web.templating import text_in

DPI = 300
"""An office printer's dots; half of that blurs small Chinese signs."""
PAGE_MM = (210.0, 297.0)
"""A4 (ISO 216)."""
MARGIN_MM = 20.0
TYPE_MM, SMALL_MM, HEAD_MM = 3.9, 3.2, 8.0
"""11, 9 and 23 points."""

WORDS: dict[str, tuple[str, str]] = {
    "receipt": ("Receipt", "收据"),
    "number": ("Number", "编号"),
    "placed": ("Ordered", "下单时间"),
    "paid": ("Paid", "付款时间"),
    "sold_by": ("Sold by", "销售方"),
    "bought_by": ("For", "收货人"),
    "what": ("What", "商品"),
    "count": ("Number", "数量"),
    "price": ("Price", "金额"),
    "shipping": ("Shipping", "运费"),
    "tax": ("Tax", "税费"),
    "tax_inside": ("of it tax", "其中含税"),
    "total": ("Total", "合计"),
    "refunded": ("Given back", "已退款"),
    "refunding": ("On its way back", "退款中"),
    "left": ("Paid in the end", "实付"),
    "saving": ("Bought together: less", "拼单优惠"),
    "at_first": ("Paid at first, and held", "首付并代管"),
    "came_back": ("Came back when the group was complete", "成团后退回"),
    "by": ("Paid by", "付款方式"),
    "together": ("part of one payment of", "合并付款，总额"),
    "held": (
        "The payment is held by the market until the goods are received; this is no tax invoice.",
        "货款由平台代管至确认收货。本收据不是税务发票。",
    ),
}


@dataclass(slots=True)
class _Pen:
    """Draws from the top down."""

    image: Image.Image
    draw: ImageDraw.ImageDraw
    typeface: Typeface
    top: int

    @property
    def left(self) -> int:
        return _dots(MARGIN_MM)

    @property
    def right(self) -> int:
        return self.image.width - _dots(MARGIN_MM)

    def words(self, text: str, size_mm: float, *, is_bold: bool = False) -> None:
        """Write a paragraph, as many lines as it takes up to four."""
        size = _dots(size_mm)
        width, room = self.right - self.left, round(4 * size * LEADING)
        lines, size = self.typeface.fit(text, width, room, (size, size), is_bold=is_bold)
        for line in lines:
            self.typeface.draw(self.draw, (self.left, self.top), line, size, is_bold=is_bold)
            self.top += round(size * LEADING)

    def row(self, name: str, amount: str, *, is_bold: bool = False, size_mm: float = TYPE_MM) -> None:
        """Write a name and, at the right edge, an amount."""
        size = _dots(size_mm)
        width = round(self.typeface.width(amount, size, is_bold=is_bold))
        room = self.right - self.left - width - _dots(6)
        lines, fitted = self.typeface.fit(name, room, round(3 * size * LEADING), (size, size), is_bold=is_bold)
        self.typeface.draw(self.draw, (self.right - width, self.top), amount, fitted, is_bold=is_bold)
        for line in lines:
            self.typeface.draw(self.draw, (self.left, self.top), line, fitted, is_bold=is_bold)
            self.top += round(fitted * LEADING)

    def rule(self) -> None:
        """Draw a line across."""
        self.top += _dots(1.5)
        self.draw.line((self.left, self.top, self.right, self.top), fill=0, width=2)
        self.top += _dots(2.5)

    def gap(self, height_mm: float) -> None:
        """Leave room."""
        self.top += _dots(height_mm)


def _dots(mm: float) -> int:
    return round(mm * DPI / 25.4)


def draw_receipt(receipt: Receipt, market: str, method: str, language: str, typeface: Typeface) -> bytes:
    """Return the receipt as PDF in `zh` or `en`; `market` is the relay's name, `method` the way of payment in words."""
    image = Image.new("1", (_dots(PAGE_MM[0]), _dots(PAGE_MM[1])), 1)
    pen, pick = _Pen(image, ImageDraw.Draw(image), typeface, _dots(MARGIN_MM)), text_in(language)
    say = {key: pick({"en": one[0], "zh": one[1]}) for key, one in WORDS.items()}
    pen.words(market, SMALL_MM)
    pen.words(say["receipt"], HEAD_MM, is_bold=True)
    pen.gap(2)
    pen.row(f"{say['number']}: {receipt.order_id}", "", size_mm=SMALL_MM)
    pen.row(f"{say['placed']}: {receipt.placed_at:%Y-%m-%d %H:%M} UTC", "", size_mm=SMALL_MM)
    pen.row(f"{say['paid']}: {receipt.paid_at:%Y-%m-%d %H:%M} UTC", "", size_mm=SMALL_MM)
    pen.gap(5)
    _party(pen, say["sold_by"], dict.fromkeys((pick(receipt.shop), pick(receipt.merchant), *receipt.sender_lines)))
    _party(pen, say["bought_by"], dict.fromkeys(receipt.bought_by))
    _sums(pen, receipt, say, pick_title=[pick(title) for title, _, _ in receipt.lines])
    pen.gap(4)
    together = ""
    if receipt.paid_together_minor:
        together = f" ({say['together']} {money(receipt.paid_together_minor, receipt.currency)})"
    pen.words(f"{say['by']}: {method}{together} · {receipt.payment_id}", SMALL_MM)
    pen.words(say["held"], SMALL_MM)
    out = io.BytesIO()
    image.save(out, "PDF", resolution=DPI, producer="Vitrine", creator="Vitrine", title=f"Receipt {receipt.order_id}")
    return out.getvalue()


def _party(pen: _Pen, name: str, lines: dict[str, None]) -> None:
    pen.words(name, SMALL_MM, is_bold=True)
    for line in lines:
        if line:
            pen.words(line, TYPE_MM)
    pen.gap(4)


def rate_text(rate_ppm: int) -> str:
    """Return a rate as people write it: 190000 is 19 %."""
    return f"{rate_ppm / 10_000:.4f}".rstrip("0").rstrip(".") + " %"


def _sums(pen: _Pen, receipt: Receipt, say: dict[str, str], pick_title: Sequence[str]) -> None:
    currency = receipt.currency
    pen.rule()
    for title, (_, count, price) in zip(pick_title, receipt.lines, strict=True):
        pen.row(f"{count} × {title}", money(count * price + receipt.saving_minor, currency))  # a pledge is one line
    if receipt.saving_minor:
        pen.row(say["saving"], money(-receipt.saving_minor, currency))
    pen.row(say["shipping"], money(receipt.shipping_minor, currency))
    if receipt.tax_ppm and receipt.is_tax_on_top:
        pen.row(f"{say['tax']} {rate_text(receipt.tax_ppm)}", money(receipt.tax_minor, currency))
    pen.rule()
    pen.row(say["total"], money(receipt.total_minor, currency), is_bold=True, size_mm=TYPE_MM * 1.2)
    if receipt.tax_ppm and not receipt.is_tax_on_top:
        pen.row(
            f"{say['tax_inside']} {rate_text(receipt.tax_ppm)}", money(receipt.tax_minor, currency), size_mm=SMALL_MM
        )
    if receipt.back_minor:
        pen.row(say["at_first"], money(receipt.total_minor + receipt.back_minor, currency), size_mm=SMALL_MM)
        pen.row(say["came_back"], money(-receipt.back_minor, currency), size_mm=SMALL_MM)
    for one in receipt.refunds:
        name = f"{say['refunded']} {one.at:%Y-%m-%d}" if one.at else say["refunding"]
        pen.row(name, money(-one.amount_minor, currency))
    if receipt.refunds:
        left = receipt.total_minor - sum(one.amount_minor for one in receipt.refunds)
        pen.row(say["left"], money(left, currency), is_bold=True)
