"""The loupe: what was marked comes at the sensor's resolution, masked, in chunks; nothing said on its channel harms."""

import asyncio
import io
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image
from pyee.asyncio import AsyncIOEventEmitter

from drivers.base import DeviceOfflineError
from drivers.camera import Still
from edge.viewing import loupe as loupe_module
from edge.viewing.loupe import (
    CHUNK_BYTES,
    DIRECT_BYTES_MAX,
    MESSAGES_HZ_MAX,
    Loupe,
    check_region,
    cut_out,
    parse_wish,
    shown_box,
)
from edge.viewing.peer_connection import BUFFERED_BYTES_MAX, Peer
from edge.viewing.ports import ViewingRefusedError
from edge.viewing.stills import FRAME_BYTES_MAX
from tests.edge.viewing.conftest import HEIGHT_PX, WIDTH_PX, make_plan
from wire.commands import Region, SteerKind, TakeLoupe
from wire.plan import CameraPlan, Mask
from wire.reports import LoupeTaken
from wire.values import BadValueError

SENSOR_PX = (WIDTH_PX * 4, HEIGHT_PX * 4)
"""PictureCamera's still is four times as wide as its video."""

MIDDLE = {"left": 0.25, "top": 0.25, "width": 0.5, "height": 0.5}
AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


class Hand:
    """The loupe's channel of a viewer: asks, and collects what comes."""

    def __init__(self, viewer):
        self.channel = viewer.connection.createDataChannel("loupe")
        self.answers, self.chunks = [], []
        self.channel.on("message", self._take)

    def _take(self, message):
        if isinstance(message, bytes):
            self.chunks.append(message)
        else:
            self.answers.append(json.loads(message))

    @property
    def states(self):
        return [one["state"] for one in self.answers]

    async def open(self, eventually):
        await eventually(lambda: self.channel.readyState == "open")
        return self

    def ask(self, number=1, **sides):
        self.channel.send(json.dumps({"number": number, "region": MIDDLE | sides}))

    def picture(self):
        return Image.open(io.BytesIO(b"".join(self.chunks)))


async def looking(shop, session_id, eventually, **asked):
    await shop.ask(session_id, **asked)
    viewer = shop.viewer(session_id)
    await viewer.open()
    await viewer.first_frame()
    return viewer, await Hand(viewer).open(eventually)


