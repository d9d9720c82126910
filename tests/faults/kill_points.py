"""kill -9 at the n-th point of a program's database writes, by strace, so that every run dies at another one."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Self

HOLD_SYNC_US, HOLD_WRITE_US = 40_000, 4_000
"""How long each call is held at its entry, so that the one that counts has not begun when the signal comes."""

ENTRY = re.compile(r"(pwrite64|fdatasync)\(")
ATTACH_S = 15.0


class KillAt:
    """While entered, counts two points per commit to `wal` and kills `pid` at the n-th: just before its first byte
    is written (the act before it is done, nothing tells of it), and just before its sync (it will be found, but nobody
    has been told). SQLite writes frames with pwrite64(2), syncs with fdatasync(2); each program has one writing thread.
    """

    def __init__(self, pid: int, wal: Path, point: int) -> None:
        self.points = 0
        self.is_hit = False
        self.is_late = False
        self._pid, self._wal, self._at = pid, wal, point
        self._is_fresh = True
        self._process: asyncio.subprocess.Process
        self._reader: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        strace = shutil.which("strace")
        assert strace, "strace is missing; install it: sudo apt-get install strace"
        self._process = await asyncio.create_subprocess_exec(
            strace, "-f", "-q", "-p", str(self._pid), "-P", str(self._wal), "-s", "0", "-e", "signal=none",
            "-e", "trace=pwrite64,fdatasync", "-e", f"inject=pwrite64:delay_enter={HOLD_WRITE_US}",
            "-e", f"inject=fdatasync:delay_enter={HOLD_SYNC_US}",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._reader = asyncio.create_task(self._read())
        async with asyncio.timeout(ATTACH_S):
            while not self._is_attached():
                assert self._process.returncode is None, "strace cannot attach: ptrace(2) must be allowed"
                await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
        await self._process.wait()
        await self._reader

    def _is_attached(self) -> bool:
        for status in Path(f"/proc/{self._pid}/task").glob("*/status"):
            with contextlib.suppress(OSError):
                if f"\nTracerPid:\t{self._process.pid}\n" not in status.read_text():
                    return False
        return True

    async def _read(self) -> None:
        assert self._process.stderr
        rest = ""
        while chunk := await self._process.stderr.read(65536):
            text = rest + chunk.decode(errors="replace")
            end = 0
            for entry in ENTRY.finditer(text):
                end = entry.end()
                self._count(entry[1], text[end:])
            rest = text[max(end, len(text) - 12) :]

    def _count(self, call: str, after: str) -> None:
        is_sync = call == "fdatasync"
        if is_sync or self._is_fresh:
            self.points += 1
            if self.points == self._at:
                self.is_late = "DELAYED" in after
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._pid, signal.SIGKILL)
                    self.is_hit = True
        self._is_fresh = is_sync
