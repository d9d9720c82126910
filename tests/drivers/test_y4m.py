"""Uncompressed pictures over TCP: FFmpeg's own writer, our simulator, and lines that nobody should send."""

import asyncio
import random
import sys
import time

import numpy as np
import pytest

from drivers.base import BadOptionsError, Condition, DeviceOfflineError
from drivers.camera.y4m import DRIVER as Y4M
from drivers.camera.y4m import Y4mOptions, parse_header
from drivers.simulators.plan import load_plan
from drivers.simulators.shop import Shop
from drivers.simulators.time_strip import read
from tests.drivers.network_camera import frames_of

HEADER = b"YUV4MPEG2 W64 H48 F30:1 Ip A1:1 C420mpeg2\n"


@pytest.mark.parametrize(
    ("line", "size"),
    [
        (HEADER, (64, 48)),
        (b"YUV4MPEG2 W1280 H720 F30000:1001 A1:1 C420jpeg XCOLORRANGE=LIMITED\n", (1280, 720)),
        (b"YUV4MPEG2 H2 W4\n", (4, 2)),
    ],
)
def test_headers_as_programs_write_them(line, size):
    assert parse_header(line) == size


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"HTTP/1.1 200 OK\n", "does not begin with YUV4MPEG2"),
        (b"\n", "does not begin"),
        (b"YUV4MPEG2 W64\n", "64 × 0"),
        (b"YUV4MPEG2 W63 H48\n", "even"),
        (b"YUV4MPEG2 Wx H48\n", "invalid literal"),
        (b"YUV4MPEG2 W99999 H99998\n", "99999"),
        (b"YUV4MPEG2 W64 H48 C444\n", "yuv420p"),
        (b"YUV4MPEG2 W64 H48 C420p10\n", "yuv420p"),
        (b"YUV4MPEG2 W64 H48 C420jpeg XCOLORRANGE=FULL\n", "color_range tv"),
        (b"YUV4MPEG2 W64 H48 It\n", "interlaced"),
    ],
)
def test_what_is_not_read_here_says_what_to_do(line, why):
    with pytest.raises(ValueError, match=why):
        parse_header(line)


@pytest.mark.parametrize("wrong", [{"address": "http://127.0.0.1:1"}, {"address": "tcp://127.0.0.1"}])
def test_wrong_options(wrong):
    with pytest.raises(ValueError, match="address"):
        Y4mOptions(**wrong)
    with pytest.raises(ValueError, match="jpeg_quality"):
        Y4mOptions(address="tcp://127.0.0.1:1", jpeg_quality=0)


class Program:
    """A capture program in memory: sends these bytes to whoever connects, and then keeps still or hangs up."""

    def __init__(self, sent, *, stays=False):
        self.sent, self.stays = sent, stays

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def _serve(self, reader, writer):
        writer.write(self.sent)
        if self.stays:
            await reader.read()  # until the driver lets go
        writer.close()


