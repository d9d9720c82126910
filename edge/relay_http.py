"""How this box speaks HTTPS to the relay: the relay's own CA and no other, and no proxy for a relay on this machine."""

import ipaddress
import ssl
from typing import Any
from urllib.parse import urlsplit

REPLY_S = 15.0


def client_options(https_url: str, tls: ssl.SSLContext | bool, timeout_s: float = REPLY_S) -> dict[str, Any]:
    """Return httpx's options for a client of the relay at `https_url`.

    A proxy named by the environment is used as elsewhere, but never for loopback: no proxy can reach that.
    """
    return {"verify": tls, "timeout": timeout_s, "trust_env": not is_loopback(urlsplit(https_url).hostname or "")}


def is_loopback(host: str) -> bool:
    """True for names and addresses of this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
