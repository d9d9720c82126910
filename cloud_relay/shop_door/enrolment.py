"""Letting a shop box in: claim codes, first certificates, renewals. One use case, one transaction."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection

from cloud_relay.authority import Authority, ShopCertificate, is_signed_by, read_csr
from cloud_relay.refusals import RefusedError
from cloud_relay.settings import Settings
from cloud_relay.shop_door import left_behind, store
from wire.box_code import box_code, plain_box_code
from wire.codec import from_base64url

CLAIM_LIFE = timedelta(minutes=10)
CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 16
"""Sixteen of 32 letters are 80 bits: not to be guessed in ten minutes at any rate the door allows."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A box let in; with `is_new_box` what the one before it left behind is to be cleared away."""

    certificate: ShopCertificate
    is_new_box: bool


@dataclass(frozen=True, slots=True)
class Renewal:
    """A box's wish for a new certificate, signed with its present key."""

    shop_id: str
    csr_pem: str
    at: str
    nonce: str
    signature_b64url: str

    def signed_bytes(self) -> bytes:
        """Return what the old key signs: shop, request, time and nonce, one a line."""
        return f"{self.shop_id}\n{self.csr_pem}\n{self.at}\n{self.nonce}".encode()


def _code_sha256(code: str) -> str:
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()


def make_claim(
    connection: Connection, shop_id: str, settings: Settings, authority: Authority, now: datetime, box: str = ""
) -> tuple[str, datetime]:
    """Return the claim text for the technician, `CODE@https://host:port#<sha256 of the CA>`, and until when.

    With `box` (the name on the box's own label) it lets in that box alone: a claim that is overheard is of no use.
    """
    box_name = plain_box_code(box)
    if box and not box_name:
        raise RefusedError(
            "bad_box", "A box's name is 12 letters and digits, as on its label", "主机编号为标签上的 12 位", 422
        )
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
    until = now + CLAIM_LIFE
    store.insert_claim(connection, shop_id, _code_sha256(code), until, box_name)
    shown = "-".join(code[place : place + 4] for place in range(0, CODE_LENGTH, 4))
    return f"{shown}@{settings.door_url}#{authority.ca_fingerprint()}", until


def enrol(connection: Connection, authority: Authority, claim_code: str, csr_pem: str, now: datetime) -> Enrolled:
    """Give the box that holds a valid claim code its first certificate.

    The same box asking again with the same code (its answer was lost) gets another certificate; others are refused.
    A new box is told first what the one before it left behind, whose certificates end now.
    """
    read_csr(csr_pem)
    code_sha256 = _code_sha256(claim_code)
    claim = store.find_claim(connection, code_sha256)
    if claim is None or claim.expires_until <= now:
        raise RefusedError(
            "bad_claim", "This claim code is unknown or expired; ask for a new one", "认领码无效或已过期，请重新获取"
        )
    if claim.box_code and claim.box_code != _box_code_of(csr_pem):
        raise RefusedError(
            "other_box",
            "This claim code was made for another box; scan the label of this one",
            "该认领码是为另一台主机生成的",
        )
    certificate = authority.issue_shop(claim.shop_id, csr_pem, now)
    is_known_box = certificate.public_key_pem in store.keys_of(connection, claim.shop_id, now)
    if claim.used_at is not None and not is_known_box:
        raise RefusedError("claim_used", "This claim code was used; ask for a new one", "认领码已被使用，请重新获取")
    left = [] if is_known_box else left_behind.collect(connection, claim.shop_id)
    if not is_known_box:
        store.revoke(connection, claim.shop_id, now)
    store.use_claim(connection, code_sha256, now)
    store.insert_certificate(connection, certificate)
    store.open_link(connection, claim.shop_id, has_new_journal=not is_known_box)
    left_behind.send(connection, claim.shop_id, left, now)
    return Enrolled(certificate, is_new_box=not is_known_box)


def _box_code_of(csr_pem: str) -> str:
    public = read_csr(csr_pem).public_key()
    return box_code(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def renew(connection: Connection, authority: Authority, wish: Renewal, now: datetime) -> ShopCertificate:
    """Give a known box a new certificate; it must sign with a key that speaks for the shop and was not revoked."""
    read_csr(wish.csr_pem)
    signature = from_base64url(wish.signature_b64url, "signature_b64url")
    keys = store.keys_of(connection, wish.shop_id, now)
    if not any(is_signed_by(key, signature, wish.signed_bytes()) for key in keys):
        raise RefusedError(
            "bad_signature", "No key of this shop made this signature; enrol the box again", "签名无效，请重新认领"
        )
    certificate = authority.issue_shop(wish.shop_id, wish.csr_pem, now)
    store.insert_certificate(connection, certificate)
    return certificate
