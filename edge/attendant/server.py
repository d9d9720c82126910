"""The attendant's page over HTTP: JSON beside it, changes pushed as server-sent events, on loopback only."""

import asyncio
import io
import json
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import segno
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from edge.attendant import locations
from edge.attendant.doors import COOKIE, SESSION_S, SIGN_IN_PAGE, LoopbackOnly, PinDoor, PinLockedError
from edge.attendant.machines import MachineRefusedError, refusal_json
from edge.attendant.questions import QuestionGoneError
from edge.attendant.room import AttendantRoom
from edge.bench_check import CheckRefusedError
from edge.page_http import KEEP_ALIVE_S, BadBodyError, json_body, problem, text_of
from wire.codec import to_json
from wire.values import BadValueError

logger = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
OPEN_PATHS = frozenset({"/sign-in", "/api/sign-in", "/healthz"})
SCAN_LENGTH_MAX = 200


class PortTakenError(Exception):
    """Another program listens where the page should be; the message says how to see which."""


def build_app(
    room: AttendantRoom, door: PinDoor, more: Sequence[BaseRoute] = (), own_doors: tuple[str, ...] = ()
) -> Starlette:
    """Return the page's application. `more` are other rooms' routes; those under `own_doors` sign in by themselves."""
    api = _Api(room, door)
    routes = [
        Route("/", api.page),
        Route("/sign-in", api.sign_in_page),
        Route("/healthz", api.healthz),
        Route("/api/sign-in", api.sign_in, methods=["POST"]),
        Route("/api/sign-out", api.sign_out, methods=["POST"]),
        Route("/api/state", api.state),
        Route("/api/tasks", api.tasks),
        Route("/api/tasks/{task_id}/answer", api.answer_task, methods=["POST"]),
        Route("/api/tasks/{task_id}/link.svg", api.link),
        Route("/api/scan", api.scan, methods=["POST"]),
        Route("/api/questions", api.questions),
        Route("/api/questions/{question_id}/answer", api.answer_question, methods=["POST"]),
        Route("/api/devices", api.devices),
        Route("/check", api.check_page),
        Route("/api/bench-check", api.begin_check, methods=["POST"]),
        Route("/api/privacy", api.set_privacy, methods=["POST"]),
        Route("/api/machines/home", api.home_machine, methods=["POST"]),
        Route("/api/cameras/give-back", api.give_camera_back, methods=["POST"]),
        Route("/api/pictures/{sha256}", api.picture),
        Route("/api/events", api.events),
        *locations.routes(room),
        Mount("/static", StaticFiles(directory=STATIC)),
        *more,
    ]
    guard = Middleware(LoopbackOnly, door=door, open_paths=OPEN_PATHS, own_doors=own_doors)
    handlers: dict[Any, Any] = {BadBodyError: _bad_body, BadValueError: _bad_body}
    return Starlette(routes=routes, middleware=[guard], exception_handlers=handlers)


def _bad_body(_request: Request, error: Exception) -> Response:
    return problem(422, "bad_value", str(error))


async def _text(request: Request, key: str, length_max: int) -> str:
    """Return one text of a JSON body; raise BadBodyError."""
    return text_of(await json_body(request), key, length_max)


