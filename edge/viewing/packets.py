"""Encoded pictures on their way to one browser, in place of aiortc's own sending loop; the other file that touches it.

aiortc splits each picture anew for every browser and spends a task, an object and three awaits on each packet, 85 µs
of Python: fifty browsers need a core and a half that Python cannot give. Here a picture is split once for all, and each
browser's part of it is numbered and sealed in one plain loop and handed to its socket at once.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from struct import pack
from typing import Any

from aiortc import RTCRtpSender, clock
from aiortc.codecs import get_encoder
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import HeaderExtensions

from edge.viewing.datagrams import Datagrams
from edge.viewing.encoder import Encoded
from edge.viewing.encoder_models import CLOCK_HZ, Codec

WAITING_BYTES_MAX = 64 * 1024
"""What may wait before a slow network (0.2 s at 2.5 Mbit/s): a browser behind it gets no older pictures, it goes on at
the next one that stands alone."""

HISTORY_PACKETS = 512
"""Packets kept for sending again: about two seconds, longer than a browser waits for one."""

AGAIN_SHARE, AGAIN_BYTES_MAX = 0.25, 32 * 1024
"""Of what is sent, so much more may be sent again, and so much at once. A full pipe loses most of what it is asked to
carry, and its browser asks for all of it again and again: answered, that is twelve times the pipe and no picture."""

AGAIN_S = 0.05
"""One packet is not sent again twice within this, however often a browser asks: its answer may be on its way.

