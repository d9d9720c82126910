"""What time it is at the relay: wall time that never goes back, and a monotonic one for durations."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Time as an argument: rooms ask this and nothing else, so that tests can stand on a deadline."""

    def now(self) -> datetime:
        """Return the aware UTC time; never earlier than what was returned before."""
        ...

    def monotonic(self) -> float:
        """Return seconds for measuring durations; unrelated to `now`."""
        ...


def _wall() -> datetime:
    return datetime.now(UTC)


class RelayClock:
    """The machine's clock held above a high-water mark, so that a clock set back revives no expired hold.

    `offset` is added to the machine's time: on PostgreSQL it is the database's time minus ours, so that all relay
    processes agree.
    """

    def __init__(
        self,
        high_water: datetime | None = None,
        wall: Callable[[], datetime] = _wall,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._last = high_water or datetime.min.replace(tzinfo=UTC)
        self._offset = timedelta(0)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            self._last = max(self._last, self._wall() + self._offset)
            return self._last

    def monotonic(self) -> float:
        return self._monotonic()

    def follow(self, database_now: datetime) -> None:
        """Follow the database's time from here on."""
        self._offset = database_now - self._wall()

    def raise_to(self, high_water: datetime) -> None:
        """Never answer less than `high_water` from here on."""
        with self._lock:
            self._last = max(self._last, high_water)
