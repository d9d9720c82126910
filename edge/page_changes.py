"""How open pages of this box learn that something on them is new: a count that rises, many changes at once as one."""

import asyncio

TELL_S = 0.05
"""The least time between two tellings: a scan makes several changes at once."""


class ChangingPage:
    """What a page shows, as its root class: `changed()` says that it is another, `wait_change` waits for that."""

    def __init__(self) -> None:
        self._version = 0
        self._changed = asyncio.Condition()
        self._noted = asyncio.Event()

    @property
    def version(self) -> int:
        """Counts the changes."""
        return self._version

    def changed(self) -> None:
        """Note that something on the page is new; pages learn of it within a twentieth of a second."""
        self._noted.set()

    async def tell_pages(self) -> None:
        """Tell the open pages of changes; ends only by cancellation."""
        while True:
            await self._noted.wait()
            self._noted.clear()
            self._version += 1
            async with self._changed:
                self._changed.notify_all()
            await asyncio.sleep(TELL_S)

    async def wait_change(self, version: int, timeout_s: float) -> None:
        """Wait until the version is another one than `version`, or time is up."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: self._version != version)
        except TimeoutError:
            return
