"""Steps of a scripted walk: each is printed as it happens, timed, and held to what it promised."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


class StepFailedError(AssertionError):
    """A step did not hold; the message says what was seen and what was expected."""


@dataclass(slots=True)
class Steps:
    """The steps so far. `say` prints; the first step that fails ends the walk."""

    say: Callable[[str], None]
    done: list[dict[str, Any]] = field(default_factory=list)

    @asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[None]:
        """Run one step; whatever it raises marks it failed and goes on up."""
        started_s = time.monotonic()
        is_ok = False
        try:
            yield
            is_ok = True
        finally:
            seconds = round(time.monotonic() - started_s, 3)
            self.done.append({"name": name, "ok": is_ok, "seconds": seconds})
            self.say(f"{'ok  ' if is_ok else 'FAIL'} {name} ({seconds:.2f} s)")

    @property
    def all_ok(self) -> bool:
        """True when every step held."""
        return bool(self.done) and all(step["ok"] for step in self.done)


def check(is_so: object, words: str) -> None:
    """Raise StepFailedError with `words` unless it is so."""
    if not is_so:
        raise StepFailedError(words)


async def until(look: Callable[[], Awaitable[T | None]], timeout_s: float, words: str, every_s: float = 0.1) -> T:
    """Ask until something comes back; raise StepFailedError with `words` when time is up."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        found = await look()
        if found:
            return found
        if time.monotonic() > deadline_s:
            raise StepFailedError(f"after {timeout_s:.0f} s still not: {words}")
        await asyncio.sleep(every_s)
