"""Fetches a still or opens a stream over HTTP, in a worker thread; every library error becomes DeviceOfflineError."""

import base64
import http.client
import socket
import ssl
from contextlib import suppress
from urllib.parse import unquote, urlsplit

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
        connection = _connection(self._url, self._timeout_s)
        self._connection = connection
        try:
            connection.connect()
            self._socket = connection.sock
            connection.request("GET", _target(self._url), headers=_headers(self._url))
            self._response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise self._offline(error) from error
        if self._response.status in (401, 403):
            advice = "user name and password belong into the URL: http://name:password@…"
            raise BadOptionsError(f"{self.where}: answered {self._response.status}; {advice}", "no_permission")
        if self._response.status != 200:
            raise DeviceOfflineError(f"{self.where}: answered HTTP {self._response.status}", "refused")
        return self._response.headers.get("Content-Type", "")

    def read_some(self) -> bytes:
        """Return the next bytes; b'' at the end."""
        assert self._response is not None
        try:
            return self._response.read1(65536)
        except (OSError, http.client.HTTPException) as error:
            raise self._offline(error) from error

    def read_all(self, limit: int = JPEG_LIMIT) -> bytes:
        """Return the whole body; refuse more than `limit` bytes."""
        data = bytearray()
        while chunk := self.read_some():
            data += chunk
            if len(data) > limit:
                raise DeviceOfflineError(f"{self.where}: sent a still of more than {limit} bytes", "garbled")
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


def _headers(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    headers = {"Accept": "image/jpeg, multipart/x-mixed-replace", "Connection": "close"}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    return headers
