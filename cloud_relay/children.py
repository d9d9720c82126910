"""Scripts that read what strangers send or libraries answer: each in a process of its own, few at a time, all ended."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from cloud_relay.refusals import RefusedError

WORDS_BYTES_MAX = 1024 * 1024
"""What a child may write to stderr: a library's warnings, a traceback."""
READ_BYTES = 64 * 1024


class ChildTalksError(RuntimeError):
    """A child said more than it may, and was ended for it: what it did before is not known."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended, and what it said."""

    returncode: int
    output: bytes
    words: bytes
    """What it wrote to stderr."""


class Slots:
    """So many children at a time, and so many more that wait for a turn; whoever comes then is sent away."""

    def __init__(self, at_once: int, waiting_max: int) -> None:
        self._turns, self._waiting_max = asyncio.Semaphore(at_once), waiting_max
        self.waiting = 0

    @contextlib.asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Hold a turn; RefusedError (503) when too many wait, each with its upload in memory."""
        if self._turns.locked() and self.waiting >= self._waiting_max:
            raise RefusedError(
                "busy", "Many are sending pictures or clips at this moment: send it again in a minute",
                "当前上传人数较多，请一分钟后重试", 503,
            )  # fmt: skip
        self.waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._turns.release()


async def run_script(
    script: str,
    *args: str,
    content: bytes,
    timeout_s: float,
    output_bytes_max: int,
    env: Mapping[str, str] | None = None,
) -> Ended:
    """Run one of our scripts on `content`; TimeoutError when it takes longer, ChildTalksError when it says more.

    `output_bytes_max` is about stdout: what the caller's own limits make of the largest answer. However this ends, by
    an error, in time or cancelled, the child is dead and reaped afterwards. It gets no variable but `env`: the relay's
    own hold its secrets.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-I", script, *args, env=dict(env or {}), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    try:
        async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as tasks:
            tasks.create_task(_give(child.stdin, content))
            output = tasks.create_task(_take(child, child.stdout, output_bytes_max))
            words = tasks.create_task(_take(child, child.stderr, WORDS_BYTES_MAX))
        returncode = await child.wait()
    finally:
        _kill(child)
        await child.wait()
    return Ended(returncode, _within(output.result(), script), _within(words.result(), script))


def _kill(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself a moment ago
            child.kill()


async def _give(pipe: asyncio.StreamWriter, content: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has read enough, or died: its end tells
        pipe.write(content)
        await pipe.drain()
    pipe.close()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await pipe.wait_closed()


async def _take(child: asyncio.subprocess.Process, pipe: asyncio.StreamReader, bytes_max: int) -> bytes | None:
    """Return what comes to its end; None when it was more than that, and then the child is being ended."""
    taken: bytearray | None = bytearray()
    while part := await pipe.read(READ_BYTES):
        if taken is None:
            continue
        taken += part
        if len(taken) > bytes_max:
            taken = None
            _kill(child)
    return None if taken is None else bytes(taken)


def _within(said: bytes | None, script: str) -> bytes:
    if said is None:
        raise ChildTalksError(f"{script}: said more than it may, and was ended")
    return said
