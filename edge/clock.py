"""Three clocks as one argument: the wall's, the monotonic one, and the relay's as learned by round trips."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

JUMP_S = 5.0
"""When wall and monotonic time have come apart by more than this since the last round trip, the box slept or its
clock was set: whatever was learned before counts no more. Above what an NTP slew corrects between two round trips."""

ROUND_TRIP_S_MAX = 5.0
"""A slower answer tells relay time to no better than ± half of it, which is too coarse for a ten-second deadline."""

KEPT_S = 600.0
"""A crystal drifts some 50 millionths: after this long it is 30 ms off, as much as a slow round trip tells."""


@dataclass(frozen=True, slots=True)
class _Learned:
    relay_at: datetime
    monotonic_s: float
    wall_at: datetime
    round_trip_s: float


def _wall() -> datetime:
    return datetime.now(UTC)


class Clock:
    """Wall time for people, monotonic seconds for machines, relay time for deadlines.

    `wall()` and `monotonic()` are the functions given. `relay_now()` is None until a round trip told it, and again
    after the wall clock jumped: the shop then refuses physical work rather than guess whether a deadline has passed.
    """

    def __init__(self, wall: Callable[[], datetime] = _wall, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.wall = wall
        self.monotonic = monotonic
        self._learned: _Learned | None = None

    def learn(self, relay_at: datetime, asked_s: float) -> bool:
        """Take the relay's answer to a question asked at monotonic `asked_s`; False when it is of no use.

        A quicker answer tells time better, so a slower one replaces it only when it has grown old.
        """
        answered_s = self.monotonic()
        round_trip_s = answered_s - asked_s
        if not 0 <= round_trip_s <= ROUND_TRIP_S_MAX:
            return False
        best = self._learned if self.is_synced else None
        if best and best.round_trip_s < round_trip_s and answered_s - best.monotonic_s < KEPT_S:
            return False
        middle_at = relay_at + timedelta(seconds=round_trip_s / 2)
        self._learned = _Learned(middle_at, answered_s, self.wall(), round_trip_s)
        return True

    def relay_now(self) -> datetime | None:
        """Return relay time (aware UTC, to within half of `round_trip_s`), or None while the shop can't know it."""
        learned = self._learned
        if learned is None:
            return None
        passed_s = self.monotonic() - learned.monotonic_s
        jumped_s = (self.wall() - learned.wall_at).total_seconds() - passed_s
        if abs(jumped_s) > JUMP_S:
            self._learned = None
            return None
        return learned.relay_at + timedelta(seconds=passed_s)

    def now(self) -> datetime:
        """Return the best time there is for a record: relay time when known, else the wall clock's."""
        return self.relay_now() or self.wall()

    def forget(self) -> None:
        """Know relay time no more, until the relay tells it again."""
        self._learned = None

    @property
    def is_synced(self) -> bool:
        """True while relay time is known."""
        return self.relay_now() is not None

    @property
    def round_trip_s(self) -> float | None:
        """Seconds that the last round trip took, or None."""
        return self._learned.round_trip_s if self._learned else None

    @property
    def offset_s(self) -> float | None:
        """How many seconds the box's own clock is ahead of the relay's, as last measured; None while unknown."""
        learned = self._learned if self.is_synced else None
        return (learned.wall_at - learned.relay_at).total_seconds() if learned else None
