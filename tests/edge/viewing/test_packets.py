"""A picture's packets to one browser: what aiortc would send, by its private touch points, each shown by name."""

import asyncio
import struct
from fractions import Fraction
from types import SimpleNamespace

import aioice.turn
import aiortc.rtp
import av
import pytest
from aiortc import RTCPeerConnection
from aiortc.codecs import get_encoder
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket

from demo.viewer import Viewer
from edge.viewing import packets
from edge.viewing.encoder import Encoded
from edge.viewing.encoder_models import CLOCK_HZ, Codec
from edge.viewing.packets import (
    AGAIN_BYTES_MAX,
    AGAIN_S,
    AGAIN_SHARE,
    HISTORY_PACKETS,
    WAITING_BYTES_MAX,
    Packed,
    Packer,
    PacketTrack,
)
from edge.viewing.peer_connection import Peer, PeerEvents, install_playout_delay

ADDRESS = ("192.0.2.7", 5004)


class Wire:
    """What stands below a sender: seals nothing, keeps what is sent, and may be as slow as it likes."""

    def __init__(self):
        self.sent, self.waiting_bytes, self.state = [], 0, "connected"
        self._tx_srtp = SimpleNamespace(protect=lambda packet: packet)
        transport = SimpleNamespace(
            sendto=lambda data, address: self.sent.append((data, address)),
            get_write_buffer_size=lambda: self.waiting_bytes,
        )
        pair = SimpleNamespace(protocol=SimpleNamespace(transport=transport), remote_addr=ADDRESS)
        self.transport = SimpleNamespace(_connection=SimpleNamespace(_nominated={1: pair}))

    async def _send_rtp(self, data):
        self.sent.append((data, "again"))

    def packets(self, sender):
        extensions = sender._RTCRtpSender__rtp_header_extensions_map
        return [RtpPacket.parse(data, extensions) for data, _ in self.sent]


@pytest.fixture
async def line():
    """A sender of aiortc as an answered offer leaves it, on a wire of ours, with a track that it carries."""
    install_playout_delay()
    viewer, wanted = Viewer(None), []
    await viewer.connection.setLocalDescription(await viewer.connection.createOffer())
    events = PeerEvents(lambda: wanted.append("key"), *(lambda *_: None for _ in range(6)))
    peer = Peer(events, lambda: wanted.append("pull"))
    await peer.answer(viewer.connection.localDescription.sdp)
    (sender,) = peer._connection.getSenders()
    real, wire = sender._RTCRtpSender__transport, Wire()
    sender._RTCRtpSender__transport = wire
    running = asyncio.create_task(sender._run_rtp(RTCRtpCodecParameters("video/H264", CLOCK_HZ, payloadType=109)))
    await asyncio.sleep(0)
    yield SimpleNamespace(wire=wire, sender=sender, track=peer.track, wanted=wanted, running=running)
    running.cancel()
    sender._RTCRtpSender__transport = real
    await peer.close()
    await viewer.connection.close()


def picture(count=3, pts=9000, *, is_idr=True):
    return Packed([bytes([number]) * 100 for number in range(count)], pts, is_idr, count * 100)


async def test_packets_are_numbered_in_a_row_and_the_last_is_marked(line):
    line.track.put(picture(3, 9000))
    line.track.put(picture(2, 12000, is_idr=False))
    found = line.wire.packets(line.sender)
    first = found[0].sequence_number
    assert [one.sequence_number for one in found] == [first + place for place in range(5)]
    assert [one.marker for one in found] == [0, 0, 1, 0, 1]
    assert [one.payload for one in found] == [bytes([number]) * 100 for number in (0, 1, 2, 0, 1)]
    assert (found[3].timestamp - found[0].timestamp) & 0xFFFFFFFF == 3000
    assert {(one.payload_type, one.ssrc) for one in found} == {(109, line.sender._ssrc)}
    assert {address for _, address in line.wire.sent} == {ADDRESS}
    assert (line.track.sent, line.track.sent_bytes, line.track.pts) == (2, 500, 12000)


