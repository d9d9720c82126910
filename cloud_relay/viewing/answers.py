"""Waits for the shop's transient answers: one question, one future, in whichever relay process asked."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Answers:
    """Answers awaited by key (a session or a stream id). An answer that nobody here awaits is another process's."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    @contextmanager
    def expect(self, key: str) -> Iterator[asyncio.Future[Any]]:
        """Enter before asking, so that a quick answer is not missed; await the future with a deadline inside."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[key] = future
        try:
            yield future
        finally:
            if self._waiting.get(key) is future:
                del self._waiting[key]

    def arrived(self, key: str, answer: Any) -> None:
        """Hand an answer to whoever awaits it here."""
        future = self._waiting.get(key)
        if future is not None and not future.done():
            future.set_result(answer)