def planes(level):
    return b"FRAME Ip\n" + bytes([level]) * (64 * 48) + b"\x80" * (64 * 48 // 2)


async def test_the_newest_of_pictures_that_wait_in_line_is_shown():
    async with Program(HEADER + b"".join(planes(level) for level in (40, 80, 120)), stays=True) as program:
        driver = Y4M(Y4mOptions(address=program.address))
        (frame,) = await frames_of(driver, 1)
        assert frame.pixels.shape == (48, 64, 3)
        assert frame.pixels.mean() == pytest.approx((120 - 16) * 255 / 219, abs=2)
        await driver.close()


@pytest.mark.parametrize(
    ("sent", "error", "reason"),
    [
        (b"", DeviceOfflineError, "hang_up"),
        (b"HTTP/1.1 404 Not Found\n", BadOptionsError, "settings"),
        (b"Y" * 2000, DeviceOfflineError, "garbled"),
        (HEADER + b"FRAME\n" + b"x" * 100, DeviceOfflineError, "hang_up"),
        (HEADER + b"no frame\n", DeviceOfflineError, "garbled"),
    ],
)
async def test_a_program_that_sends_something_else_is_named_so(sent, error, reason):
    async with Program(sent) as program:
        driver = Y4M(Y4mOptions(address=program.address))
        with pytest.raises(error) as told:
            await driver.open()
        assert told.value.reason == reason
        assert program.address in str(told.value)
        await driver.close()


async def test_a_program_that_is_not_there_or_says_nothing():
    with pytest.raises(DeviceOfflineError) as told:
        await Y4M(Y4mOptions(address="tcp://127.0.0.1:9", timeout_s=0.5)).open()
    assert told.value.reason == "refused"
    async with Program(HEADER, stays=True) as program:
        with pytest.raises(DeviceOfflineError) as told:
            await Y4M(Y4mOptions(address=program.address, timeout_s=0.3)).open()
    assert told.value.reason in ("silent", "no_signal")


BY_FFMPEG = """
import sys
import av, numpy
pixels = numpy.load(sys.argv[2])
with av.open(f"tcp://127.0.0.1:{sys.argv[1]}?listen=1&listen_timeout=20000", "w", format="yuv4mpegpipe") as container:
    stream = container.add_stream("rawvideo", rate=30)
    stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
    for _ in range(5):
        frame = av.VideoFrame.from_ndarray(pixels, format="bgr24").reformat(format="yuv420p")
        container.mux(stream.encode(frame))
"""
"""In a process of its own: while FFmpeg waits for a connection it lets no other thread of Python run."""


async def test_what_ffmpeg_writes_comes_out_as_it_went_in(free_port, tmp_path):
    port, file = free_port(), tmp_path / "squares.npy"
    shades = np.random.default_rng(5).integers(30, 220, (12, 16, 1), dtype=np.uint8)
    squares = np.kron(shades, np.ones((20, 20, 3), np.uint8))
    np.save(file, squares)
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BY_FFMPEG, str(port), str(file), stderr=asyncio.subprocess.DEVNULL
    )
    driver, frames = Y4M(Y4mOptions(address=f"tcp://127.0.0.1:{port}", timeout_s=10.0)), []
    try:
        async with asyncio.timeout(20):
            while not frames:
                try:
                    frames = await frames_of(driver, 1)
                except DeviceOfflineError:  # it does not listen yet
                    await asyncio.sleep(0.05)
    finally:
        await driver.close()
        if writer.returncode is None:
            writer.kill()
        await writer.wait()
    assert np.abs(frames[0].pixels.astype(int) - squares).max() <= 4


@pytest.fixture
async def simulated(tmp_path):
    world = tmp_path / "world.toml"
    world.write_text('[world]\nname = "one"\n[camera.front]\nplace = "front"\nshows_time = true\nraw_port = 0\n')
    shop = Shop(load_plan(world), tmp_path / "run", random.Random(1))
    await shop.open()
    yield shop
    await shop.close()


async def test_the_simulated_cameras_raw_port(simulated, eventually):
    address = simulated.description()["ports"]["front_raw"]
    driver = Y4M(Y4mOptions(address=address, timeout_s=30.0, silent_s=30.0, frozen_s=0.3))
    await driver.open()
    frames = await frames_of(driver, 5)
    assert frames[0].pixels.shape == (720, 1280, 3)
    marks = [read(frame.pixels, time.time()) for frame in frames]
    assert all(0 <= time.time() - mark.taken_s < 30 for mark in marks)
    numbers = [mark.number for mark in marks]
    assert numbers == sorted(set(numbers))
    still = await driver.still()
    assert (still.width_px, still.height_px) == (1280, 720)
    for fault in ("black", "frozen"):
        simulated.faults.set("front", fault)
        await eventually(lambda fault=fault: shows(driver, fault))
        simulated.faults.clear("front", fault)
        await eventually(lambda: shows(driver, ""))
    await driver.close()


async def shows(driver, reason):
    status = await driver.status()
    return status.reason == reason and (status.condition is Condition.ONLINE) is (reason == "")