async def test_the_header_is_what_aiortc_writes(line):
    extensions = line.sender._RTCRtpSender__rtp_header_extensions_map
    ids = extensions._HeaderExtensionsMap__ids
    ids.abs_send_time, ids.mid, line.sender._RTCRtpSender__mid = 2, 3, "0"
    extensions.playout_delay_id = 5
    line.track.put(picture(1))
    ((data, _),) = line.wire.sent
    (one,) = line.wire.packets(line.sender)
    assert one.extensions.mid == "0"
    assert one.extensions.abs_send_time is not None
    assert one.serialize(extensions) == data
    profile, size = struct.unpack("!HH", data[12:16])
    packed = dict(aiortc.rtp.unpack_header_extensions(profile, data[16 : 16 + 4 * size]))
    assert packed[5] == b"\0\0\0", "shown at once"


async def test_numbers_and_times_wrap(line):
    own = line.track._sender
    own._sequence, own._origin = 0xFFFF, 0xFFFFFFFF
    line.track.put(picture(2, 1))
    found = line.wire.packets(line.sender)
    assert [one.sequence_number for one in found] == [0xFFFF, 0]
    assert {one.timestamp for one in found} == {0}


async def test_reports_tell_the_browser_what_was_sent(line):
    line.track.put(picture(3))
    own = {name: getattr(line.sender, f"_RTCRtpSender__{name}") for name in ("packet_count", "octet_count")}
    assert own == {"packet_count": 3, "octet_count": 300}
    assert line.sender._RTCRtpSender__rtp_timestamp == line.wire.packets(line.sender)[0].timestamp
    assert line.sender._RTCRtpSender__ntp_timestamp > 0


async def test_a_lost_packet_is_sent_again_in_its_own_stream(line):
    line.sender._RTCRtpSender__rtx_payload_type = 110
    line.track.put(picture(3))
    sent = line.wire.packets(line.sender)
    line.wire.sent.clear()
    nack = aiortc.rtp.RtcpRtpfbPacket(
        fmt=aiortc.rtp.RTCP_RTPFB_NACK, ssrc=1, media_ssrc=line.sender._ssrc, lost=[sent[1].sequence_number]
    )
    await line.sender._handle_rtcp_packet(nack)
    await line.sender._retransmit(sent[2].sequence_number)
    first, second = line.wire.packets(line.sender)
    assert (first.payload_type, first.ssrc) == (110, line.sender._rtx_ssrc)
    assert second.sequence_number == (first.sequence_number + 1) & 0xFFFF
    back = aiortc.rtp.unwrap_rtx(first, payload_type=109, ssrc=line.sender._ssrc)
    assert (back.sequence_number, back.payload, back.timestamp, back.marker) == (
        sent[1].sequence_number, sent[1].payload, sent[1].timestamp, sent[1].marker,
    )  # fmt: skip


async def test_without_a_stream_for_it_the_same_packet_goes_again_and_an_old_one_never(line):
    line.sender._RTCRtpSender__rtx_payload_type = None
    line.track.put(picture(1))
    ((data, _),) = line.wire.sent
    number = line.wire.packets(line.sender)[0].sequence_number
    await line.sender._retransmit(number)
    assert line.wire.sent[-1] == (data, "again")
    for _ in range(HISTORY_PACKETS):
        line.track.put(picture(1))
    line.wire.sent.clear()
    await line.sender._retransmit(number)
    await line.sender._retransmit((number - 1) & 0xFFFF)
    assert line.wire.sent == []


async def test_what_goes_again_goes_twice_while_little_is_asked_for(line, monkeypatch):
    sender = line.sender
    line.track.put(picture())
    first = line.wire.packets(sender)[0].sequence_number
    line.wire.sent.clear()
    await sender._retransmit(first)
    await asyncio.sleep(packets.COPY_S * 3)
    assert [where for _, where in line.wire.sent] == ["again", ADDRESS]
    (one, _), (two, _) = line.wire.sent
    assert one[12:] == two[12:], "the same packet"
    sender_of_ours = sender._retransmit.__self__
    sender_of_ours._again_bytes, sender_of_ours._again_s = AGAIN_BYTES_MAX / 2 + 50, {}
    line.wire.sent.clear()
    await sender._retransmit(first)
    await asyncio.sleep(packets.COPY_S * 3)
    assert len(line.wire.sent) == 1, "when much is asked for, there is no room for copies"


