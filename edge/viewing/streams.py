"""The streams of one camera: opened by offers, fed by one encoder, closed when their browser is gone."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from edge.viewing.capture import Capture
from edge.viewing.encoder import CameraEncoder, Encoded
from edge.viewing.encoder_models import Codec, Models, choose_hardware
from edge.viewing.loupe import CHANNEL as LOUPE
from edge.viewing.packets import Packed, Packer
from edge.viewing.peer_connection import BadOfferError, Peer, PeerEvents, install_playout_delay, pin_host_addresses
from edge.viewing.ports import Spawn, ViewingRefusedError
from edge.viewing.rungs import Rung, RungChooser
from edge.viewing.steering import MESSAGE_BYTES_MAX, Rate
from edge.viewing.uplink import Rank, Uplink
from wire.plan import Mask

logger = logging.getLogger(__name__)

HEARTBEAT_S = 5.5
"""Nothing heard of a browser for this long: its tab is closed or its network gone. Reports come about once a second."""

SMOOTH_S = 2.0
AGAIN_SMOOTH_S = 1.0

TRIAL_S = 5.0
"""A hardware encoder that has not passed its trial by then is not used."""

CONNECT_S = 15.0
"""An offer whose browser never arrives is given up after this."""


SILENT_S = 600.0
"""How long an ICE server that did not answer is left out."""

FLOOD_HZ_MAX = 200
"""More messages a second (a long one counts for each KB) come from no page of ours, which sends 60 at most: reading
them would take from everybody else, so that stream ends.
"""

FLOOD_AGAIN_S = 10.0
"""How long the session of a stream that ended so opens no other."""

Key = tuple[Codec, Rung]
Servers = tuple[dict[str, Any], ...]


def is_turn(url: str) -> bool:
    """True for a TURN server's address (RFC 7065)."""
    return url.startswith(("turn:", "turns:"))


def _kind_of(url: str) -> str:
    """What an answer says of a candidate that came from this server (RFC 8839 section 5.1)."""
    return " typ relay" if is_turn(url) else " typ srflx"


def usable_servers(servers: Servers, silent: Mapping[str, float], now_s: float) -> Servers:
    """Return the relay's ICE servers with `urls` always a list, less those that are silent until later than `now_s`."""
    found = []
    for server in servers:
        urls = server.get("urls")
        listed = [urls] if isinstance(urls, str) else list(urls or ())
        usable = [url for url in listed if isinstance(url, str) and silent.get(url, now_s) <= now_s]
        if usable:
            found.append(server | {"urls": usable})
    return tuple(found)


class Listener(Protocol):
    """Who owns the streams: hears what their browsers say."""

    def heard(self, session_id: str) -> None:
        """A sign of life of this session."""

    def message(self, stream_id: str, session_id: str, raw: bytes) -> None:
        """A message on one of its data channels."""

    def rank(self, session_id: str) -> Rank:
        """Why this session looks: who steers has the best picture."""

    def wish(self, stream_id: str, session_id: str, raw: bytes) -> None:
        """A message on its data channel for the loupe."""

    def channel(self, stream_id: str, session_id: str) -> None:
        """A data channel was opened: what is to be known can be said."""

    def closed(self, stream_id: str, session_id: str) -> None:
        """This stream is over."""


@dataclass(slots=True)
class Stream:
    """One browser that watches this camera."""

    stream_id: str
    session_id: str
    opened_s: float
    peer: Peer
    rate: Rate
    ceiling: Rung
    heard_s: float | None = None
    chooser: RungChooser = field(default_factory=RungChooser)
    rung: Rung = Rung.FULL
    sent_bytes: int = 0
    packets: int = 0
    asked_again: int = 0
    sent_bps: float = 0.0
    ticked_s: float = 0.0

    @property
    def goal(self) -> Rung:
        """The rung that its own network bears and the shop's uplink carries."""
        return Rung.SMALL if Rung.SMALL in (self.ceiling, self.chooser.rung) else Rung.FULL

    @property
    def wants(self) -> set[Key]:
        """The encoders it needs: of the rung it is on, and of the one it goes to at that one's next key frame."""
        return {(self.peer.codec, self.rung), (self.peer.codec, self.goal)}

    def figures(self) -> dict[str, object]:
        """What its network was judged by, for the log."""
        chooser = self.chooser
        return {
            "rung": self.goal,
            "ceiling": self.ceiling,
            "remb_bps": chooser.remb_bps,
            "sent_bps": round(self.sent_bps),
            "lost_share": round(chooser.lost_share, 3),
            "asked_again_share": round(chooser.asked_again_share, 3),
        }

    def measure(self, now_s: float) -> None:
        """Smooth what is sent to it over about two seconds, and what it asks for once more over one."""
        sent, passed_s = self.peer.track.sent_bytes, now_s - self.ticked_s
        packets, asked_again = self.peer.track.asked_again
        if self.ticked_s and passed_s > 0:
            weight = min(passed_s / SMOOTH_S, 1.0)
            self.sent_bps += weight * ((sent - self.sent_bytes) * 8 / passed_s - self.sent_bps)
            share = min((asked_again - self.asked_again) / max(packets - self.packets, 1), 1.0)
            chooser = self.chooser
            chooser.asked_again_share += min(passed_s / AGAIN_SMOOTH_S, 1.0) * (share - chooser.asked_again_share)
        self.sent_bytes, self.ticked_s = sent, now_s
        self.packets, self.asked_again = packets, asked_again


