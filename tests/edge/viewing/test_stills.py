"""The fallback rung: the first picture at once, newest only, one on its way, never too large."""

import asyncio
import io
import time

import numpy as np
import pytest
from PIL import Image

from drivers.camera import Frame
from drivers.planes import from_bgr
from edge.viewing import stills
from edge.viewing.capture import NewestFrame
from edge.viewing.stills import FRAME_BYTES_MAX, Stills, draw_jpeg
from wire.commands import CreditFrame, LeaveViewing, OpenStills, SteerCamera, Steering, SteerKind
from wire.plan import Mask
from wire.reports import StillsAnswered


async def open_stills(shop, session_id="s1", width_px=320, **options):
    ticket = shop.ticket(session_id, "none")
    await shop.desk.handle(OpenStills(session_id=session_id, ticket=ticket, width_px=width_px, **options))
    assert (await shop.report(StillsAnswered, session_id=session_id)).reason == ""


async def credit(shop, session_id="s1"):
    await shop.desk.handle(CreditFrame(session_id=session_id, frame_no=1))


async def test_one_picture_then_silence_until_it_is_credited(shop, eventually):
    await shop.ask("s1")
    await open_stills(shop)
    await eventually(lambda: shop.frames)
    picture = Image.open(io.BytesIO(shop.frames[0][1]))
    assert (picture.format, picture.size) == ("JPEG", (320, 240))
    await asyncio.sleep(0.6)
    assert len(shop.frames) == 1
    await credit(shop)
    await eventually(lambda: len(shop.frames) == 2)


async def test_ten_a_second_at_most_and_each_one_newer(shop, eventually):
    await shop.ask("s1")
    await open_stills(shop)
    for _ in range(60):
        await credit(shop)
        await asyncio.sleep(0.02)
    assert 6 <= len(shop.frames) <= 13


async def test_a_picture_that_was_lost_does_not_end_the_film(shop, eventually, monkeypatch):
    monkeypatch.setattr(stills, "LOST_S", 0.4)
    await shop.ask("s1")
    await open_stills(shop)
    await eventually(lambda: len(shop.frames) >= 3)


async def test_a_page_that_is_gone_gets_no_more(shop, eventually, monkeypatch):
    monkeypatch.setattr(stills, "SILENT_S", 0.5)
    await shop.ask("s1")
    await open_stills(shop)
    front = shop.desk.places["front"]
    await eventually(lambda: len(front.stills) == 0)


async def test_a_single_still_is_one_and_no_more(shop, eventually, monkeypatch):
    monkeypatch.setattr(stills, "LOST_S", 0.2)
    await shop.ask("s1")
    front = shop.desk.places["front"]
    for number in (1, 2):
        await open_stills(shop, is_single=True)
        await eventually(lambda number=number: len(shop.frames) == number)
        assert len(front.stills) == 0
    await asyncio.sleep(0.5)
    assert len(shop.frames) == 2


async def test_a_single_still_does_not_end_the_film_of_its_session(shop, eventually, monkeypatch):
    monkeypatch.setattr(stills, "LOST_S", 0.2)
    await shop.ask("s1")
    await open_stills(shop)
    await eventually(lambda: shop.frames)
    await open_stills(shop, is_single=True)
    await eventually(lambda: len(shop.frames) >= 4)


async def test_leaving_ends_it(shop, eventually):
    await shop.ask("s1")
    await open_stills(shop)
    await shop.desk.handle(LeaveViewing(session_id="s1"))
    assert len(shop.desk.places["front"].stills) == 0


async def test_each_session_gets_its_own_size_of_one_picture(shop, eventually):
    for session_id, width_px in (("s1", 320), ("s2", 160), ("s3", 320)):
        await shop.ask(session_id)
        await open_stills(shop, session_id, width_px)
    await eventually(lambda: {session_id for session_id, _ in shop.frames} == {"s1", "s2", "s3"})
    sizes = {session_id: Image.open(io.BytesIO(jpeg)).width for session_id, jpeg in shop.frames}
    assert sizes == {"s1": 320, "s2": 160, "s3": 320}


