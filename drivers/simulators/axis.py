"""One moving axis as pure arithmetic: where it is at a time, given when it was last told what."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """Position in units from `position` at time `since_s`, moving by `speed` units a second until `target`.

    Immutable: every order gives a new axis. Times are monotonic seconds; `low` and `high` are hard stops.
    """

    position: float = 0.0
    since_s: float = 0.0
    speed: float = 0.0
    target: float = math.inf
    low: float = -math.inf
    high: float = math.inf

    def at(self, now_s: float) -> float:
        """Where the axis is at `now_s`."""
        there = self.position + self.speed * max(now_s - self.since_s, 0.0)
        if self.speed > 0:
            return min(there, self.target)
        return max(there, self.target) if self.speed < 0 else self.position

    def drive(self, speed: float, now_s: float) -> Axis:
        """Move with this signed speed until told otherwise or the stop is met."""
        end = self.high if speed > 0 else self.low
        return self._from(now_s, speed, end)

    def go_to(self, target: float, speed: float, now_s: float) -> Axis:
        """Move to `target` (clamped to the stops) with this unsigned speed."""
        aim = min(max(target, self.low), self.high)
        return self._from(now_s, math.copysign(speed, aim - self.at(now_s)) if aim != self.at(now_s) else 0.0, aim)

    def stop(self, now_s: float) -> Axis:
        """Stand still where it is."""
        return self._from(now_s, 0.0, self.at(now_s))

    def arrives_s(self) -> float:
        """When the movement ends; `since_s` when it stands, infinity when nothing ends it."""
        if not self.speed:
            return self.since_s
        return self.since_s + (self.target - self.position) / self.speed

    def is_moving(self, now_s: float) -> bool:
        """Whether the position still changes at `now_s`."""
        return now_s < self.arrives_s()

    def _from(self, now_s: float, speed: float, target: float) -> Axis:
        return Axis(self.at(now_s), now_s, speed, target, self.low, self.high)
