"""Waits for the shop's transient answers: one question, one future, in whichever relay process asked."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cloud_relay.refusals import RefusedError


class ShopSilentError(RefusedError):
    """The shop did not answer in time."""

    def __init__(self) -> None:
        super().__init__("shop_silent", "The shop does not answer just now. Try again in a moment.",
                         "店铺暂时没有应答，请稍后再试。", status=504)  # fmt: skip


class Answers:
    """Answers awaited by key (a session or a stream id). An answer that nobody here awaits is another process's."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[Any]]] = {}

    @contextmanager
    def expect(self, key: str) -> Iterator[asyncio.Future[Any]]:
        """Enter before asking, so that a quick answer is not missed; await the future with a deadline inside."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        try:
            yield future
        finally:
            others = [one for one in self._waiting.pop(key, ()) if one is not future]
            if others:
                self._waiting[key] = others

    def arrived(self, key: str, answer: Any) -> None:
        """Hand an answer to everybody who awaits it here: a page may ask for a still while its stream is opened."""
        for future in self._waiting.get(key, ()):
            if not future.done():
                future.set_result(answer)
