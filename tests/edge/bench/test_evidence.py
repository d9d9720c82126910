"""What is no evidence holds the parcel: a black picture, the same picture again; and nothing begins without room."""

import io
import os
from typing import NamedTuple

import pytest
from PIL import Image

from drivers.base import AttendantNeededError
from drivers.camera import Still
from edge.bench.eye import Eye, is_black
from edge.room_left import ROOM_BYTES_MIN, RoomLeft
from tests.edge.bench.fake_shop import FakeHandle


class Usage(NamedTuple):
    free: int


def still(picture: Image.Image) -> Still:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return Still(jpeg=buffer.getvalue(), width_px=picture.width, height_px=picture.height)


def noisy(level: int) -> Still:
    """A picture of this brightness as a live sensor takes it."""
    noise = Image.frombytes("L", (640, 480), os.urandom(640 * 480))
    return still(Image.blend(Image.new("L", (640, 480), level), noise, 0.02))


class Camera:
    def __init__(self, *stills: Still) -> None:
        self.stills = list(stills)

    async def still(self) -> Still:
        return self.stills.pop(0) if len(self.stills) > 1 else self.stills[0]


def handle(*stills: Still) -> FakeHandle:
    return FakeHandle("camera", Camera(*stills))


async def test_live_pictures_pass_and_the_newest_is_given():
    first, second = noisy(120), noisy(120)
    assert await Eye().take(handle(first, second)) is second


async def test_a_still_that_the_camera_keeps_for_a_moment_is_asked_for_again():
    first, second = noisy(120), noisy(120)
    assert await Eye().take(handle(first, first, first, second)) is second


async def test_the_same_picture_for_ever_is_a_frozen_camera():
    camera, eye = handle(noisy(120)), Eye()
    for _ in range(2):
        with pytest.raises(AttendantNeededError) as caught:
            await eye.take(camera)
        assert caught.value.reason == "frozen"
    camera.driver.stills = [noisy(120)]
    await eye.take(camera)


async def test_a_picture_from_before_the_lens_was_capped_is_old():
    good, eye = noisy(120), Eye()
    await eye.take(handle(noisy(120), good))
    with pytest.raises(AttendantNeededError):
        await eye.take(handle(noisy(1)))
    with pytest.raises(AttendantNeededError) as caught:
        await eye.take(handle(good))
    assert caught.value.reason == "frozen"


@pytest.mark.parametrize(("level", "is_it"), [(0, True), (3, True), (25, False), (120, False)])
def test_black_is_a_capped_lens_and_not_a_dim_room(level, is_it):
    assert is_black(noisy(level).jpeg) is is_it


def test_what_is_no_picture_is_not_called_black():
    assert not is_black(b"") and not is_black(b"\xff\xd8 no picture")


async def test_a_black_camera_holds_the_photo_and_its_sentence_says_why(shop):
    dark = noisy(0)

    async def black() -> Still:
        return still(Image.blend(Image.open(io.BytesIO(dark.jpeg)), Image.open(io.BytesIO(noisy(0).jpeg)), 0.5))

    camera = shop.drivers["camera"]
    sound = camera.still
    reached, go = shop.world.hold("apply")
    await shop.prepare()
    await shop.pay()
    await shop.pick()
    await reached.wait()
    camera.still = black
    go.set()
    await shop.until("reading_blocked")
    task = await shop.task("read_label")
    assert (await shop.parcel()).reason == "black"
    assert "lens cap" in task.text.en and "镜头盖" in task.text.zh
    camera.still = sound
    await shop.until("photo_offered")


async def test_without_room_nothing_begins_and_the_page_says_so(shop):
    await shop.prepare()
    await shop.pay()
    await shop.until("picking")
    shop.has_room = False
    await shop.pick()
    await shop.until("packing")
    assert {line["reason"] for line in await shop.bench.board()} == {"disk_full"}
    assert shop.world.truth == []
    shop.has_room = True
    await shop.until("photo_offered")
    assert shop.world.count("packed") == shop.world.count("printed") == shop.world.count("applied") == 1


def test_room_is_asked_once_a_second_and_a_disk_that_cannot_be_asked_has_none(tmp_path, monkeypatch):
    now_s, free = [0.0], [ROOM_BYTES_MIN]
    monkeypatch.setattr("edge.room_left.shutil.disk_usage", lambda _path: Usage(free[0]))
    room = RoomLeft(tmp_path, lambda: now_s[0])
    assert room()
    free[0] -= 1
    assert room(), "the answer of this second"
    now_s[0] += 1
    assert not room()
    monkeypatch.undo()
    now_s[0] += 1
    assert not RoomLeft(tmp_path / "gone", lambda: 0.0)()
