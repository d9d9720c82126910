"""When somebody is reminded to collect, and when what waits goes back. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

POINTS_MAX = 20
"""Pick-up points of one shop; more is a chain of shops."""

CODE_DIGITS = 8


class PickupState(StrEnum):
    """How far a collection is: not ready, waits at the point, taken, or over without that."""

    WAITING = "waiting"
    READY = "ready"
    COLLECTED = "collected"
    RETURNING = "returning"
    ENDED = "ended"


class Next(StrEnum):
    """What a moment brings."""

    NOTHING = "nothing"
    REMIND = "remind"
    GO_BACK = "go_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class PickupTerms:
    """Reminders and end of a collection in seconds after it was ready; the first reminder is at once."""

    remind_s: tuple[int, ...] = (2 * 86400, 5 * 86400)
    collect_s: int = 7 * 86400


def next_at(ready_at: datetime, reminders: int, terms: PickupTerms) -> datetime:
    """Return when something is due after so many later reminders: the next one that comes in time, or the end."""
    end = ready_at + timedelta(seconds=terms.collect_s)
    ahead = [ready_at + timedelta(seconds=one) for one in _in_order(terms)[reminders:]]
    return min([end, *ahead])


def due(ready_at: datetime, reminders: int, now: datetime, terms: PickupTerms) -> Next:
    """Return what is due at `now`: at or after its moment, never before."""
    if now >= ready_at + timedelta(seconds=terms.collect_s):
        return Next.GO_BACK
    return Next.REMIND if now >= next_at(ready_at, reminders, terms) else Next.NOTHING


def passed(ready_at: datetime, now: datetime, terms: PickupTerms) -> int:
    """Return how many later reminders' moments are over: one that was missed is not sent twice."""
    return sum(now >= ready_at + timedelta(seconds=one) for one in _in_order(terms))


def _in_order(terms: PickupTerms) -> Sequence[int]:
    return sorted(one for one in terms.remind_s if one < terms.collect_s)
