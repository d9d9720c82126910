"""MJPEG: the parser against every cut and every kind of damage, the camera against servers of all manners."""

import asyncio
import contextlib
import io
import itertools
import threading
import time

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import BadOptionsError, Condition, DeviceOfflineError
from drivers.camera._http import digest_answer, public_url
from drivers.camera._jpeg import JpegDecoder
from drivers.camera._picture import PictureWatch, decode_jpeg, parse_jpeg_size
from drivers.camera.mjpeg import DRIVER, MjpegOptions, MultipartReader, parse_boundary
from tests.drivers.network_camera import STREAM, endless, frames_of, jpeg, network, ok, part
from tests.drivers.patience import HASTY_S, PATIENT_S

__all__ = ["network"]


bodies = st.lists(
    st.binary(min_size=1, max_size=200).map(lambda data: b"\xff\xd8" + data.replace(b"--frame", b"") + b"\xff\xd9"),
    max_size=5,
)


@given(bodies, st.booleans(), st.sampled_from([b"\r\n", b"\n"]), st.lists(st.integers(1, 60), max_size=200))
def test_parts_come_out_however_the_bytes_are_cut(sent, has_length, line_end, cuts):
    data = b"".join(part(body, has_length=has_length, line_end=line_end) for body in sent) + b"--frame--\r\n"
    reader, got, at = MultipartReader(b"--frame"), [], 0
    for cut in [*cuts, len(data)]:
        got += reader.feed(data[at : at + cut])
        at += cut
    assert got == sent


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=100).filter(lambda data: b"--frame" not in data))
def test_garbage_between_parts_is_passed_over(noise, body):
    reader = MultipartReader(b"--frame")
    noise = noise.replace(b"--frame", b"")
    assert reader.feed(noise + b"\r\n" + part(body)) == [body]


@given(st.binary(max_size=2000))
@settings(max_examples=200)
def test_noise_never_crashes_and_never_grows(data):
    reader = MultipartReader(b"--frame", limit=1000)
    with contextlib.suppress(ValueError):  # a picture that is too large
        for _ in range(5):
            reader.feed(data)
            assert len(reader._data) <= 1000


def test_a_boundary_inside_a_picture_of_known_length_is_a_picture():
    body = b"\xff\xd8 --frame\r\n\r\n \xff\xd9"
    assert MultipartReader(b"--frame").feed(part(body)) == [body]


@pytest.mark.parametrize("length", [b"999999999", b"99999999999999"])
def test_an_absurd_length_is_refused_or_ignored(length):
    reader = MultipartReader(b"--frame", limit=10_000)
    head = b"--frame\r\nContent-Length: " + length + b"\r\n\r\n"
    if len(length) > 9:
        assert reader.feed(head + b"abc\r\n--frame") == [b"abc"]
    else:
        with pytest.raises(ValueError, match="picture of"):
            reader.feed(head)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/x-mixed-replace; boundary=frame", b"--frame"),
        ("multipart/x-mixed-replace;boundary=--myboundary", b"--myboundary"),
        ('multipart/x-mixed-replace; charset=utf-8; boundary="a b"', b"--a b"),
        ("Multipart/Mixed; Boundary=x", b"--x"),
    ],
)
def test_boundaries(content_type, boundary):
    assert parse_boundary(content_type) == boundary


@pytest.mark.parametrize("content_type", ["", "image/jpeg", "multipart/x-mixed-replace", "text/html; boundary=x"])
def test_what_is_no_stream(content_type):
    with pytest.raises(ValueError, match="content type"):
        parse_boundary(content_type)


@given(st.binary(max_size=200))
def test_jpeg_sizes_of_noise(data):
    for candidate in (data, b"\xff\xd8" + data):
        try:
            parse_jpeg_size(candidate)
        except ValueError:
            continue


@pytest.mark.parametrize("size", [(64, 48), (1, 1), (4000, 16)])
def test_jpeg_sizes(size):
    assert parse_jpeg_size(jpeg(size=size)) == size
    with pytest.raises(ValueError, match="JPEG"):
        parse_jpeg_size(jpeg(size=size)[:20])


def test_names_and_passwords_stay_out_of_messages():
    assert public_url("http://admin:secret@10.0.0.7/stream?x=1") == "http://10.0.0.7/stream?x=1"


def make(network, *, still: bool = False, **more) -> DRIVER:
    still_url = f"{network.base}/still" if still else ""
    return DRIVER(MjpegOptions(url=f"{network.base}/stream", still_url=still_url, **{"timeout_s": PATIENT_S, **more}))


async def test_frames_are_numbered_and_timed(network):
    network.script = lambda path: endless(jpeg(seed=1), jpeg(seed=2))
    network.pause_s = 0.01
    driver = make(network)
    frames = await frames_of(driver, 5)
    assert [frame.number for frame in frames[:5]] == [1, 2, 3, 4, 5]
    assert frames[0].pixels.shape == (48, 64, 3)
    assert all(a.captured_s < b.captured_s for a, b in itertools.pairwise(frames))
    assert (await driver.status()).condition == Condition.ONLINE
    await driver.unwatch()
    count = len(frames)
    await asyncio.sleep(0.05)
    assert len(frames) == count


