"""Each private touch point of aiortc and aioice by itself: what an upgrade would break shows here by name."""

import re
import socket
import struct
import time

import aioice.ice
import aiortc.codecs
import aiortc.rtp
import pytest
from aiortc import RTCPeerConnection
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from hypothesis import given
from hypothesis import strategies as st

from demo.viewer import Viewer, pin_host_addresses
from edge.viewing import peer_connection
from edge.viewing.peer_connection import (
    PLAYOUT_DELAY,
    BadOfferError,
    Peer,
    PeerEvents,
    candidates_of,
    install_playout_delay,
    strip_offer,
)


class Heard:
    def __init__(self):
        self.rembs, self.losses, self.keys, self.alive, self.ended = [], [], 0, 0, 0

    def events(self):
        return PeerEvents(
            on_idr_wanted=lambda: setattr(self, "keys", self.keys + 1),
            on_message=lambda label, raw: None,
            on_alive=lambda: setattr(self, "alive", self.alive + 1),
            on_remb=self.rembs.append,
            on_loss=self.losses.append,
            on_channel=lambda label, is_open: None,
            on_end=lambda: setattr(self, "ended", self.ended + 1),
        )


@pytest.fixture
async def heard():
    return Heard()


@pytest.fixture
async def peers():
    made = []

    def make(heard, **options):
        peer = Peer(heard.events(), lambda: None, **options)
        made.append(peer)
        return peer

    yield make
    for peer in made:
        await peer.close()


@pytest.fixture
async def offer():
    pin_host_addresses(("127.0.0.1",))
    viewer = Viewer(None)
    await viewer.connection.setLocalDescription(await viewer.connection.createOffer())
    yield viewer.connection.localDescription.sdp
    await viewer.connection.close()


async def test_addresses_are_pinned_and_can_be_set_free():
    peer_connection.pin_host_addresses(("127.0.0.1", "::1"))
    assert aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=False) == ["127.0.0.1"]
    assert aioice.ice.get_host_addresses(use_ipv4=False, use_ipv6=True) == ["::1"]
    connection = aioice.Connection(ice_controlling=False)
    await connection.gather_candidates()
    assert {one.host for one in connection.local_candidates} == {"127.0.0.1", "::1"} or socket.has_ipv6 is False
    await connection.close()
    peer_connection.pin_host_addresses(())
    assert "127.0.0.1" not in aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=False)


def test_every_packet_asks_the_browser_to_show_it_at_once():
    install_playout_delay()
    install_playout_delay()  # twice is once
    known = [one.uri for one in aiortc.codecs.HEADER_EXTENSIONS["video"]]
    assert known.count(PLAYOUT_DELAY) == 1
    extensions = aiortc.rtp.HeaderExtensionsMap()
    mid = RTCRtpHeaderExtensionParameters(id=1, uri="urn:ietf:params:rtp-hdrext:sdes:mid")
    delay = RTCRtpHeaderExtensionParameters(id=9, uri=PLAYOUT_DELAY)
    extensions.configure(RTCRtpParameters(headerExtensions=[mid, delay]))
    packet = aiortc.rtp.RtpPacket(payload_type=97, payload=b"picture")
    packet.extensions.mid = "0"
    raw = packet.serialize(extensions)
    profile, words = struct.unpack_from("!HH", raw, 12)
    assert profile == 0xBEDE
    found = dict(aiortc.rtp.unpack_header_extensions(profile, raw[16 : 16 + words * 4]))
    assert found == {1: b"0", 9: b"\0\0\0"}
    assert raw.endswith(b"picture")
    assert aiortc.rtp.RtpPacket.parse(raw, extensions).payload == b"picture"


def test_a_browser_that_does_not_know_it_gets_packets_without():
    install_playout_delay()
    extensions = aiortc.rtp.HeaderExtensionsMap()
    extensions.configure(RTCRtpParameters())
    assert extensions.set(aiortc.rtp.HeaderExtensions()) == (0, b"")


