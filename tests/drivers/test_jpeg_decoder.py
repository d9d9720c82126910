"""JPEGs of a stream as planes: every kind that cameras send, and what is damaged."""

import io
import random

import cv2
import numpy as np
import pytest
from PIL import Image

from drivers.camera import _jpeg
from drivers.camera._jpeg import JpegDecoder
from drivers.planes import CAPTURED, from_bgr, size_of, three, to_bgr

ROWS, COLUMNS = np.mgrid[0:361, 0:641]
SCENE = np.stack([ROWS * 255 // 361, COLUMNS * 255 // 641, ROWS * 0 + 90], axis=2).astype(np.uint8)


def packed(pixels, **options):
    out = io.BytesIO()
    Image.fromarray(pixels[:, :, ::-1]).save(out, "JPEG", quality=90, **options)
    return out.getvalue()


@pytest.mark.parametrize("size", [(640, 360), (641, 361), (641, 360), (17, 9), (2, 2)])
@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("is_progressive", [False, True])
def test_every_kind_of_colour_shows_the_scene(size, sampling, is_progressive):
    pixels = SCENE[: size[1], : size[0]]
    planes = JpegDecoder().planes(packed(pixels, subsampling=sampling, progressive=is_progressive))
    width_px, height_px = size_of(planes)
    assert (width_px, height_px) == (size[0] // 2 * 2, size[1] // 2 * 2)
    off = np.abs(to_bgr(planes).astype(int) - pixels[:height_px, :width_px])
    assert np.percentile(off, 95) <= 8


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_what_no_camera_should_send_is_shown_too(mode):
    out = io.BytesIO()
    Image.fromarray(SCENE[:360, :640, ::-1]).convert(mode).save(out, "JPEG", quality=90)
    planes = JpegDecoder().planes(out.getvalue())
    assert size_of(planes) == (640, 360)
    if mode == "L":
        assert all(np.abs(colour.astype(int) - 128).max() <= 1 for colour in three(planes)[1:])


@pytest.mark.parametrize("level", [0, 1, 16, 128, 235, 254, 255])
def test_full_range_becomes_limited(level):
    planes = JpegDecoder().planes(packed(np.full((48, 64, 3), level, np.uint8)))
    assert np.abs(planes.astype(int) - from_bgr(np.full((48, 64, 3), level, np.uint8))).max() <= 1


def test_a_stream_costs_no_more_than_its_blocks():
    decoder, pictures = JpegDecoder(), [packed(SCENE + shift) for shift in range(5)]
    for _ in range(10):
        for picture in pictures:
            planes = decoder.planes(picture)
            assert planes is not None
    assert len(decoder._blocks._blocks) == CAPTURED


def segments(jpeg):
    """Yield (marker, bytes) of a JPEG behind its start; the last holds the scan and the end."""
    at = 2
    while jpeg[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        yield jpeg[at + 1], jpeg[at:end]
        at = end
    yield 0xDA, jpeg[at:]


def without(jpeg, marker):
    return jpeg[:2] + b"".join(part for kind, part in segments(jpeg) if kind != marker)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda jpeg: jpeg[:-2], id="no end"),
        pytest.param(lambda jpeg: jpeg + bytes(512), id="zeros behind it"),
        pytest.param(lambda jpeg: jpeg + b"\r\n", id="a line's end behind it"),
        pytest.param(lambda jpeg: jpeg[:-2] + b"\x12\x34\x56" + jpeg[-2:], id="bytes before the end"),
        pytest.param(lambda jpeg: without(jpeg, 0xC4), id="no Huffman tables, as webcams do"),
        pytest.param(lambda jpeg: without(jpeg, 0xE0), id="no JFIF"),
        pytest.param(lambda jpeg: jpeg[:2] + b"\xff\xe1\0\x10Exif\0\0nonsense" + jpeg[2:], id="nonsense as EXIF"),
        pytest.param(lambda jpeg: jpeg[:2] + b"\xff\xfe\0\6abcd" + jpeg[2:], id="a comment"),
    ],
)
def test_what_cameras_are_known_to_send_is_shown(make):
    jpeg = packed(SCENE[:360, :640], subsampling="4:2:2")
    decoder = JpegDecoder()
    assert (decoder.planes(make(jpeg)) == decoder.planes(jpeg)).all()


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda jpeg, chance: jpeg[: chance.randrange(len(jpeg) - 2)], id="cut off"),
        pytest.param(lambda jpeg, chance: jpeg[: (at := chance.randrange(700, 9000))] + jpeg[at + 3000 :], id="a gap"),
        pytest.param(lambda jpeg, _chance: jpeg[: len(jpeg) // 2] + jpeg[-2:], id="half of it, with an end"),
        pytest.param(lambda _jpeg, chance: chance.randbytes(3000), id="noise"),
        pytest.param(lambda _jpeg, _chance: b"", id="nothing"),
    ],
)
def test_a_damaged_picture_is_none_and_the_next_is_well(harm):
    decoder, chance, jpeg = JpegDecoder(), random.Random(4), packed(np.roll(SCENE, 7, axis=1))
    for _ in range(40):
        assert decoder.planes(harm(jpeg, chance)) is None
    assert decoder.planes(jpeg) is not None


def test_flipped_bits_break_nothing():
    decoder, chance, jpeg = JpegDecoder(), random.Random(5), packed(SCENE)
    for _ in range(200):
        harmed = bytearray(jpeg)
        for _ in range(3):
            harmed[chance.randrange(len(harmed))] ^= 1 << chance.randrange(8)
        planes = decoder.planes(bytes(harmed))
        assert planes is None or planes.dtype == np.uint8
    assert size_of(decoder.planes(jpeg)) == (640, 360)


@pytest.mark.parametrize("size", [(1, 40), (40, 1), (1, 1)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_line_is_no_picture(size, mode):
    out = io.BytesIO()
    Image.new(mode, size).save(out, "JPEG")
    assert JpegDecoder().planes(out.getvalue()) is None


def test_a_second_header_makes_no_picture_larger_than_allowed(monkeypatch):
    monkeypatch.setattr(_jpeg, "PIXEL_LIMIT", 200 * 200)
    small, large = (packed(SCENE[:side, :side]) for side in (90, 300))
    header = next(part for kind, part in segments(small) if kind == 0xC0)
    assert JpegDecoder().planes(small) is not None
    assert JpegDecoder().planes(large) is None
    assert JpegDecoder().planes(large[:2] + header + large[2:]) is None


def test_another_size_in_mid_stream():
    decoder = JpegDecoder()
    for height, width in ((360, 640), (90, 160), (360, 640)):
        assert size_of(decoder.planes(packed(SCENE[:height, :width]))) == (width, height)


def test_it_shows_what_opencv_would():
    jpeg = packed(SCENE, subsampling="4:2:0")
    theirs = from_bgr(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))
    off = np.abs(JpegDecoder().planes(jpeg).astype(int) - theirs)
    assert np.percentile(off, 99) <= 4