A browser that only watches knows no round trip and asks again after 100 ms (Chromium's nack_requester: kDefaultRttMs);
as much here would now and then refuse its second question, and a packet that was lost twice would cost it 200 ms.
"""

COPY_S = 0.01
"""A packet that goes again goes twice, so far apart, while little is asked for: whoever loses the second one as well
stands still for a third of a second."""

REFRESH_S = 1.0
"""A browser whose wishes are not met sooner than this gets a picture that stands alone, at most so often."""

EXTENDED, MARKED = 0x90, 0x80
"""First bytes of an RTP header (RFC 3550 section 5.1): version 2 with an extension; the marker of a picture's last."""


@dataclass(frozen=True, slots=True)
class Packed:
    """One picture split into RTP payloads; `pts` in 1/90000 s."""

    payloads: list[bytes]
    pts: int
    is_idr: bool
    size_bytes: int


class Packer:
    """Splits the pictures of one encoder, once for every browser (RFC 6184, RFC 7741)."""

    def __init__(self, codec: Codec) -> None:
        self._splitter = get_encoder(
            RTCRtpCodecParameters(mimeType=f"video/{codec}", clockRate=CLOCK_HZ, payloadType=0)
        )

    def pack(self, encoded: Encoded) -> Packed:
        """Return the picture as payloads of at most 1300 bytes."""
        payloads, _ = self._splitter.pack(encoded.packet)
        return Packed(payloads, encoded.pts, encoded.is_idr, encoded.packet.size)


class PacketTrack(MediaStreamTrack):
    """What one browser watches: hands each picture over at once; the first is one that stands alone.

    Asks for that picture when the connection can carry it, which is when DTLS is up and not before.
    """

    kind = "video"

    def __init__(self, on_idr_wanted: Callable[[], None], on_first_pull: Callable[[], None]) -> None:
        super().__init__()
        self.sent = 0
        self.sent_bytes = 0
        self.dropped = 0
        self.pts = -1
        self._on_idr_wanted = on_idr_wanted
        self._on_first_pull = on_first_pull
        self._sender: PacketSender | None = None
        self._needs_idr = True
        self._ended = asyncio.Event()

    @property
    def asked_again(self) -> tuple[int, int]:
        """How many packets went to this browser, and how many of those it can still use it missed; each counts once."""
        return (self._sender.packets, self._sender.asked_again) if self._sender else (0, 0)

    def refresh(self) -> None:
        """This browser lost too much to be helped by single packets."""
        self._on_idr_wanted()

    def put(self, packed: Packed) -> None:
        """Send a picture to this browser, or drop it when it could not decode it or is too far behind."""
        if self._sender is None:
            return
        waiting_bytes = self._sender.waiting_bytes
        if waiting_bytes > WAITING_BYTES_MAX:
            self.dropped += 1
            self._needs_idr = True
        elif self._needs_idr and not packed.is_idr:
            self.dropped += 1
            if waiting_bytes < WAITING_BYTES_MAX // 2:
                self._on_idr_wanted()
        elif not self._sender.send(packed):
            self._needs_idr = True  # what follows would stand on a picture that never went
        else:
            self._needs_idr = False
            self.pts = packed.pts
            self.sent += 1
            self.sent_bytes += packed.size_bytes

    async def carry(self, sender: "PacketSender") -> None:
        """Let pictures go through `sender` until the track ends."""
        self._sender = sender
        self._on_first_pull()
        await self._ended.wait()

    async def recv(self) -> Any:
        """Nothing is pulled from this track: pictures are put."""
        raise MediaStreamError

    def stop(self) -> None:
        super().stop()
        self._sender = None
        self._ended.set()


def _own(name: str) -> str:
    """The private name of an attribute of aiortc's sender: each use is a touch point."""
    return f"_RTCRtpSender__{name}"


class PacketSender:
    """Stands in for the sending loop of one RTCRtpSender, and for its sending again; reports stay with aiortc.

    Its touch points are tested by name in tests/edge/viewing/test_packets.py.
    """

    def __init__(self, sender: RTCRtpSender, track: PacketTrack) -> None:
        hooked: Any = sender  # Any: methods of one instance are replaced, and what they use is private
        self._sender = hooked
        self._track = track
        self._payload_type = 0
        # the lower half: a browser cannot decrypt what follows an early wrap (as aiortc chooses)
        self._sequence = random.getrandbits(15)
        self._resent_sequence = random.getrandbits(15)
        self._origin = random.getrandbits(32)
        self._history: list[tuple[int, bytes]] = [(-1, b"")] * HISTORY_PACKETS
        self._again_s: dict[int, float] = {}
        self._again_bytes = float(AGAIN_BYTES_MAX)
        self._refreshed_s = float("-inf")
        self._since_idr = 0
        self._missed: set[int] = set()
        self.packets, self.asked_again = 0, 0
        self._datagrams: Datagrams | None = None
        hooked._run_rtp = self._run  # noqa: SLF001  # touch point: started once DTLS is up
        hooked._retransmit = self._send_again  # noqa: SLF001  # touch point: a NACK ends here

    @property
    def waiting_bytes(self) -> int:
        """What the system has not taken yet; over TURN what waits before the connection to the server."""
        pair = self._pair()
        if pair is None:
            return 0
        transport = pair.protocol.transport
        inner = getattr(transport, "_TurnTransport__inner_protocol", None)  # touch point: it has no size of its own
        return int((inner.transport if inner else transport).get_write_buffer_size())

    def send(self, packed: Packed) -> bool:
        """Send one picture now; False when the connection is not there (yet, or any more)."""
        sender, pair = self._sender, self._pair()
        if pair is None or sender.transport.state != "connected" or not sender._enabled:  # noqa: SLF001  # touch point
            return False
        protect = sender.transport._tx_srtp.protect  # noqa: SLF001  # touch point: the session that seals for this browser
        timestamp = (self._origin + packed.pts) & 0xFFFFFFFF
        extension, sequence = self._extension(), self._sequence
        tail = pack("!II", timestamp, sender._ssrc) + extension  # noqa: SLF001  # touch point: its own number
        first, kind = EXTENDED if extension else EXTENDED & ~0x10, self._payload_type
        last, sealed = len(packed.payloads) - 1, []
        if packed.is_idr:
            self._since_idr, self._again_s, self._missed = 0, {}, set()
        for place, payload in enumerate(packed.payloads):
            header = pack("!BBH", first, kind | MARKED if place == last else kind, sequence)
            packet = header + tail + payload
            self._history[sequence % HISTORY_PACKETS] = (sequence, packet)
            sealed.append(protect(packet))
            sequence = (sequence + 1) & 0xFFFF
        self._datagrams_of(pair.protocol.transport).send(sealed, pair.remote_addr)
        self._sequence = sequence
        self._since_idr += len(packed.payloads)
        self._count(packed, timestamp)
        return True

    async def _run(self, codec: RTCRtpCodecParameters) -> None:
        self._payload_type = codec.payloadType or 0
        getattr(self._sender, _own("rtp_started")).set()
        try:
            await self._track.carry(self)
        except asyncio.CancelledError:
            pass  # so aiortc ends its own loop: whoever stops it waits for the next line
        finally:
            self._track.stop()
            if self._datagrams is not None:
                self._datagrams.close()
            getattr(self._sender, _own("rtp_exited")).set()

    async def _send_again(self, sequence_number: int) -> None:
        """Send a lost packet again, if it is still here and of use and the pipe is not simply full."""
        sequence, packet = self._history[sequence_number % HISTORY_PACKETS]
        is_of_use = (self._sequence - sequence_number) & 0xFFFF <= self._since_idr
        if sequence != sequence_number or not is_of_use:
            return
        if sequence not in self._missed:
            self._missed.add(sequence)
            self.asked_again += 1
        now_s = asyncio.get_running_loop().time()
        if now_s - self._again_s.get(sequence, -AGAIN_S) < AGAIN_S:
            return
        if len(packet) > self._again_bytes:
            if now_s - self._refreshed_s >= REFRESH_S:
                self._refreshed_s = now_s
                self._track.refresh()
            return
        self._again_bytes -= len(packet)
        self._again_s[sequence] = now_s
        await self._sender.transport._send_rtp(self._as_resent(sequence, packet))  # noqa: SLF001  # touch point: rare, so the slow way will do
        asyncio.get_running_loop().call_later(COPY_S, self._send_copy, sequence, packet)

    def _send_copy(self, sequence: int, packet: bytes) -> None:
        pair, transport = self._pair(), self._sender.transport
        if pair is None or transport.state != "connected" or self._again_bytes < AGAIN_BYTES_MAX / 2:
            return
        self._again_bytes -= len(packet)
        sealed = transport._tx_srtp.protect(self._as_resent(sequence, packet))  # noqa: SLF001  # touch point: as in send
        self._datagrams_of(pair.protocol.transport).send([sealed], pair.remote_addr)

    def _as_resent(self, sequence: int, packet: bytes) -> bytes:
        """Return the packet as it goes in the stream for such (RFC 4588 section 4), or as it was without one."""
        kind = getattr(self._sender, _own("rtx_payload_type"))
        if kind is None:
            return packet
        size = 12 + (4 + 4 * int.from_bytes(packet[14:16], "big") if packet[0] & 0x10 else 0)
        header = pack("!BBH", packet[0], packet[1] & MARKED | kind, self._resent_sequence)
        own = pack("!I", self._sender._rtx_ssrc)  # noqa: SLF001  # touch point: the number of that stream
        self._resent_sequence = (self._resent_sequence + 1) & 0xFFFF
        return header + packet[4:8] + own + packet[12:size] + pack("!H", sequence) + packet[size:]

    def _datagrams_of(self, transport: Any) -> Datagrams:
        """The way out of this connection, which may change while it lasts."""
        if self._datagrams is None or self._datagrams.transport is not transport:
            if self._datagrams is not None:
                self._datagrams.close()
            self._datagrams = Datagrams(transport)
        return self._datagrams

    def _pair(self) -> Any:
        """The way that ICE found, or None."""
        ice = self._sender.transport.transport
        return ice._connection._nominated.get(1)  # noqa: SLF001  # touch point: 1 is RTP and RTCP together

    def _extension(self) -> bytes:
        """Header extensions of one picture, as aiortc writes them: all its packets leave in the same moment."""
        values = HeaderExtensions()
        values.abs_send_time = (clock.current_ntp_time() >> 14) & 0x00FFFFFF
        values.mid = getattr(self._sender, _own("mid"))
        profile, packed = getattr(self._sender, _own("rtp_header_extensions_map")).set(values)
        return pack("!HH", profile, len(packed) >> 2) + packed if packed else b""

    def _count(self, packed: Packed, timestamp: int) -> None:
        """Keep what aiortc's sender reports tell the browser (RFC 3550 section 6.4.1), and what may be sent again."""
        self.packets += len(packed.payloads)
        self._again_bytes = min(self._again_bytes + AGAIN_SHARE * packed.size_bytes, AGAIN_BYTES_MAX)
        for name, value in (
            ("ntp_timestamp", clock.current_ntp_time()), ("rtp_timestamp", timestamp),
            ("octet_count", getattr(self._sender, _own("octet_count")) + sum(map(len, packed.payloads))),
            ("packet_count", getattr(self._sender, _own("packet_count")) + len(packed.payloads)),
        ):  # fmt: skip
            setattr(self._sender, _own(name), value)