async def test_a_packet_goes_again_once_in_a_while_however_often_it_is_asked_for(line, monkeypatch):
    line.track.put(picture(1))
    number = line.wire.packets(line.sender)[0].sequence_number
    line.wire.sent.clear()
    loop, now_s = asyncio.get_running_loop(), [0.0]
    monkeypatch.setattr(loop, "time", lambda: now_s[0])
    for passed_s, count in ((0, 1), (AGAIN_S - 0.001, 1), (0.001, 2), (0.0, 2)):
        now_s[0] = round(now_s[0] + passed_s, 3)
        await line.sender._retransmit(number)
        assert len(line.wire.sent) == count
    monkeypatch.undo()
    assert line.track.asked_again == (1, 1), "asked for again and again, it was lost once"


async def test_what_is_older_than_the_newest_key_frame_is_of_no_use(line):
    line.track.put(picture(2))
    line.track.put(picture(2, is_idr=False))
    old = [one.sequence_number for one in line.wire.packets(line.sender)]
    line.track.put(picture(1))
    new = line.wire.packets(line.sender)[-1].sequence_number
    line.wire.sent.clear()
    for number in (*old, new):
        await line.sender._retransmit(number)
    assert len(line.wire.sent) == 1


async def test_long_after_a_key_frame_what_is_lost_still_goes_again_over_the_wrap_of_numbers(line):
    own = line.track._sender
    own._sequence = 0xFFFF - 20_000
    line.track.put(picture(1))
    for _ in range(400):  # 40,000 packets: more than half of the numbers there are
        line.track.put(Packed([b"x"] * 100, 1, is_idr=False, size_bytes=100))
    newest = line.wire.packets(line.sender)[-1].sequence_number
    assert newest < 0x8000
    line.wire.sent.clear()
    await line.sender._retransmit(newest)
    own._sequence = 3  # the newest is 2, and what went before the wrap is still there
    own._history[0xFFFE % HISTORY_PACKETS] = (0xFFFE, line.wire.sent[0][0])
    await line.sender._retransmit(0xFFFE)
    assert len(line.wire.sent) == 2


async def test_a_full_pipe_is_not_filled_with_what_it_lost(line):
    """A quarter of what is sent may go again; beyond it a picture that stands alone is asked for, once a second."""
    line.track.put(picture(1))
    big = Packed([bytes(1000)] * 100, 1, is_idr=False, size_bytes=100_000)
    line.track.put(big)
    numbers = [one.sequence_number for one in line.wire.packets(line.sender)]
    line.wire.sent.clear()
    for number in numbers:
        await line.sender._retransmit(number)
    again_bytes = sum(len(data) for data, _ in line.wire.sent)
    assert AGAIN_BYTES_MAX - 1100 < again_bytes <= AGAIN_BYTES_MAX
    assert line.wanted == ["pull", "key"]
    line.wire.sent.clear()
    line.track.put(big)
    numbers = [one.sequence_number for one in line.wire.packets(line.sender)]
    line.wire.sent.clear()
    for number in numbers:
        await line.sender._retransmit(number)
    assert 100_000 * AGAIN_SHARE - 1100 < sum(len(data) for data, _ in line.wire.sent) <= 100_000 * AGAIN_SHARE + 1100


