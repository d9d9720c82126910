"""Who this shop box is: its key, its certificate, the relay's CA and signing keys, kept in one folder."""

import json
import os
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID

from wire.codec import from_base64url, from_json
from wire.values import BadValueError, check_id

RENEW_AT_SHARE = 2 / 3
"""The share of its life after which a certificate is renewed: ten days of a thirty-day one remain for trying."""


class NotEnrolledError(Exception):
    """This box has no identity yet, or its folder is incomplete; the message says what to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayKey:
    """A public key with which the relay signs commands and tickets: 32 bytes of Ed25519 as base64url."""

    key_id: str
    public_key_b64url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where the broker is, as the relay told it."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """The relay's answer to an enrolment or a renewal."""

    shop_id: str
    certificate_pem: str
    ca_pem: str
    relay_keys: tuple[RelayKey, ...]
    mqtt: Broker
    resolver_url: str = ""


class Identity:
    """The folder `identity/` of a data directory; each file is replaced whole, the key is readable by its owner only.

    The key stays the same when the certificate is renewed, so every moment of a renewal may be a crash.
    """

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "identity"
        self.key_path = self.folder / "shop_key.pem"
        self.certificate_path = self.folder / "shop_certificate.pem"
        self.ca_path = self.folder / "relay_ca.pem"
        self.keys_path = self.folder / "relay_keys.json"
        self.facts_path = self.folder / "enrolment.json"
        self._keys: tuple[int, dict[str, Ed25519PublicKey]] | None = None

    @property
    def is_enrolled(self) -> bool:
        """True when everything that an enrolment leaves behind is here."""
        paths = (self.key_path, self.certificate_path, self.ca_path, self.keys_path, self.facts_path)
        return all(path.is_file() for path in paths)

    def require(self) -> None:
        """Raise NotEnrolledError unless the box is enrolled."""
        if not self.is_enrolled:
            raise NotEnrolledError(
                f"{self.folder}: this box is not enrolled; make a claim code at the relay and run: vitrine enrol CLAIM"
            )

    def private_key(self) -> ec.EllipticCurvePrivateKey:
        """Return the box's key, making it (EC P-256, mode 0600) the first time."""
        if not self.key_path.is_file():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            made = ec.generate_private_key(ec.SECP256R1())
            pem = made.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            _replace(self.key_path, pem, 0o600)
        key = serialization.load_pem_private_key(self.key_path.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise NotEnrolledError(f"{self.key_path}: is no EC key; move it away and enrol again")
        return key

    def request(self, name: str) -> str:
        """Return a certificate request for the box's key; the relay alone decides the name in the certificate."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(self.private_key(), hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def save(self, answer: Enrolled, https_url: str) -> None:
        """Keep what the relay answered; raises BadValueError when it does not fit this box's key."""
        check_id(answer.shop_id, "shop_id")
        _check_certificate(answer.certificate_pem, self.private_key())
        for key in answer.relay_keys:
            _public_key(key)
        keys = [{"key_id": key.key_id, "public_key_b64url": key.public_key_b64url} for key in answer.relay_keys]
        facts = {
            "shop_id": answer.shop_id,
            "https_url": https_url,
            "mqtt_host": answer.mqtt.host,
            "mqtt_port": answer.mqtt.port,
            "resolver_url": answer.resolver_url,
        }
        _replace(self.ca_path, answer.ca_pem.encode(), 0o644)
        _replace(self.keys_path, json.dumps(keys, indent=1).encode(), 0o644)
        _replace(self.certificate_path, answer.certificate_pem.encode(), 0o644)
        _replace(self.facts_path, json.dumps(facts, indent=1).encode(), 0o644)

    def facts(self) -> dict[str, Any]:
        """Return what was told at enrolment: shop_id, https_url, mqtt_host, mqtt_port, resolver_url."""
        self.require()
        facts: dict[str, Any] = json.loads(self.facts_path.read_bytes())
        return facts

    def relay_keys(self) -> dict[str, Ed25519PublicKey]:
        """Return the relay's pinned keys by id; two while it changes from one to the next."""
        changed_ns = self.keys_path.stat().st_mtime_ns
        if self._keys is None or self._keys[0] != changed_ns:
            parts = json.loads(self.keys_path.read_bytes())
            self._keys = changed_ns, {part["key_id"]: _public_key(from_json(RelayKey, part)) for part in parts}
        return self._keys[1]

    def renew_at(self) -> datetime:
        """Return when the certificate should be renewed."""
        certificate = x509.load_pem_x509_certificate(self.certificate_path.read_bytes())
        began_at, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return began_at + (until - began_at) * RENEW_AT_SHARE

    def mqtt_tls(self) -> ssl.SSLContext:
        """Return the TLS settings of MQTT: the relay's CA and no other, our certificate, TLS 1.2 or newer."""
        context = self.https_tls()
        context.load_cert_chain(self.certificate_path, self.key_path)
        return context

    def https_tls(self) -> ssl.SSLContext:
        """Return the TLS settings of HTTPS to the relay: its own CA and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(self.ca_path)
        return context


def _public_key(key: RelayKey) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(from_base64url(key.public_key_b64url, "public_key_b64url"))
    except ValueError as error:
        raise BadValueError(f"relay key {key.key_id[:40]!r}: {error}") from None


def _check_certificate(pem: str, key: ec.EllipticCurvePrivateKey) -> None:
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise BadValueError("certificate_pem: is no certificate") from None
    if certificate.public_key() != key.public_key():
        raise BadValueError("certificate_pem: was made for another key")


def _replace(path: Path, content: bytes, mode: int) -> None:
    half = path.with_suffix(path.suffix + ".half")
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
