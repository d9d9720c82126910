"""Labels: every code decodes by two readers, also from a poor picture; every text fits and nothing typed is lost."""

import io
from dataclasses import replace

import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageFilter
from pyzbar import pyzbar

from drivers.label_printer import Media
from edge.labels import BadLabelError, FontMissingError, find_typeface, render_label
from edge.labels.symbols import BadCodeError, data_matrix, gs1_128, qr_code
from edge.labels.words import TextTooLongError, fit, wrap
from edge.reading import BadPictureError, Effort, ReadCode, Reading, Verdict, decode_picture, judge, read_codes
from wire.plan import Address, LabelContent, LabelLine, Text
from wire.values import BadValueError, clean_text

FACE = find_typeface()
TALL = Media(width_mm=100, length_mm=150, dots_per_mm=8)
ROLLS = [
    TALL,
    Media(width_mm=100, length_mm=100, dots_per_mm=8),
    Media(width_mm=72, length_mm=100, dots_per_mm=8),
    Media(width_mm=72, length_mm=130, dots_per_mm=8),
    Media(width_mm=100, length_mm=150, dots_per_mm=12),
]
SERIAL = "K7Q4ABCD"
CONTENT = LabelContent(
    order_id="or_8k2m4n6p8r0s2t4v6w8x0y2z4a",
    label_no=1,
    to=Address(
        name="李小明 Anna-Lena Østergård",
        lines=("浙江省杭州市西湖区文三路 478 号华星时代广场 A 座 1204 室", "c/o Reception, 4th floor"),
        postal_code="310013",
        city="杭州 Hangzhou",
        country="CN",
        phone="+86 138 0000 0000",
    ),
    sender_lines=("紫砂茶馆 Purple Clay Teahouse", "12 Dingshan Road, Yixing 214221 CN"),
    goods_code="https://vitrine.example/01/09521234543213/21/K7Q4",
    merchant_code="https://vitrine.example/m/me_0123456789abcdefghjkmnpqrs",
    resolver_url="https://vitrine.example/00/395212340000000014",
    sscc="395212340000000014",
    lines=(LabelLine(title=Text(en="Xi Shi teapot", zh="西施壶"), serial="K7Q4"),),
    service="Standard",
)
URL = f"{CONTENT.resolver_url}?s={SERIAL}"


def draw(content: LabelContent = CONTENT, media: Media = TALL, **more: int) -> Image.Image:
    return render_label(content, SERIAL, URL, media, FACE, **more)


def by_zxing(image: Image.Image) -> set[str]:
    found = zxingcpp.read_barcodes(np.asarray(image.convert("L")), text_mode=zxingcpp.TextMode.Plain)
    return {code.text for code in found}


def by_pyzbar(image: Image.Image) -> set[str]:
    return {code.data.decode() for code in pyzbar.decode(image.convert("L"))}


def jpeg(image: Image.Image, quality: int = 80) -> bytes:
    buffer = io.BytesIO()
    image.convert("L").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


@pytest.mark.parametrize("media", ROLLS, ids=str)
def test_every_code_decodes_on_every_roll(media):
    image = draw(media=media)
    assert image.size == (media.width_mm * media.dots_per_mm, media.length_mm * media.dots_per_mm)
    sscc = f"00{CONTENT.sscc}"
    assert by_zxing(image) == {URL, sscc, CONTENT.goods_code, CONTENT.merchant_code}
    assert {URL, sscc} <= by_pyzbar(image)


def test_without_a_gs1_prefix_the_bars_carry_the_serial():
    image = draw(replace(CONTENT, sscc=""))
    assert SERIAL in by_zxing(image) & by_pyzbar(image)


