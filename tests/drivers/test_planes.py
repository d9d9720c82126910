"""Pictures as planes: nothing is shifted, and their memory is used again exactly when nobody holds it."""

import threading

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.camera import Frame
from drivers.planes import CAPTURED, Blocks, from_bgr, resized, size_of, three, to_bgr

even = st.integers(1, 40).map(lambda half: half * 2)


def scene(width_px, height_px):
    rows, columns = np.mgrid[0:height_px, 0:width_px]
    return np.stack([rows * 255 // height_px, columns * 255 // width_px, rows * 0 + 90], axis=2).astype(np.uint8)


@given(width_px=even, height_px=even)
def test_the_three_planes_are_those_of_the_whole(width_px, height_px):
    planes = from_bgr(scene(width_px, height_px))
    assert size_of(planes) == (width_px, height_px)
    luma, blue, red = three(planes)
    assert luma.shape == (height_px, width_px)
    assert blue.shape == red.shape == (height_px // 2, width_px // 2)
    assert b"".join(plane.tobytes() for plane in (luma, blue, red)) == planes.tobytes()
    assert all(np.shares_memory(plane, planes) for plane in (luma, blue, red))


@pytest.mark.parametrize("size", [(1280, 720), (1281, 721), (1280, 721), (641, 480), (642, 362)])
def test_pixels_come_back_but_for_an_odd_edge(size):
    pixels = scene(*size)
    back = to_bgr(from_bgr(pixels))
    assert back.shape == (size[1] // 2 * 2, size[0] // 2 * 2, 3)
    assert np.abs(back.astype(int) - pixels[: back.shape[0], : back.shape[1]]).max() <= 6


@pytest.mark.parametrize("size", [(640, 360), (1280, 674), (2, 2), (100, 720)])
def test_another_size_keeps_colours_in_their_place(size):
    made = to_bgr(resized(from_bgr(scene(1280, 720)), *size))
    assert np.abs(made.astype(int) - scene(*size)).mean() < (3 if min(size) > 2 else 200)


@pytest.mark.parametrize("level", [0, 1, 5, 90, 254, 255])
def test_brightness_begins_at_black(level):
    frame = Frame(planes=from_bgr(np.full((240, 320, 3), level, np.uint8)), captured_s=0, number=1)
    assert frame.size_px == (320, 240)
    assert frame.sample(16).shape == (15, 20)
    assert frame.sample(16).mean() == pytest.approx(level, abs=1)


def test_a_block_that_nobody_holds_is_used_again():
    blocks = Blocks(CAPTURED)
    places = {blocks.take(64, 48).ctypes.data for _ in range(20)}
    assert len(places) == 1


@pytest.mark.parametrize(
    "hold",
    [
        pytest.param(lambda planes: planes, id="itself"),
        pytest.param(lambda planes: planes[3:9, ::2], id="a view"),
        pytest.param(lambda planes: three(planes)[2][1:, 1:], id="a view of a plane"),
        pytest.param(memoryview, id="its memory"),
        pytest.param(lambda planes: Frame(planes=planes, captured_s=0, number=1), id="a frame"),
        pytest.param(
            lambda planes: av.VideoFrame.from_numpy_buffer(planes, format="yuv420p"), id="a picture of FFmpeg"
        ),
    ],
)
def test_a_block_that_anybody_holds_is_not(hold):
    blocks = Blocks(CAPTURED)
    planes = blocks.take(64, 48)
    place, held = planes.ctypes.data, hold(planes)
    del planes
    assert all(blocks.take(64, 48).ctypes.data != place for _ in range(5))
    del held
    assert place in {blocks.take(64, 48).ctypes.data for _ in range(5)}


def test_a_codec_that_keeps_its_pictures_keeps_their_blocks():
    """x264 with a look-ahead holds its own copies; FFmpeg's reference goes when the codec has let go."""
    blocks, encoder = Blocks(CAPTURED), av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 64, 48, "yuv420p", 30
    shades, packets = range(20, 240, 20), []
    for shade in shades:
        planes = blocks.take(64, 48)
        planes[:] = 128
        three(planes)[0][:] = shade
        packets += encoder.encode(av.VideoFrame.from_numpy_buffer(planes, format="yuv420p"))
        del planes
    packets += encoder.encode(None)
    decoder = av.CodecContext.create("h264", "r")
    pictures = [picture for packet in [*packets, None] for picture in decoder.decode(packet)]
    seen = [picture.to_ndarray()[:48].mean() for picture in pictures]
    assert seen == pytest.approx(list(shades), abs=4)


def test_what_many_threads_hold_is_never_written():
    blocks, wrong, done = Blocks(CAPTURED), [], threading.Event()
    newest = [None]

    def look():
        while not done.is_set():
            planes = newest[0]
            if planes is not None and len(set(planes.reshape(-1)[::97])) > 1:
                wrong.append(planes)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(2000):
        planes = blocks.take(64, 48)
        planes[:] = number % 251
        newest[0] = planes
        del planes
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(blocks._blocks) <= CAPTURED + 3


def test_another_size_begins_anew():
    blocks = Blocks(CAPTURED)
    assert blocks.take(64, 48).shape == (72, 64)
    assert blocks.take(32, 24).shape == (36, 32)
    assert len(blocks._blocks) == 1


def test_who_takes_one_picture_pays_for_one_and_a_stream_for_all_at_its_second():
    blocks, held = Blocks(CAPTURED), []
    counts = [held.append(blocks.take(64, 48)) or len(blocks._blocks) for _ in range(5)]
    assert counts == [1, 3, 3, 4, 5]


def test_pixels_are_those_of_opencv():
    pixels = scene(64, 48)
    assert (from_bgr(pixels) == cv2.cvtColor(pixels, cv2.COLOR_BGR2YUV_I420)).all()
