"""How the technician's commands reach the running daemon: JSON lines in, JSON lines out, by a unix socket.

A plain verb answers one line with one line. A talking verb tells how far it is, and may hear more lines meanwhile.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.base import DeviceError
from edge.control_client import REPLY_S, DaemonDownError, VerbFailedError, ask, short_path, socket_path
from edge.reasons import sentence_for
from wire.codec import to_json
from wire.plan import Text

__all__ = [
    "DaemonDownError", "Talk", "TalkingVerb", "Verb", "VerbFailedError", "VerbRefusedError", "ask", "control_socket",
    "socket_path",
]  # fmt: skip

ASKED_BYTES_MAX = 4 * 1024 * 1024

Verb = Callable[[dict[str, Any]], Awaitable[Any]]


class VerbRefusedError(Exception):
    """A verb can't do that now; `text` says what, why and what to do next, in both languages."""

    def __init__(self, text: Text, reason: str = "") -> None:
        super().__init__(text.en)
        self.text = text
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Talk:
    """The other end of a talking verb: `tell` a line of progress; `hear` the next line, None when they hung up."""

    tell: Callable[[Any], Awaitable[None]]
    hear: Callable[[], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class TalkingVerb:
    """A verb that takes long or talks; it is given up after `limit_s` seconds."""

    work: Callable[[dict[str, Any], Talk], Awaitable[Any]]
    limit_s: float


@asynccontextmanager
async def control_socket(path: Path, verbs: Mapping[str, Verb | TalkingVerb]) -> AsyncIterator[None]:
    """Listen while the body runs; each line `{"verb", …}` is answered `{"ok": …}` or `{"error": …}`. Owner only."""
    talking: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talking.add(task)
        try:
            await _serve(reader, writer, verbs)
        finally:
            talking.discard(task)
            writer.close()

    server = await asyncio.start_unix_server(serve, sock=_listen(path), limit=ASKED_BYTES_MAX)
    try:
        yield
    finally:
        server.close()
        for task in tuple(talking):
            task.cancel()
        await asyncio.to_thread(path.unlink, missing_ok=True)


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with short_path(path) as short:
        listener.bind(short)
    path.chmod(0o600)
    return listener


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, verbs: Mapping[str, Verb | TalkingVerb]
) -> None:
    async def say(line: dict[str, Any]) -> None:
        writer.write(json.dumps(line).encode() + b"\n")
        with contextlib.suppress(OSError):  # who hung up hears nothing; what was begun is ended all the same
            await writer.drain()

    async def hear() -> dict[str, Any] | None:
        try:
            heard = json.loads(await reader.readline())
        except (OSError, ValueError):  # an empty line is the end of the stream
            return None
        return heard if isinstance(heard, dict) else {}

    try:
        async with asyncio.timeout(REPLY_S) as limit:
            asked = await hear()
            verb = verbs.get(str((asked or {}).get("verb", "")))
            if isinstance(verb, TalkingVerb):
                limit.reschedule(asyncio.get_running_loop().time() + verb.limit_s)
            await say(await _answer(asked, verb, Talk(lambda progress: say({"progress": progress}), hear), verbs))
    except TimeoutError:
        await say({"error": "this took too long and was given up"})


async def _answer(
    asked: dict[str, Any] | None, verb: Verb | TalkingVerb | None, talk: Talk, verbs: Mapping[str, Any]
) -> dict[str, Any]:
    if asked is None:
        return {"error": "not JSON"}
    if verb is None:
        return {"error": f"unknown verb; known are {', '.join(sorted(verbs))}"}
    try:
        return {"ok": await (verb.work(asked, talk) if isinstance(verb, TalkingVerb) else verb(asked))}
    except LookupError as error:
        return {"error": str(error.args[0]) if error.args else "not found"}
    except VerbRefusedError as error:
        return {"error": error.text.en, "text": to_json(error.text), "reason": error.reason}
    except DeviceError as error:
        text = to_json(sentence_for(error.reason))
        return {"error": str(error), "text": text, "reason": error.reason}