def test_a_gs1_element_string_becomes_a_gs1_data_matrix():
    image = draw(replace(CONTENT, goods_code="(01)09521234543213(21)K7Q4"))
    found = zxingcpp.read_barcodes(np.asarray(image.convert("L")), text_mode=zxingcpp.TextMode.HRI)
    assert "(01)09521234543213(21)K7Q4" in {code.text for code in found}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda image: image.filter(ImageFilter.GaussianBlur(1.6)),
        lambda image: image.rotate(17, Image.Resampling.BICUBIC, expand=True, fillcolor=200),
        lambda image: image.point([40 + value // 4 for value in range(256)]),
        lambda image: image.resize((image.width // 2, image.height // 2), Image.Resampling.BILINEAR),
        lambda image: image.transform(
            image.size,
            Image.Transform.PERSPECTIVE,
            (1.12, 0.10, -40, 0.03, 1.18, -60, 0.0001, 0.00015),
            Image.Resampling.BICUBIC,
            fillcolor=190,
        ),
    ],
    ids=["blur", "turned", "dark", "small", "perspective"],
)
def test_the_large_code_survives_a_poor_picture(spoil):
    scene = Image.new("L", (1300, 1500), 190)
    scene.paste(draw().convert("L"), (250, 150))
    codes = read_codes(jpeg(spoil(scene)), lambda found: any(code.text == URL for code in found))
    assert judge(codes, URL, CONTENT.sscc).verdict is Verdict.RIGHT


@pytest.mark.parametrize("media", ROLLS, ids=str)
def test_three_hundred_characters_of_address_fit(media):
    long = replace(CONTENT.to, lines=("很" * 300, "Long-Street-Name 12 " * 5))
    image = draw(replace(CONTENT, to=long), media)
    assert URL in by_zxing(image)
    assert image.tobytes() != draw(media=media).tobytes()


def test_what_cannot_fit_is_refused_with_the_reason():
    endless = replace(CONTENT.to, lines=tuple("很" * 300 for _ in range(12)))
    with pytest.raises(BadLabelError, match="shorten the address"):
        draw(replace(CONTENT, to=endless))
    with pytest.raises(BadLabelError, match="too small; load at least"):
        draw(media=Media(width_mm=40, length_mm=60, dots_per_mm=8))
    with pytest.raises(BadLabelError, match="too long"):
        render_label(CONTENT, SERIAL, "https://x.example/" + "y" * 900, ROLLS[2], FACE)


def test_nothing_typed_disappears():
    """Each character leaves ink: an emoji or a script that no font has leaves a box with its number."""
    plain = draw(replace(CONTENT, to=replace(CONTENT.to, name="Ann")))
    for character in ("😀", "\U0001fae8", "ꙮ", "ሴ", "\U00010380"):
        other = draw(replace(CONTENT, to=replace(CONTENT.to, name=f"Ann{character}")))
        assert ImageChops.difference(plain, other).getbbox() is not None, character
    boxed = [font for _, font in FACE.runs("a\U0010fffd", 20)]
    assert boxed[0] is not None and boxed[1] is None


def test_a_copy_says_so():
    assert draw(copy_no=2).tobytes() != draw().tobytes()


def test_printer_commands_in_a_name_are_ink_like_any_other():
    """Control characters are refused at the door; what is left of a command is drawn, never sent."""
    with pytest.raises(BadValueError):
        clean_text("Ann\x1b@\x1dV\x00Bob", "name")
    image = draw(replace(CONTENT, to=replace(CONTENT.to, name="^XZ^XA~JA GS v 0")))
    assert by_zxing(image) == by_zxing(draw())


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=300), st.integers(120, 700))
def test_wrapping_keeps_every_visible_character_and_no_line_is_too_wide(text, width_px):
    lines = wrap(FACE, text, width_px, 24)
    kept = "".join(lines)
    assert [part for part in kept if not part.isspace()] == [part for part in text if not part.isspace()]
    assert all(len(line) == 1 or FACE.width(line, 24) <= width_px + 1 for line in lines)


def test_fitting_takes_the_largest_type_that_fits():
    one = fit(FACE, ["short"], 600, 200, (60, 16))
    many = fit(FACE, ["long text " * 30], 600, 200, (60, 16))
    assert one.size_px == 60 > many.size_px
    assert many.height_px <= 200
    with pytest.raises(TextTooLongError):
        fit(FACE, ["long text " * 300], 600, 200, (60, 16))


def test_a_box_without_chinese_fonts_is_told_what_to_install(tmp_path):
    with pytest.raises(FontMissingError, match="fonts-noto-cjk"):
        find_typeface([str(tmp_path)])


def test_codes_that_cannot_be_made_are_refused():
    with pytest.raises(BadCodeError):
        qr_code("x" * 5000)
    with pytest.raises(BadCodeError):
        data_matrix("x" * 4000)
    assert gs1_128(CONTENT.sscc).shape == (1, 156)


# reading back


def code(text: str, symbology: str = "QRCode", copies: int = 1) -> ReadCode:
    return ReadCode(text, symbology, copies)


OTHER = "https://vitrine.example/00/395212340000000021?s=ZZZZ2222"


@pytest.mark.parametrize(
    ("codes", "verdict"),
    [
        ((), Verdict.NONE),
        ((code(URL),), Verdict.RIGHT),
        ((code(URL), code(f"00{CONTENT.sscc}", "Linear")), Verdict.RIGHT),
        ((code(f"00{CONTENT.sscc}", "Linear"),), Verdict.NONE),
        ((code(CONTENT.goods_code, "DataMatrix"),), Verdict.NONE),
        ((code(OTHER),), Verdict.WRONG),
        ((code(f"{CONTENT.resolver_url}?s=VVVV3333"),), Verdict.WRONG),
        ((code("00395212340000000021", "Linear"),), Verdict.WRONG),
        ((code("https://id.gs1.org/00/395200000000000017"),), Verdict.WRONG),
        ((code(URL), code("https://id.gs1.org/00/395200000000000017")), Verdict.TWO),
        ((code(URL), code(OTHER)), Verdict.TWO),
        ((code(URL, copies=2),), Verdict.TWO),
        ((code(URL), code("https://elsewhere.example/hello")), Verdict.RIGHT),
    ],
)
def test_the_verdict_on_what_was_read(codes, verdict):
    assert judge(codes, URL, CONTENT.sscc).verdict is verdict


def test_two_equal_labels_in_one_picture_are_two():
    scene = Image.new("L", (1700, 1300), 190)
    for left in (20, 860):
        scene.paste(draw().convert("L"), (left, 50))
    assert judge(read_codes(jpeg(scene)), URL, CONTENT.sscc).verdict is Verdict.TWO


def test_a_linear_code_without_a_check_digit_of_ours_needs_two_pictures():
    picture = jpeg(draw(replace(CONTENT, sscc="")))
    reading = Reading()
    reading.add(picture, effort=Effort.GLANCE)
    assert SERIAL not in {part.text for part in reading.codes()}
    reading.add(picture, effort=Effort.GLANCE)
    assert SERIAL in {part.text for part in reading.codes()}


def test_a_picture_bomb_is_refused_before_it_is_decoded():
    buffer = io.BytesIO()
    Image.new("1", (9000, 9000)).save(buffer, "PNG")
    with pytest.raises(BadPictureError, match="more than"):
        decode_picture(buffer.getvalue())
    with pytest.raises(BadPictureError, match="cannot be decoded"):
        decode_picture(b"\xff\xd8 no picture")
