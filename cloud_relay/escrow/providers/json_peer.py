"""JSON over HTTP/1.1 to one known peer, on connections kept open. A general client takes ten times as long per call.

Speaks only what payment peers speak: a body with Content-Length (RFC 9112 section 6.2); anything else is an error.
"""

import asyncio
import json
import re
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

ANSWER_BYTES_MAX = 1024 * 1024
IDLE_MAX = 16
"""Connections kept open; more than a small relay ever has under way at once."""


class PeerError(RuntimeError):
    """No answer, or none that can be read: nobody knows what the peer did."""


def _status(line: str) -> int:
    found = re.match(r"HTTP/1\.[01] (\d{3})(?: |$)", line)
    if found is None:
        raise ValueError("an answer that is not HTTP/1.1")
    return int(found[1])


_Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class JsonPeer:
    """One peer at `url` (its path is ignored); each call ends within `timeout_s` or raises PeerError."""

    def __init__(self, url: str, timeout_s: float, headers: Mapping[str, str] | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r}: must be http://host or https://host")
        self._host, self._timeout_s = parts.hostname, timeout_s
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        own = {"Host": parts.netloc, "Content-Type": "application/json", "Accept": "application/json"}
        self._head = "".join(f"{name}: {value}\r\n" for name, value in {**own, **(headers or {})}.items())
        self._idle: list[_Pipe] = []

    async def call(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send one message and return (status, body).

        On a kept connection that the peer had closed it is sent again on a new one, so it must be safe to repeat: every
        message to a payment peer carries its own id.
        """
        more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        message = f"{method} {path} HTTP/1.1\r\n{self._head}{more}Content-Length: {len(body)}\r\n\r\n".encode() + body
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._exchange(message)
        except (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError) as error:
            raise PeerError(f"{method} {path}: {type(error).__name__} {error}".strip()) from error

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """As `call`, with JSON both ways; an answer without a body is None."""
        status, answer = await self.call(method, path, b"" if body is None else json.dumps(body).encode())
        try:
            return status, json.loads(answer) if answer else None
        except ValueError as error:
            raise PeerError(f"{method} {path}: HTTP {status} without JSON") from error

    async def _exchange(self, message: bytes) -> tuple[int, bytes]:
        while self._idle:
            pipe = self._idle.pop()
            try:
                return await self._send(pipe, message)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                if isinstance(error, asyncio.IncompleteReadError) and error.partial:
                    raise  # it had begun to answer: this is no idle connection that timed out
        return await self._send(await asyncio.open_connection(self._host, self._port, ssl=self._tls), message)

    async def _send(self, pipe: _Pipe, message: bytes) -> tuple[int, bytes]:
        reader, writer = pipe
        is_kept = False
        try:
            writer.write(message)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            fields = {
                name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
            }
            status = _status(head[0])
            length = 0 if status == 204 else int(fields["content-length"]) if "content-length" in fields else -1
            if not 0 <= length <= ANSWER_BYTES_MAX:
                raise ValueError("an answer without a usable Content-Length")
            body = await reader.readexactly(length)
            is_kept = fields.get("connection", "").lower() != "close" and len(self._idle) < IDLE_MAX
        finally:
            if is_kept:
                self._idle.append(pipe)
            else:
                writer.close()
        return status, body

    async def close(self) -> None:
        """Close every kept connection."""
        while self._idle:
            _, writer = self._idle.pop()
            writer.close()
            try:
                await writer.wait_closed()
            except OSError:
                continue
