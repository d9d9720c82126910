"""The last lines of the daemon's log, with everything removed that is not a word of our own source."""

import builtins
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edge.care.words import REMOVED, Sieve

UNIT = "vitrine-edge"
LINES = 2000
BYTES_MAX = 2_000_000
JOURNALCTL_S = 20.0
FRAME = re.compile(
    r'File "[^"]*?(?P<file>(?:edge|drivers|wire)/[a-z0-9_/]+\.py)", line (?P<line>\d+), in (?P<name>\w+)'
)
ERROR = re.compile(r"^(?P<name>[A-Za-z_][\w.]*(?:Error|Exception|Group|Interrupt|Exit)\b)", re.MULTILINE)


def from_file(path: Path) -> list[str]:
    """Return the last lines of a log file; raises OSError."""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - BYTES_MAX))
        return file.read().decode("utf-8", "replace").splitlines()[-LINES:]


def from_systemd() -> list[str]:
    """Return the last lines that the service wrote, or none where systemd's journal cannot be read."""
    journalctl = shutil.which("journalctl")
    if journalctl is None:
        return []
    command = [journalctl, "--unit", UNIT, "--output", "cat", "--lines", str(LINES), "--no-pager", "--quiet"]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=JOURNALCTL_S, check=False)  # noqa: S603  # no input
    except (OSError, subprocess.TimeoutExpired):
        return []
    return ended.stdout[-BYTES_MAX:].decode("utf-8", "replace").splitlines()


def sieved(lines: Sequence[str], sieve: Sieve) -> Iterator[dict[str, Any]]:
    """Yield each JSON line of ours sieved; what is no such line leaves only its length."""
    for text in lines:
        try:
            facts = json.loads(text)
        except ValueError:
            facts = None
        if isinstance(facts, dict):
            error = facts.pop("error", None)
            shown = sieve.facts(facts)
            yield {**shown, "error": traceback_of(str(error), sieve)} if error else shown
        else:
            yield {"message": REMOVED}


def traceback_of(text: str, sieve: Sieve) -> list[str]:
    """Return the frames of ours and the kinds of errors, without what the errors say."""
    frames = [f"{frame['file']}:{frame['line']} {sieve.text(frame['name'])}" for frame in FRAME.finditer(text)]
    names = [name["name"].rpartition(".")[2] for name in ERROR.finditer(text)]
    return [*frames, *(name if hasattr(builtins, name) else sieve.text(name) for name in names)]
