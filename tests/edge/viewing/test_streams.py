"""Real WebRTC on both ends: first picture, one encoder for all, joining late, leaving without a word."""

import asyncio
import socket
import threading
import time

import numpy as np
import pytest
from aioice import stun

from demo.viewer import ViewerError
from edge.viewing import capture, encoder, packets, peer_connection, streams
from edge.viewing.encoder import UNDER_WAY_MAX
from edge.viewing.encoder_models import Codec
from tests.edge.viewing.conftest import RefusedError, Shop, make_plan, running
from wire.commands import SteerKind
from wire.reports import LookAnswer


def encoder_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("encoder-")]


async def watching(shop, session_id, **options):
    await shop.ask(session_id, account_id=f"acc_{session_id}")
    viewer = shop.viewer(session_id, **options)
    await viewer.open()
    await viewer.first_frame()
    return viewer


async def test_a_picture_comes_soon_after_the_offer(shop):
    answer = await shop.ask("s1")
    assert answer.answer is LookAnswer.NOW
    assert answer.turn_no == 1
    viewer = shop.viewer("s1")
    await viewer.open()
    first_ms = await viewer.first_frame()
    print(f"answer after {viewer._signalling.answered_s * 1000:.0f} ms, first picture after {first_ms:.0f} ms")
    assert viewer.newest.shape == (240, 320, 3)
    difference = np.abs(viewer.newest.astype(int) - shop.cameras["front"].scene.astype(int))
    assert np.median(difference) < 12  # it is this camera's picture, not any picture
    assert viewer._signalling.answered_s < 3.0  # on a machine that does other things too; the benchmark has the figure
    assert first_ms < 8000


async def test_two_viewers_share_one_encoder(shop, eventually):
    one = await watching(shop, "s1")
    (encoder,) = shop.desk.places["front"].streams.encoders
    two = await watching(shop, "s2")
    assert shop.desk.places["front"].streams.encoders == (encoder,)
    assert len(encoder_threads()) == 1
    assert shop.cameras["front"].watches == 1
    before = one.frames, two.frames
    await eventually(lambda: one.frames > before[0] + 10 and two.frames > before[1] + 10)


async def test_a_browser_that_cannot_be_sent_to_takes_nobodys_picture_away(shop, eventually):
    broken, other = await watching(shop, "s1"), await watching(shop, "s2")
    streams = shop.desk.places["front"].streams._streams
    first = next(iter(streams.values()))
    assert first.session_id == "s1", "it stands before the other"

    def raises(_picture):
        raise AssertionError("no such number")

    first.peer.track.put = raises
    before = other.frames
    await eventually(lambda: [one.session_id for one in streams.values()] == ["s2"])
    await eventually(lambda: other.frames > before + 10)
    await eventually(broken.ended.is_set)


async def test_who_steers_gets_each_picture_before_those_who_watch(shop, eventually):
    for session_id in ("s1", "s2", "s3"):
        await watching(shop, session_id)
    place = shop.desk.places["front"]
    assert [one.session_id for one in place.streams._streams.values()] == ["s1", "s2", "s3"]
    place.hand("s1", "s3", place.line.turn_no)
    assert place.line.holder.session_id == "s3"
    await eventually(lambda: next(iter(place.streams._streams.values())).session_id == "s3")


async def test_two_cameras_run_each_with_its_own_encoder(shop, eventually):
    await watching(shop, "s1")
    shop.desk.piece_brought("bowl")
    await shop.ask("s2", "bowl")
    viewer = shop.viewer("s2", camera="table")
    await viewer.open()
    await viewer.first_frame()
    await eventually(lambda: len(encoder_threads()) == 2)


async def test_who_joins_late_need_not_wait_for_a_key_frame_by_the_clock(shop, eventually):
    one = await watching(shop, "s1")
    await eventually(lambda: one.frames > 30)
    two = await watching(shop, "s2")
    assert two.first_frame_ms < 20_000  # by the clock it would be FRAMES_PER_KEY / 30 = 100 s


async def test_a_lost_picture_is_asked_for_and_comes(shop, eventually):
    """The decoder's request (PLI) reaches the shared encoder, and forced key frames keep their distance."""
    viewer = await watching(shop, "s1")
    (encoder,) = shop.desk.places["front"].streams.encoders
    keys = []
    give = encoder._give
    encoder._give = lambda encoded: (keys.append(time.monotonic()) if encoded.is_idr else None, give(encoded))
    receiver = viewer.connection.getReceivers()[0]
    (ssrc,) = receiver._RTCRtpReceiver__active_ssrc
    until_s = time.monotonic() + 2.0
    while time.monotonic() < until_s:
        await receiver._send_rtcp_pli(ssrc)
        await asyncio.sleep(0.05)
    assert 3 <= len(keys) <= 8
    assert min(np.diff(keys)) > 0.15  # 0.3 s between their beginnings; a busy machine ends one late


