"""A small HTTP/1.1 server on loopback, enough for network cameras and the control address."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

# limits of one request
HEAD_MAX, BODY_MAX = 16_384, 65_536
REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes
    content_type: str = "application/json"


def as_json(document: object, status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(document, ensure_ascii=False).encode())


@dataclass(frozen=True, slots=True)
class Caller:
    """The other side of a connection, for answers that go on and on."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def is_gone(self) -> bool:
        """Whether it hung up."""
        return self.writer.is_closing() or self.reader.at_eof()


# a handler returns an answer, or writes the response itself and returns None
Handler = Callable[[Request, Caller], Awaitable[Answer | None]]


class HttpServer:
    """Serves one handler on 127.0.0.1; one request a connection."""

    def __init__(self, handler: Handler, port: int) -> None:
        self._handler = handler
        self._port = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """http://127.0.0.1:port, once open."""
        return f"http://127.0.0.1:{self._port}"

    async def open(self) -> None:
        """Start to serve."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, limit=HEAD_MAX)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop, and end the streams that run."""
        if self._server:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._tasks.add(task)
        try:
            request = await _read(reader)
            answer = Answer(400, b"") if request is None else await self._handler(request, Caller(reader, writer))
            if answer:
                await _write(writer, answer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the viewer went, or the shop closes: either way this connection is over
        finally:
            writer.close()
            if task:
                self._tasks.discard(task)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """One request; None when it is none or larger than the limits."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _version = first.split(" ")
        headers = {
            name.strip().lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)
        }
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= BODY_MAX:
            return None
        body = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        return None
    parts = urlsplit(target)
    return Request(method, parts.path, dict(parse_qsl(parts.query)), body)


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> None:
    writer.write(
        f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Unknown')}\r\n"
        f"Content-Type: {answer.content_type}\r\nContent-Length: {len(answer.body)}\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode()
    )
    writer.write(answer.body)
    await writer.drain()