async def test_the_answer_agrees_to_the_delay_and_sends_only(peers, heard, offer):
    install_playout_delay()
    line = f"a=extmap:9 {PLAYOUT_DELAY}\r\na=sendrecv\r\n"
    with_delay = offer.replace("a=recvonly\r\n", line.replace("sendrecv", "recvonly"))
    answer = await peers(heard).answer(with_delay)
    assert f"a=extmap:9 {PLAYOUT_DELAY}" in answer
    assert "a=sendonly" in answer


async def test_one_browser_may_be_given_time_to_smooth(peers, heard, offer):
    install_playout_delay()
    peer = peers(heard)
    await peer.answer(offer)
    (sender,) = peer._connection.getSenders()
    extensions = sender._RTCRtpSender__rtp_header_extensions_map
    extensions.playout_delay_id = 9
    for is_wanted, value in ((True, b"\0\0\x14"), (False, b"\0\0\0")):
        peer.smooth(is_wanted)
        profile, packed = extensions.set(aiortc.rtp.HeaderExtensions())
        assert dict(aiortc.rtp.unpack_header_extensions(profile, packed)) == {9: value}


async def test_key_frame_requests_and_rates_are_heard(peers, heard, offer):
    peer = peers(heard)
    await peer.answer(offer)
    (sender,) = peer._connection.getSenders()
    pli = aiortc.rtp.RtcpPsfbPacket(fmt=aiortc.rtp.RTCP_PSFB_PLI, ssrc=1, media_ssrc=sender._ssrc)
    await sender._handle_rtcp_packet(pli)
    assert heard.keys == 1
    fci = aiortc.rtp.pack_remb_fci(1_310_720, [sender._ssrc])
    remb = aiortc.rtp.RtcpPsfbPacket(fmt=aiortc.rtp.RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=fci)
    await sender._handle_rtcp_packet(remb)
    assert heard.rembs == [1_310_720]
    broken = aiortc.rtp.RtcpPsfbPacket(fmt=aiortc.rtp.RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=b"REMBxx")
    await sender._handle_rtcp_packet(broken)
    await sender._handle_rtcp_packet(aiortc.rtp.RtcpRrPacket(ssrc=1))
    report = aiortc.rtp.RtcpReceiverInfo(
        ssrc=sender._ssrc, fraction_lost=64, packets_lost=9, highest_sequence=0, jitter=0, lsr=0, dlsr=0
    )
    await sender._handle_rtcp_packet(aiortc.rtp.RtcpRrPacket(ssrc=1, reports=[report]))
    assert heard.losses == [0.25]
    assert heard.alive == 5


async def test_local_names_cost_no_second(peers, heard, offer):
    name = "a=candidate:1 1 udp 2122260223 2f0c4b0a-1c1c-4b4b-9a9a-000000000000.local 50000 typ host\r\n"
    with_names = offer.replace("a=candidate:", name * 8 + "a=candidate:", 1) + "a=end-of-candidates\r\n"
    begun_s = time.monotonic()
    await peers(heard).answer(with_names)
    assert time.monotonic() - begun_s < 4.0  # aioice waits a second for each of the eight


def test_an_offer_is_stripped_of_names_surplus_and_its_end():
    host = "a=candidate:1 1 udp 1 127.0.0.1 5000 typ host"
    sdp = "\r\n".join(["v=0", *[host] * 40, host.replace("127.0.0.1", "abc.LOCAL."), "a=end-of-candidates", "a=mid:0"])
    stripped = strip_offer(sdp).split("\r\n")
    assert stripped.count(host) == 24
    assert stripped[0] == "v=0"
    assert stripped[-2:] == ["a=mid:0", ""]
    assert not any(".LOCAL" in line or "end-of" in line for line in stripped)


def test_fragments_are_read_line_by_line():
    fragment = (
        "a=ice-ufrag:abcd\r\na=mid:0\r\n"
        "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\n"
        "candidate:2 1 udp 1 x.local 5000 typ host\r\n"
        "a=end-of-candidates\r\n"
    )
    assert candidates_of(fragment) == ["candidate:1 1 udp 1 192.0.2.1 5000 typ host"]


@given(st.text(max_size=300))
def test_no_fragment_breaks_the_reader(text):
    assert all(found.startswith("candidate:") for found in candidates_of(text + "\ncandidate:" + text))
    strip_offer(text)


