"""The receipt that a shopper takes along, drawn for the printer that is loaded; texts are pixels, never commands."""

from datetime import datetime
from zoneinfo import ZoneInfo

from PIL import Image

from drivers.label_printer import Media
from edge.counter.amounts import plain
from edge.counter.pricing import rejoined
from edge.counter.sale import Sale
from edge.labels.render import QUIET
from edge.labels.symbols import dots_for, draw_modules, qr_code
from edge.labels.typeface import Typeface
from edge.labels.words import LEADING, wrap
from wire.counter import saving_of
from wire.plan import ShopPlan, Text
from wire.values import parse_time

MARGIN_MM = 3.0
SIZES_MM = (4.0, 3.4, 2.8, 2.3, 1.9)
"""Type sizes tried, largest first; the last is what a person still reads."""

CODE_MM, DOT_MM_MIN = 26.0, 0.35
"""Side of the code at the receipt's end, and the smallest module that a phone reads off thermal paper at arm's length;
where less is left there is no code."""
KEEP = "Keep this purchase 扫码保存此单"

WAYS = {"cash": ("Cash", "现金"), "card": ("Card", "刷卡"), "qr": ("QR", "扫码")}


class ReceiptTooLongError(Exception):
    """The lines do not fit the roll that is loaded: the receipt is shown and not printed."""


def receipt_rows(sale: Sale, plan: ShopPlan | None) -> list[tuple[str, str]]:
    """Return the receipt's lines as (left, right); both languages where words are needed. Pure."""
    name = f"{plan.shop_name.zh} {plan.shop_name.en}".strip() if plan else ""
    rows = [(name, ""), *((line, "") for line in (plan.sender_lines if plan else ()))]
    copy = " · COPY 副本" if sale.copies > 1 else ""
    rows += [(f"No. {sale.receipt_no}{copy}", _time(sale, plan)), ("", "")]
    usual, _whose, _saved = rejoined(sale.lines, sale.owners)
    for line in usual:
        amount = plain(line.price_minor * line.quantity, sale.currency)
        rows.append((f"{line.quantity} × {_both(line.title)}", amount))
    rows += _saving_rows(sale)
    if sale.refund_of:
        rows.append(("REFUND 退款", ""))
    total = "Given back 已退" if sale.refund_of else "Total 合计"
    rows += [("", ""), (total, f"{plain(sale.asked_minor, sale.currency)} {sale.currency}")]
    rows.append((" ".join(WAYS[sale.way]), sale.card_name))
    if sale.tendered_minor > sale.asked_minor:
        change = plain(sale.tendered_minor - sale.asked_minor, sale.currency)
        rows.append((f"Given 实收 {plain(sale.tendered_minor, sale.currency)}", f"Change 找零 {change}"))
    if sale.terminal_receipt_no:
        rows.append((f"Terminal 终端 {sale.terminal_id}", f"{sale.terminal_receipt_no:04d}/{sale.trace_no:06d}"))
    return [*rows, *((text, "") for text in sale.slip)]


def _both(title: Text) -> str:
    return f"{title.zh} {title.en}".strip() if title.zh != title.en else title.en


def _saving_rows(sale: Sale) -> list[tuple[str, str]]:
    """Return usual sum, saving and share of who bought with others; the saving alone of who reached it alone."""
    saving_minor = saving_of(sale.lines)
    rows: list[tuple[str, str]] = []
    if saving_minor:
        rows += [("", ""), ("Usual price 原价", plain(sale.total_minor + saving_minor, sale.currency))]
        rows.append((f"Saving 优惠 {_both(sale.promotion_title)}", plain(-saving_minor, sale.currency)))
        rows.append(("Promotions are not added up 优惠不叠加", ""))
    if sale.part_no:
        share = f"Share {sale.part_no} of {sale.part_count}, bought together 拼单第 {sale.part_no}/{sale.part_count} 份"
        rows.append((share, plain(sale.total_minor, sale.currency)))
    return rows


def claim_url(sale: Sale, plan: ShopPlan | None) -> str:
    """Return what the receipt's code says: where its holder makes the purchase their own. Empty where there is none.

    None for who showed their own code at the till, for money given back, and where no relay is known.
    """
    is_somebodys = bool(sale.shopper_code or sale.refund_of)
    root = plan.resolver_url.rstrip("/") if plan else ""
    return f"{root}/r/{sale.sale_id}" if root and not is_somebodys else ""


def _time(sale: Sale, plan: ShopPlan | None) -> str:
    at: datetime = parse_time(sale.paid_at)
    return at.astimezone(ZoneInfo(plan.time_zone if plan else "UTC")).strftime("%Y-%m-%d %H:%M")


def draw_receipt(sale: Sale, plan: ShopPlan | None, media: Media, face: Typeface) -> Image.Image:
    """Draw a receipt of this media's size; ReceiptTooLongError when it does not fit at the smallest type."""
    per_mm = media.dots_per_mm
    image = Image.new("1", (round(media.width_mm * per_mm), round(media.length_mm * per_mm)), 1)
    margin = round(MARGIN_MM * per_mm)
    rows = receipt_rows(sale, plan)
    for size_mm in SIZES_MM:
        size_px = round(size_mm * per_mm)
        laid = _lay(rows, image.width - 2 * margin, size_px, face)
        if len(laid) * size_px * LEADING <= image.height - 2 * margin:
            bottom = _draw(image, laid, margin, size_px, face)
            _draw_code(image, claim_url(sale, plan), bottom, per_mm, size_px, face)
            return image
    raise ReceiptTooLongError(f"{len(rows)} lines do not fit {media.width_mm:g} x {media.length_mm:g} mm")


def _lay(rows: list[tuple[str, str]], width_px: int, size_px: int, face: Typeface) -> list[tuple[str, str]]:
    """Break long left sides; the right side stands on the last line of its row."""
    laid: list[tuple[str, str]] = []
    for left, right in rows:
        room = width_px - round(face.width(right, size_px)) - size_px if right else width_px
        parts = wrap(face, left, max(size_px, room), size_px) or [""]
        laid += [(part, "") for part in parts[:-1]]
        laid.append((parts[-1], right))
    return laid


def _draw(image: Image.Image, laid: list[tuple[str, str]], margin: int, size_px: int, face: Typeface) -> float:
    """Draw the lines; return where they end."""
    top = float(margin)
    for place, (left, right) in enumerate(laid):
        face.draw(image, (margin, top), left, size_px, is_bold=place == 0)
        if right:
            face.draw(image, (image.width - margin - face.width(right, size_px), top), right, size_px)
        top += size_px * LEADING
    return top


def _draw_code(image: Image.Image, url: str, top: float, per_mm: float, size_px: int, face: Typeface) -> None:
    """Draw what the receipt is kept by below its lines, if there is room for it."""
    if not url:
        return
    modules, margin = qr_code(url), round(MARGIN_MM * per_mm)
    room = min(CODE_MM * per_mm, image.width - 2 * margin, image.height - margin - top - size_px * LEADING)
    dots = dots_for(modules, int(room), QUIET["qr"])
    if dots < DOT_MM_MIN * per_mm:
        return
    drawn, quiet = draw_modules(modules, dots), dots * QUIET["qr"]
    face.draw(image, ((image.width - face.width(KEEP, size_px)) / 2, top), KEEP, size_px)
    image.paste(drawn, ((image.width - drawn.width) // 2, round(top + size_px * LEADING) + quiet))
