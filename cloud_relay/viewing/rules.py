"""What an offer may hold, how long passes and tickets live, how a session's state reads from reports. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from wire.reports import CameraState, LookAnswer
from wire.values import BadValueError

PASS_LIFE_S = 60
"""A viewing pass waits this long for its first use: a slow phone needs seconds, a thief minutes."""

TICKET_LIFE_S = 30
"""A ticket only travels from here to the shop; half of what the wire allows."""

OFFER_BYTES_MAX = 32_000
"""Chromium's offer for one video and two data channels is 6 kB; ten times that with candidates is still no attack."""

FRAGMENT_BYTES_MAX = 8_000
"""A trickle fragment holds a handful of candidates of about 150 bytes each."""

ANSWER_WAIT_S = 3.0
"""How long a shopper waits for the shop's word before the page says that the shop does not answer."""


class SessionState(StrEnum):
    """Where a viewing session is; the shop's reports move it, nothing else but leaving does."""

    ASKED = "asked"
    WAITING = "waiting"
    BEING_BROUGHT = "being_brought"
    WATCHING = "watching"
    STEERING = "steering"
    REFUSED = "refused"
    ENDED = "ended"


LOOKING = frozenset({SessionState.WAITING, SessionState.BEING_BROUGHT, SessionState.WATCHING, SessionState.STEERING})
"""States of somebody who sees the camera's picture: who waits watches meanwhile."""

_STATE_OF_ANSWER = {
    LookAnswer.NOW: SessionState.WATCHING,
    LookAnswer.QUEUED: SessionState.WAITING,
    LookAnswer.BEING_BROUGHT: SessionState.BEING_BROUGHT,
}


def state_of_answer(answer: LookAnswer, turn_no: int) -> SessionState:
    """Return the session's state after LookAnswered: a turn number means that this session steers."""
    if turn_no > 0:
        return SessionState.STEERING
    return _STATE_OF_ANSWER.get(answer, SessionState.REFUSED)


def fingerprint_of(offer_sdp: str) -> str:
    """Return the one SHA-256 fingerprint of an offer as `sha-256 AA:BB…`; BadValueError for none or several.

    Some players write the same certificate in other hashes beside it (RFC 8122 section 5); `tidy_offer` drops those.
    """
    if len(offer_sdp.encode()) > OFFER_BYTES_MAX:
        raise BadValueError(f"offer: larger than {OFFER_BYTES_MAX} bytes")
    pattern = r"^a=fingerprint:sha-256 ([0-9A-Fa-f:]+)\s*$"
    found = {value.upper() for value in re.findall(pattern, offer_sdp, re.MULTILINE | re.IGNORECASE)}
    if len(found) != 1:
        raise BadValueError(f"offer: {len(found)} SHA-256 fingerprints, exactly one is needed")
    (value,) = found
    if not re.fullmatch(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}", value):
        raise BadValueError("offer: the DTLS fingerprint must be sha-256 (RFC 8122)")
    return f"sha-256 {value}"


def tidy_offer(sdp: str) -> str:
    """Return SDP without `.local` candidates (the shop cannot resolve them and would wait a second for each) and with
    SHA-256 fingerprints alone: the shop takes no certificate but the one that the ticket names.
    """
    lines = [line for line in sdp.splitlines() if not _is_surplus(line)]
    return "\r\n".join(lines) + "\r\n"


def _is_surplus(line: str) -> bool:
    if line.startswith("a=candidate:"):
        return ".local " in line
    return line.startswith("a=fingerprint:") and not line.lower().startswith("a=fingerprint:sha-256 ")


def pass_until(now: datetime) -> datetime:
    """Return when a pass made now must have been used."""
    return now + timedelta(seconds=PASS_LIFE_S)


@dataclass(frozen=True, slots=True)
class Availability:
    """What a search hit says: `state` is now, queued, offline or not_offered; `waiting` how many stand in line."""

    state: str
    waiting: int = 0
    wait_s: float = 0.0


def availability(spot: dict[str, Any] | None, camera: CameraState | None, *, shop_is_online: bool) -> Availability:
    """Return whether a piece can be looked at, from its spot and the camera's retained state."""
    if not spot:
        return Availability("not_offered")
    if not shop_is_online or camera is None:
        return Availability("offline")
    if not camera.can_view:
        return Availability(camera.reason or "offline")
    if camera.session_id or camera.waiting:
        return Availability("queued", waiting=camera.waiting + bool(camera.session_id), wait_s=camera.wait_s)
    return Availability("now")