async def test_a_cached_picture_is_shown_at_once(shop, eventually):
    await shop.ask("s1")
    await open_stills(shop)
    await eventually(lambda: shop.frames)
    await shop.ask("s2")
    shop.cameras["front"].is_silent = True
    await asyncio.sleep(0.1)
    await open_stills(shop, "s2")
    await eventually(lambda: "s2" in {session_id for session_id, _ in shop.frames})


async def test_steering_over_the_relay_moves_the_camera_and_keeps_the_turn(shop, eventually):
    await shop.ask("s1")
    await open_stills(shop)
    steering = Steering(kind=SteerKind.MOVE, turn_no=1, sequence=1, pan=0.4)
    await shop.desk.handle(SteerCamera(session_id="s1", steering=steering))
    await eventually(lambda: shop.heads["front"].is_moving)
    await eventually(lambda: not shop.heads["front"].is_moving)


class Eye:
    """A camera's newest picture, as bright as it was last told to be."""

    def __init__(self):
        self.newest = NewestFrame()

    def give(self, level=200):
        pixels = np.full((360, 640, 3), level, np.uint8)
        self.newest.put(Frame(planes=from_bgr(pixels), captured_s=time.monotonic(), number=1))

    def cached(self):
        return self.newest.read()[1]

    def need(self, who):
        pass

    release = need


@pytest.mark.parametrize(("is_crowded", "most"), [(False, 12), (True, 2)])
async def test_single_stills_keep_the_pace_of_the_film(is_crowded, most):
    """However often a page asks: the uplink is the shop's."""
    eye, sent = Eye(), []
    ours = Stills(eye, tuple, lambda *frame: sent.append(frame), time.monotonic, lambda _session_id: is_crowded)
    running = asyncio.create_task(ours.run())
    until_s = time.monotonic() + 1
    while time.monotonic() < until_s:
        eye.give()
        ours.open("s1", 320, is_single=True)
        await asyncio.sleep(0.01)
    running.cancel()
    assert 1 <= len(sent) <= most


async def test_a_plan_that_masks_while_others_pictures_are_drawn_holds_for_all(monkeypatch):
    eye, sent, masks = Eye(), {}, []
    eye.give()

    def draw(frame, now, width_px):
        drawn = draw_jpeg(frame, now, width_px)
        if width_px == 640:
            masks.append(Mask(left=0, top=0, width=1, height=1))
        return drawn

    monkeypatch.setattr(stills, "draw_jpeg", draw)
    ours = Stills(eye, lambda: tuple(masks), sent.__setitem__, time.monotonic)
    for session_id, width_px in (("before", 320), ("meanwhile", 640), ("after", 320)):
        ours.open(session_id, width_px)
    await ours._send_round()
    assert set(sent) == {"before", "after"}
    levels = {one: np.asarray(Image.open(io.BytesIO(jpeg))).mean() for one, jpeg in sent.items()}
    assert levels["before"] > 190
    assert levels["after"] < 10


@pytest.mark.parametrize("steps", range(6))
async def test_who_comes_as_the_daemon_ends_does_not_keep_it(steps):
    eye = Eye()
    eye.give()
    ours = Stills(eye, tuple, lambda *_: None, time.monotonic)
    ours.open("s1", 320)
    running = asyncio.create_task(ours.run())
    await asyncio.sleep(0.2)
    ours.open("s2", 320)
    for _ in range(steps):
        await asyncio.sleep(0)
    running.cancel()
    ended, _ = await asyncio.wait([running], timeout=2)
    assert ended


def frame(pixels):
    return Frame(planes=from_bgr(pixels), captured_s=0.0, number=1)


def test_no_picture_is_too_large_to_cross():
    noise = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
    jpeg = draw_jpeg(frame(noise), (), 1280)
    assert len(jpeg) <= FRAME_BYTES_MAX
    assert Image.open(io.BytesIO(jpeg)).width >= 160


def test_colours_are_right():
    red = np.zeros((90, 160, 3), dtype=np.uint8)
    red[:, :, 2] = 255
    with Image.open(io.BytesIO(draw_jpeg(frame(red), (), 160))) as picture:
        assert picture.getpixel((50, 50))[0] > 240
        assert picture.getpixel((50, 50))[2] < 20
