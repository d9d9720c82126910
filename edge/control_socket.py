"""How the technician's commands reach the running daemon: one JSON line in, one JSON line out, by a unix socket."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

LINE_BYTES_MAX = 4 * 1024 * 1024
REPLY_S = 10.0

Verb = Callable[[dict[str, Any]], Awaitable[Any]]


class DaemonDownError(Exception):
    """Nobody listens at the socket: the daemon does not run."""


class VerbFailedError(Exception):
    """The daemon answered that it can't; the message is the daemon's."""


def socket_path(data_dir: Path) -> Path:
    """Return where the daemon of this data directory listens."""
    return data_dir / "control.sock"


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a name of the socket that fits a unix address (108 bytes) however deep its folder lies."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


@asynccontextmanager
async def control_socket(path: Path, verbs: dict[str, Verb]) -> AsyncIterator[None]:
    """Listen while the body runs; each line `{"verb", …}` is answered `{"ok": …}` or `{"error": …}`. Owner only."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REPLY_S):
                writer.write(json.dumps(await _answer(await reader.readline(), verbs)).encode() + b"\n")
                await writer.drain()
        except (TimeoutError, OSError, ValueError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_unix_server(serve, sock=_listen(path), limit=LINE_BYTES_MAX)
    try:
        yield
    finally:
        server.close()
        await asyncio.to_thread(path.unlink, missing_ok=True)


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _short(path) as short:
        listener.bind(short)
    path.chmod(0o600)
    return listener


async def _answer(line: bytes, verbs: dict[str, Verb]) -> dict[str, Any]:
    try:
        asked = json.loads(line)
    except ValueError:
        return {"error": "not JSON"}
    verb = verbs.get(asked.get("verb", "")) if isinstance(asked, dict) else None
    if verb is None:
        return {"error": f"unknown verb; known are {', '.join(sorted(verbs))}"}
    try:
        return {"ok": await verb(asked)}
    except LookupError as error:
        return {"error": str(error.args[0]) if error.args else "not found"}


def ask(path: Path, verb: str, **facts: Any) -> Any:
    """Ask the running daemon; blocking. Raises DaemonDownError or VerbFailedError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(REPLY_S)
        try:
            with _short(path) as short:
                client.connect(short)
            client.sendall(json.dumps({"verb": verb, **facts}).encode() + b"\n")
            with client.makefile("rb") as lines:
                answer = json.loads(lines.readline(LINE_BYTES_MAX) or b"{}")
        except (OSError, ValueError) as error:
            raise DaemonDownError(f"{path}: {error}") from None
    if "ok" not in answer:
        raise VerbFailedError(answer.get("error", "the daemon ended while it was asked"))
    return answer["ok"]
