"""The envelope around every message, and the signature around every command. Pure but for Ed25519."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from wire.codec import dump_bytes, from_base64url, from_json, load_bytes, to_base64url
from wire.values import BadValueError

WIRE_VERSION = 1
"""Counts breaking changes of the wire; there shall never be a second one."""


class BadSignatureError(BadValueError):
    """The signature, its key or the shop it was made for is wrong: the message is dropped and counted, never acted
    on.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message with CloudEvents names (CloudEvents 1.0 section 3.1): who says what, when, about what.

    `sequence` counts durable messages of one direction of one shop from 1; None marks a transient one, which nobody
    stores.
    `deadline_s` counts from `time`; after it no effect may start. `trace` is a W3C traceparent.
    """

    id: str
    source: str
    type: str
    time: datetime
    shop_id: str
    data: dict[str, Any]
    subject: str = ""
    sequence: int | None = None
    deadline_s: float | None = None
    trace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCommand:
    """The exact UTF-8 of an Envelope as base64url, the id of the relay's key, and the Ed25519 signature over those
    bytes.
    """

    key_id: str
    signed: str
    signature: str


def encode_envelope(envelope: Envelope) -> bytes:
    """Return the bytes of an unsigned message (reports, acknowledgements)."""
    return dump_bytes(envelope)


def decode_envelope(payload: bytes) -> Envelope:
    """Return the envelope in `payload`; raise BadValueError."""
    envelope: Envelope = from_json(Envelope, load_bytes(payload))
    return envelope


def sign_command(envelope: Envelope, key_id: str, private_key: Ed25519PrivateKey) -> bytes:
    """Return the payload of a signed command."""
    signed = dump_bytes(envelope)
    signature = private_key.sign(signed)
    return dump_bytes(SignedCommand(key_id=key_id, signed=to_base64url(signed), signature=to_base64url(signature)))


def verify_command(payload: bytes, shop_id: str, public_keys: dict[str, Ed25519PublicKey]) -> Envelope:
    """Return the envelope of a signed command for `shop_id`; the signature is checked before anything inside is parsed.

    `public_keys` are the relay's pinned keys by id (two during rotation). Raises BadSignatureError or BadValueError.
    """
    outer: SignedCommand = from_json(SignedCommand, load_bytes(payload))
    key = public_keys.get(outer.key_id)
    if key is None:
        raise BadSignatureError(f"command: key {outer.key_id[:40]!r} is not pinned here")
    signed = from_base64url(outer.signed, "signed")
    try:
        key.verify(from_base64url(outer.signature, "signature"), signed)
    except InvalidSignature:
        raise BadSignatureError("command: the signature does not fit") from None
    envelope = decode_envelope(signed)
    if envelope.shop_id != shop_id:
        raise BadSignatureError(f"command: signed for shop {envelope.shop_id[:40]!r}, not for {shop_id!r}")
    return envelope
