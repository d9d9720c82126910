"""Sends push messages to browsers' push services: https and public addresses only; each answer read for its meaning."""

import asyncio
import ipaddress
import json
import socket
import ssl
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from cloud_relay.notices.push_crypto import BadPushKeyError, b64url, encrypt, point_of, vapid_header
from cloud_relay.notices.rules import Sent, is_https

TIMEOUT_S = 10.0
LIFE_S = 12 * 3600
"""How long a push service keeps a message for a browser that sleeps (TTL, RFC 8030 section 5.2)."""

Resolve = Callable[[str], Awaitable[list[str]]]


class PushSender(Protocol):
    """Whoever can bring a message to a browser."""

    public_key: str

    async def send(self, place: dict[str, Any], message: dict[str, str], now: datetime) -> tuple[Sent, str]:
        """Send one message to a place; return what became of it and why."""


async def resolve(host: str) -> list[str]:
    """Return the addresses of a host; empty when it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def is_public(address: str) -> bool:
    """Tell whether an address is one of the open internet; what a v6 address carries inside counts as well."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return found.is_global and not found.is_multicast and (inner is None or inner.is_global)


def push_key(file: Path) -> ec.EllipticCurvePrivateKey:
    """Return the relay's push key, made on first use; browsers bind their places to it, so it must stay."""
    if not file.exists():
        fresh = ec.generate_private_key(ec.SECP256R1())
        file.touch(mode=0o600)
        file.write_bytes(fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key = load_pem_private_key(file.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{file}: must hold a P-256 key; move it away and a new one is made")
    return key


class WebPush:
    """Speaks RFC 8030 with push services. `may_ask(address)` guards against addresses inside our own network."""

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey,
        contact: str,
        *,
        find: Resolve = resolve,
        may_ask: Callable[[str], bool] = is_public,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.public_key = b64url(point_of(key.public_key()))
        self._key, self._contact, self._find, self._may_ask = key, contact, find, may_ask
        self._tls = tls or ssl.create_default_context()

    async def send(self, place: dict[str, Any], message: dict[str, str], now: datetime) -> tuple[Sent, str]:
        """Send one message; the address is looked up once, judged, and exactly that one is connected to."""
        endpoint = str(place["endpoint"])
        if not is_https(endpoint):
            return Sent.GONE, "not a push address"
        parts = urlsplit(endpoint)
        addresses = await self._find(str(parts.hostname))
        if not addresses:
            return Sent.LATER, "the push service has no address"
        if not all(self._may_ask(address) for address in addresses):
            return Sent.GONE, "the push address is not on the open internet"
        try:
            body = encrypt(json.dumps(message, ensure_ascii=False).encode(), place["p256dh"], place["auth"])
        except BadPushKeyError:
            return Sent.GONE, "the browser's keys are none"
        headers = {
            "Host": parts.netloc, "TTL": str(LIFE_S), "Urgency": "high", "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "Authorization": vapid_header(self._key, f"https://{parts.netloc}", self._contact, now),
        }  # fmt: skip
        return await self._post(endpoint, addresses[0], str(parts.hostname), headers, body)

    async def _post(
        self, endpoint: str, address: str, host: str, headers: dict[str, str], body: bytes
    ) -> tuple[Sent, str]:
        pinned = httpx.URL(endpoint).copy_with(host=address)
        try:
            async with httpx.AsyncClient(verify=self._tls, timeout=TIMEOUT_S, trust_env=False) as http:
                answer = await http.post(pinned, content=body, headers=headers, extensions={"sni_hostname": host})
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            return Sent.LATER, type(error).__name__
        except httpx.HTTPError as error:  # the message was on its way: perhaps it arrived
            return Sent.UNKNOWN, type(error).__name__
        return meaning(answer.status_code), f"HTTP {answer.status_code}"


def meaning(status: int) -> Sent:
    """Return what a push service's status says (RFC 8030 sections 5, 7.3 and 8.4)."""
    if 200 <= status < 300:
        return Sent.SENT
    if status == 429 or status >= 500:
        return Sent.LATER
    return Sent.GONE
