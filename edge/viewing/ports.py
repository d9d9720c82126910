"""What viewing needs of the rest of the edge, as protocols, and its options; so that it can be tested by itself."""

from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.device_host import Finding
from edge.viewing.uplink import UPLINK_MBIT_S, VIEWERS_MAX
from wire.plan import ShopPlan
from wire.reports import CameraState, Report


class ViewingRefusedError(Exception):
    """What was asked is not given; `reason` is the code that the shopper's page has a sentence for."""

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason


class Handle(Protocol):
    """A device as its host gives it out: held by one at a time, opened again when it was lost."""

    @property
    def name(self) -> str: ...

    @property
    def generation(self) -> int:
        """Counts the drivers that stood behind this handle; another number means a freshly opened one."""

    @property
    def finding(self) -> Finding: ...

    def use(self) -> AbstractAsyncContextManager[Any]: ...

    def look_soon(self) -> None:
        """Ask the device how it is at the next chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewingPlace:
    """One camera that shoppers look through, its head and the turntable under it; `name` is its name on the wire."""

    name: str
    camera: Handle
    head: Handle | None = None
    turntable: Handle | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewingOptions:
    """The technician's settings. `addresses` pins the ICE host addresses; empty means every one of the machine but
    loopback. `viewers_max` caps the direct viewers of one camera, `uplink_mbit_s` what the pictures of all
    cameras take together.
    """

    addresses: tuple[str, ...] = ()
    viewers_max: int = VIEWERS_MAX
    uplink_mbit_s: float = UPLINK_MBIT_S


class Clock(Protocol):
    """Monotonic seconds for turns, wall time for hours, relay time for tickets (None while unknown)."""

    def monotonic(self) -> float: ...

    def wall(self) -> datetime: ...

    def relay_now(self) -> datetime | None: ...


class TurnNumbers(Protocol):
    """The journal's counter of turns: durable, so that a turn number is never given twice."""

    async def next_turn_no(self, camera: str) -> int: ...


class Nonces(Protocol):
    """The journal's memory of used tickets; False when this one was used. It may forget after `until_at`."""

    async def use_nonce(self, nonce: str, until_at: datetime) -> bool: ...


class Attendant(Protocol):
    """The person at the bench."""

    def bring_piece(self, piece_id: str, session_id: str) -> None:
        """Ring: this piece is wanted on the turntable. The edge calls `piece_brought` when it was scanned there."""

    def somebody_looks(self, session_id: str) -> None:
        """Ring softly: a shopper is at a camera."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Everything of the edge that viewing calls; plain functions are called in the event loop and return at once.

    `withdraw_piece(piece_id, session_id)`: what was to be brought is wanted no more. `is_piece_gone`: the shop itself
    knows that it was sold or broken.
    """

    plan: Callable[[], ShopPlan | None]
    send_report: Callable[[Report], object]
    send_frame: Callable[[str, bytes], object]
    publish_camera_state: Callable[[str, CameraState], object]
    turn_numbers: TurnNumbers
    nonces: Nonces
    relay_keys: Callable[[], Mapping[str, Ed25519PublicKey]]
    clock: Clock
    attendant: Attendant
    withdraw_piece: Callable[[str, str], object] = lambda _piece_id, _session_id: None
    is_piece_gone: Callable[[str], bool] = lambda _piece_id: False


Spawn = Callable[[Coroutine[Any, Any, None], str], object]
"""Runs something beside the rest; what it raises ends the desk, as a bug must."""


class LiveStreams(Protocol):
    """The part of `edge.viewing.streams.Streams` that a place uses; that module loads WebRTC, so it comes late."""

    def __len__(self) -> int: ...

    async def open(
        self,
        stream_id: str,
        session_id: str,
        offer_sdp: str,
        ice_servers: tuple[dict[str, Any], ...] = (),
        *,
        is_relay_only: bool = False,
    ) -> str: ...

    async def add_candidates(self, stream_id: str, fragment: str) -> None: ...

    def close(self, stream_id: str) -> None: ...

    def close_session(self, session_id: str) -> None: ...

    def close_all(self) -> None: ...

    def tick(self) -> None: ...

    def say(self, session_id: str, text: str) -> None: ...

    async def push(self, stream_id: str, label: str, part: bytes | str) -> bool: ...

    def is_small(self, stream_id: str) -> bool: ...
