"""Who may come in to the attendant's page: this machine only, by its own name, with the PIN."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.page_http import problem

COOKIE = "vitrine_attendant"
SIGN_IN_PAGE = Path(__file__).parent / "static" / "sign_in.html"
"""The page with the PIN, at the bench and at the till; its script asks for a member's name too where it is the till."""

SESSION_S = 14 * 3600
"""A working day: the person at the bench signs in once."""

TRIES_FREE = 5
LOCK_S_FIRST = 30.0
LOCK_S_MAX = 900.0
"""Five wrong PINs are typing errors; after that each one doubles the wait, so that 10 000 PINs take months."""

BODY_BYTES_MAX = 16 * 1024

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class PinLockedError(Exception):
    """Too many wrong PINs; `wait_s` says for how long nobody may try."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"try again in {wait_s:.0f} s")
        self.wait_s = wait_s


class PinDoor:
    """Checks the PIN and gives out signed sign-ins; one lock for everybody, because the page serves one machine."""

    def __init__(self, pin: str, secret_path: Path, wall_s: Callable[[], float]) -> None:
        self._pin = pin.encode()
        self._key = hashlib.sha256(secret_of(secret_path) + self._pin).digest()
        self._wall_s = wall_s
        self._wrong = 0
        self._locked_until_s = 0.0

    def sign_in(self, pin: str) -> str | None:
        """Return a sign-in for the right PIN, None for a wrong one; raise PinLockedError while locked."""
        now_s = self._wall_s()
        if now_s < self._locked_until_s:
            raise PinLockedError(self._locked_until_s - now_s)
        if not hmac.compare_digest(pin.encode(), self._pin):
            self._wrong += 1
            if self._wrong >= TRIES_FREE:
                self._locked_until_s = now_s + min(LOCK_S_FIRST * 2 ** (self._wrong - TRIES_FREE), LOCK_S_MAX)
            return None
        self._wrong = 0
        until = str(int(now_s) + SESSION_S)
        return f"{until}.{self._sign(until)}"

    def is_signed_in(self, sign_in: str) -> bool:
        """True for a sign-in of ours that has not ended; the PIN's change ends them all."""
        until, _, signature = sign_in.partition(".")
        if not until.isdigit() or not hmac.compare_digest(signature.encode(), self._sign(until).encode()):
            return False
        return self._wall_s() < int(until)

    def _sign(self, until: str) -> str:
        return hmac.new(self._key, until.encode(), hashlib.sha256).hexdigest()


def secret_of(path: Path) -> bytes:
    """Return this box's own random bytes for signing, made at the first call."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(32))
    return path.read_bytes()


class LoopbackOnly:
    """Middleware: refuses other Host names (DNS rebinding) and origins, large bodies, and whoever is not signed in."""

    def __init__(
        self, app: ASGIApp, door: PinDoor, open_paths: frozenset[str], own_doors: tuple[str, ...] = ()
    ) -> None:
        """Paths that begin with one of `own_doors` have a sign-in of their own."""
        self._app = app
        self._door = door
        self._open_paths = open_paths
        self._own_doors = ("/static/", *own_doors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer why not."""
        if scope["type"] != "http":
            return
        request = HTTPConnection(scope)
        refusal = self._refusal(request)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if refusal is not None:
            await refusal(scope, receive, send_guarded)
        else:
            await self._app(scope, receive, send_guarded)

    def _refusal(self, request: HTTPConnection) -> Response | None:
        if request.url.hostname not in ("127.0.0.1", "localhost", "::1"):
            return problem(421, "wrong_host", "open the page by http://127.0.0.1 on the shop box itself")
        if request.scope["method"] not in ("GET", "HEAD"):
            origin = request.headers.get("origin")
            if origin is not None and origin != f"{request.url.scheme}://{request.url.netloc}":
                return problem(403, "wrong_origin", "this request came from another page")
            if int(request.headers.get("content-length", "0") or "0") > BODY_BYTES_MAX:
                return problem(413, "too_large", f"at most {BODY_BYTES_MAX} bytes")
            if "transfer-encoding" in request.headers:
                return problem(411, "length_required", "say how long the body is")
        path = request.url.path
        if path in self._open_paths or path.startswith(self._own_doors):
            return None
        if not self._door.is_signed_in(request.cookies.get(COOKIE, "")):
            if path == "/":
                return RedirectResponse("/sign-in", 303)
            return problem(401, "sign_in", "sign in with the PIN first")
        return None
