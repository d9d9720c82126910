"""One of two files that touch aiortc: answers a browser's offer and talks on its data channels; packets.py sends.

aiortc has no public way for seven things that live viewing needs; each stands below in a function of its own with its
test in tests/edge/viewing/test_peer_connection.py, because an upgrade can break it: host addresses, the playout-delay
header extension, key frame requests, receiver reports, the chosen codec, the wait for STUN, `.local` names.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import aioice.ice
import aiortc.codecs
import aiortc.rtp
from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.rtcconfiguration import RTCBundlePolicy, RTCIceTransportPolicy
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters
from aiortc.sdp import candidate_from_sdp

from edge.viewing.encoder_models import Codec
from edge.viewing.packets import PacketSender, PacketTrack

logger = logging.getLogger(__name__)

OFFER_BYTES_MAX = 32 * 1024
CANDIDATES_MAX = 24
"""An offer names a handful; more would make the shop knock at whatever addresses a stranger likes."""

MESSAGE_BYTES_MAX = 1024
SMOOTH_DELAY_MAX = 20
"""The longest a browser may hold pictures back to smooth what losses and resending left of their rhythm, in 10 ms."""

BUFFERED_BYTES_MAX = 64 * 1024
"""What may wait on a data channel before the next part is sent: more only lies in a queue before a slow network."""

STALL_S = 0.5

GATHER_S = 0.05
GATHER_RELAY_ONLY_S = 2.0
GATHER_LATE_S = 3.0
"""aioice waits 5 s for a STUN or TURN server that is silent, and every answer with it. An answer of ours waits for the
first of these, or the second where a TURN address is the only one a shop shows. Servers may take the third before they
count as silent.
"""

PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
PLAYOUT_DELAY_ID = 14
"""Our own offers' number for it; answers take the browser's. 14 is the last of the one-byte form (RFC 8285 4.2)."""

_OFFER_ERRORS = (
    ValueError, LookupError, AttributeError, TypeError, AssertionError,  # what aiortc's SDP reader meets bad text with
    InternalError, InvalidAccessError, InvalidStateError, OperationError,
)  # fmt: skip

_real_host_addresses = aioice.ice.get_host_addresses


MID_BYTES_MAX, EXTENSION_ID_MAX = 16, 255
"""What fits into a packet's header (RFC 8285 sections 4.2 and 4.3): a longer name, or a higher number of an extension,
can be said in an offer and then not be sent."""


class BadOfferError(Exception):
    """The offer cannot be answered: malformed, without video, or without a codec that we can send."""


@dataclass(frozen=True, slots=True)
class PeerEvents:
    """What a peer tells, in the event loop. `on_alive`: the browser was heard of. REMB is bits per second, loss the
    share of packets that did not arrive lately.
    """

    on_idr_wanted: Callable[[], None]
    on_message: Callable[[str, bytes], None]
    on_alive: Callable[[], None]
    on_remb: Callable[[int], None]
    on_loss: Callable[[float], None]
    on_channel: Callable[[str, bool], None]
    on_end: Callable[[], None]


def pin_host_addresses(addresses: tuple[str, ...]) -> None:
    """Offer exactly these addresses as host candidates; none restores every address of the machine but loopback.

    aioice leaves 127.0.0.1 out, so that two programs on one machine without a network never meet; and it offers docker
    and VPN addresses, which only multiply the pairs to check.
    """

    def pinned(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return [address for address in addresses if (use_ipv6 if ":" in address else use_ipv4)]

    aioice.ice.get_host_addresses = pinned if addresses else _real_host_addresses


def install_playout_delay() -> None:
    """Make aiortc agree to the playout-delay extension and send min = max = 0 with every packet of video.

    Without it browsers keep 9 ms of jitter buffer and smooth what they show: 30 ms from camera to screen instead of 11.
    """
    known = aiortc.codecs.HEADER_EXTENSIONS["video"]
    if any(extension.uri == PLAYOUT_DELAY for extension in known):
        return
    known.append(RTCRtpHeaderExtensionParameters(id=PLAYOUT_DELAY_ID, uri=PLAYOUT_DELAY))
    cls: Any = aiortc.rtp.HeaderExtensionsMap  # Any: its methods are replaced
    configure, pack = cls.configure, cls.set

    def configure_too(self: Any, parameters: Any) -> None:
        configure(self, parameters)
        ids = [extension.id for extension in parameters.headerExtensions if extension.uri == PLAYOUT_DELAY]
        self.playout_delay_id = ids[0] if ids else 0

    def pack_too(self: Any, values: Any) -> tuple[int, bytes]:
        profile, packed = pack(self, values)
        number = getattr(self, "playout_delay_id", 0)
        if not 0 < number < 15 or profile not in (0, 0xBEDE):
            return profile, packed
        # one-byte form, RFC 8285 section 4.2: number and length − 1 in one byte, then twice 12 bits of 10 ms; four
        # bytes in all, so the padding before them stays right
        return 0xBEDE, packed + bytes([number << 4 | 2, 0, 0, getattr(self, "playout_delay_max", 0)])

    cls.configure, cls.set = configure_too, pack_too


def _hook_sender(sender: RTCRtpSender, events: PeerEvents) -> None:
    """Hear key frame requests, which aiortc drops for packets, and receiver reports, which it only counts."""
    hooked: Any = sender  # Any: methods of one instance are replaced
    handle = hooked._handle_rtcp_packet  # noqa: SLF001  # touch point: no event for RTCP

    async def handle_too(packet: Any) -> None:
        events.on_alive()
        if isinstance(packet, aiortc.rtp.RtcpPsfbPacket) and packet.fmt == aiortc.rtp.RTCP_PSFB_APP:
            try:
                rate_bps, ssrcs = aiortc.rtp.unpack_remb_fci(packet.fci)
            except ValueError:
                return
            if sender._ssrc in ssrcs:  # noqa: SLF001  # touch point: whose rate it is
                events.on_remb(rate_bps)
            return
        if isinstance(packet, aiortc.rtp.RtcpRrPacket | aiortc.rtp.RtcpSrPacket):
            for report in packet.reports:
                if report.ssrc == sender._ssrc:  # noqa: SLF001  # touch point: whose loss it is
                    events.on_loss(report.fraction_lost / 256)  # RFC 3550 section 6.4.1: fixed point, 8 bits
        await handle(packet)

    hooked._handle_rtcp_packet = handle_too  # noqa: SLF001  # touch point: as above
    hooked._send_keyframe = events.on_idr_wanted  # noqa: SLF001  # touch point: PLI and FIR end here


def strip_offer(offer_sdp: str) -> str:
    """Return the offer without `.local` and surplus candidates, and without the end of candidates.

    aioice waits 1 s for each `.local` name; the connection forms without them as soon as the browser's check arrives,
    but only if the list of candidates is still open then.
    """
    kept, candidates = [], 0
    for line in offer_sdp.splitlines():
        if line.startswith("a=candidate:"):
            candidates += 1
            if candidates > CANDIDATES_MAX or is_local_name(line):
                continue
        if line.strip() != "a=end-of-candidates":
            kept.append(line)
    return "\r\n".join(kept) + "\r\n"


def is_local_name(candidate: str) -> bool:
    """True for a candidate whose address is an mDNS name (RFC 8839 section 5.1: the fifth field)."""
    fields = candidate.split()
    return len(fields) > 4 and fields[4].lower().rstrip(".").endswith(".local")


def candidates_of(fragment: str) -> list[str]:
    """Return the `candidate:…` texts of a trickle fragment (RFC 8840 section 4.3), `.local` ones left out."""
    found = re.findall(r"^(?:a=)?(candidate:[^\r\n]+)", fragment[:OFFER_BYTES_MAX], re.MULTILINE)
    return [text for text in found if not is_local_name(text)][:CANDIDATES_MAX]


def _ice_servers(servers: Iterable[dict[str, Any]]) -> list[RTCIceServer]:
    """The relay's list, never aiortc's default: that one asks a stranger's server, and waits 5 s for it."""
    return [
        RTCIceServer(urls=one["urls"], username=one.get("username"), credential=one.get("credential"))
        for one in servers
        if isinstance(one.get("urls"), str | list)
    ]