async def test_nothing_goes_before_the_connection_nor_after_it(line):
    line.wire.state = "new"
    line.track.put(picture())
    line.wire.state = "connected"
    pairs = line.wire.transport._connection._nominated
    pair = pairs.pop(1)
    line.track.put(picture())
    assert (line.wire.sent, line.track.sent) == ([], 0)
    pairs[1] = pair
    line.track.put(picture(1, is_idr=False))
    assert line.wire.sent == [], "it would stand on a picture that never went"
    line.track.put(picture(1))
    line.track.stop()
    line.track.put(picture(1))
    assert len(line.wire.sent) == 1
    await line.running
    assert line.sender._RTCRtpSender__rtp_exited.is_set()


async def test_the_first_picture_stands_alone_and_is_asked_for(line):
    assert line.wanted == ["pull"]
    line.track.put(picture(is_idr=False))
    assert (line.wire.sent, line.wanted) == ([], ["pull", "key"])


@pytest.mark.parametrize(("waiting_bytes", "goes"), [(-1, True), (0, True), (1, False)])
async def test_who_is_too_far_behind_gets_no_older_pictures(line, waiting_bytes, goes):
    line.track.put(picture(1))
    line.wire.waiting_bytes = WAITING_BYTES_MAX + waiting_bytes
    line.track.put(picture(1, is_idr=False))
    assert (len(line.wire.sent) == 2) is goes
    assert line.track.dropped == (0 if goes else 1)


async def test_who_was_behind_goes_on_at_a_picture_that_stands_alone_once_there_is_room(line):
    line.track.put(picture(1))
    line.wire.waiting_bytes = WAITING_BYTES_MAX + 1
    line.track.put(picture(1, is_idr=True))
    line.wire.waiting_bytes = WAITING_BYTES_MAX // 2
    line.track.put(picture(1, is_idr=False))
    assert line.wanted == ["pull"], "one asked for now would only lengthen the queue"
    line.wire.waiting_bytes -= 1
    line.track.put(picture(1, is_idr=False))
    assert line.wanted == ["pull", "key"]
    assert len(line.wire.sent) == 1
    line.track.put(picture(1, is_idr=True))
    assert len(line.wire.sent) == 2


async def test_over_turn_what_waits_is_what_waits_before_its_server(line):
    inner = SimpleNamespace(transport=SimpleNamespace(get_write_buffer_size=lambda: 77))
    pair = line.wire.transport._connection._nominated[1]
    pair.protocol.transport = aioice.turn.TurnTransport(inner)
    assert line.track._sender.waiting_bytes == 77


@pytest.mark.parametrize(("codec", "model"), [(Codec.H264, "libx264"), (Codec.VP8, "libvpx")])
def test_a_picture_is_split_as_aiortc_does(codec, model):
    context = av.CodecContext.create(model, "w")
    context.width, context.height, context.pix_fmt, context.time_base = 640, 360, "yuv420p", Fraction(1, CLOCK_HZ)
    frame = av.VideoFrame(640, 360, "yuv420p")
    for number, plane in enumerate(frame.planes):
        plane.update(bytes((place * 7919 * (number + 1)) >> 3 & 0xFF for place in range(plane.buffer_size)))
    frame.pts, frame.time_base = 90, Fraction(1, CLOCK_HZ)
    found = [*context.encode(frame), *context.encode(None)]
    packer = Packer(codec)
    for packet in found:
        packed = packer.pack(Encoded(packet, packet.is_keyframe))
        assert packed.size_bytes == packet.size
        assert len(packed.payloads) > 2
        assert max(map(len, packed.payloads)) <= 1300
        own = get_encoder(RTCRtpCodecParameters(f"video/{codec}", CLOCK_HZ, payloadType=0)).pack(packet)[0]
        skip = 4 if codec is Codec.VP8 else 0  # its pictures have numbers that begin anywhere
        assert [one[skip:] for one in packed.payloads] == [one[skip:] for one in own]


async def test_aiortc_runs_the_loop_that_stands_in(line):
    connection = RTCPeerConnection()
    track = PacketTrack(lambda: None, lambda: None)
    sender = connection.addTrack(track)
    stand_in = packets.PacketSender(sender, track)
    assert sender._run_rtp == stand_in._run
    assert sender._retransmit == stand_in._send_again
    await connection.close()
