import asyncio

import pytest

from cloud_relay.viewing.answers import Answers
from cloud_relay.viewing.frames import FRAME_BYTES_MAX, SESSIONS_MAX, FrameShelf
from cloud_relay.viewing.rules import (
    OFFER_BYTES_MAX,
    SessionState,
    availability,
    fingerprint_of,
    state_of_answer,
    tidy_offer,
)
from wire.reports import CameraState, LookAnswer
from wire.values import BadValueError

FINGERPRINT = ":".join(f"{byte:02X}" for byte in range(32))
OFFER = f"v=0\r\na=fingerprint:sha-256 {FINGERPRINT}\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"


def test_the_fingerprint_of_an_offer_is_read():
    assert fingerprint_of(OFFER) == f"sha-256 {FINGERPRINT}"
    assert fingerprint_of(OFFER.replace(FINGERPRINT, FINGERPRINT.lower())) == f"sha-256 {FINGERPRINT}"
    assert fingerprint_of(OFFER + f"a=fingerprint:sha-256 {FINGERPRINT}\r\n") == f"sha-256 {FINGERPRINT}"


@pytest.mark.parametrize(
    "offer",
    [
        "v=0\r\n",
        OFFER + f"a=fingerprint:sha-256 {FINGERPRINT[:-2]}00\r\n",
        OFFER.replace("sha-256", "sha-1"),
        OFFER.replace(FINGERPRINT, FINGERPRINT[:-3]),
        OFFER + "x" * OFFER_BYTES_MAX,
    ],
)
def test_an_offer_without_exactly_one_sha256_fingerprint_is_refused(offer):
    with pytest.raises(BadValueError, match="offer"):
        fingerprint_of(offer)


def test_local_names_are_taken_out_and_nothing_else():
    local = "a=candidate:1 1 udp 2113937151 3f0c.local 50000 typ host"
    plain = "a=candidate:2 1 udp 2113937151 192.0.2.7 50000 typ host"
    assert tidy_offer(f"v=0\r\n{local}\r\n{plain}\r\n") == f"v=0\r\n{plain}\r\n"


@pytest.mark.parametrize("answer", list(LookAnswer))
def test_every_answer_of_the_shop_has_a_state(answer):
    expected = {
        LookAnswer.NOW: SessionState.WATCHING,
        LookAnswer.QUEUED: SessionState.WAITING,
        LookAnswer.BEING_BROUGHT: SessionState.BEING_BROUGHT,
    }.get(answer, SessionState.REFUSED)
    assert state_of_answer(answer, 0) is expected
    assert state_of_answer(answer, 7) is SessionState.STEERING


def test_availability_says_why():
    spot, free = {"camera": "front"}, CameraState(can_view=True)
    assert availability(None, free, shop_is_online=True).state == "not_offered"
    assert availability(spot, free, shop_is_online=False).state == "offline"
    assert availability(spot, None, shop_is_online=True).state == "offline"
    assert availability(spot, CameraState(can_view=False, reason="closed"), shop_is_online=True).state == "closed"
    assert availability(spot, free, shop_is_online=True).state == "now"
    taken = availability(spot, CameraState(can_view=True, session_id="s", waiting=2, wait_s=90.0), shop_is_online=True)
    assert (taken.state, taken.waiting, taken.wait_s) == ("queued", 3, 90.0)


async def test_an_answer_reaches_the_one_who_expects_it():
    answers = Answers()
    assert not answers.arrived("shop", "s1", "nobody waits")
    with answers.expect("shop", "s1") as mine, answers.expect("shop", "s2") as other:
        assert not answers.arrived("another", "s1", "not its session")
        assert answers.arrived("shop", "s1", "first")
        assert not answers.arrived("shop", "s1", "second")
        assert await asyncio.wait_for(mine, 1) == "first"
        assert not other.done()


async def test_the_shelf_keeps_only_the_newest_frame():
    shelf = FrameShelf()
    assert shelf.newest(("shop", "s")) is None
    shelf.open(("shop", "s"))
    shelf.put(("shop", "s"), b"one")
    shelf.put(("shop", "s"), b"two")
    assert shelf.newest(("shop", "s")).jpeg == b"two"
    assert (await shelf.newer_than(("shop", "s"), 1, 1)).number == 2
    assert await shelf.newer_than(("shop", "s"), 2, 0.01) is None
    waiting = asyncio.create_task(shelf.newer_than(("shop", "s"), 2, 5))
    await asyncio.sleep(0)
    shelf.put(("shop", "s"), b"three")
    assert (await waiting).jpeg == b"three"
    shelf.put(("shop", "s"), b"x" * (FRAME_BYTES_MAX + 1))
    assert shelf.newest(("shop", "s")).jpeg == b"three"
    shelf.forget(("shop", "s"))
    assert shelf.newest(("shop", "s")) is None


async def test_the_shelf_is_bounded():
    shelf = FrameShelf()
    for number in range(SESSIONS_MAX + 3):
        shelf.open(("shop", f"s{number}"))
        shelf.put(("shop", f"s{number}"), b"x")
    assert shelf.newest(("shop", "s0")) is None
    assert shelf.newest(("shop", f"s{SESSIONS_MAX + 2}")) is not None


def test_other_hashes_of_a_certificate_are_passed_over_and_never_reach_the_shop():
    """aiortc writes three; RFC 8122 section 5 lets it."""
    more = OFFER + "a=fingerprint:sha-384 AA:BB\r\na=fingerprint:sha-512 CC:DD\r\n"
    assert fingerprint_of(more) == f"sha-256 {FINGERPRINT}"
    assert [line for line in tidy_offer(more).splitlines() if "fingerprint" in line] == [OFFER.splitlines()[1]]
