"""Fetches a still or opens a stream over HTTP, in a worker thread; every library error becomes DeviceOfflineError.

Name and password of the URL are sent only when the camera asks for them, by Digest (RFC 7616) where it offers that.
"""

import base64
import hashlib
import http.client
import secrets
import socket
import ssl
from contextlib import suppress
from urllib.parse import unquote, urlsplit
from urllib.request import parse_http_list, parse_keqv_list

from drivers.base import BadOptionsError, DeviceOfflineError
from drivers.camera._picture import JPEG_LIMIT


class HttpPicture:
    """One GET request; `stop` may be called from any thread and ends a blocked read at once."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self.where = public_url(url)
        self._url = url
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._response: http.client.HTTPResponse | None = None

    def open(self) -> str:
        """Send the request; return the content type of a 200 answer."""
        response = self._ask("")
        if response.status == 401 and urlsplit(self._url).username is not None:
            answer = self._answer_to(response.headers.get_all("WWW-Authenticate", []))
            self.close()
            response = self._ask(answer)
        if response.status in (401, 403):
            advice = "user name and password belong into the URL: http://name:password@…"
            raise BadOptionsError(f"{self.where}: answered {response.status}; {advice}", "no_permission")
        if response.status != 200:
            raise DeviceOfflineError(f"{self.where}: answered HTTP {response.status}", "refused")
        return response.headers.get("Content-Type", "")

    def read_some(self) -> bytes:
        """Return the next bytes; b'' at the end."""
        assert self._response is not None
        try:
            return self._response.read1(65536)
        except (OSError, http.client.HTTPException) as error:
            raise self._offline(error) from error

    def read_all(self, limit: int = JPEG_LIMIT) -> bytes:
        """Return the whole body; refuse more than `limit` bytes, and fewer than its header promised."""
        data = bytearray()
        while chunk := self.read_some():
            data += chunk
            if len(data) > limit:
                raise DeviceOfflineError(f"{self.where}: sent a still of more than {limit} bytes", "garbled")
        assert self._response is not None
        if self._response.length:  # http.client ends a body that broke off as if it were whole
            missing = self._response.length
            raise DeviceOfflineError(f"{self.where}: ended {missing} bytes before the still's end", "hang_up")
        return bytes(data)

    def stop(self) -> None:
        """End a read that another thread is blocked in."""
        if self._socket is not None:
            with suppress(OSError):  # already gone: then nobody is blocked
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go; called by the thread that reads."""
        for part in (self._response, self._connection, self._socket):
            if part is not None:
                part.close()

    def _ask(self, authorization: str) -> http.client.HTTPResponse:
        headers = {"Accept": "image/jpeg, multipart/x-mixed-replace", "Connection": "close"}
        if authorization:
            headers["Authorization"] = authorization
        connection = self._connection = _connection(self._url, self._timeout_s)
        try:
            connection.connect()
            self._socket = connection.sock
            connection.request("GET", _target(self._url), headers=headers)
            self._response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise self._offline(error) from error
        return self._response

    def _answer_to(self, challenges: list[str]) -> str:
        """Return the Authorization header that answers the strongest challenge known here."""
        parts = urlsplit(self._url)
        name, password = unquote(parts.username or ""), unquote(parts.password or "")
        for algorithm in ("SHA-256", "MD5"):
            for challenge in challenges:
                with suppress(ValueError):
                    return digest_answer(challenge, algorithm, _target(self._url), name, password, secrets.token_hex(8))
        return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode("ascii")

    def _offline(self, error: Exception) -> DeviceOfflineError:
        reason = "silent" if isinstance(error, TimeoutError) else "hang_up" if self._response else "refused"
        text = str(error) or type(error).__name__
        return DeviceOfflineError(f"{self.where}: {text}; check power, network and address", reason)


def fetch_still(url: str, timeout_s: float) -> bytes:
    """Return the body of one GET; blocks."""
    request = HttpPicture(url, timeout_s)
    try:
        request.open()
        return request.read_all()
    finally:
        request.close()


def digest_answer(challenge: str, algorithm: str, target: str, name: str, password: str, cnonce: str) -> str:
    """Return the Authorization header for GET (RFC 7616, 3.4); raise ValueError when the challenge is another one."""
    scheme, _, rest = challenge.partition(" ")
    fields = parse_keqv_list([part for part in parse_http_list(rest) if "=" in part])
    if scheme.lower() != "digest" or fields.get("algorithm", "MD5").upper() != algorithm or "nonce" not in fields:
        raise ValueError("no such challenge")
    if "qop" in fields and "auth" not in [word.strip() for word in fields["qop"].split(",")]:
        raise ValueError("only the quality of protection auth is known here")

    def digest(*words: str) -> str:
        maker = hashlib.sha256 if algorithm == "SHA-256" else hashlib.md5
        return maker(":".join(words).encode(), usedforsecurity=False).hexdigest()

    realm, nonce = fields.get("realm", ""), fields["nonce"]
    secret, request = digest(name, realm, password), digest("GET", target)
    answer = {"username": name, "realm": realm, "uri": target, "nonce": nonce}
    if "qop" in fields:
        answer |= {"response": digest(secret, nonce, "00000001", cnonce, "auth", request), "cnonce": cnonce}
    else:  # RFC 2069, still met in old cameras
        answer["response"] = digest(secret, nonce, request)
    if "opaque" in fields:
        answer["opaque"] = fields["opaque"]
    plain = f"algorithm={algorithm}" + (", qop=auth, nc=00000001" if "qop" in fields else "")
    return "Digest " + ", ".join(f'{key}="{value}"' for key, value in answer.items()) + ", " + plain


def check_url(url: str, key: str) -> None:
    """Raise ValueError naming the option when it is no http(s) URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{key} must be http://… or https://…")


def public_url(url: str) -> str:
    """Return the URL without name and password, for messages and logs."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _connection(url: str, timeout_s: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    assert parts.hostname is not None
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout_s, context=context)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