async def test_a_viewer_who_falls_behind_is_dropped_to_the_next_key_frame(shop, eventually, monkeypatch):
    viewer = await watching(shop, "s1")
    (stream,) = shop.desk.places["front"].streams._streams.values()
    track, sent = stream.peer.track, stream.peer.track.sent
    monkeypatch.setattr(packets, "WAITING_BYTES_MAX", -1)  # as if its network took nothing
    await eventually(lambda: track.dropped > 0)
    monkeypatch.undo()
    frames = viewer.frames
    await eventually(lambda: viewer.frames > frames + 5)
    assert track.sent > sent


async def test_a_loop_that_is_behind_gets_fewer_pictures_never_older_ones(shop, eventually):
    await watching(shop, "s1")
    (encoder,) = shop.desk.places["front"].streams.encoders
    given = encoder._given
    time.sleep(0.5)  # noqa: ASYNC251  # the loop does something else; fifteen pictures are taken meanwhile
    assert encoder._given - given <= UNDER_WAY_MAX
    await eventually(lambda: encoder._given > given + 5)


async def test_capture_runs_only_while_somebody_watches(shop, eventually, monkeypatch):
    monkeypatch.setattr(capture, "LINGER_S", 0.3)
    camera = shop.cameras["front"]
    assert not camera.is_watched
    viewer = await watching(shop, "s1")
    assert camera.is_watched
    await viewer.close()
    await eventually(lambda: not camera.is_watched and encoder_threads() == [])
    again = await watching(shop, "s1")
    assert again.frames
    assert camera.watches == 2


async def test_a_page_that_says_goodbye_is_gone_at_once(shop, eventually):
    viewer = await watching(shop, "s1")
    await viewer.connection.close()  # what pagehide does; no DELETE
    await eventually(lambda: len(shop.desk.places["front"].streams) == 0)


async def test_a_killed_browser_is_noticed_within_six_seconds(shop, eventually):
    viewer = await watching(shop, "s1")
    front = shop.desk.places["front"].streams
    # the process is gone: nothing is sent any more, nothing is said
    viewer._tasks[0].cancel()
    for transport in {transceiver.receiver.transport for transceiver in viewer.connection.getTransceivers()}:
        for protocol in transport.transport._connection._protocols:
            protocol.transport.sendto = lambda *_: None
    cut_s = time.monotonic()
    await eventually(lambda: len(front) == 0, timeout_s=30)
    assert streams.HEARTBEAT_S - 4 < time.monotonic() - cut_s < 20  # 6 on a machine that has the time
    await eventually(lambda: encoder_threads() == [])


async def test_candidates_that_come_later_are_taken(shop):
    viewer = await watching(shop, "s1", trickles=True)
    assert viewer.frames


async def test_candidates_may_overtake_the_answer(shop):
    await shop.ask("s1")
    viewer = shop.viewer("s1", trickles=True)
    signalling = viewer._signalling
    post, patch, early = signalling.post, signalling.patch, []

    async def post_candidates_first(offer_sdp):
        lines = viewer.connection.localDescription.sdp.splitlines()
        early.extend(line for line in lines if line.startswith("a=candidate:"))
        posting = asyncio.create_task(post(offer_sdp))
        await asyncio.sleep(0)  # the offer is on its way, nobody has answered it
        await patch("".join(f"{line}\r\n" for line in early))
        return await posting

    async def nothing_later(_fragment):
        pass

    signalling.post, signalling.patch = post_candidates_first, nothing_later
    await viewer.open()
    assert early
    assert await viewer.first_frame() > 0


async def test_the_same_session_again_replaces_its_stream_and_keeps_its_turn(shop, eventually):
    one = await watching(shop, "s1")
    assert await one.wait_turn() == 1
    two = shop.viewer("s1")
    await two.open()
    await two.first_frame()
    assert await two.wait_turn() == 1
    await eventually(one.ended.is_set)
    assert len(shop.desk.places["front"].streams) == 1
    one.send(SteerKind.MOVE, {"pan": 1.0}, turn_no=1)
    two.send(SteerKind.MOVE, {"pan": 0.5})
    await eventually(shop.heads["front"].moves)
    assert {call[2] for call in shop.heads["front"].moves()} == {0.5}


async def test_viewers_beyond_the_cap_are_refused_and_nobody_suffers(eventually):
    async with running(Shop(), viewers_max=2) as shop:
        one = await watching(shop, "s1")
        await watching(shop, "s2")
        await shop.ask("s3")
        third = shop.viewer("s3")
        with pytest.raises(RefusedError, match="full"):
            await third.open()
        frames = one.frames
        await eventually(lambda: one.frames > frames + 10)


