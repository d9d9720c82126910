"""What a hand-off may be for, how long it lives, and whether a phone may use it. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cloud_relay.refusals import RefusedError


class Purpose(StrEnum):
    """The one act that a link allows."""

    ORDER = "order"
    """Address and payment of one reserved piece."""
    REMOTE = "remote"
    """The camera of one viewing session; many presses, until it ends."""
    WORDS = "words"
    """Typing what to search for."""
    SIGN_IN = "sign_in"
    """Letting the television into the account of whoever holds the phone."""


LIFE_S = {Purpose.ORDER: 900, Purpose.REMOTE: 1800, Purpose.WORDS: 600, Purpose.SIGN_IN: 300}
"""Long enough to fetch the phone and type an address; a photograph of the screen is worth nothing tomorrow."""

PRIVATE = frozenset({Purpose.ORDER, Purpose.REMOTE})
"""Only who is signed in on the television may hand these over."""

REPEATS = frozenset({Purpose.REMOTE})
"""May be used many times, by the first phone only."""

CODE_LETTERS = "ABCDEFGHJKLMNPRSTUVWXY3456789"
"""No letter that is mistaken for another across a room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A fresh hand-off: `secret` goes into the QR code, `screen` stays with the television."""

    handoff_id: str
    secret: str
    screen: str
    expires_until: datetime


def hash_of(secret: str) -> str:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def code_of(handoff_id: str) -> str:
    """Return four letters that both screens show, so that a person sees which television asks."""
    digest = hashlib.sha256(handoff_id.encode()).digest()
    return "".join(CODE_LETTERS[byte % len(CODE_LETTERS)] for byte in digest[:4])


def until(purpose: Purpose, now: datetime) -> datetime:
    """Return when a hand-off made now ends."""
    return now + timedelta(seconds=LIFE_S[purpose])


def ended() -> RefusedError:
    """Return the one refusal for links that are expired, used, or never were: nobody learns which."""
    return RefusedError(
        "link_ended",
        "This link has ended. Ask the television for a new one.",
        "此链接已失效，请在电视上重新获取。",
        404,
    )


def check(row: Mapping[str, Any] | None, purpose: Purpose | None, phone: str, now: datetime) -> Mapping[str, Any]:
    """Return `row` if this phone may use it now for this purpose (None: whatever it is for); RefusedError if not."""
    if row is None or (purpose is not None and row["purpose"] != purpose) or row["expires_until"] <= now:
        raise ended()
    if row["used_at"] is not None and row["purpose"] not in REPEATS:
        raise ended()
    if row["phone_sha256"] and row["phone_sha256"] != hash_of(phone):
        raise RefusedError("another_phone", "Another phone is using this link", "此链接正由另一部手机使用", 409)
    return row
