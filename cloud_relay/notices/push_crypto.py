"""Web push on paper: message encryption (RFC 8291 on RFC 8188) and the sender's identification (RFC 8292). Pure."""

import base64
import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD_SIZE = 4096
"""One record is enough: push services take 4096 bytes at most (RFC 8030 section 7.2)."""
PLAIN_BYTES_MAX = 3993
"""4096 less header (86), tag (16) and delimiter (1) (RFC 8291 section 4)."""
JWT_LIFE = timedelta(hours=12)
"""At most 24 hours are allowed (RFC 8292 section 2)."""
POINT_BYTES, AUTH_BYTES, SALT_BYTES = 65, 16, 16


class BadPushKeyError(ValueError):
    """A browser's keys that are no P-256 point and no 16 bytes."""


def b64url(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text: str) -> bytes:
    """Return the bytes of base64url with or without padding; BadPushKeyError for anything else."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise BadPushKeyError("not base64url") from None


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a public key as its uncompressed point of 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def browser_key(p256dh: str, auth: str) -> tuple[ec.EllipticCurvePublicKey, bytes]:
    """Return the browser's public key and secret from what it sent; BadPushKeyError when they cannot be keys."""
    point, secret = unb64url(p256dh), unb64url(auth)
    if len(point) != POINT_BYTES or len(secret) != AUTH_BYTES:
        raise BadPushKeyError(f"keys of {len(point)} and {len(secret)} bytes, not {POINT_BYTES} and {AUTH_BYTES}")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point), secret
    except ValueError:
        raise BadPushKeyError("not a point of P-256") from None


def _hkdf(salt: bytes, info: bytes, key: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)


def _keys(shared: bytes, auth: bytes, browser: bytes, sender: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Return (content key, nonce) as RFC 8291 section 3.4 and RFC 8188 section 2.2 derive them."""
    mixed = _hkdf(auth, b"WebPush: info\0" + browser + sender, shared, 32)
    key = _hkdf(salt, b"Content-Encoding: aes128gcm\0", mixed, 16)
    return key, _hkdf(salt, b"Content-Encoding: nonce\0", mixed, 12)


def encrypt(
    plain: bytes,
    p256dh: str,
    auth: str,
    new_key: Callable[[], ec.EllipticCurvePrivateKey] = lambda: ec.generate_private_key(ec.SECP256R1()),
    new_salt: Callable[[int], bytes] = os.urandom,
) -> bytes:
    """Return `plain` as one aes128gcm record that only this browser can read; ValueError if it is too long."""
    if len(plain) > PLAIN_BYTES_MAX:
        raise ValueError(f"{len(plain)} bytes, at most {PLAIN_BYTES_MAX} fit into a push message")
    browser, secret = browser_key(p256dh, auth)
    own, salt = new_key(), new_salt(SALT_BYTES)
    sender = point_of(own.public_key())
    key, nonce = _keys(own.exchange(ec.ECDH(), browser), secret, point_of(browser), sender, salt)
    head = salt + RECORD_SIZE.to_bytes(4, "big") + bytes([POINT_BYTES]) + sender
    return head + AESGCM(key).encrypt(nonce, plain + b"\x02", None)


def decrypt(message: bytes, own: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """Return what `encrypt` wrote, as a browser reads it; ValueError for anything else."""
    salt, sender, body = message[:16], message[21 : 21 + POINT_BYTES], message[21 + POINT_BYTES :]
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
    key, nonce = _keys(own.exchange(ec.ECDH(), public), auth, point_of(own.public_key()), sender, salt)
    try:
        return AESGCM(key).decrypt(nonce, body, None).rstrip(b"\0").removesuffix(b"\x02")
    except InvalidTag:
        raise ValueError("not a message for this browser") from None


def vapid_header(key: ec.EllipticCurvePrivateKey, audience: str, contact: str, now: datetime) -> str:
    """Return the Authorization header for a push service at origin `audience` (RFC 8292 section 3)."""
    head = {"typ": "JWT", "alg": "ES256"}
    claims = {"aud": audience, "exp": int((now + JWT_LIFE).timestamp()), "sub": contact}
    parts = [b64url(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims)]
    r, s = decode_dss_signature(key.sign(".".join(parts).encode(), ec.ECDSA(hashes.SHA256())))
    signature = b64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={'.'.join(parts)}.{signature}, k={b64url(point_of(key.public_key()))}"
