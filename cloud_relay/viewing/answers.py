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
    """Answers awaited of one shop, by key (a session or a stream id): what another shop says under it is nobody's.

    An answer that nobody here awaits is another process's, or comes too late.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], list[asyncio.Future[Any]]] = {}

    @contextmanager
    def expect(self, shop_id: str, key: str) -> Iterator[asyncio.Future[Any]]:
        """Enter before asking, so that a quick answer is not missed; await the future with a deadline inside."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault((shop_id, key), []).append(future)
        try:
            yield future
        finally:
            others = [one for one in self._waiting.pop((shop_id, key), ()) if one is not future]
            if others:
                self._waiting[shop_id, key] = others

    def arrived(self, shop_id: str, key: str, answer: Any) -> bool:
        """Hand an answer to everybody who awaits it here, two pages of one session perhaps; False when nobody does."""
        waiting = [future for future in self._waiting.get((shop_id, key), ()) if not future.done()]
        for future in waiting:
            future.set_result(answer)
        return bool(waiting)
