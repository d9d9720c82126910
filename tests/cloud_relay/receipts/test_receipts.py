"""What stands on a receipt, and that it is drawn in both languages with Chinese signs."""

import io

import pypdfium2
import pytest

from cloud_relay import tables
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.receipts.reading import read_receipt
from cloud_relay.receipts.sheet import draw_receipt, rate_text
from cloud_relay.refusals import RefusedError
from cloud_relay.showroom.typeface import Typeface, find_typeface

TERMS = {"zones": [], "rates": [{"place": "*", "rate_ppm": 130_000, "category": ""}], "is_tax_on_top": False}


def receipt_of(world, order_id):
    return world.database.read_now(read_receipt, order_id)


class Written(Typeface):
    """The machine's own typeface, which notes down what it draws."""

    def __init__(self, real):
        self.real, self.said = real, []

    def width(self, text, size_px, *, is_bold=False):
        return self.real.width(text, size_px, is_bold=is_bold)

    def fit(self, text, width_px, height_px, sizes_px, *, is_bold=False):
        return self.real.fit(text, width_px, height_px, sizes_px, is_bold=is_bold)

    def draw(self, pen, at, text, size_px, *, is_bold):
        self.said.append(text)
        self.real.draw(pen, at, text, size_px, is_bold=is_bold)


def test_before_it_is_paid_there_is_none(world):
    placed = world.place("ann", listing_id="lis_1")
    with pytest.raises(RefusedError, match="not_paid"):
        receipt_of(world, placed.order_id)
    with pytest.raises(LookupError):
        receipt_of(world, "ord_nobody")


def test_it_says_who_what_how_much_and_what_came_back(world):
    world.add(tables.shipping_terms, shop_id="teahouse", terms=TERMS, changed_at=world.now)
    order_id = world.paid_order()
    paid = receipt_of(world, order_id)
    assert (paid.total_minor, paid.shipping_minor, paid.tax_minor) == (11100, 1200, 1277)
    assert paid.lines == (({"en": "Teapot", "zh": "紫砂茶壶"}, 1, 9900),)
    assert paid.bought_by[0] == "王小明 Wang" and paid.refunds == () and paid.paid_together_minor == 0
    world.walk(order_id, E.CANCEL_ASKED, E.CANCEL_DONE)
    assert [(one.amount_minor, one.at) for one in receipt_of(world, order_id).refunds] == [(11100, None)]
    world.later(5)
    (refund,) = world.refunds()
    world.settle(refund["payment_id"])
    assert [(one.amount_minor, one.at) for one in receipt_of(world, order_id).refunds] == [(11100, world.now)]


@pytest.mark.parametrize(
    ("language", "has"),
    [
        ("en", ["Receipt", "1 × Teapot", "Teahouse", "¥111.00", "of it tax 13 %", "Given back 2030-01-01", "−¥111.00"]),
        ("zh", ["收据", "1 × 紫砂茶壶", "茶馆", "¥111.00", "其中含税 13 %", "已退款 2030-01-01", "王小明 Wang"]),
    ],
)
def test_it_is_drawn_as_one_page_in_both_languages(world, language, has):
    world.add(tables.shipping_terms, shop_id="teahouse", terms=TERMS, changed_at=world.now)
    order_id = world.paid_order()
    world.walk(order_id, E.CANCEL_ASKED, E.CANCEL_DONE)
    (refund,) = world.refunds()
    world.settle(refund["payment_id"])
    pen = Written(find_typeface())
    drawn = draw_receipt(receipt_of(world, order_id), "Vitrine", "Sandbox", language, pen)
    assert [one for one in has if one not in pen.said] == []
    (page,) = pypdfium2.PdfDocument(io.BytesIO(drawn))
    assert [round(size * 25.4 / 72) for size in page.get_size()] == [210, 297]
    assert len(drawn) < 200_000


@pytest.mark.parametrize(("ppm", "text"), [(190_000, "19 %"), (75_000, "7.5 %"), (1, "0.0001 %"), (1_000_000, "100 %")])
def test_a_rate_is_written_as_people_write_it(ppm, text):
    assert rate_text(ppm) == text
