"""A tag for any roll: a reader that is not ours reads its code, its words fit, a roll too small is named."""

from dataclasses import replace

import pytest
import zxingcpp

from drivers.label_printer import Media
from edge.labels import BadLabelError, find_typeface
from edge.labels.tag import draw_tag
from wire.tags import TagFace

FACE = find_typeface()
TAG = TagFace(
    address="https://a-rather-long-name.shops.example.org/01/09521234543213?t=7k2qx9mhd4", printed="7K2QX-9MHD4",
    heading="样品 Sample", titles=("水洗亚麻衬衫（中／靛蓝）", "Linen shirt (M / Indigo)"), price="¥219.00",
    foot="茶馆 Teahouse · LS-M-I",
)  # fmt: skip
ROLLS = [
    Media(width_mm=100, length_mm=150, dots_per_mm=8),
    Media(width_mm=100, length_mm=100, dots_per_mm=12),
    Media(width_mm=70, length_mm=37, dots_per_mm=8),
    Media(width_mm=60, length_mm=40, dots_per_mm=12),
]


@pytest.mark.parametrize("media", ROLLS, ids=lambda one: f"{one.width_mm}x{one.length_mm}at{one.dots_per_mm}")
def test_the_code_is_read_off_the_paper(media):
    image = draw_tag(TAG, media, FACE)
    assert image.mode == "1"
    assert image.size == (media.width_mm * media.dots_per_mm, media.length_mm * media.dots_per_mm)
    assert [one.text for one in zxingcpp.read_barcodes(image.convert("L"))] == [TAG.address]


@pytest.mark.parametrize("media", ROLLS[:2], ids=["tall", "square"])
def test_the_longest_words_of_a_listing_fit(media):
    draw_tag(replace(TAG, titles=("长" * 120, "long " * 24), foot="名" * 60 + "F" * 60), media, FACE)


def test_a_place_has_neither_price_nor_second_language():
    image = draw_tag(TagFace(address="https://v.example/t/7k2qx9mhd4", printed="x", titles=("A-3-12",)), ROLLS[2], FACE)
    assert [one.text for one in zxingcpp.read_barcodes(image.convert("L"))] == ["https://v.example/t/7k2qx9mhd4"]


def test_a_roll_that_is_too_small_is_named():
    with pytest.raises(BadLabelError, match=r"7K2QX-9MHD4.*load a larger"):
        draw_tag(TAG, Media(width_mm=25, length_mm=15, dots_per_mm=8), FACE)
