"""Seals what applicants send: AES-256-GCM under a key of this relay, bound to whose it is and what for."""

import hashlib
import hmac
import os
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
"""NIST SP 800-38D, 8.2.2: random 96 bits; far fewer than 2^32 seals are made under one key."""


class SealBrokenError(RuntimeError):
    """What is stored was not sealed by this relay's key for this purpose: the key file or the row is not the one."""


class Vault:
    """Seals and opens bytes, and makes the marks by which equal numbers are found without being readable."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(_derive(secret, b"vitrine documents"))
        self._mark_key = _derive(secret, b"vitrine number marks")

    def seal(self, content: bytes, about: str) -> bytes:
        """Return `content` sealed; it opens only with the same `about` (what it is and whose)."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes:
        """Return what was sealed; SealBrokenError for another key, another `about`, or changed bytes."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
        except InvalidTag:
            raise SealBrokenError(
                f"{about}: cannot be opened; is pki/documents.secret the file that this database was made with?"
            ) from None

    def mark(self, text: str) -> str:
        """Return a mark in hex that is equal for equal texts and tells nothing else without the key."""
        return hmac.new(self._mark_key, text.encode(), hashlib.sha256).hexdigest()


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(secret)


@cache
def vault_in(data_dir: Path) -> Vault:
    """Return the vault of a relay's data folder; its secret is made at first use, readable by its owner alone."""
    path = data_dir / "pki" / "documents.secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _make(path)
    secret = path.read_bytes()
    if len(secret) != KEY_BYTES:
        raise SealBrokenError(f"{path}: {len(secret)} bytes, not {KEY_BYTES}; put the file of the backup back")
    return Vault(secret)


def _make(path: Path) -> None:
    """Write a fresh secret whole; when another process was first, its file stays."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(os.urandom(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
