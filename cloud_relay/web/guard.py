"""What every request passes first: a limit on its body and its rate; security headers on every answer. Pure ASGI."""

import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud_relay.settings import LimitSettings
from cloud_relay.web.problems import Problem, problem_document, wants_page

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
UPLOADS = re.compile(
    r"/api/(?:(?:listings|quote-requests|courier)/[^/]+/pictures|quotes/[^/]+/clip|applications/[^/]+/documents"
    r"|goods-imports|operator/bank/statements)|/shop-door/pictures/[^/]+"
)
"""Whole paths of what takes a picture, a clip, a document or a table; all else is held to the smaller limit."""
LISTS = re.compile(r"/api/listings/[^/]+/(?:variants|goods-in)")
LISTS_FACTOR = 4
"""120 variants with three choices in two languages are 130 kB, 200 pieces with their spots 60 kB; written as JSON."""
ADDRESSES_MAX = 10_000
RETRY_AFTER_S = "1"
"""RFC 9110 10.2.3: the buckets fill many times a second, so a moment is enough."""


class _TooLarge(Exception):  # noqa: N818  # never leaves this file
    pass


class Buckets:
    """Token buckets by name; the least recently used is forgotten when there are too many."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s, self._burst = per_s, burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, now: float) -> bool:
        """Take one token of `name` at monotonic time `now`; False when there is none."""
        tokens, since = self._buckets.pop(name, (float(self._burst), now))
        tokens = min(float(self._burst), tokens + (now - since) * self._per_s)
        is_allowed = tokens >= 1
        self._buckets[name] = (tokens - 1 if is_allowed else tokens, now)
        if len(self._buckets) > ADDRESSES_MAX:
            self._buckets.popitem(last=False)
        return is_allowed


class Guard:
    """ASGI middleware. A refused request never reaches the rooms; `show` makes the page that people get instead."""

    def __init__(
        self, app: ASGIApp, limits: LimitSettings, show: Callable[[Problem, Request], Response] | None = None
    ) -> None:
        self._app, self._limits, self._show = app, limits, show
        self._buckets = Buckets(limits.requests_per_s, limits.requests_burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = scope.get("client") or ("", 0)
        if not self._buckets.take(client[0], time.monotonic()):
            await self._slow_down(scope, receive, send)
            return
        limit = self._limit(scope)
        if int(_header(scope, b"content-length") or 0) > limit:
            await _refuse(send, _too_large(limit))
            return
        body = _Body(receive, limit)
        has_begun = is_cut = False

        async def send_guarded(message: Message) -> None:
            nonlocal has_begun, is_cut
            if message["type"] == "http.response.start":
                is_cut, has_begun = body.is_too_large, True
                if is_cut:  # whatever the application made of the broken body, this is the reason
                    await _refuse(send, _too_large(limit))
                    return
                headers = MutableHeaders(raw=message["headers"])
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            if not is_cut:
                await send(message)

        try:
            await self._app(scope, body.receive, send_guarded)
        except _TooLarge:
            if not has_begun:
                await _refuse(send, _too_large(limit))

    async def _slow_down(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = Problem(429, "too_many_requests", "Too many requests; please wait a moment", "请求过于频繁，请稍候")
        request = Request(scope)
        if self._show is None or not wants_page(request):
            await _refuse(send, problem)
            return
        page = self._show(problem, request)
        page.headers["Retry-After"] = RETRY_AFTER_S
        await page(scope, receive, send)

    def _limit(self, scope: Scope) -> int:
        limits, path = self._limits, scope["path"]
        if scope["method"] not in ("POST", "PUT"):
            return limits.body_bytes_max
        if UPLOADS.fullmatch(path):
            return limits.upload_bytes_max + 8192  # a multipart form is a little larger than the picture in it
        return limits.body_bytes_max * (LISTS_FACTOR if LISTS.fullmatch(path) else 1)


def _header(scope: Scope, name: bytes) -> str:
    value = next((value for key, value in scope["headers"] if key == name), b"")
    return value.decode("latin-1") if value.isdigit() else ""


class _Body:
    """Counts what comes; over the limit it raises, and remembers it for whoever hides that."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._limit, self._seen = receive, limit, 0

    @property
    def is_too_large(self) -> bool:
        return self._seen > self._limit

    async def receive(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self.is_too_large:
            raise _TooLarge
        return message


def _too_large(limit: int) -> Problem:
    return Problem(413, "too_large", f"At most {limit} bytes", f"最多 {limit} 字节")


async def _refuse(send: Send, problem: Problem) -> None:
    body = json.dumps(problem_document(problem, "en"), ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    if problem.status == 429:
        headers.append((b"retry-after", RETRY_AFTER_S.encode()))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