async def test_a_browser_without_h264_gets_vp8(shop):
    await shop.ask("s1")
    viewer = shop.viewer("s1")
    (transceiver,) = viewer.connection.getTransceivers()
    codecs = type(transceiver.sender).getCapabilities("video").codecs
    transceiver.setCodecPreferences([one for one in codecs if one.mimeType == "video/VP8"])
    await viewer.open()
    await viewer.first_frame()
    (encoder,) = shop.desk.places["front"].streams.encoders
    assert encoder.codec is Codec.VP8
    difference = np.abs(viewer.newest.astype(int) - shop.cameras["front"].scene.astype(int))
    assert np.median(difference) < 12


@pytest.mark.parametrize(
    "offer", ["", "v=0\r\n", "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "\x00\xff" * 50, "v=0\r\n" * 9000]
)
async def test_a_broken_offer_is_refused_and_leaves_nothing(shop, offer):
    await shop.ask("s1")
    front = shop.desk.places["front"].streams
    with pytest.raises(Exception) as refused:  # noqa: PT011  # the streams module is loaded late, so is its error
        await front.open("str_1", "s1", offer)
    assert refused.value.reason == "bad_offer"
    assert len(front) == 0


class LateStun(asyncio.DatagramProtocol):
    """A STUN server (RFC 8489) that takes its time."""

    def __init__(self, delay_s):
        self.delay_s = delay_s

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        request = stun.parse_message(data)
        answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id)
        answer.attributes["XOR-MAPPED-ADDRESS"] = ("198.51.100.7", 40000)
        loop = asyncio.get_running_loop()
        loop.call_later(self.delay_s, lambda: self.transport.sendto(bytes(answer), address))


@pytest.mark.parametrize(("delay_s", "is_in_answer"), [(0, True), (0.6, False)])
async def test_a_stun_server_that_answers_late_holds_nobody_up_and_is_asked_again(
    shop, monkeypatch, delay_s, is_in_answer
):
    await shop.ask("s1")
    monkeypatch.setattr(peer_connection, "GATHER_S", 0.3)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: LateStun(delay_s), local_addr=("127.0.0.1", 0))
    servers = ({"urls": [f"stun:127.0.0.1:{transport.get_extra_info('sockname')[1]}"]},)
    front = shop.desk.places["front"].streams
    viewer = shop.viewer("s1")
    await viewer.connection.setLocalDescription(await viewer.connection.createOffer())
    answer = await front.open("str_1", "s1", viewer.connection.localDescription.sdp, servers)
    assert ("198.51.100.7" in answer) is is_in_answer
    (stream,) = front._streams.values()
    assert await stream.peer.gathered() == {"host", "srflx"}
    await asyncio.sleep(0)
    assert front._silent == {}
    transport.close()


async def test_a_silent_ice_server_is_asked_once(shop, eventually, monkeypatch):
    monkeypatch.setattr(peer_connection, "GATHER_S", 0.45)
    monkeypatch.setattr(peer_connection, "GATHER_LATE_S", 0.6)
    await shop.ask("s1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        servers = (
            {"urls": [f"stun:127.0.0.1:{silent.getsockname()[1]}"]},
            {"urls": "turn:127.0.0.1:1", "username": "u", "credential": "c"},
        )
        front, took_s = shop.desk.places["front"].streams, []
        for number in range(2):
            if number:
                monkeypatch.setattr(peer_connection, "GATHER_S", 30.0)  # what it would take to ask again
            viewer = shop.viewer("s1")
            await viewer.connection.setLocalDescription(await viewer.connection.createOffer())
            begun_s = time.monotonic()
            await front.open(f"str_{number}", "s1", viewer.connection.localDescription.sdp, servers)
            took_s.append(time.monotonic() - begun_s)
            await eventually(lambda: len(front._silent) == 2)
    assert took_s[0] >= 0.4
    assert took_s[1] < 10.0


async def test_a_shop_that_hides_its_address_opens_nothing_without_turn(shop):
    shop.plan = make_plan(is_relay_only=True)
    await shop.ask("s1")
    with pytest.raises(RefusedError, match="relay_only"):
        await shop.viewer("s1").open()
    assert len(shop.desk.places["front"].streams) == 0


async def test_a_bug_in_the_encoder_ends_the_desk(monkeypatch):
    shop = Shop()
    monkeypatch.setattr(encoder, "picture_of", lambda planes, _pixel_format: planes.no_such_thing)

    async def look_at_nonsense():
        async with running(shop):
            await shop.ask("s1")
            await shop.viewer("s1").open()
            await asyncio.wait([shop.desk._bug], timeout=5)

    shop_end = asyncio.create_task(look_at_nonsense())
    await asyncio.wait([shop_end])
    (bug,) = shop_end.exception().exceptions
    assert isinstance(bug, AttributeError)


async def test_without_a_session_there_is_no_stream(shop):
    viewer = shop.viewer("nobody")
    with pytest.raises(RefusedError, match="no_session"):
        await viewer.open()


async def test_no_picture_for_an_unanswered_offer(shop):
    await shop.ask("s1")
    viewer = shop.viewer("s1")
    with pytest.raises(ViewerError):
        await viewer.wait_frame(lambda _: True, timeout_s=0.3)
