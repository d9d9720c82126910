"""The newest frames at the relay: the one that follows the shop's answer is given out once, with its true age."""

import asyncio

import pytest

from cloud_relay.viewing.frames import FIRST_WAIT_S, FRAME_BYTES_MAX, SESSIONS_MAX, FrameShelf


class Hands:
    """A clock that is set."""

    now_s = 100.0

    def __call__(self):
        return self.now_s


async def test_the_promised_picture_is_given_once_with_its_age():
    shelf, now = FrameShelf(), Hands()
    shelf.promise(("shop", "s1"), 1.5, now())
    shelf.put(("shop", "s1"), b"picture")
    now.now_s += 0.25
    assert await shelf.first(("shop", "s1"), now) == (b"picture", 1.75)
    assert await shelf.first(("shop", "s1"), now) is None, "a later one is asked for"


async def test_a_picture_that_is_still_on_its_way_is_waited_for():
    shelf, now = FrameShelf(), Hands()
    shelf.promise(("shop", "s1"), 0.0, now())
    asked = asyncio.create_task(shelf.first(("shop", "s1"), now))
    await asyncio.sleep(0)
    shelf.put(("shop", "s1"), b"picture")
    assert await asked == (b"picture", 0.0)


async def test_without_a_promise_nothing_is_waited_for():
    shelf = FrameShelf()
    shelf.open(("shop", "s1"))
    shelf.put(("shop", "s1"), b"picture")
    assert await shelf.first(("shop", "s1"), Hands()) is None
    assert await shelf.first(("shop", "s2"), Hands()) is None


@pytest.mark.parametrize(("passed_s", "is_given"), [(-0.001, True), (0.0, False), (0.001, False)])
async def test_a_promise_holds_for_so_long(passed_s, is_given):
    shelf, now = FrameShelf(), Hands()
    shelf.promise(("shop", "s1"), 0.0, now())
    shelf.put(("shop", "s1"), b"picture")
    now.now_s += FIRST_WAIT_S + passed_s
    assert (await shelf.first(("shop", "s1"), now) is not None) is is_given


@pytest.mark.parametrize(("more", "is_kept"), [(-1, True), (0, True), (1, False)])
def test_a_frame_that_is_too_large_is_dropped(more, is_kept):
    shelf = FrameShelf()
    shelf.open(("shop", "s1"))
    shelf.put(("shop", "s1"), bytes(FRAME_BYTES_MAX + more))
    assert (shelf.newest(("shop", "s1")) is not None) is is_kept


def test_promises_of_many_sessions_take_no_more_room_than_frames():
    shelf = FrameShelf()
    for number in range(SESSIONS_MAX + 1):
        shelf.promise(("shop", f"s{number}"), 0.0, 0.0)
    assert len(shelf._newest) == SESSIONS_MAX
