"""Makes a fresh box known to a relay with a one-time claim code, and renews its certificate before it ends."""

import asyncio
import hashlib
import logging
import re
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.identity import Enrolled, Identity
from edge.relay_http import client_options
from wire.codec import from_json, load_bytes, to_base64url
from wire.values import BadValueError, format_time

logger = logging.getLogger(__name__)

LOOK_S = 600.0
RETRY_S = 60.0
CLAIM = re.compile(r"(?P<code>[A-Za-z0-9][A-Za-z0-9 -]{8,60})@(?P<url>https://[^\s#/]+)/?#(?P<print>[0-9a-fA-F]{64})")


class EnrolmentError(Exception):
    """The relay could not be reached or said no; the message says which, and what to do next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the merchant's page shows once: the code, the relay's address, SHA-256 of its CA certificate (DER, hex)."""

    code: str
    https_url: str
    ca_sha256: str


def parse_claim(text: str) -> Claim:
    """Return the claim in `CODE@https://host:port#<sha256>`; raise EnrolmentError for anything else."""
    match = CLAIM.fullmatch(text.strip())
    if match is None:
        raise EnrolmentError("the claim must read CODE@https://host:port#<64 hex digits>; copy it whole from the page")
    return Claim(
        code=match["code"].replace(" ", "").upper(),
        https_url=match["url"],
        ca_sha256=match["print"].lower(),
    )


def enrol(identity: Identity, claim: Claim) -> Enrolled:
    """Make the key, fetch and check the CA, hand in the request, keep the answer; blocking. Raises EnrolmentError.

    Trying again after a break is safe: the key is kept, so the relay sees the same request.
    """
    ca_pem = _fetch_ca(claim)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=ca_pem)
    csr_pem = identity.request("vitrine-shop")
    with httpx.Client(base_url=claim.https_url, **client_options(claim.https_url, context)) as http:
        answer = _post(http, "/shop-door/enrol", {"claim_code": claim.code, "csr_pem": csr_pem})
    if _fingerprint(answer.ca_pem) != claim.ca_sha256:
        raise EnrolmentError(
            "the relay answered with another CA than the claim names; nothing was kept, ask the operator"
        )
    _save(identity, answer, claim.https_url)
    return answer


def renew(identity: Identity, now: datetime, nonce: str, https_url: str = "") -> Enrolled:
    """Get a new certificate for the same key, signed for with that key; blocking. Raises EnrolmentError.

    `https_url` is where to ask, if not where the box was enrolled.
    """
    facts, key = identity.facts(), identity.private_key()
    csr_pem, at = identity.request(facts["shop_id"]), format_time(now)
    signed = "\n".join((facts["shop_id"], csr_pem, at, nonce)).encode()
    signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
    body = {
        "shop_id": facts["shop_id"],
        "csr_pem": csr_pem,
        "at": at,
        "nonce": nonce,
        "signature_b64url": to_base64url(signature),
    }
    url = https_url or facts["https_url"]
    with httpx.Client(base_url=url, **client_options(url, identity.https_tls())) as http:
        answer = _post(http, "/shop-door/renew", body)
    _save(identity, answer, url)
    return answer


async def keep_certificate(identity: Identity, now: Callable[[], datetime], https_url: str = "") -> None:
    """Renew whenever two thirds of the certificate's life are over; ends only by cancellation."""
    while True:
        if now() < identity.renew_at():
            await asyncio.sleep(LOOK_S)
            continue
        try:
            await asyncio.to_thread(renew, identity, now(), secrets.token_hex(16), https_url)
            logger.info("certificate renewed", extra={"renew_at": format_time(identity.renew_at())})
        except EnrolmentError as error:
            logger.warning("certificate not renewed", extra={"words": str(error)})
            await asyncio.sleep(RETRY_S)


def _save(identity: Identity, answer: Enrolled, https_url: str) -> None:
    try:
        identity.save(answer, https_url)
    except BadValueError as error:
        raise EnrolmentError(f"the relay's answer cannot be used: {error}") from None


def _fetch_ca(claim: Claim) -> str:
    """Fetch the relay's CA without trust and accept it only by its fingerprint, which the claim carries for this."""
    try:
        answer = httpx.get(
            f"{claim.https_url}/shop-door/ca.pem",
            **client_options(claim.https_url, tls=False),  # nothing is known yet; the fingerprint decides below
        )
        answer.raise_for_status()
    except httpx.HTTPError as error:
        host = urlsplit(claim.https_url).netloc
        raise EnrolmentError(f"{host}: {_words(error)}; is the address right and the relay up?") from None
    if _fingerprint(answer.text) != claim.ca_sha256:
        raise EnrolmentError("the relay's CA has another fingerprint than the claim; do not go on, ask the operator")
    return answer.text


def _fingerprint(pem: str) -> str:
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise EnrolmentError("the relay's CA is no certificate; is the address right?") from None
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def _post(http: httpx.Client, path: str, body: dict[str, str]) -> Enrolled:
    try:
        answer = http.post(path, json=body)
    except httpx.HTTPError as error:
        raise EnrolmentError(f"{http.base_url.host}: {_words(error)}") from None
    if answer.status_code != httpx.codes.OK:
        raise EnrolmentError(f"the relay refused ({answer.status_code}): {_detail(answer)}")
    try:
        enrolled: Enrolled = from_json(Enrolled, load_bytes(answer.content))
    except BadValueError as error:
        raise EnrolmentError(f"the relay's answer cannot be read: {error}") from None
    return enrolled


def _words(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__


def _detail(answer: httpx.Response) -> str:
    try:
        problem = load_bytes(answer.content)
    except BadValueError:
        return answer.reason_phrase
    parts = [str(problem.get(key, "")) for key in ("title", "detail")] if isinstance(problem, dict) else []
    return ": ".join(part[:200] for part in parts if part) or answer.reason_phrase
