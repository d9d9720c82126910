"""Pages that flood, offers without end, pictures that show nothing: said, and the one who steers notices none of it."""

import asyncio
import logging
import socket
import statistics
import time

import numpy as np
import pytest

from drivers.camera import Frame
from drivers.planes import from_bgr
from edge.viewing import streams
from edge.viewing.liveness import BLACK_S, FROZEN_S, Liveness
from edge.viewing.offers import SESSION_BURST, SESSIONS_MAX, SHOP_BURST, OpeningGate
from edge.viewing.streams import FLOOD_HZ_MAX
from tests.edge.viewing.conftest import RefusedError
from wire.commands import LeaveViewing, OpenStream, SteerKind
from wire.reports import StreamAnswered, ViewingChanged

PATIENCE_S = 40.0
"""What is waited for comes within a second, but on a machine that many share it may take its time."""


async def watching(shop, session_id, **asked):
    await shop.ask(session_id, **asked)
    viewer = shop.viewer(session_id)
    await viewer.open()
    await viewer.first_frame(PATIENCE_S)
    return viewer


async def rate_hz(viewer, eventually):
    """Return how many pictures a second come, over thirty of them."""
    frames, since_s = viewer.frames, time.monotonic()
    await eventually(lambda: viewer.frames >= frames + 30, timeout_s=PATIENCE_S)
    return 30 / (time.monotonic() - since_s)


def streams_of(shop, camera="front"):
    return shop.desk.places[camera].streams


# a data channel fed as fast as the sender can


@pytest.mark.parametrize(("label", "text"), [("control", '{"kind":"beat"}'), ("motion", "x" * 1000)])
async def test_a_flood_ends_its_stream_within_a_second_and_nobody_else_notices(
    shop, eventually, monkeypatch, label, text
):
    monkeypatch.setattr(streams, "FLOOD_AGAIN_S", 600.0)
    steers = await watching(shop, "s1")
    floods = await watching(shop, "s2", may_steer=False)
    front = streams_of(shop)
    channel, heard = getattr(floods, label), []
    await eventually(lambda: channel.readyState == "open", timeout_s=PATIENCE_S)
    message = front._listener.message
    front._listener.message = lambda *what: (heard.append(what[1]), message(*what))
    before_hz = await rate_hz(steers, eventually)
    heard.clear()  # its beats until now were none of the flood
    begun_s, said = time.monotonic(), 0
    while len(front) == 2:
        assert time.monotonic() - begun_s < PATIENCE_S
        while channel.bufferedAmount < 64 * 1024:  # as fast as its line takes them
            channel.send(text)
            said += 1
        await asyncio.sleep(0)
    ended_s = time.monotonic() - begun_s
    after_hz = await rate_hz(steers, eventually)
    print(
        f"{said} messages, ended after {ended_s * 1000:.0f} ms; {before_hz:.0f} pictures a second, then {after_hz:.0f}"
    )
    # ended as soon as the count says so, which on an idle machine is within a second
    assert heard.count("s2") <= FLOOD_HZ_MAX * (1 + ended_s)
    assert after_hz > before_hz / 4  # not less than what a busy machine gives or takes
    assert await steers.wait_turn() == 1
    with pytest.raises(RefusedError, match="too_fast"):
        await shop.viewer("s2").open()


async def test_a_page_that_steers_as_fast_as_it_may_is_no_flood(shop):
    viewer = await watching(shop, "s1")
    await viewer.wait_turn()
    for _ in range(50):
        for _ in range(2):
            viewer.send(SteerKind.MOVE, {"pan": 0.1})
        await asyncio.sleep(0.02)
    assert len(streams_of(shop)) == 1


async def test_a_few_long_messages_at_once_flood_too(shop):
    await watching(shop, "s1")
    front = streams_of(shop)
    (stream_id,) = front._streams
    for number in range(4):
        assert len(front) == 1, number
        front._on_message("control", stream_id, "s1", b"x" * 60_000)
    assert len(front) == 0


# offers without end


async def test_a_thousand_offers_of_rubbish_cost_little_and_are_all_answered(shop, eventually):
    steers = await watching(shop, "s1")
    await shop.ask("s2", may_steer=False)
    fingerprint = "sha-256 " + ":".join(["AB"] * 32)
    rubbish = f"v=0\r\na=fingerprint:{fingerprint}\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n" + "a=x\r\n" * 50
    frames, begun_s = steers.frames, time.monotonic()
    for number in range(1000):
        text = shop.ticket("s2", fingerprint) if number < 20 else "rubbish"
        await shop.desk.handle(OpenStream(stream_id=f"str_{number}", session_id="s2", ticket=text, offer_sdp=rubbish))
    await eventually(
        lambda: len([one for one in shop.reports if isinstance(one, StreamAnswered)]) == 1001, timeout_s=PATIENCE_S
    )
    took_s = time.monotonic() - begun_s
    reasons = [one.reason for one in shop.reports if isinstance(one, StreamAnswered) and one.session_id == "s2"]
    print(f"1000 offers in {took_s:.2f} s: { {reason: reasons.count(reason) for reason in set(reasons)} }")
    assert reasons.count("too_fast") >= 1000 - SESSION_BURST - took_s - 1
    assert set(reasons) <= {"too_fast", "bad_offer", "bad_ticket"}
    assert len(streams_of(shop)) == 1
    await eventually(lambda: steers.frames > frames + 15, timeout_s=PATIENCE_S)
    other = await watching(shop, "s3", may_steer=False)  # one session's offers are not another's
    assert other.frames