async def test_whoever_decodes_too_slowly_sees_the_newest_picture_and_not_old_ones(network, monkeypatch, eventually):
    levels, all_sent, decode = list(range(40, 240, 10)), threading.Event(), JpegDecoder.planes

    def decode_late(decoder, picture):
        all_sent.wait(5)
        return decode(decoder, picture)

    monkeypatch.setattr(JpegDecoder, "planes", decode_late)
    network.script = lambda path: [STREAM, *(part(jpeg(level)) for level in levels), b"--frame\r\n"]
    network.is_left_open = True
    frames, driver = [], make(network, timeout_s=5)
    await driver.watch(frames.append)
    await eventually(lambda: driver._capture._picture.skipped >= len(levels) - 2)
    all_sent.set()
    await eventually(lambda: frames and round(float(frames[-1].pixels.mean()), -1) == levels[-1])
    assert len(frames) <= 2
    await driver.close()


async def test_a_still_is_the_cameras_own_jpeg(network):
    picture = jpeg(size=(320, 240))
    network.script = lambda path: [ok(b"image/jpeg", picture)] if path == "/still" else endless(jpeg())
    network.pause_s = 0.01
    driver = make(network, still=True)
    await driver.open()
    still = await driver.still()
    assert (still.jpeg, still.width_px, still.height_px) == (picture, 320, 240)
    await frames_of(driver, 1)
    assert (await driver.still()).jpeg == picture
    await driver.close()


@pytest.mark.parametrize("has_length", [True, False])
async def test_half_a_still_is_no_still(network, has_length):
    picture = jpeg(size=(320, 240))
    head = ok(b"image/jpeg", picture).removesuffix(picture) if has_length else b"HTTP/1.0 200 OK\r\n\r\n"
    network.script = lambda path: [head + picture[: len(picture) * 2 // 3]]
    with pytest.raises(DeviceOfflineError) as caught:
        await make(network, still=True).still()
    assert caught.value.reason == "hang_up"


async def test_a_still_may_be_padded(network):
    picture = jpeg(size=(320, 240)) + bytes(64)
    network.script = lambda path: [ok(b"image/jpeg", picture)]
    assert (await make(network, still=True).still()).jpeg == picture


async def test_without_a_still_address_the_streams_next_picture_is_the_still(network):
    pictures = [jpeg(seed=1), jpeg(seed=2)]
    network.script = lambda path: endless(*pictures)
    network.pause_s = 0.01
    driver = make(network)
    assert (await driver.still()).jpeg in pictures
    await frames_of(driver, 1)
    assert (await driver.still()).jpeg in pictures
    await driver.close()


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", DeviceOfflineError, "refused"),
        (b"HTTP/1.1 401 Unauthorized\r\n\r\n", BadOptionsError, "no_permission"),
        (ok(b"text/html", b"<html>"), BadOptionsError, "bad_address"),
        (b"", DeviceOfflineError, "refused"),
        (b"SSH-2.0-x\r\n\r\n", DeviceOfflineError, "refused"),
        (STREAM, DeviceOfflineError, "hang_up"),
        (STREAM + part(jpeg())[:300], DeviceOfflineError, "hang_up"),
        (STREAM + part(b"no picture"), DeviceOfflineError, "garbled"),
        (STREAM + b"--frame\r\nContent-Length: 999999999\r\n\r\n", DeviceOfflineError, "garbled"),
    ],
)
async def test_servers_that_are_no_camera(network, answer, error, reason):
    network.script = lambda path: [answer]
    with pytest.raises(error) as caught:
        await make(network).open()
    assert caught.value.reason == reason


async def test_a_silent_camera(network):
    network.script = lambda path: []
    network.is_left_open = True
    with pytest.raises(DeviceOfflineError) as caught:
        await make(network, timeout_s=HASTY_S).open()
    assert caught.value.reason == "silent"


@pytest.mark.parametrize("has_ended", [True, False])
async def test_a_stream_that_stops_shows(network, eventually, has_ended):
    network.script = lambda path: [STREAM, part(jpeg())]
    network.pause_s = 0.3  # an end that comes before the watch is told by the watch itself
    network.is_left_open = not has_ended
    driver = make(network, timeout_s=2.0)
    await frames_of(driver, 1)

    async def is_lost() -> bool:
        try:
            await driver.status()
        except DeviceOfflineError:
            return True
        return False

    await eventually(is_lost)
    await driver.close()


