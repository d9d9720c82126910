"""One ask to look, sent twice: by the page that was clicked on, and by the page that shows the picture."""

import asyncio
from collections.abc import Awaitable, Callable

KEPT_S = 10.0
"""A page that needs longer to open is asked for anew: the shop has let its session go by then (its dead-man is 6 s)."""
ASKS_MAX = 1000
"""More at once are strangers who fill memory: the oldest are forgotten, and their second ask is one of its own."""


class Asks:
    """The asks of the last seconds by who asked, for what, and the asker's own name for it."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], asyncio.Task[str]] = {}

    async def once(self, account_id: str | None, piece_id: str, ask_key: str, ask: Callable[[], Awaitable[str]]) -> str:
        """Return what `ask` answers; under a key that is known it is not asked again, and fails the same way."""
        if not ask_key:
            return await ask()
        name = (account_id or "", piece_id, ask_key)
        task = self._kept.get(name)
        if task is None:
            # a task of its own: the page that began it is going away, and its request with it
            task = self._kept[name] = asyncio.ensure_future(ask())
            asyncio.get_running_loop().call_later(KEPT_S, self._forget, name, task)
            if len(self._kept) > ASKS_MAX:
                self._kept.pop(next(iter(self._kept)))
        return await asyncio.shield(task)

    def _forget(self, name: tuple[str, str, str], task: asyncio.Task[str]) -> None:
        if self._kept.get(name) is task:
            del self._kept[name]
        if task.done() and not task.cancelled():
            task.exception()  # both pages may be gone: then nobody else reads it
