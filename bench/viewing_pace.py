"""Statistics of live pictures: delays, gaps, freezes, missed pictures, the cost of one viewer more. Pure."""

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

FREEZE_MS = 150.0
"""A gap is a freeze when it is three times the mean, or the mean and this (freezeCount of W3C webrtc-stats)."""

MOVED_DEG = 0.02
"""A head's pan that differs by this from where it rested has begun to move: a hundredth may be rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One picture in a page: when a script could first read it (ms since 1970), how long after it was taken, and when
    the browser gave it to be put on the screen.
    """

    seen_ms: float
    delay_ms: float
    number: int
    pan_deg: float
    shown_ms: float

    @property
    def taken_ms(self) -> float:
        """When the camera took it."""
        return self.seen_ms - self.delay_ms


@dataclass(slots=True)
class Window:
    """The pictures of one system over some time without interruption, and the clock error that is taken off."""

    pictures: list[Seen]
    offset_ms: float = 0.0

    @property
    def delays_ms(self) -> list[float]:
        """Glass to glass: taken to readable."""
        return [one.delay_ms - self.offset_ms for one in self.pictures]

    @property
    def gaps_ms(self) -> list[float]:
        """Times from one decoded picture, as it goes to the screen, to the next."""
        times = [one.shown_ms for one in self.pictures]
        return [after - before for before, after in itertools.pairwise(times)]

    @property
    def freezes(self) -> int:
        """How many gaps were freezes."""
        return count_freezes(self.gaps_ms)

    @property
    def missed(self) -> int:
        """How many pictures the camera took between those that were seen."""
        numbers = [one.number for one in self.pictures]
        steps = [(after - before) % 65536 for before, after in itertools.pairwise(numbers)]
        return sum(step - 1 for step in steps if step)

    @property
    def rate_hz(self) -> float:
        """Pictures a second."""
        gaps = self.gaps_ms
        return 1000 * len(gaps) / sum(gaps) if gaps else 0.0


@dataclass(slots=True)
class Course:
    """What one system showed over all rounds."""

    windows: list[Window] = field(default_factory=list)

    @property
    def medians_ms(self) -> list[float]:
        """The median delay of each round."""
        return [percentile(window.delays_ms, 50) for window in self.windows]

    def delay_ms(self, share: float) -> float:
        """Return the percentile of all delays of all rounds."""
        return percentile([delay for window in self.windows for delay in window.delays_ms], share)

    def gap_ms(self, share: float) -> float:
        """Return the percentile of all gaps of all rounds."""
        return percentile([gap for window in self.windows for gap in window.gaps_ms], share)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` % of the others do not exceed (nearest rank); raise ValueError for none."""
    if not values:
        raise ValueError("no values: nothing was measured")
    ranked = sorted(values)
    return ranked[max(math.ceil(share / 100 * len(ranked)) - 1, 0)]


def count_freezes(gaps_ms: Sequence[float]) -> int:
    """Return how many gaps are freezes."""
    if not gaps_ms:
        return 0
    mean = statistics.fmean(gaps_ms)
    return sum(gap > max(3 * mean, mean + FREEZE_MS) for gap in gaps_ms)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the rise of a straight line through (x, y) points, by least squares."""
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def moved_ms(pictures: Sequence[Seen], pressed_ms: float) -> float | None:
    """Return milliseconds from a key press to the first picture whose head has left its place; None without one.

    What was taken before the press may be seen after it; a head that did not rest before it tells nothing.
    """
    before = [one for one in pictures if one.taken_ms <= pressed_ms][-2:]
    if len(before) < 2 or before[0].pan_deg != before[1].pan_deg:
        return None
    rest_deg = before[-1].pan_deg
    after = (one for one in pictures if one.taken_ms > pressed_ms and abs(one.pan_deg - rest_deg) >= MOVED_DEG)
    found = next(after, None)
    return found.seen_ms - pressed_ms if found else None


def moving_again_s(pictures: Sequence[Seen], changed_ms: float, rate_hz: float) -> float | None:
    """Return seconds from a change of the network until pictures come at `rate_hz` for a second; None if never."""
    after = [one for one in pictures if one.seen_ms > changed_ms]
    for place, one in enumerate(after):
        second = [other for other in after[place:] if other.seen_ms <= one.seen_ms + 1000]
        is_whole = after[-1].seen_ms >= one.seen_ms + 1000
        if is_whole and len(second) >= rate_hz and max(_gaps(second)) < 2 * FREEZE_MS:
            return (one.seen_ms - changed_ms) / 1000
    return None


def _gaps(pictures: Sequence[Seen]) -> list[float]:
    return [after.seen_ms - before.seen_ms for before, after in itertools.pairwise(pictures)] or [0.0]
