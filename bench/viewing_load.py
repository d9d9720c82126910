"""What one viewer more costs a server: processor time at rising numbers of receive-only viewers."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench.small_box import processor_s
from bench.viewing_mall import RATE_HZ
from bench.viewing_pace import slope
from demo.mall import ROOT

SETTLE_S = 4.0
ANSWER_S = 180.0
NICENESS = 5
"""Who only counts packets stands back behind the server that sends them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One measurement: so many viewers, the server's processor seconds a second, pictures a second each viewer got."""

    viewers: int
    cores: float
    rate_hz: float

    def cores_at(self, rate_hz: float) -> float:
        """Return what full speed would take: both a server and a machine that are too busy leave pictures out."""
        return self.cores * rate_hz / max(self.rate_hz, 1.0)


class Receivers:
    """A process full of viewers."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def say(self, line: str) -> str:
        """Give an order and return the answer; raise RuntimeError when there is none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n".encode())
        async with asyncio.timeout(ANSWER_S):
            answer = (await self._process.stdout.readline()).decode().strip()
        if not answer:
            raise RuntimeError(f"the viewers' process ended at {line!r}; its words stand above")
        return answer


@asynccontextmanager
async def receivers(*arguments: str) -> AsyncIterator[Receivers]:
    """Open a process of viewers (see receivers.py); they leave at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.receivers", *arguments, cwd=ROOT, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, preexec_fn=lambda: os.nice(NICENESS),
    )  # fmt: skip
    try:
        yield Receivers(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), ANSWER_S / 6)
        except TimeoutError:
            process.kill()
            await process.wait()


async def cores_over(pid: int, seconds: float) -> float:
    """Return how many cores a process uses, over some time."""
    loop = asyncio.get_running_loop()
    used_s, since_s = processor_s(pid), loop.time()
    await asyncio.sleep(seconds)
    return (processor_s(pid) - used_s) / (loop.time() - since_s)


async def loads(crowd: Receivers, pid: int, counts: Sequence[int], seconds: float) -> list[Loaded]:
    """Measure at each number of viewers; ends early where the server lets no more in."""
    found = []
    for count in counts:
        if await crowd.say(str(count)) == "no":
            break
        await asyncio.sleep(SETTLE_S)
        await crowd.say("frames")
        loop = asyncio.get_running_loop()
        since_s = loop.time()
        cores = await cores_over(pid, seconds)
        frames = int(await crowd.say("frames"))
        rate_hz = frames / count / (loop.time() - since_s)
        found.append(Loaded(viewers=count, cores=cores, rate_hz=rate_hz))
    return found


def cores_per_viewer(found: Sequence[Loaded]) -> float:
    """Return what one viewer more costs; raise ValueError for fewer than two numbers of viewers."""
    if len({one.viewers for one in found}) < 2:
        raise ValueError("too few viewers were let in to tell what one more costs")
    return slope([(one.viewers, one.cores_at(RATE_HZ)) for one in found])


def told(found: Sequence[Loaded]) -> str:
    """Return the measurements as words."""
    return ", ".join(f"{one.viewers}: {one.cores:.2f} cores at {one.rate_hz:.0f}/s" for one in found)
