"""Codes on small grey pictures: QR codes and bar codes are read, other pictures and sizes are no trouble."""

import io
import random

import pytest
import segno
import zxingcpp
from PIL import Image

from cloud_relay.showroom.code_pictures import CODES_MAX, SIDE_PX, read_codes

URI = "https://vitrine.example/01/09521234543213/21/Kx3f9Qz1"


def qr(text: str, side_px: int = 180) -> Image.Image:
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=10, border=4)
    return Image.open(out).convert("L").resize((side_px, side_px))


def ean(digits: str) -> Image.Image:
    made = zxingcpp.create_barcode(digits, zxingcpp.BarcodeFormat.EAN13)
    drawn = Image.fromarray(zxingcpp.write_barcode_to_image(made, scale=2))
    return drawn.convert("L")


def scene(*pictures) -> bytes:
    """Return the picture that a browser sends: things at their places on grey."""
    paper = Image.new("L", (SIDE_PX, SIDE_PX), 200)
    for picture, place in pictures:
        paper.paste(picture, place)
    return paper.tobytes()


@pytest.mark.parametrize("turn_deg", [0, 90, 180, 17])
def test_the_code_of_a_tag_is_read_however_it_is_held(turn_deg):
    turned = qr(URI, 150).rotate(turn_deg, expand=True, fillcolor=255)
    assert read_codes(scene((turned, (20, 20)))) == [URI]


def test_the_bar_code_of_goods_is_read():
    assert read_codes(scene((ean("9521234543213"), (10, 60)))) == ["9521234543213"]


def test_several_are_read_but_not_any_number():
    four = [(qr(str(number), 76), (10 + number % 3 * 78, 2 + number // 3 * 80)) for number in range(9)]
    found = read_codes(scene(*four))
    assert 1 < len(found) <= CODES_MAX
    assert set(found) <= {str(number) for number in range(9)}


@pytest.mark.parametrize("luma", [b"\0", b"\x80", b"\xff"])
def test_a_picture_of_nothing_has_no_code(luma):
    assert read_codes(luma * SIDE_PX**2) == []


def test_noise_has_no_code():
    assert read_codes(random.Random(5).randbytes(SIDE_PX**2)) == []


@pytest.mark.parametrize("size", [0, 1, SIDE_PX**2 - 1, SIDE_PX**2 + 1])
def test_another_size_is_refused_before_anything_reads_it(size):
    with pytest.raises(ValueError, match=f"{size} bytes"):
        read_codes(bytes(size))