async def test_a_marked_region_comes_at_the_sensors_resolution_in_chunks(shop, eventually):
    _, hand = await looking(shop, "s1", eventually)
    begun_s = asyncio.get_running_loop().time()
    hand.ask(7)
    await eventually(lambda: hand.states == ["coming", "done"])
    print(f"{hand.answers[0]['size_bytes']} bytes in {asyncio.get_running_loop().time() - begun_s:.2f} s")
    coming = hand.answers[0]
    assert (coming["number"], hand.answers[1]["number"]) == (7, 7)
    assert (coming["sensor_width_px"], coming["sensor_height_px"]) == SENSOR_PX
    assert coming["shrunk"] == 1.0
    assert max(map(len, hand.chunks)) <= CHUNK_BYTES
    assert sum(map(len, hand.chunks)) == coming["size_bytes"] <= DIRECT_BYTES_MAX
    picture = hand.picture()
    assert picture.size == (coming["width_px"], coming["height_px"]) == (SENSOR_PX[0] // 2, SENSOR_PX[1] // 2)
    scene = np.kron(shop.cameras["front"].scene, np.ones((4, 4, 1), dtype=np.uint8))[:, :, ::-1]
    wanted = scene[SENSOR_PX[1] // 4 : SENSOR_PX[1] * 3 // 4, SENSOR_PX[0] // 4 : SENSOR_PX[0] * 3 // 4]
    assert np.abs(np.asarray(picture, dtype=int) - wanted).mean() < 6


async def test_a_spectator_has_it_too_and_the_masks_hold(shop, eventually):
    mask = Mask(left=0.4, top=0.4, width=0.2, height=0.2)
    shop.plan = make_plan(cameras=(CameraPlan(camera="front", masks=(mask,)), CameraPlan(camera="table")))
    await shop.ask("s1")
    _, hand = await looking(shop, "s2", eventually, may_steer=False, account_id="")
    hand.ask()
    await eventually(lambda: hand.states == ["coming", "done"])
    pixels = np.asarray(hand.picture())
    height, width = pixels.shape[:2]
    dark = pixels[int(height * 0.31) : int(height * 0.69), int(width * 0.31) : int(width * 0.69)]
    assert dark.max() < 30
    assert pixels[: height // 4].mean() > 60


async def test_one_is_on_its_way_to_each_and_the_second_reads_why_not(shop, eventually):
    _, hand = await looking(shop, "s1", eventually)
    hand.ask(1)
    hand.ask(2)
    await eventually(lambda: sorted(hand.states) == ["coming", "done", "refused"])
    refused = next(one for one in hand.answers if one["state"] == "refused")
    assert (refused["number"], refused["reason"]) == (2, "busy")


async def test_a_region_outside_is_refused_and_garbage_is_dropped(shop, eventually):
    _, hand = await looking(shop, "s1", eventually)
    loupe = shop.desk.places["front"].loupe
    hand.channel.send("]" * 100)
    hand.channel.send(b"\xff\x00" * 400)
    await eventually(lambda: loupe.dropped["bad_message"] == 2)
    hand.ask(3, left=0.9)
    await eventually(lambda: hand.states == ["refused"])
    assert hand.answers[0]["reason"] == "outside"
    assert shop.cameras["front"].stills == 0


async def test_a_flood_from_a_spectator_leaves_the_one_who_steers_alone(shop, eventually):
    viewer, hand = await looking(shop, "s1", eventually)
    await viewer.wait_turn()
    _, other = await looking(shop, "s2", eventually, may_steer=False, account_id="")
    place = shop.desk.places["front"]
    for number in range(150):  # more would end the stream: tests of bad input
        other.ask(number)
    await eventually(lambda: place.loupe.dropped["too_fast"] > 100)
    viewer.send(SteerKind.MOVE, {"pan": 0.5})
    await eventually(shop.heads["front"].moves)
    hand.ask()
    await eventually(lambda: hand.states == ["coming", "done"])
    assert place.dropped["too_fast"] == 0
    await eventually(lambda: other.states[-1:] in (["done"], ["refused"]))
    assert len(other.answers) <= 3 * MESSAGES_HZ_MAX


async def test_others_wait_while_few_look_closely_but_the_one_who_steers_does_not(shop):
    still, gate = await shop.cameras["front"].still(), asyncio.Event()

    async def slow():
        await gate.wait()
        return still

    shop.cameras["front"].still = slow
    for session_id in ("s1", "s2", "s3", "s4"):
        await shop.ask(session_id)
    loupe = shop.desk.places["front"].loupe

    def take(session_id, *, is_steering=False):
        command = TakeLoupe(session_id=session_id, loupe_id=f"lou_{session_id}", region=Region(**MIDDLE))
        return asyncio.create_task(loupe.answer(command, is_steering=is_steering))

    held = [take("s2"), take("s3")]
    await asyncio.sleep(0)
    told, jpeg = await take("s4")
    assert (told.reason, jpeg) == ("many", b"")
    steering = take("s1", is_steering=True)
    await asyncio.sleep(0)
    gate.set()
    assert [(await one)[0].reason for one in (*held, steering)] == ["", "", ""]


async def test_the_privacy_switch_holds_while_a_picture_is_made(shop, eventually):
    still, begun, gate = await shop.cameras["front"].still(), asyncio.Event(), asyncio.Event()

    async def slow():
        begun.set()
        await gate.wait()
        return still

    shop.cameras["front"].still = slow
    await shop.ask("s1")
    await shop.desk.handle(TakeLoupe(session_id="s1", loupe_id="lou_1", region=Region(**MIDDLE)))
    await begun.wait()
    switching = asyncio.create_task(shop.desk.set_privacy(True))
    await eventually(lambda: shop.desk.places["front"].line.shut)
    gate.set()
    await switching
    told = await shop.report(LoupeTaken, loupe_id="lou_1")
    assert told.reason == "private"
    assert shop.frames == []


async def test_through_the_relay_it_fits_the_frame_topic_and_names_the_sensor(shop):
    await shop.ask("s1")
    rng = np.random.default_rng(3)
    shop.cameras["front"].scene = rng.integers(0, 255, (HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)
    region = Region(left=0, top=0, width=1, height=1)
    await shop.desk.handle(TakeLoupe(session_id="s1", loupe_id="lou_1", region=region))
    told = await shop.report(LoupeTaken, loupe_id="lou_1")
    ((name, jpeg),) = shop.frames
    assert (told.reason, name) == ("", "lou_1")
    assert len(jpeg) <= FRAME_BYTES_MAX
    assert told.shrunk < 1
    assert (told.sensor_width_px, told.sensor_height_px) == SENSOR_PX
    assert Image.open(io.BytesIO(jpeg)).size == (told.width_px, told.height_px)


async def test_who_is_not_there_and_a_camera_without_a_still_are_told(shop):
    await shop.desk.handle(TakeLoupe(session_id="nobody", loupe_id="lou_0", region=Region(**MIDDLE)))
    assert (await shop.report(LoupeTaken, loupe_id="lou_0")).reason == "no_session"
    await shop.ask("s1")

    async def lost():
        raise DeviceOfflineError("camera: silent", "silent")

    shop.cameras["front"].still = lost
    await shop.desk.handle(TakeLoupe(session_id="s1", loupe_id="lou_1", region=Region(**MIDDLE)))
    assert (await shop.report(LoupeTaken, loupe_id="lou_1")).reason == "no_still"
    damaged = Still(jpeg=b"\xff\xd8 no picture", width_px=10, height_px=10)

    async def broken():
        return damaged

    shop.cameras["front"].still = broken
    await shop.desk.handle(TakeLoupe(session_id="s1", loupe_id="lou_2", region=Region(**MIDDLE)))
    assert (await shop.report(LoupeTaken, loupe_id="lou_2")).reason == "no_still"


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b'{"number":1}', b'{"number":-1,"region":{"left":0,"top":0,"width":1,"height":1}}',
     b'{"number":1,"region":{"left":"0","top":0,"width":1,"height":1}}', b" " * 600],
)  # fmt: skip
def test_what_is_no_wish_is_not_read(raw):
    with pytest.raises(BadValueError):
        parse_wish(raw)


@pytest.mark.parametrize(
    "sides",
    [{"left": -0.01}, {"top": 1.0}, {"width": 0.0}, {"width": 2.0}, {"height": -0.5}, {"left": float("nan")},
     {"width": float("inf")}, {"height": 0.001}],
)  # fmt: skip
def test_no_region_lies_outside_the_picture(sides):
    with pytest.raises(ViewingRefusedError, match="outside"):
        check_region(Region(**(MIDDLE | sides)))


def test_a_sensor_of_another_shape_shows_its_middle():
    assert shown_box((2560, 1440), (1280, 720)) == (0, 0, 2560, 1440)
    assert shown_box((4056, 3040), (1280, 720)) == (0, 379, 4056, 379 + 2282)
    assert shown_box((2560, 1440), (640, 480)) == (320, 0, 2240, 1440)


def test_a_mask_covers_video_and_still_on_a_sensor_of_another_shape():
    white = io.BytesIO()
    Image.new("RGB", (800, 600), "white").save(white, "JPEG")
    still = Still(jpeg=white.getvalue(), width_px=800, height_px=600)
    mask = (Mask(left=0.0, top=0.0, width=0.1, height=0.1),)
    whole = Region(left=0, top=0, width=1, height=1)
    cut = cut_out(still, whole, mask, (1280, 720), DIRECT_BYTES_MAX, AT)
    pixels = np.asarray(Image.open(io.BytesIO(cut.jpeg)))
    assert pixels.shape[:2] == (450, 800)
    assert pixels[:40, :75].max() < 30
    assert pixels[60:, 90:].min() > 225


async def test_a_part_waits_until_little_waits_before_it_and_ends_with_the_channel():
    class Channel(AsyncIOEventEmitter):
        readyState, bufferedAmount, bufferedAmountLowThreshold = "open", BUFFERED_BYTES_MAX + 1, 0  # noqa: N815  # aiortc's names

        def __init__(self):
            super().__init__()
            self.sent = []

        def send(self, part):
            self.sent.append(part)

    peer = Peer.__new__(Peer)
    channel = Channel()
    peer._channels, peer._is_ended = {"loupe": channel}, False
    pushing = asyncio.create_task(peer.push("loupe", b"part"))
    await asyncio.sleep(0.05)
    assert channel.sent == []
    channel.bufferedAmount = 0
    channel.emit("bufferedamountlow")
    assert await pushing is True
    assert channel.sent == [b"part"]
    channel.bufferedAmount, waiting = BUFFERED_BYTES_MAX + 1, asyncio.create_task(peer.push("loupe", b"more"))
    await asyncio.sleep(0)
    channel.readyState = "closed"
    channel.emit("bufferedamountlow")
    assert await waiting is False
    assert await peer.push("nothing", b"x") is False


async def test_a_page_that_takes_nothing_is_given_up(monkeypatch, shop):
    monkeypatch.setattr(loupe_module, "STILL_S", 0.3)
    monkeypatch.setattr(loupe_module, "DELIVER_S", 0.2)
    await shop.ask("s1")
    loupe: Loupe = shop.desk.places["front"].loupe

    async def never(_part):
        await asyncio.Event().wait()

    wish = parse_wish(json.dumps({"number": 1, "region": MIDDLE}).encode())
    await loupe.deliver("s1", wish, never, is_steering=True, is_small=False)
    assert loupe.dropped["too_slow"] == 1
    command = TakeLoupe(session_id="s1", loupe_id="lou_1", region=Region(**MIDDLE))
    assert (await loupe.answer(command, is_steering=True))[0].reason == ""