class Streams:
    """Fans one encoder's packets out to every browser; opening and closing are safe at any time and in any order."""

    def __init__(
        self,
        capture: Capture,
        masks: Callable[[], tuple[Mask, ...]],
        listener: Listener,
        monotonic: Callable[[], float],
        spawn: Spawn,
        viewers_max: int,
        uplink: Uplink | None = None,
        models: Models | None = None,
    ) -> None:
        self._capture = capture
        self._masks = masks
        self._listener = listener
        self._monotonic = monotonic
        self._spawn = spawn
        self._viewers_max = viewers_max
        self._uplink = uplink or Uplink()
        self._models = models or Models()
        self._flooded: dict[str, float] = {}
        self._streams: dict[str, Stream] = {}
        self._encoders: dict[Key, CameraEncoder] = {}
        self._packers = {(codec, rung): Packer(codec) for codec in Codec for rung in Rung}
        self._silent: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def encoders(self) -> tuple[CameraEncoder, ...]:
        """The encoders that run now: at most one of each codec and rung."""
        return tuple(self._encoders.values())

    async def open(
        self,
        stream_id: str,
        session_id: str,
        offer_sdp: str,
        ice_servers: Servers = (),
        *,
        is_relay_only: bool = False,
    ) -> str:
        """Return the SDP answer; a stream that the session had before ends. Raises ViewingRefusedError."""
        if self._flooded.get(session_id, float("-inf")) > self._monotonic():
            raise ViewingRefusedError("too_fast", "this session flooded its data channel a moment ago")
        older = [one.stream_id for one in self._streams.values() if one.session_id == session_id]
        if len(self._streams) - len(older) >= self._viewers_max:
            raise ViewingRefusedError("full", f"{self._viewers_max} watch this camera already")
        for one in older:
            self.close(one)
        servers = usable_servers(ice_servers, self._silent, self._monotonic())
        if is_relay_only and not any(is_turn(url) for server in servers for url in server["urls"]):
            raise ViewingRefusedError("relay_only", "the shop shows its address to nobody, and no TURN server is named")
        if not self._uplink.let_in(stream_id, self._listener.rank(session_id)):
            raise ViewingRefusedError("full", f"the uplink of {self._uplink.uplink_mbit_s:g} Mbit/s carries no more")
        stream = self._make(stream_id, session_id, servers, is_relay_only=is_relay_only)
        try:
            answer = await stream.peer.answer(offer_sdp)
        except BadOfferError as error:
            self.close(stream_id)
            raise ViewingRefusedError("bad_offer", str(error)) from None
        if stream_id not in self._streams:  # closed while it was being answered
            raise ViewingRefusedError("closed")
        if any(_kind_of(url) not in answer for server in servers for url in server["urls"]):
            self._spawn(self._note_silent(servers, stream.peer), f"late ICE servers of {stream_id}")
        return answer

    async def add_candidates(self, stream_id: str, fragment: str) -> None:
        """Take candidates that came after the offer; only once `open` returned."""
        stream = self._streams.get(stream_id)
        if stream is not None:
            await stream.peer.add_candidates(fragment)

    def close(self, stream_id: str) -> None:
        """End a stream: from now on not one picture goes to it; its connection is closed beside."""
        stream = self._streams.pop(stream_id, None)
        if stream is None:
            return
        stream.peer.track.stop()
        self._uplink.leave(stream_id)
        self._capture.release(f"stream:{stream_id}")
        self._spawn(stream.peer.close(), f"close stream {stream_id}")
        self._stop_unneeded()
        self._listener.closed(stream_id, stream.session_id)

    def close_session(self, session_id: str) -> None:
        """End the stream of a session."""
        for stream_id in [one.stream_id for one in self._streams.values() if one.session_id == session_id]:
            self.close(stream_id)

    def close_all(self) -> None:
        """End every stream."""
        for stream_id in list(self._streams):
            self.close(stream_id)

    def tick(self) -> None:
        """Close the streams whose browser is gone or never came; move the others to the rung their network bears."""
        now_s = self._monotonic()
        self._flooded = {session_id: until_s for session_id, until_s in self._flooded.items() if until_s > now_s}
        self._replace_stuck(now_s)
        self._put_in_order()
        for stream in list(self._streams.values()):
            stream.measure(now_s)
            stream.ceiling = self._uplink.ceiling(stream.stream_id)
            was_smooth = stream.chooser.is_smooth
            stream.chooser.choose(now_s, stream.sent_bps)
            if stream.goal is not stream.rung and stream.heard_s is not None:
                self._encoder(stream.peer.codec, stream.goal)
            if stream.chooser.is_smooth is not was_smooth:
                stream.peer.smooth(stream.chooser.is_smooth)
            is_gone = stream.heard_s is not None and now_s - stream.heard_s >= HEARTBEAT_S
            is_lost = stream.heard_s is None and now_s - stream.opened_s >= CONNECT_S
            if is_gone or is_lost:
                logger.info("stream given up", extra={"stream": stream.stream_id, "was_connected": is_gone})
                self.close(stream.stream_id)
        self._stop_unneeded()

    def _put_in_order(self) -> None:
        """Tell the uplink who looks why; who steers gets each picture first, before it is sealed for fifty others."""
        ranks = {stream.stream_id: self._listener.rank(stream.session_id) for stream in self._streams.values()}
        for stream_id, rank in ranks.items():
            self._uplink.rank(stream_id, rank)
        for stream_id in sorted(ranks, key=lambda one: ranks[one]):
            self._streams[stream_id] = self._streams.pop(stream_id)

    def say(self, session_id: str, text: str) -> None:
        """Say something to a session's page on its reliable data channel, if it has one."""
        for stream in self._streams.values():
            if stream.session_id == session_id:
                stream.peer.send("control", text)

    async def push(self, stream_id: str, label: str, part: bytes | str) -> bool:
        """Send on a stream's data channel once there is room; False when it is gone."""
        stream = self._streams.get(stream_id)
        return stream is not None and await stream.peer.push(label, part)

    def is_small(self, stream_id: str) -> bool:
        """True when this stream's network, or the shop's, bears the small picture only."""
        stream = self._streams.get(stream_id)
        return stream is not None and stream.goal is Rung.SMALL

    async def _note_silent(self, servers: Servers, peer: Peer) -> None:
        """A STUN or TURN server that gave no candidate, however late, is left out for a while: each offer waits for it.

        aiortc asks one server of each kind, the first of the list.
        """
        kinds = await peer.gathered()
        if not kinds:
            return
        asked: dict[str, str] = {}
        for url in [url for server in servers for url in server["urls"]]:
            asked.setdefault(_kind_of(url), url)
        for kind, url in asked.items():
            if kind.removeprefix(" typ ") not in kinds:
                logger.info("ICE server is silent", extra={"kind": url.partition(":")[0]})
                self._silent[url] = self._monotonic() + SILENT_S

    def _make(self, stream_id: str, session_id: str, ice_servers: Servers, *, is_relay_only: bool) -> Stream:
        events = PeerEvents(
            on_idr_wanted=lambda: self._want_idr(stream_id),
            on_message=lambda label, raw: self._on_message(label, stream_id, session_id, raw),
            on_alive=lambda: self._heard(stream_id),
            on_remb=lambda rate_bps: self._note(stream_id, remb_bps=rate_bps),
            on_loss=lambda share: self._note(stream_id, lost_share=share),
            on_channel=lambda _label, is_open: self._on_channel(stream_id, session_id, is_open=is_open),
            on_end=lambda: self.close(stream_id),
        )
        peer = Peer(events, lambda: self._on_first_pull(stream_id), ice_servers, is_relay_only=is_relay_only)
        ceiling, rate = self._uplink.ceiling(stream_id), Rate(self._monotonic, FLOOD_HZ_MAX)
        stream = Stream(
            stream_id=stream_id, session_id=session_id, opened_s=self._monotonic(), peer=peer, rate=rate,
            ceiling=ceiling, rung=ceiling,
        )  # fmt: skip
        self._streams[stream_id] = stream
        self._capture.need(f"stream:{stream_id}")
        return stream

    def _on_message(self, label: str, stream_id: str, session_id: str, raw: bytes) -> None:
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        if not stream.rate.allows(1 + len(raw) // MESSAGE_BYTES_MAX):
            logger.warning("stream ended: it floods its data channel", extra={"stream": stream_id, "channel": label})
            self._flooded[session_id] = self._monotonic() + FLOOD_AGAIN_S
            self.close(stream_id)
        elif label == LOUPE:
            self._listener.wish(stream_id, session_id, raw)
        else:
            self._listener.message(stream_id, session_id, raw)

    def _on_channel(self, stream_id: str, session_id: str, *, is_open: bool) -> None:
        if is_open and stream_id in self._streams:
            self._listener.channel(stream_id, session_id)

    def _heard(self, stream_id: str) -> None:
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream.heard_s = self._monotonic()
            self._listener.heard(stream.session_id)

    def _note(self, stream_id: str, *, remb_bps: int | None = None, lost_share: float | None = None) -> None:
        stream = self._streams.get(stream_id)
        if stream is not None and remb_bps is not None:
            stream.chooser.remb_bps = remb_bps
        if stream is not None and lost_share is not None:
            stream.chooser.lost_share = lost_share

    def _on_first_pull(self, stream_id: str) -> None:
        """The browser can take pictures: the encoder starts, or makes one that this browser can begin with."""
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream.heard_s = stream.heard_s or self._monotonic()
            self._encoder(stream.peer.codec, stream.rung).want_idr()

    def _want_idr(self, stream_id: str) -> None:
        stream = self._streams.get(stream_id)
        encoder = self._encoders.get((stream.peer.codec, stream.rung)) if stream else None
        if encoder is not None:
            encoder.want_idr()

    def _encoder(self, codec: Codec, rung: Rung) -> CameraEncoder:
        """Return the encoder, started (with a key frame) if nobody needed it before."""
        key = codec, rung
        if key not in self._encoders:
            encoder = self._encoders[key] = CameraEncoder(
                codec, rung, self._capture.newest, self._masks, lambda encoded: self._fan_out(key, encoded),
                self._models,
            )  # fmt: skip
            self._spawn(_end_of(encoder), f"encoder {codec} {rung}")
        return self._encoders[key]

    def _replace_stuck(self, now_s: float) -> None:
        """Hardware whose driver does not come back keeps its thread; the pictures go on by software in another one."""
        for key, encoder in list(self._encoders.items()):
            if self._models.hardware and encoder.is_stuck(now_s):
                self._models.give_up("it keeps a picture and does not come back")
                encoder.stop()
                del self._encoders[key]
                self._encoder(*key)

    def _stop_unneeded(self) -> None:
        needed = {key for stream in self._streams.values() for key in stream.wants}
        for key in [key for key in self._encoders if key not in needed]:
            self._encoders.pop(key).stop()

    def _fan_out(self, key: Key, encoded: Encoded) -> None:
        codec, rung = key
        packed = self._packers[key].pack(encoded)
        for stream in self._streams.values():
            if stream.peer.codec is not codec:
                continue
            if stream.rung is not rung and stream.goal is rung:
                self._change_rung(stream, encoded)
            if stream.rung is rung:
                self._put(stream, packed)

    def _put(self, stream: Stream, packed: Packed) -> None:
        """Send to one browser. What goes wrong with it ends its own stream: the others have their picture."""
        try:
            stream.peer.track.put(packed)
        except Exception:  # whatever a stranger's offer led to must not reach those behind it in the loop
            logger.exception("stream ended: its picture could not be sent", extra={"stream": stream.stream_id})
            asyncio.get_running_loop().call_soon(self.close, stream.stream_id)

    def _change_rung(self, stream: Stream, encoded: Encoded) -> None:
        """Change at a picture that stands alone and is newer than the last of the other rung; else ask for one."""
        if encoded.is_idr and encoded.pts > stream.peer.track.pts:
            logger.info("rung changed", extra={"stream": stream.stream_id, **stream.figures()})
            stream.rung = stream.goal
            asyncio.get_running_loop().call_soon(self._stop_unneeded)
        else:
            self._encoder(stream.peer.codec, stream.goal).want_idr()


async def _end_of(encoder: CameraEncoder) -> None:
    await encoder.ended


async def prepare(addresses: tuple[str, ...]) -> Models:
    """Make aiortc ready for this shop (pinned addresses, playout delay); return the encoders of this machine. Once.

    A connection is made for nobody, so that the first shopper does not wait for what is only loaded when first used.
    """
    pin_host_addresses(addresses)
    install_playout_delay()
    nothing = PeerEvents(*(lambda *_: None for _ in range(7)))
    await Peer(nothing, lambda: None).close()
    try:
        async with asyncio.timeout(TRIAL_S):
            return Models(await asyncio.to_thread(choose_hardware))
    except TimeoutError:
        logger.warning("hardware encoder: its trial did not end; pictures are encoded by software")
        return Models()
