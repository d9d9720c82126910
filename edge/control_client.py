"""The technician's side of the control socket: asks the running daemon. Light, because every command starts with it."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

LINE_BYTES_MAX = 32 * 1024 * 1024
"""An answer may hold a full-resolution still of 12 megapixels."""

REPLY_S = 10.0
"""A daemon that lives answers a plain question long before."""


class DaemonDownError(Exception):
    """Nobody listens at the socket: the daemon does not run."""


class NoPermissionError(DaemonDownError):
    """There is a socket, but this account may not use it."""


class VerbFailedError(Exception):
    """The daemon answered that it can't; the message is the daemon's, `text` the same in both languages if it has it.

    `reason` is a stable code, empty where there is none.
    """

    def __init__(self, message: str, reason: str = "", text: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.text = text or {}


def socket_path(data_dir: Path) -> Path:
    """Return where the daemon of this data directory listens."""
    return data_dir / "control.sock"


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """Give a name of the socket that fits a unix address (108 bytes) however deep its folder lies."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class Conversation:
    """One verb that talks: lines go both ways until its answer comes. Closing it tells the daemon that nobody listens.

    Raises DaemonDownError when the daemon is not there, ends or stays silent for `reply_s` seconds.
    """

    def __init__(self, path: Path, verb: str, *, reply_s: float = REPLY_S, **facts: Any) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(reply_s)
        self._lines = self._socket.makefile("rb")
        try:
            with short_path(path) as short:
                self._socket.connect(short)
        except PermissionError as error:
            self.close()
            raise NoPermissionError(f"{path}: {error.strerror}") from None
        except OSError as error:
            self.close()
            raise DaemonDownError(f"{path}: {error.strerror or error}") from None
        self.say({"verb": verb, **facts})

    def say(self, line: dict[str, Any]) -> None:
        """Tell the daemon something more."""
        try:
            self._socket.sendall(json.dumps(line).encode() + b"\n")
        except OSError as error:
            self.close()
            raise DaemonDownError(f"{self._path}: {error}") from None

    def hear(self) -> dict[str, Any]:
        """Return the daemon's next line: `{"progress": …}`, or `{"ok": …}`, which is the last one."""
        try:
            answer = json.loads(self._lines.readline(LINE_BYTES_MAX) or b"{}")
        except (OSError, ValueError) as error:
            raise DaemonDownError(f"{self._path}: {error}") from None
        if "progress" not in answer and "ok" not in answer:
            message = answer.get("error", "the daemon ended while it was asked")
            raise VerbFailedError(message, answer.get("reason", ""), answer.get("text"))
        return dict(answer)

    def finish(self, on_progress: Callable[[Any], None] = lambda _progress: None) -> Any:
        """Hear to the end; returns the answer."""
        while True:
            line = self.hear()
            if "ok" in line:
                return line["ok"]
            on_progress(line["progress"])

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def ask(path: Path, verb: str, **facts: Any) -> Any:
    """Ask the running daemon; blocking. Raises DaemonDownError or VerbFailedError."""
    with Conversation(path, verb, **facts) as talk:
        return talk.finish()