class _Api:
    def __init__(self, room: AttendantRoom, door: PinDoor) -> None:
        self._room = room
        self._door = door
        self.is_closing = asyncio.Event()

    async def page(self, _request: Request) -> Response:
        return FileResponse(STATIC / "bench.html")

    async def sign_in_page(self, _request: Request) -> Response:
        return FileResponse(SIGN_IN_PAGE)

    async def healthz(self, _request: Request) -> Response:
        return JSONResponse({"ok": True, "language": self._room.language})

    async def sign_in(self, request: Request) -> Response:
        pin = await _text(request, "pin", 12)
        try:
            made = self._door.sign_in(pin)
        except PinLockedError as error:
            wait_s = int(error.wait_s) + 1
            return problem(429, "locked", f"too many wrong PINs; {error}", {"retry-after": str(wait_s)})
        if made is None:
            return problem(403, "wrong_pin", "this is not the PIN")
        answer = JSONResponse({"ok": True})
        answer.set_cookie(COOKIE, made, max_age=SESSION_S, httponly=True, samesite="strict")
        return answer

    async def sign_out(self, _request: Request) -> Response:
        answer = JSONResponse({"ok": True})
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    async def state(self, _request: Request) -> Response:
        return JSONResponse({"version": self._room.version, **await self._room.state()})

    async def tasks(self, _request: Request) -> Response:
        return JSONResponse(await self._room.tasks())

    async def answer_task(self, request: Request) -> Response:
        answer = await _text(request, "answer", 64)
        result = await self._room.bench.answer_task(request.path_params["task_id"], answer)
        self._room.changed()
        return JSONResponse(to_json(result), 200 if result.accepted else 409)

    async def link(self, request: Request) -> Response:
        for task in await self._room.bench.tasks():
            if task.task_id == request.path_params["task_id"] and task.link:
                drawing = io.BytesIO()
                segno.make(task.link, error="m", micro=False).save(drawing, kind="svg", scale=8, border=4)
                return Response(drawing.getvalue(), media_type="image/svg+xml")
        return problem(404, "gone", "this link is not shown any more")

    async def scan(self, request: Request) -> Response:
        result = await self._room.bench.on_scan(await _text(request, "text", SCAN_LENGTH_MAX))
        self._room.changed()
        return JSONResponse(to_json(result), 200 if result.accepted else 409)

    async def questions(self, _request: Request) -> Response:
        return JSONResponse(self._room.open_questions())

    async def answer_question(self, request: Request) -> Response:
        text = await _text(request, "text", 2000)
        try:
            await self._room.questions.answer(request.path_params["question_id"], text)
        except QuestionGoneError:
            return problem(409, "gone", "this question is answered already, or the shopper has left")
        return JSONResponse({"ok": True})

    async def devices(self, _request: Request) -> Response:
        return JSONResponse(self._room.devices())

    async def check_page(self, _request: Request) -> Response:
        return FileResponse(STATIC / "check.html")

    async def begin_check(self, request: Request) -> Response:
        occasion = await _text(request, "occasion", 10)
        if self._room.bench_check is None or occasion not in ("asked", "setup"):
            raise BadBodyError("occasion: must be asked or setup")
        try:
            check_id = await self._room.bench_check.begin(occasion)
        except CheckRefusedError as error:
            return JSONResponse({"accepted": False, "text": to_json(error.text)}, 409)
        return JSONResponse({"accepted": True, "check_id": check_id}, 202)

    async def home_machine(self, request: Request) -> Response:
        name = await _text(request, "machine", 64)
        if self._room.machines is None:
            return problem(404, "gone", "no machine can be sent home from here")
        try:
            await self._room.machines.home(name)
        except MachineRefusedError as error:
            return JSONResponse(refusal_json(error), 409)
        self._room.changed()
        return JSONResponse({"accepted": True})

    async def give_camera_back(self, request: Request) -> Response:
        camera = await _text(request, "camera", 64)
        if self._room.machines is None:
            return problem(404, "gone", "no camera can be given back from here")
        try:
            self._room.machines.give_back(camera)
        except MachineRefusedError as error:
            return JSONResponse(refusal_json(error), 409)
        self._room.changed()
        return JSONResponse({"accepted": True})

    async def set_privacy(self, request: Request) -> Response:
        word = await _text(request, "switch", 3)
        if word not in ("on", "off"):
            raise BadBodyError("switch: must be on or off")
        await self._room.privacy.set(word == "on")
        self._room.changed()
        return JSONResponse({"is_private": self._room.privacy.is_on})

    async def picture(self, request: Request) -> Response:
        sha256 = request.path_params["sha256"]
        if len(sha256) != 64 or not sha256.isalnum():
            return problem(404, "gone", "no such picture")
        jpeg = await self._room.picture(sha256)
        if jpeg is None:
            return problem(404, "gone", "no such picture")
        return Response(jpeg, media_type="image/jpeg")

    async def events(self, _request: Request) -> Response:
        return StreamingResponse(self._changes(), media_type="text/event-stream")

    async def _changes(self) -> AsyncIterator[bytes]:
        """Send the whole state now and whenever it changed; a page that slept needs nothing of what it missed."""
        version = -1
        while True:
            seen = self._room.version
            if seen != version:
                version = seen
                yield b"event: state\ndata: " + json.dumps(await self._room.state()).encode() + b"\n\n"
            else:
                yield b": still here\n\n"
            await self._room.wait_change(version, KEEP_ALIVE_S)


class _Server(uvicorn.Server):
    """uvicorn inside our own loop: signals belong to the daemon."""

    @contextmanager
    def capture_signals(self) -> Any:
        yield


class AttendantServer:
    """Listens on 127.0.0.1; `port` 0 takes a free one."""

    def __init__(
        self,
        room: AttendantRoom,
        door: PinDoor,
        port: int,
        more: Sequence[BaseRoute] = (),
        own_doors: tuple[str, ...] = (),
    ) -> None:
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            build_app(room, door, more, own_doors),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
            server_header=False,
        )
        self._server = _Server(config)

    async def run(self) -> None:
        """Serve until `stop()`; returns when the last answer is out or a second has passed."""
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        """Let no new request in and end the running ones."""
        self._server.should_exit = True


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise PortTakenError(
            f"attendant.port: 127.0.0.1:{port} cannot be had ({error.strerror}); see who has it with: ss -ltnp"
        ) from None
    return listener
