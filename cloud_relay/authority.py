"""The relay's own authority: its CA, the certificates of broker, door, relay and shops, and its signing keys."""

import hashlib
import ipaddress
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wire.codec import to_base64url
from wire.values import BadValueError, check_id

CA_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=397)
"""The longest life that today's TLS programs accept of a server (CA/Browser Forum baseline 6.3.2)."""
SHOP_LIFE = timedelta(days=30)
BACKDATE = timedelta(minutes=10)
"""A box whose clock is a little behind must not find its new certificate in the future."""
KEY_FILE_PATTERN = re.compile(r"(?P<key_id>[a-z0-9-]+)\.key")
RESERVED = ("relay", "broker", "door")
"""Certificate names of our own processes begin so: a shop of that name would have their rights at the broker."""
CSR_BYTES_MAX = 16 * 1024


class BadRequestForCertificateError(BadValueError):
    """A certificate signing request that cannot be used: not PEM, not P-256, or not signed by its own key."""


@dataclass(frozen=True, slots=True)
class ShopCertificate:
    """A certificate given to a shop, and what is remembered of it."""

    shop_id: str
    serial: str
    pem: str
    public_key_pem: str
    issued_at: datetime
    expires_until: datetime


def _write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        os.fsync(file.fileno())
    fresh.replace(path)


