"""The encoder by itself: what a decoder gets back, when pictures stand alone, size and rate."""

import asyncio
import time
from fractions import Fraction

import av
import numpy as np
import pytest

from drivers.camera import Frame
from drivers.planes import BLACK, GREY, from_bgr, three
from edge.viewing import encoder
from edge.viewing.capture import NewestFrame
from edge.viewing.encoder import IDR_S_MIN, CameraEncoder, PictureEncoder, fit_size, picture_of
from edge.viewing.encoder_models import Codec, rate_for
from edge.viewing.rungs import Rung
from wire.plan import Mask


def scene(shift=0, width_px=320, height_px=240):
    noise = np.random.default_rng(3).integers(30, 255, (height_px // 20, width_px // 20, 3), dtype=np.uint8)
    return np.roll(np.kron(noise, np.ones((20, 20, 1), dtype=np.uint8)), shift, axis=1)


def frame(pixels, at_s=1.0):
    return Frame(planes=from_bgr(pixels), captured_s=at_s, number=1)


@pytest.mark.parametrize(("codec", "decoder"), [(Codec.H264, "h264"), (Codec.VP8, "vp8")])
def test_what_goes_in_comes_out(codec, decoder):
    encoder, back = PictureEncoder(codec), av.CodecContext.create(decoder, "r")
    for number in range(10):
        pixels = scene(number * 4)
        (encoded,) = encoder.encode(frame(pixels), (), number / 30, must_stand_alone=number in (0, 5))
        assert encoded.is_idr is (number in (0, 5))
        assert (encoded.packet.pts, encoded.packet.time_base) == (number * 3000, Fraction(1, 90000))
        (picture,) = back.decode(encoded.packet)
        assert np.median(np.abs(picture.to_ndarray(format="bgr24").astype(int) - pixels)) < 12


@pytest.mark.parametrize("size", [(1280, 720), (800, 450), (480, 270), (1280, 674), (642, 362)])
def test_every_even_height_keeps_its_rows_and_colours(size):
    width_px, height_px = size
    rows = np.linspace(0, 255, height_px, dtype=np.uint8)[:, None, None]
    pixels = np.ascontiguousarray(np.broadcast_to(rows * np.array([1, 0.5, 0.2]), (height_px, width_px, 3)), np.uint8)
    picture = picture_of(from_bgr(pixels), "yuv420p")
    assert (picture.width, picture.height) == size
    off = np.abs(picture.to_ndarray(format="bgr24").astype(int) - pixels)
    assert off.max() < 12


def test_a_small_rung_shows_the_same_picture():
    rows, columns = np.mgrid[0:720, 0:1280]
    pixels = np.stack([rows * 255 // 720, columns * 255 // 1280, rows * 0 + 90], axis=2).astype(np.uint8)
    encoder = PictureEncoder(Codec.H264, Rung.SMALL)
    (encoded,) = encoder.encode(frame(pixels), (), 0.0, must_stand_alone=True)
    (picture,) = av.CodecContext.create("h264", "r").decode(encoded.packet)
    assert (picture.width, picture.height) == (640, 360)
    assert np.median(np.abs(picture.to_ndarray(format="bgr24").astype(int) - pixels[::2, ::2])) < 12


def test_h264_is_what_every_browser_takes():
    (encoded,) = PictureEncoder(Codec.H264).encode(frame(scene()), (), 0.0, must_stand_alone=True)
    raw = bytes(encoded.packet)
    sps = raw[raw.index(b"\x00\x00\x01\x67") + 4 :]
    assert sps[0] == 66  # profile_idc: baseline (ITU-T H.264 A.2.1)
    assert sps[2] == 31  # level 3.1


def test_time_only_rises():
    encoder = PictureEncoder(Codec.H264)
    times = [encoder.encode(frame(scene()), (), at_s, must_stand_alone=False)[0].pts for at_s in (5.0, 5.0, 4.0, 6.0)]
    assert times == sorted(set(times))


@pytest.mark.parametrize(
    ("size", "fitted"),
    [
        ((1280, 720), (1280, 720)),
        ((1920, 1080), (1280, 720)),
        ((4000, 3000), (960, 720)),
        ((641, 361), (640, 360)),
        ((720, 1280), (404, 720)),
        ((3, 3), (2, 2)),
    ],
)
def test_sizes_are_even_and_at_most_720p(size, fitted):
    assert fit_size(*size) == fitted


def test_the_rate_follows_the_size():
    assert rate_for(1280, 720) == 2_500_000
    assert rate_for(640, 360) == 625_000
    assert rate_for(160, 120) == 300_000


def test_another_size_opens_the_codec_anew():
    encoder = PictureEncoder(Codec.H264)
    encoder.encode(frame(scene()), (), 0.0, must_stand_alone=True)
    (encoded,) = encoder.encode(frame(scene(width_px=640, height_px=480)), (), 0.1, must_stand_alone=False)
    assert encoded.is_idr


def test_masks_come_before_the_encoder():
    (encoded,) = PictureEncoder(Codec.H264).encode(
        frame(scene()), (Mask(left=0, top=0, width=1, height=1),), 0.0, must_stand_alone=True
    )
    (picture,) = av.CodecContext.create("h264", "r").decode(encoded.packet)
    assert picture.to_ndarray(format="bgr24").max() < 10


@pytest.mark.parametrize("size", [(1920, 1080), (1282, 962), (1280, 720)])
@pytest.mark.parametrize("rung", list(Rung))
def test_not_a_trace_of_what_is_masked_reaches_the_encoder(size, rung, monkeypatch):
    """The masked part alone is bright and red: a point mixed at its border would show it."""
    left, top, right, bottom = (int(size[0] * 0.2001), int(size[1] * 0.301), int(size[0] * 0.7), int(size[1] * 0.8))
    mask = Mask(left=left / size[0], top=top / size[1], width=(right - left) / size[0], height=(bottom - top) / size[1])
    pixels, given = np.zeros((size[1], size[0], 3), np.uint8), []
    pixels[top:bottom, left:right] = (40, 40, 255)
    monkeypatch.setattr(encoder, "picture_of", lambda planes, form: given.append(planes) or picture_of(planes, form))
    PictureEncoder(Codec.H264, rung).encode(frame(pixels), (mask,), 0.0, must_stand_alone=True)
    luma, *colours = three(given[0])
    assert (luma.min(), luma.max()) == (BLACK, BLACK)
    assert {int(level) for colour in colours for level in (colour.min(), colour.max())} == {GREY}


async def test_key_frames_keep_their_distance_and_a_frozen_camera_still_gives_one(eventually):
    newest, given = NewestFrame(), []
    newest.put(frame(scene(), time.monotonic()))
    encoder = CameraEncoder(Codec.H264, Rung.FULL, newest, tuple, given.append)
    await eventually(lambda: given)
    assert given[0].is_idr
    begun_s = time.monotonic()
    for _ in range(20):  # no new picture comes: somebody who joins must see the old one
        encoder.want_idr()
        await asyncio.sleep(0.02)
    await eventually(lambda: len(given) >= 2)
    assert all(one.is_idr for one in given)
    assert len(given) <= 2 + (time.monotonic() - begun_s) / IDR_S_MIN
    encoder.stop()
    async with asyncio.timeout(20):
        await encoder.ended


async def test_after_stop_not_one_packet_more(eventually):
    newest, given = NewestFrame(), []
    newest.put(frame(scene(), time.monotonic()))
    encoder = CameraEncoder(Codec.H264, Rung.FULL, newest, tuple, given.append)
    await eventually(lambda: given)
    for number in range(5):
        newest.put(frame(scene(number), time.monotonic()))
    encoder.stop()
    count = len(given)
    await encoder.ended
    await asyncio.sleep(0.05)
    assert len(given) == count
