"""Who may be listed, how often one may ask, and how a talk goes on: a table of states and deeds. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

Days = Literal[7, 30, 90, 365]
DAYS: tuple[Days, ...] = (7, 30, 90, 365)
LISTED_MAX = 5
"""Enough to choose from. More of them would tell how many bought it."""
LISTED_MIN = 3
"""With fewer, somebody who knows one owner would know whom they write to; 0, 1 and 2 are answered alike."""
POOL_MAX = 2_000
"""Newest owners among whom a list is drawn, so that a thing that everybody has costs no more than any other."""
LISTS_A_DAY = 20
"""Lists made by one person on one day: who looks around asks of a few things, who measures asks of all."""
ASKS_A_DAY = 3
"""Strangers whom one person may write to on one day."""
HEARD_A_DAY = 5
"""Questions that one person is told of on one day. Who asks beyond it sees the silence that everybody may meet."""
AGAIN_DAYS = 30
"""So long nobody hears again from the same asker about the same thing, however often they are drawn for their lists."""
ANSWER_S = 3 * 86_400
"""How long a question waits. Until then nothing shows whether it was declined; after it silence and no are alike."""
TEXT_LENGTH_MAX, TEXT_LINES_MAX = 1000, 20
MESSAGES_MAX = 500
"""Of one talk, as of an order's thread."""


class State(StrEnum):
    """Where a talk is."""

    ASKED = "asked"
    DECLINED = "declined"
    """No, or a yes to being asked taken back before any answer; the asker never sees it."""
    OPEN = "open"
    ENDED = "ended"


class Deed(StrEnum):
    """What somebody does in a talk, or what happens to it."""

    ANSWER = "answer"
    DECLINE = "decline"
    WRITE = "write"
    END_BY_ASKER = "end_by_asker"
    END_BY_ASKED = "end_by_asked"
    FORGET_ASKED = "forget_asked"
    """The one who was asked took their consent back, or is erased."""
    FORGET_ASKER = "forget_asker"
    """The one who asked is erased."""


class Seen(StrEnum):
    """What one side sees of a talk's state."""

    WAITING = "waiting"
    OPEN = "open"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    ENDED = "ended"


_A, _D, _O, _E = State.ASKED, State.DECLINED, State.OPEN, State.ENDED
TABLE: dict[tuple[State, Deed], State] = {
    (_A, Deed.ANSWER): _O, (_A, Deed.DECLINE): _D, (_A, Deed.END_BY_ASKED): _D, (_A, Deed.FORGET_ASKED): _D,
    (_A, Deed.END_BY_ASKER): _E, (_A, Deed.FORGET_ASKER): _E,
    (_D, Deed.DECLINE): _D, (_D, Deed.END_BY_ASKED): _D, (_D, Deed.FORGET_ASKED): _D,
    (_D, Deed.END_BY_ASKER): _E, (_D, Deed.FORGET_ASKER): _E,
    (_O, Deed.WRITE): _O, (_O, Deed.ANSWER): _O, (_O, Deed.END_BY_ASKER): _E, (_O, Deed.END_BY_ASKED): _E,
    (_O, Deed.FORGET_ASKED): _E, (_O, Deed.FORGET_ASKER): _E,
    (_E, Deed.END_BY_ASKER): _E, (_E, Deed.END_BY_ASKED): _E, (_E, Deed.FORGET_ASKED): _E, (_E, Deed.FORGET_ASKER): _E,
}  # fmt: skip
"""What is not here cannot be done. Ending again and declining again change nothing."""


def step(state: State, deed: Deed) -> State | None:
    """Return the state after a deed, None when it cannot be done now."""
    return TABLE.get((state, deed))


def answer_until(asked_at: datetime) -> datetime:
    """Return the moment from which a question is not answered any more."""
    return asked_at + timedelta(seconds=ANSWER_S)


def seen_by_asker(state: State, asked_at: datetime, now: datetime) -> Seen:
    """Return what the asker sees: a no looks like silence, for as long and no longer."""
    if state in (State.ASKED, State.DECLINED):
        return Seen.WAITING if now < answer_until(asked_at) else Seen.NO_ANSWER
    return Seen.OPEN if state is State.OPEN else Seen.ENDED


def seen_by_asked(state: State, asked_at: datetime, now: datetime) -> Seen:
    """Return what the one who was asked sees: their own no, too."""
    return Seen.DECLINED if state is State.DECLINED else seen_by_asker(state, asked_at, now)


def day_of(now: datetime) -> datetime:
    """Return when the calendar day of `now` began, in UTC: a zone that one may choose would make more days."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def day_end(now: datetime) -> datetime:
    """Return when the calendar day of `now` ends, in UTC."""
    return day_of(now) + timedelta(days=1)


def bought_since(now: datetime, days: int) -> datetime:
    """Return the earliest purchase that counts as bought within so many days."""
    return now - timedelta(days=days)


def is_enough(owners: int) -> bool:
    """Tell whether so many owners may be shown at all."""
    return owners >= LISTED_MIN
