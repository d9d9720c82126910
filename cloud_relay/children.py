"""Scripts that read what strangers send or libraries answer: each in a process of its own, few at a time, all ended."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from cloud_relay.refusals import RefusedError


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
    script: str, *args: str, content: bytes, timeout_s: float, env: Mapping[str, str] | None = None
) -> Ended:
    """Run one of our scripts on `content`; TimeoutError when it takes longer.

    However this ends, by an error, in time or cancelled, the child is dead and reaped afterwards. It gets no variable
    but `env`: the relay's own hold its secrets.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-I", script, *args, env=dict(env or {}), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(timeout_s):
            output, words = await child.communicate(content)
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself a moment ago
                child.kill()
            await child.wait()
    assert child.returncode is not None
    return Ended(child.returncode, output, words)