class Peer:
    """One browser's connection, from its offer to its end; used once."""

    def __init__(
        self,
        events: PeerEvents,
        on_first_pull: Callable[[], None],
        ice_servers: Iterable[dict[str, Any]] = (),
        *,
        is_relay_only: bool = False,
    ) -> None:
        self.track = PacketTrack(events.on_idr_wanted, on_first_pull)
        self.codec = Codec.H264
        self._events = events
        self._is_relay_only = is_relay_only
        self._channels: dict[str, Any] = {}
        self._is_ended = False
        self._gathering: asyncio.Future[Any] | None = None
        self._late: Any = None  # aioice's connection, while servers may still answer
        self._candidates = 0
        policy = RTCIceTransportPolicy.RELAY if is_relay_only else RTCIceTransportPolicy.ALL
        self._connection = RTCPeerConnection(
            RTCConfiguration(
                iceServers=_ice_servers(ice_servers), iceTransportPolicy=policy, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE
            )
        )
        self._connection.on("datachannel", self._on_channel)
        self._connection.on("connectionstatechange", self._on_state)

    async def answer(self, offer_sdp: str) -> str:
        """Return the SDP answer with all our candidates inside; raise BadOfferError."""
        if len(offer_sdp) > OFFER_BYTES_MAX:
            raise BadOfferError(f"an offer of {len(offer_sdp)} characters; at most {OFFER_BYTES_MAX} are read")
        transceiver = self._connection.addTransceiver(self.track, "sendonly")
        # before setRemoteDescription: aiortc chooses the codec inside it, and ignores preferences that come later
        transceiver.setCodecPreferences(_preferences())
        _hook_sender(transceiver.sender, self._events)
        PacketSender(transceiver.sender, self.track)
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(strip_offer(offer_sdp), "offer"))
            self.codec = _chosen_codec(transceiver)
            _check_extensions(transceiver)
            self._cap_gathering(transceiver)
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except _OFFER_ERRORS as error:
            raise BadOfferError(f"offer: {type(error).__name__}: {str(error)[:120]}") from None
        return str(self._connection.localDescription.sdp)

    async def add_candidates(self, fragment: str) -> None:
        """Take the browser's later candidates; what cannot be read is passed over."""
        for text in candidates_of(fragment):
            self._candidates += 1
            if self._is_ended or self._candidates > CANDIDATES_MAX:
                return
            try:
                candidate = candidate_from_sdp(text.removeprefix("candidate:"))
                candidate.sdpMLineIndex = 0
                await self._connection.addIceCandidate(candidate)
            except _OFFER_ERRORS as error:
                logger.debug("candidate passed over", extra={"error": type(error).__name__})

    def smooth(self, is_wanted: bool) -> None:
        """Let the browser hold pictures back a little, on a network that loses packets; or show each at once again."""
        for sender in self._connection.getSenders():
            extensions: Any = getattr(sender, "_RTCRtpSender__rtp_header_extensions_map")  # noqa: B009  # touch point: private by name
            extensions.playout_delay_max = SMOOTH_DELAY_MAX if is_wanted else 0

    def send(self, label: str, text: str) -> None:
        """Say something on a data channel if the browser opened it."""
        channel = self._channels.get(label)
        if channel is not None and channel.readyState == "open":
            channel.send(text)

    async def push(self, label: str, part: bytes | str) -> bool:
        """Send on a data channel once little waits there; False when it is not open any more."""
        channel = self._channels.get(label)
        while channel is not None and channel.readyState == "open" and channel.bufferedAmount > BUFFERED_BYTES_MAX:
            has_room = asyncio.Event()
            channel.bufferedAmountLowThreshold = BUFFERED_BYTES_MAX // 2
            listener = channel.on("bufferedamountlow", has_room.set)
            try:
                async with asyncio.timeout(STALL_S):
                    await has_room.wait()
            except TimeoutError:
                pass  # a slow network, or a channel that closed meanwhile: the loop looks
            finally:
                channel.remove_listener("bufferedamountlow", listener)
        if channel is None or channel.readyState != "open" or self._is_ended:
            return False
        channel.send(part)
        return True

    async def close(self) -> None:
        """End the connection; the browser sees it at once."""
        self._end()
        await self._connection.close()
        if self._late is not None:
            await self.gathered()
            for protocol in self._late._protocols:  # noqa: SLF001  # touch point: what came after its connection closed
                await protocol.close()

    async def gathered(self) -> set[str]:
        """Return the kinds of candidates (host, srflx, relay) found, once every server answered or is too late."""
        if self._gathering is not None:
            await asyncio.wait([self._gathering])
        if self._gathering is None or self._gathering.cancelled() or self._gathering.exception() is not None:
            return set()
        return {candidate.type for candidate in self._gathering.result()}

    def _cap_gathering(self, transceiver: Any) -> None:
        """A STUN or TURN server that does not answer must not hold the answer back for aioice's 5 s."""
        gatherer = transceiver.sender.transport.transport.iceGatherer
        connection = gatherer._connection  # noqa: SLF001  # touch point: no option for this time
        gather = connection.get_component_candidates
        timeout_s = GATHER_RELAY_ONLY_S if self._is_relay_only else GATHER_S

        async def gather_soon(component: int, addresses: list[str]) -> Any:
            self._gathering = asyncio.ensure_future(gather(component, addresses, max(timeout_s, GATHER_LATE_S)))
            done, _ = await asyncio.wait([self._gathering], timeout=timeout_s)
            if done:
                return self._gathering.result()
            self._late = connection
            known = (one.local_candidate for one in connection._protocols)  # noqa: SLF001  # touch point: as above
            return [candidate for candidate in known if candidate is not None]

        connection.get_component_candidates = gather_soon

    def _on_channel(self, channel: Any) -> None:
        self._channels[channel.label] = channel
        self._events.on_channel(channel.label, True)

        def on_message(message: str | bytes) -> None:
            self._events.on_alive()
            raw = message.encode() if isinstance(message, str) else message
            if not self._is_ended:
                self._events.on_message(channel.label, raw)

        channel.on("message", on_message)
        channel.on("close", lambda: self._events.on_channel(channel.label, False))

    def _on_state(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            self._end()

    def _end(self) -> None:
        if not self._is_ended:
            self._is_ended = True
            self.track.stop()
            self._events.on_end()


def _preferences() -> list[Any]:
    capabilities = RTCRtpSender.getCapabilities("video").codecs
    order = ("video/H264", "video/VP8", "video/rtx")
    return sorted((one for one in capabilities if one.mimeType in order), key=lambda one: order.index(one.mimeType))


def _check_extensions(transceiver: Any) -> None:
    """Raise BadOfferError for what could not be written before every packet."""
    extensions = transceiver._headerExtensions  # noqa: SLF001  # touch point: what both sides have
    if len(transceiver.mid.encode()) > MID_BYTES_MAX:
        raise BadOfferError(f"a media section's name of more than {MID_BYTES_MAX} bytes")
    if any(not 0 < extension.id <= EXTENSION_ID_MAX for extension in extensions):
        raise BadOfferError(f"a header extension's number is not 1 to {EXTENSION_ID_MAX}")


def _chosen_codec(transceiver: Any) -> Codec:
    """What aiortc will send: the first of the codecs that both sides have."""
    return Codec(transceiver._codecs[0].name)  # noqa: SLF001  # touch point: no public way to learn it
