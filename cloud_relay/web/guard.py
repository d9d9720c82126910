"""What every request passes first: a limit on its body and its rate; security headers on every answer. Pure ASGI."""

import json
import time
from collections import OrderedDict

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud_relay.settings import LimitSettings

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
UPLOADS = ("/api/listings/", "/shop-door/pictures/")
"""Addresses under which a picture may come; everything else is held to the smaller limit."""
ADDRESSES_MAX = 10_000


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
    """ASGI middleware. A refused request never reaches the rooms."""

    def __init__(self, app: ASGIApp, limits: LimitSettings) -> None:
        self._app, self._limits = app, limits
        self._buckets = Buckets(limits.requests_per_s, limits.requests_burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = scope.get("client") or ("", 0)
        if not self._buckets.take(client[0], time.monotonic()):
            await _refuse(
                send, 429, "too_many_requests", "Too many requests; please wait a moment", "请求过于频繁，请稍候"
            )
            return
        limit = self._limit(scope)
        if int(_header(scope, b"content-length") or 0) > limit:
            await _refuse(send, 413, "too_large", f"At most {limit} bytes", f"最多 {limit} 字节")
            return
        body = _Body(receive, limit)
        has_begun = is_cut = False

        async def send_guarded(message: Message) -> None:
            nonlocal has_begun, is_cut
            if message["type"] == "http.response.start":
                is_cut, has_begun = body.is_too_large, True
                if is_cut:  # whatever the application made of the broken body, this is the reason
                    await _refuse(send, 413, "too_large", f"At most {limit} bytes", f"最多 {limit} 字节")
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
                await _refuse(send, 413, "too_large", f"At most {limit} bytes", f"最多 {limit} 字节")

    def _limit(self, scope: Scope) -> int:
        is_upload = scope["path"].startswith(UPLOADS)
        # a multipart form is a little larger than the picture in it
        return self._limits.upload_bytes_max + 8192 if is_upload else self._limits.body_bytes_max


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


async def _refuse(send: Send, status: int, type_: str, title_en: str, title_zh: str) -> None:
    document = {
        "type": f"urn:vitrine:problem:{type_}", "title": title_en, "status": status, "title_en": title_en,
        "title_zh": title_zh,
    }  # fmt: skip
    body = json.dumps(document, ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    if status == 429:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