async def test_rubbish_candidates_are_passed_over(peers, heard, offer):
    peer = peers(heard)
    await peer.answer(offer)
    await peer.add_candidates(
        "a=candidate:\r\na=candidate:1 1 udp x y z typ host\r\na=candidate:1 1 udp 1 999.1.1.1 1 typ host\r\n"
    )
    await peer.add_candidates("a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n" * 100)
    assert peer._candidates <= 26


async def test_a_silent_stun_server_holds_nobody_up(peers, heard, offer, monkeypatch):
    monkeypatch.setattr(peer_connection, "GATHER_S", 0.3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"stun:127.0.0.1:{silent.getsockname()[1]}"
        begun_s = time.monotonic()
        answer = await peers(heard, ice_servers=({"urls": [url]},)).answer(offer)
        assert 0.25 < time.monotonic() - begun_s < 4.0  # aioice by itself waits for 5
    assert "typ host" in answer


async def test_nobody_is_asked_unless_the_relay_named_them(peers, heard):
    peer = peers(heard)
    peer._connection.addTransceiver("video")
    (transceiver,) = peer._connection.getTransceivers()
    connection = transceiver.sender.transport.transport.iceGatherer._connection
    assert connection.stun_server is None
    assert connection.turn_server is None


async def test_relay_only_shows_no_address_of_the_shop(peers, heard, offer):
    answer = await peers(heard, is_relay_only=True).answer(offer)
    assert "a=candidate" not in answer
    assert "127.0.0.1" not in answer


async def test_h264_goes_first_whatever_the_browser_prefers(peers, heard):
    async with _connection() as browser:
        transceiver = browser.addTransceiver("video", direction="recvonly")
        codecs = type(transceiver.sender).getCapabilities("video").codecs
        transceiver.setCodecPreferences(sorted(codecs, key=lambda one: one.mimeType != "video/VP8"))
        await browser.setLocalDescription(await browser.createOffer())
        peer = peers(heard)
        await peer.answer(browser.localDescription.sdp)
        assert peer.codec == "H264"


async def test_an_offer_without_video_we_can_send_is_refused(peers, heard):
    async with _connection() as browser:
        browser.createDataChannel("control")
        await browser.setLocalDescription(await browser.createOffer())
        with pytest.raises(BadOfferError):
            await peers(heard).answer(browser.localDescription.sdp)


MID = "urn:ietf:params:rtp-hdrext:sdes:mid"


@pytest.mark.parametrize(("number", "is_good"), [(0, False), (1, True), (255, True), (256, False)])
async def test_a_header_extension_that_could_not_be_written_is_refused(peers, heard, offer, number, is_good):
    asked = offer.replace("a=recvonly\r\n", f"a=extmap:{number} {MID}\r\na=recvonly\r\n")
    await _answers(peers(heard), re.sub(rf"a=extmap:(?!{number} )\d+ {MID}\r\n", "", asked), is_good=is_good)


@pytest.mark.parametrize(("length", "is_good"), [(15, True), (16, True), (17, False), (300, False)])
async def test_a_section_whose_name_could_not_be_written_is_refused(peers, heard, offer, length, is_good):
    name = "n" * length
    asked = offer.replace("a=mid:0\r\n", f"a=mid:{name}\r\n").replace("BUNDLE 0", f"BUNDLE {name}")
    await _answers(peers(heard), asked, is_good=is_good)


async def _answers(peer, offer, *, is_good):
    if is_good:
        assert "a=sendonly" in await peer.answer(offer)
        return
    with pytest.raises(BadOfferError, match=r"number|name"):
        await peer.answer(offer)


def _connection():
    class Closing:
        async def __aenter__(self):
            self.connection = RTCPeerConnection()
            return self.connection

        async def __aexit__(self, *_):
            await self.connection.close()

    return Closing()


async def test_the_end_is_told_once(heard, offer):
    peer = Peer(heard.events(), lambda: None)
    await peer.answer(offer)
    await peer.close()
    await peer.close()
    assert heard.ended == 1