def test_one_session_takes_nothing_from_the_shop_and_all_together_are_bounded():
    now = [0.0]
    gate = OpeningGate(lambda: now[0])
    assert sum(gate.allows("loud") for _ in range(1000)) == SESSION_BURST
    assert gate.refused == 1000 - SESSION_BURST
    assert sum(gate.allows(f"s{number}") for number in range(1000)) == SHOP_BURST - SESSION_BURST
    now[0] += 1.0
    assert sum(gate.allows(f"t{number}") for number in range(1000)) == 20
    assert len(gate._sessions) == SESSIONS_MAX
    now[0] += 60.0
    assert gate.allows("loud")


# pictures that show nothing


def shown(camera_shade, noise):
    pixels = np.full((240, 320, 3), camera_shade, np.uint8)
    pixels[0, 0] = noise % 256
    return Frame(planes=from_bgr(pixels), captured_s=0.0, number=1)


def test_a_picture_that_changes_is_well_one_that_repeats_is_frozen_and_recovers():
    liveness, version = Liveness(), 0
    for step in range(20):
        version += 7
        assert liveness.look(version, shown(90, step), step * 0.25) == ""
    found = [liveness.look(version + step, shown(90, 19), 4.75 + step * 0.25) for step in range(1, 9)]
    assert found.index("frozen") * 0.25 + 0.25 == FROZEN_S
    assert liveness.look(version + 9, shown(90, 77), 7.0) == ""


def test_a_picture_that_does_not_come_is_not_called_frozen():
    liveness = Liveness()
    liveness.look(1, shown(90, 0), 0.0)
    assert liveness.look(1, shown(90, 0), 60.0) == ""


def test_black_is_black_after_a_moment_only():
    liveness = Liveness()
    assert liveness.look(1, shown(3, 1), 0.0) == ""
    assert liveness.look(2, shown(3, 2), BLACK_S) == "black"
    assert liveness.look(3, shown(60, 3), BLACK_S + 0.1) == ""
    liveness.look(4, shown(3, 1), 9.0)
    liveness.rest()
    assert liveness.look(5, shown(3, 1), 99.0) == ""


@pytest.mark.parametrize("fault", ["frozen", "black"])
async def test_whoever_looks_reads_it_within_two_seconds_and_keeps_the_turn(shop, changed, eventually, fault, caplog):
    caplog.set_level(logging.INFO, logger="edge.viewing.place")
    viewer = await watching(shop, "s1")
    await viewer.wait_turn()
    camera = shop.cameras["front"]
    begun_s = time.monotonic()
    if fault == "frozen":
        camera.is_frozen = True
    else:
        camera.scene = camera.scene // 64
    told = await changed("s1", PATIENCE_S, reason=fault)
    noticed_s = time.monotonic() - begun_s
    print(f"{fault}: said after {noticed_s:.2f} s")
    assert noticed_s < 8  # said: 2; the rest is for machines that do other things too
    assert (told.state, told.turn_no) == ("steering", 1)
    await eventually(
        lambda: any(message["data"]["reason"] == fault for message in viewer.messages), timeout_s=PATIENCE_S
    )
    if fault == "frozen":
        camera.is_frozen = False
    else:
        camera.scene = camera.scene * 64 + 20
    shop.reports.clear()
    assert (await changed("s1", PATIENCE_S, reason="")).state == "steering"


async def test_while_nobody_looks_nothing_is_said(shop, eventually):
    viewer = await watching(shop, "s1")
    shop.cameras["front"].is_frozen = True
    await viewer.close()
    await shop.desk.handle(LeaveViewing(session_id="s1"))
    front = shop.desk.places["front"]
    await eventually(lambda: front._liveness.fault == "" and front._liveness._version == -1, timeout_s=PATIENCE_S)
    assert not [one for one in shop.reports if isinstance(one, ViewingChanged) and one.reason == "frozen"]


async def test_a_camera_that_gives_nothing_is_asked_how_it_is(shop, eventually):
    await watching(shop, "s1")
    handle, asked = shop.desk.places["front"].place.camera, []
    handle.look_soon = lambda: asked.append(time.monotonic())
    silent_s = time.monotonic()
    shop.cameras["front"].is_silent = True
    await eventually(lambda: asked, timeout_s=PATIENCE_S)
    assert asked[0] - silent_s < 8  # said: about a second


# a STUN server that does not answer


async def test_an_answer_does_not_wait_for_a_silent_stun_server(shop, eventually):
    """Each with a memory that knows nothing of the server; the figure that counts is the benchmark's."""
    await shop.ask("s1")
    front, took_ms = streams_of(shop), {"none": [], "silent": []}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        servers = ({"urls": [f"stun:127.0.0.1:{silent.getsockname()[1]}"]},)
        for number in range(7):
            for name, asked in (("none", ()), ("silent", servers)):
                viewer = shop.viewer("s1")
                await viewer.connection.setLocalDescription(await viewer.connection.createOffer())
                offer = viewer.connection.localDescription.sdp
                front._silent.clear()
                begun_s = time.monotonic()
                await front.open(f"str_{name}_{number}", "s1", offer, asked)
                took_ms[name].append((time.monotonic() - begun_s) * 1000)
    middle_ms = {name: statistics.median(times) for name, times in took_ms.items()}
    print(f"answer after {middle_ms['none']:.0f} ms without, {middle_ms['silent']:.0f} ms with a silent STUN server")
    assert middle_ms["silent"] < 2000  # said: 100; aioice by itself waits 5000
    assert middle_ms["silent"] - middle_ms["none"] < 1000
