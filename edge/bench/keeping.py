"""Who keeps parcels off the bench: tags being printed, a check that lays its card there, what an earlier life left."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

TAGS, CHECK = "tags", "check"
"""What for: tags hang at the printer, or a test card or a technician is there."""


class Keeping:
    """One keeper at a time; what an earlier life left is cleared before anybody else gets the bench."""

    def __init__(self) -> None:
        self._keeper = ""
        self._to_clear: set[str] = set()

    @property
    def for_what(self) -> str:
        """TAGS or CHECK while no parcel may come, else an empty text."""
        return self._keeper or min(self._to_clear, default="")

    def from_start(self, for_what: str) -> None:
        """Let no parcel come until it was kept once for this."""
        self._to_clear.add(for_what)

    @asynccontextmanager
    async def keep(self, for_what: str, is_ours: Callable[[], Awaitable[bool]]) -> AsyncIterator[bool]:
        """Let no parcel come while the body runs; yields False when one is there already or another keeps it."""
        if self._keeper or (self._to_clear and for_what not in self._to_clear):
            yield False
            return
        # set first: whatever is written after the look that follows sees it, because one thread does both
        self._keeper = for_what
        try:
            yield await is_ours()
        finally:
            self._keeper = ""
            self._to_clear.discard(for_what)