def _key_pem(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public_pem(key: ec.EllipticCurvePublicKey) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative_names(names: tuple[str, ...]) -> x509.SubjectAlternativeName:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return x509.SubjectAlternativeName(found)


def _read_p256_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BadValueError(f"{path}: not an EC key; move it away and run init again")
    return key


def read_csr(csr_pem: str) -> x509.CertificateSigningRequest:
    """Return the request if it is PEM, of a P-256 key, and signed by that key; only the key in it is ever used."""
    if len(csr_pem) > CSR_BYTES_MAX:
        raise BadRequestForCertificateError(f"csr_pem: over {CSR_BYTES_MAX} bytes")
    try:
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        is_sound = csr.is_signature_valid
        key = csr.public_key()
    except (ValueError, InvalidSignature, TypeError) as error:
        raise BadRequestForCertificateError(f"csr_pem: cannot be read ({str(error)[:80]})") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadRequestForCertificateError("csr_pem: the key must be EC P-256")
    if not is_sound:
        raise BadRequestForCertificateError("csr_pem: not signed by its own key")
    return csr


def is_signed_by(public_key_pem: str, signature: bytes, message: bytes) -> bool:
    """Tell whether the P-256 key made this ECDSA-SHA256 signature (DER, as every library writes it)."""
    key = serialization.load_pem_public_key(public_key_pem.encode())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    try:
        key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


class Authority:
    """Files under `folder` (`<data>/pki`): ca.pem/.key, one pair per server and relay, `signing/<key id>.key`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ca_key: ec.EllipticCurvePrivateKey | None = None
        self._ca: x509.Certificate | None = None
        self._signing: dict[str, Ed25519PrivateKey] = {}

    def prepare(self, now: datetime, relay_name: str, server_names: tuple[str, ...]) -> None:
        """Make what is missing and renew what is past two thirds of its life or speaks for other names."""
        if not (self.folder / "ca.key").exists():
            self._make_ca(now)
        self._load_ca()
        for name in ("broker", "door"):
            self._keep_pair(name, name, server_names, ExtendedKeyUsageOID.SERVER_AUTH, now)
        self._keep_pair(relay_name, relay_name, (), ExtendedKeyUsageOID.CLIENT_AUTH, now)
        if not self.crl_file.exists():
            self.write_revocations((), now)
        if not self.signing_keys():
            self.add_signing_key(now)

    @property
    def ca_pem(self) -> str:
        """The CA certificate in PEM."""
        return (self.folder / "ca.pem").read_text()

    def ca_fingerprint(self) -> str:
        """The SHA-256 of the CA certificate's DER, in hex: what stands in a claim text."""
        _, ca = self._load_ca()
        return hashlib.sha256(ca.public_bytes(serialization.Encoding.DER)).hexdigest()

    def pair(self, name: str) -> tuple[Path, Path]:
        """Return the files of a certificate and its key."""
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def signing_keys(self) -> dict[str, Ed25519PrivateKey]:
        """Return the relay's signing keys by id, oldest first; two are valid during rotation, the newest signs."""
        if not self._signing:
            for path in sorted((self.folder / "signing").glob("*.key")):
                match = KEY_FILE_PATTERN.fullmatch(path.name)
                key = serialization.load_pem_private_key(path.read_bytes(), password=None)
                if match is None or not isinstance(key, Ed25519PrivateKey):
                    raise BadValueError(f"{path}: not one of the relay's Ed25519 keys; move it away")
                self._signing[match["key_id"]] = key
        return self._signing

    def signer(self) -> tuple[str, Ed25519PrivateKey]:
        """Return (key id, key) that signs commands and tickets now."""
        return list(self.signing_keys().items())[-1]

    def public_keys(self) -> dict[str, Ed25519PublicKey]:
        """Return the public halves by id, as shops pin them."""
        return {key_id: key.public_key() for key_id, key in self.signing_keys().items()}

    def public_keys_for_shop(self) -> list[dict[str, str]]:
        """Return the public halves as the enrolment answer carries them."""
        return [
            {"key_id": key_id, "public_key_b64url": to_base64url(key.public_bytes_raw())}
            for key_id, key in self.public_keys().items()
        ]

    def add_signing_key(self, now: datetime) -> str:
        """Make a new signing key and return its id; it signs as soon as the relay starts again."""
        key_id = f"k{now:%Y%m%d%H%M%S}"
        _write_secret(self.folder / "signing" / f"{key_id}.key", _key_pem(Ed25519PrivateKey.generate()))
        self._signing.clear()
        return key_id

    def issue_shop(self, shop_id: str, csr_pem: str, now: datetime) -> ShopCertificate:
        """Sign a shop's request: name, usage and life are ours, only the public key is theirs."""
        if shop_id.startswith(RESERVED):
            raise BadValueError(f"shop_id: {shop_id!r} would speak as one of the relay's own")
        csr = read_csr(csr_pem)
        key = csr.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        certificate = self._sign(check_id(shop_id, "shop_id"), key, (), ExtendedKeyUsageOID.CLIENT_AUTH, now, SHOP_LIFE)
        return ShopCertificate(
            shop_id=shop_id,
            serial=f"{certificate.serial_number:x}",
            pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
            public_key_pem=_public_pem(key),
            issued_at=now,
            expires_until=certificate.not_valid_after_utc,
        )

    @property
    def crl_file(self) -> Path:
        """The list of certificates that count no more; the broker reads it at its start and when told to reload."""
        return self.folder / "crl.pem"

    def write_revocations(self, serials: Iterable[str], now: datetime) -> bool:
        """Write the list of revoked certificates (serials in hex); return whether it says anything new."""
        wanted = {int(serial, 16) for serial in serials}
        if self.crl_file.exists():
            known = x509.load_pem_x509_crl(self.crl_file.read_bytes())
            if {one.serial_number for one in known} == wanted:
                return False
        ca_key, ca = self._load_ca()
        # OpenSSL refuses everybody once a list is overdue, so this one holds as long as the CA
        builder = x509.CertificateRevocationListBuilder().issuer_name(ca.subject).last_update(now - BACKDATE)
        builder = builder.next_update(ca.not_valid_after_utc)
        for serial in sorted(wanted):
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
            builder = builder.add_revoked_certificate(one)
        content = builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        _write_secret(self.crl_file, content)
        return True

    def _load_ca(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        if self._ca_key is None or self._ca is None:
            self._ca_key = _read_p256_key(self.folder / "ca.key")
            self._ca = x509.load_pem_x509_certificate((self.folder / "ca.pem").read_bytes())
        return self._ca_key, self._ca

    def _make_ca(self, now: datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Vitrine relay CA")
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATE)
            .not_valid_after(now + CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write_secret(self.folder / "ca.key", _key_pem(key))
        (self.folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _keep_pair(
        self, file_name: str, common_name: str, names: tuple[str, ...], usage: x509.ObjectIdentifier, now: datetime
    ) -> None:
        certificate_file, key_file = self.pair(file_name)
        if certificate_file.exists() and key_file.exists() and not self._is_due(certificate_file, names, now):
            return
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(common_name, key.public_key(), names, usage, now, SERVER_LIFE)
        _write_secret(key_file, _key_pem(key))
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    @staticmethod
    def _is_due(file: Path, names: tuple[str, ...], now: datetime) -> bool:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if now >= begins + (ends - begins) * 2 / 3:
            return True
        if not names:
            return False
        stated = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return set(stated) != set(_alternative_names(names))

    def _sign(
        self, common_name: str, public_key: ec.EllipticCurvePublicKey, names: tuple[str, ...],
        usage: x509.ObjectIdentifier, now: datetime, life: timedelta,
    ) -> x509.Certificate:  # fmt: skip
        ca_key, ca = self._load_ca()
        key_usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(common_name))
            .issuer_name(ca.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATE)
            .not_valid_after(min(now + life, ca.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(authority_key, critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        )
        if names:
            builder = builder.add_extension(_alternative_names(names), critical=False)
        return builder.sign(ca_key, hashes.SHA256())