@pytest.mark.parametrize(("pictures", "reason"), [((jpeg(),), "frozen"), ((jpeg(0, seed=1), jpeg(0, seed=2)), "black")])
async def test_frozen_and_black_pictures_show(network, eventually, pictures, reason):
    network.script = lambda path: endless(*pictures)
    network.pause_s = 0.01
    driver = make(network, frozen_s=0.2)
    await frames_of(driver, 2)

    async def shows() -> bool:
        return (await driver.status()).reason == reason

    await eventually(shows)
    assert (await driver.status()).condition == Condition.NEEDS_ATTENDANT
    await driver.close()


async def test_damaged_pictures_are_counted_and_passed_over(network, eventually):
    damaged = jpeg()[:40] + b"\x00" * 40
    network.script = lambda path: endless(damaged, jpeg(seed=1), b"junk", jpeg(seed=2))
    network.pause_s = 0.005
    driver = make(network)
    frames = await frames_of(driver, 4)
    assert all(frame.pixels.shape == (48, 64, 3) for frame in frames)
    assert "damaged=0" not in (await driver.status()).raw
    await driver.close()


async def test_watching_ends_at_once_even_when_the_camera_is_stuck(network):
    network.script = lambda path: [STREAM, part(jpeg())]
    network.is_left_open = True
    driver = make(network, timeout_s=30.0)
    await frames_of(driver, 1)
    began = time.monotonic()
    await driver.unwatch()
    assert time.monotonic() - began < PATIENT_S


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_answers_are_those_of_the_standards_example(algorithm, response):
    """RFC 7616, section 3.9.1."""
    challenge = (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    answer = digest_answer(challenge, algorithm, "/dir/index.html", "Mufasa", "Circle of Life", cnonce)
    assert f'response="{response}"' in answer
    assert "qop=auth, nc=00000001" in answer


@pytest.mark.parametrize(
    "challenge", ["", "Basic realm=x", "Digest", 'Digest nonce="x", qop="auth-int"', 'Digest realm="x"']
)
def test_challenges_that_are_not_answered(challenge):
    with pytest.raises(ValueError, match=r"challenge|auth"):
        digest_answer(challenge, "MD5", "/", "name", "password", "c")


@pytest.mark.parametrize(
    ("challenge", "sent"),
    [
        (
            b'WWW-Authenticate: Digest realm="cam", nonce="abc", qop="auth", algorithm=MD5\r\n',
            b"Authorization: Digest ",
        ),
        (b'WWW-Authenticate: Basic realm="cam"\r\n', b"Authorization: Basic YW5uOnM6Y3JldA=="),
    ],
)
async def test_name_and_password_are_sent_when_asked_for_and_never_shown(network, challenge, sent):
    picture = jpeg()

    def script(path: str) -> list[bytes]:
        if b"Authorization" in network.requests[-1]:
            return [ok(b"image/jpeg", picture)]
        return [b"HTTP/1.1 401 Unauthorized\r\n" + challenge + b"\r\n"]

    network.script = script
    url = network.base.replace("//", "//ann:s%3Acret@")
    driver = DRIVER(MjpegOptions(url=f"{url}/stream", still_url=f"{url}/still", timeout_s=PATIENT_S))
    assert (await driver.still()).jpeg == picture
    assert b"Authorization" not in network.requests[0]
    assert sent in network.requests[1]
    network.script = lambda path: [b"HTTP/1.1 401 Unauthorized\r\n\r\n"]
    with pytest.raises(BadOptionsError) as caught:
        await driver.open()
    assert "cret" not in str(caught.value)


async def test_a_stream_written_by_an_implementation_that_is_not_ours(network, eventually):
    """FFmpeg's own muxer for this format, through PyAV."""
    out = io.BytesIO()
    with av.open(out, "w", format="mpjpeg") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuvj420p"
        for level in range(0, 250, 25):
            frame = av.VideoFrame.from_ndarray(np.full((240, 320, 3), level, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    delimiter = out.getvalue().split(b"\r\n", 1)[0]
    pictures = MultipartReader(delimiter).feed(out.getvalue())
    assert [level_of(decode_jpeg(picture)) for picture in pictures] == list(range(10))
    head = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=" + delimiter[2:] + b"\r\n\r\n"
    network.script = lambda path: [head, out.getvalue()]
    network.is_left_open = True
    frames, driver = [], make(network)
    await driver.watch(frames.append)
    await eventually(lambda: frames and level_of(frames[-1].pixels) == 9)
    await driver.close()


def level_of(pixels) -> int:
    return round(float(pixels.mean()) / 25)


def test_the_clock_is_an_argument():
    now = [0.0]
    watch = PictureWatch(10.0, 8, 2.0, lambda: now[0])
    still = np.full((96, 64), 100, np.uint8)
    watch.frame(still)
    for second in range(1, 10):
        now[0] = float(second)
        watch.frame(still)
        assert watch.status("x").condition == Condition.ONLINE
    now[0] = 11.0
    watch.frame(still)
    assert watch.status("x").reason == "frozen"
    watch.frame(still + 1)
    assert watch.status("x").reason == ""
    now[0] = 13.5
    with pytest.raises(DeviceOfflineError, match="no picture"):
        watch.status("x")
