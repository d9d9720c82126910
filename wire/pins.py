"""PINs of the people at a till: only a salted, slow hash crosses (scrypt, RFC 7914). Pure."""

import base64
import hashlib
import hmac
import secrets

from wire.values import BadValueError

COST, BLOCK, LANES = 2**14, 8, 1
"""RFC 7914's interactive setting: 16 MiB and some 50 ms for each guess."""

SALT_BYTES, HASH_BYTES = 16, 32
PIN_LENGTHS = (4, 12)
MEMORY_BYTES_MAX = 64 * 1024 * 1024


def check_pin(pin: str) -> str:
    """Return the PIN when it is 4 to 12 digits; BadValueError otherwise."""
    if not (pin.isascii() and pin.isdigit() and PIN_LENGTHS[0] <= len(pin) <= PIN_LENGTHS[1]):
        raise BadValueError("pin: must be 4 to 12 digits")
    return pin


def hash_pin(pin: str, salt: bytes | None = None) -> str:
    """Return `scrypt$salt$hash` of a PIN; a given `salt` makes it repeatable."""
    salt = salt or secrets.token_bytes(SALT_BYTES)
    made = _scrypt(check_pin(pin), salt)
    return "$".join(("scrypt", base64.b64encode(salt).decode(), base64.b64encode(made).decode()))


def is_right_pin(stored: str, pin: str) -> bool:
    """Tell whether the PIN fits what `hash_pin` returned; anything malformed fits nothing."""
    try:
        name, salt, made = stored.split("$")
        right, tried = base64.b64decode(made, validate=True), _scrypt(pin, base64.b64decode(salt, validate=True))
    except ValueError:
        return False
    return name == "scrypt" and hmac.compare_digest(right, tried)


def _scrypt(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=COST, r=BLOCK, p=LANES, maxmem=MEMORY_BYTES_MAX, dklen=HASH_BYTES)
