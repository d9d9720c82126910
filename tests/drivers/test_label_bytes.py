"""Labels as bytes: the same commands whatever is drawn, the same pixels on paper, codes that read."""

import contextlib
import io
import random
import subprocess
from pathlib import Path

import pytest
import segno
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw

from drivers.base import BadOptionsError
from drivers.label_printer import Media
from drivers.label_printer import escpos as escpos_driver
from drivers.label_printer import zpl as zpl_driver
from drivers.label_printer._raster import black_on_white, media_dots
from drivers.registry import build_options
from tests.drivers.label_oracles import read_escpos, read_zpl

WIDTH, HEIGHT = 200, 560
INJECTIONS = [
    b"Ann\x1b@\x1dV\x00Bob",
    b"\x1bp\x00\x19\xfa",
    b"^XZ^XA~JA^XZ",
    b"~HS\x02\x03",
    b"\x10\x04\x01\x10\x14\x08",
    "王小明 ^FD~DG".encode(),
]


def picture(pixels: bytes) -> Image.Image:
    """Lay bytes out as dots, repeated over the whole label: the worst a drawn name can be."""
    size = (WIDTH // 8) * HEIGHT
    return Image.frombytes("1", (WIDTH, HEIGHT), (pixels * (size // len(pixels) + 1))[:size])


def code_label(text: str) -> Image.Image:
    """A label with a QR code and some words."""
    label = Image.new("L", (WIDTH * 2, HEIGHT), "white")
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="png", scale=6, border=4)
    label.paste(Image.open(io.BytesIO(out.getvalue())).convert("L"), (20, 20))
    ImageDraw.Draw(label).text((20, 300), "parcel 1 of 1", fill="black")
    return label.convert("1")


BLANK = Image.new("1", (WIDTH, HEIGHT), 1)
dots = st.one_of(st.sampled_from(INJECTIONS), st.binary(min_size=1, max_size=64))


@given(pixels=dots)
def test_escpos_commands_never_depend_on_the_picture(pixels):
    image = picture(pixels)
    seen = read_escpos(escpos_driver.encode_label(image))
    assert seen.commands == read_escpos(escpos_driver.encode_label(BLANK)).commands
    assert not ImageChops.difference(seen.paper().convert("L"), image.convert("L")).getbbox()


@given(pixels=dots)
def test_zpl_commands_never_depend_on_the_picture(pixels):
    image = picture(pixels)
    seen = read_zpl(zpl_driver.encode_label(image))
    assert seen.commands == read_zpl(zpl_driver.encode_label(BLANK)).commands
    assert not ImageChops.difference(seen.paper().convert("L"), image.convert("L")).getbbox()


@pytest.mark.parametrize("white", [1, 255])
def test_white_is_white_however_pillow_keeps_it(white):
    """Mode "1" keeps what it was filled with, 1 or 255; both are white."""
    image = Image.new("1", (WIDTH, HEIGHT), white)
    for seen in (read_escpos(escpos_driver.encode_label(image)), read_zpl(zpl_driver.encode_label(image))):
        assert seen.paper().convert("L").getextrema() == (255, 255)


@given(width=st.integers(80, 300), height=st.integers(80, 900), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_widths_that_are_no_multiple_of_eight_keep_their_pixels(width, height, seed):
    image = Image.frombytes("1", (width, height), random.Random(seed).randbytes((width + 7) // 8 * height))
    for seen in (read_escpos(escpos_driver.encode_label(image)), read_zpl(zpl_driver.encode_label(image))):
        paper = seen.paper()
        assert not ImageChops.difference(paper.crop((0, 0, *image.size)).convert("L"), image.convert("L")).getbbox()
        assert paper.crop((width, 0, *paper.size)).convert("L").point(lambda v: 255 - v).getbbox() is None


def test_the_oracles_catch_what_they_are_for():
    name = INJECTIONS[0]
    with pytest.raises(ValueError, match="obeyed"):
        read_escpos(b"\x1b@" + name)
    with pytest.raises(ValueError, match="obeyed"):
        read_zpl(b"^XA^FO0,0^FD" + INJECTIONS[2] + b"^XZ")


def test_the_raster_is_that_of_the_librarys_own_printer():
    from escpos.printer import Dummy  # noqa: PLC0415  # sets up logging and writes files when imported, so only here

    image = code_label("https://example.com/p/1").crop((0, 0, WIDTH, 200))
    printer = Dummy()
    with contextlib.redirect_stdout(io.StringIO()):  # it says on stdout that its profile has no width
        printer.image(image, impl="bitImageRaster")
    assert printer.output in escpos_driver.encode_label(image)


@pytest.mark.parametrize("model", ["escpos", "zpl"])
def test_a_printed_code_reads(model, tmp_path):
    image, text = code_label("https://shop.example/00/995200000000000014"), "https://shop.example/00/995200000000000014"
    seen = (
        read_escpos(escpos_driver.encode_label(image))
        if model == "escpos"
        else read_zpl(zpl_driver.encode_label(image))
    )
    paper = seen.paper().convert("L")
    assert [code.text for code in zxingcpp.read_barcodes(paper)] == [text]
    assert zbarimg(paper, tmp_path) == [text]


def zbarimg(image: Image.Image, folder: Path) -> list[str]:
    path = folder / "paper.png"
    image.save(path)
    ran = subprocess.run(
        ["zbarimg", "--quiet", "--raw", str(path)], capture_output=True, text=True, check=True, timeout=30
    )
    return ran.stdout.split()


MEDIA = Media(width_mm=25, length_mm=70, dots_per_mm=8)


def test_the_picture_must_be_the_paper():
    assert media_dots(MEDIA) == (WIDTH, HEIGHT)
    with pytest.raises(ValueError, match="the label is"):
        black_on_white(Image.new("1", (WIDTH + 8, HEIGHT)), MEDIA)


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "LA", "P"])
def test_every_kind_of_picture_becomes_black_on_white(mode):
    image = Image.new("RGBA", (WIDTH, HEIGHT), (0, 0, 0, 0) if mode in ("RGBA", "LA") else (255, 255, 255, 255))
    ImageDraw.Draw(image).rectangle((10, 10, 19, 29), fill=(60, 60, 60, 255))
    ImageDraw.Draw(image).rectangle((40, 10, 49, 29), fill=(200, 200, 200, 255))
    flat = black_on_white(image.convert(mode, dither=Image.Dither.NONE), MEDIA)
    assert flat.mode == "1"
    assert flat.convert("L").point(lambda value: 255 - value).getbbox() == (10, 10, 20, 30)


@pytest.mark.parametrize(
    ("driver", "wrong"),
    [
        (zpl_driver.DRIVER, {"dots_per_mm": 1}),
        (zpl_driver.DRIVER, {"width_mm": 1000.0}),
        (escpos_driver.DRIVER, {"label_end": "tear"}),
        (escpos_driver.DRIVER, {"proof": "hope"}),
        (escpos_driver.DRIVER, {"dots_per_inch": 203}),
        (escpos_driver.DRIVER, {"address": 9100}),
    ],
)
def test_wrong_options_name_the_device(driver, wrong):
    with pytest.raises(BadOptionsError, match=r"shop\.toml: device\.printer"):
        build_options(driver, {"address": "tcp://10.0.0.4:9100", **wrong}, "shop.toml: device.printer")
