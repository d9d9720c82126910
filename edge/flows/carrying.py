"""The way of a piece from its location to the bench by the sorter, as a table. Pure.

Nothing is carried twice: what the machine may have done is sensed before anything else, and a person who fetches the
piece ends the carrying.
"""

from enum import StrEnum

from edge.flows.errors import IllegalStepError


class Stage(StrEnum):
    """Where a carrying is. BLOCKED: a person must act. IN_DOUBT: the machine took the job and its end is not known."""

    WANTED = "wanted"
    CARRYING = "carrying"
    BLOCKED = "blocked"
    IN_DOUBT = "in_doubt"
    CARRIED = "carried"
    BY_HAND = "by_hand"
    WITHDRAWN = "withdrawn"


class Event(StrEnum):
    """What happened; WITHDRAW is that nobody wants the piece at the bench any more, or that it is there already."""

    BEGIN = "begin"
    CARRIED = "carried"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    NOT_CARRIED = "not_carried"
    UNSENSED = "unsensed"
    AGAIN = "again"
    BY_HAND = "by_hand"
    WITHDRAW = "withdraw"


class Effect(StrEnum):
    """What to do now: move the machine, ask it, ask a person, tell the relay."""

    CARRY = "carry"
    SENSE = "sense"
    ASK = "ask"
    REPORT = "report"


S, E, X = Stage, Event, Effect

FINAL = frozenset({S.CARRIED, S.BY_HAND, S.WITHDRAWN})

STEPS: dict[tuple[Stage, Event], tuple[Stage, tuple[Effect, ...]]] = {
    (S.WANTED, E.BEGIN): (S.CARRYING, (X.CARRY,)),
    (S.WANTED, E.WITHDRAW): (S.WITHDRAWN, ()),
    (S.CARRYING, E.CARRIED): (S.CARRIED, (X.REPORT,)),
    (S.CARRYING, E.BLOCKED): (S.BLOCKED, (X.ASK,)),
    (S.CARRYING, E.UNKNOWN): (S.IN_DOUBT, (X.SENSE,)),
    (S.BLOCKED, E.AGAIN): (S.CARRYING, (X.CARRY,)),
    (S.BLOCKED, E.BY_HAND): (S.BY_HAND, ()),
    (S.BLOCKED, E.WITHDRAW): (S.WITHDRAWN, ()),
    (S.IN_DOUBT, E.CARRIED): (S.CARRIED, (X.REPORT,)),
    (S.IN_DOUBT, E.NOT_CARRIED): (S.WANTED, ()),
    (S.IN_DOUBT, E.UNSENSED): (S.IN_DOUBT, (X.ASK,)),
    (S.IN_DOUBT, E.AGAIN): (S.IN_DOUBT, (X.SENSE,)),
    (S.IN_DOUBT, E.BY_HAND): (S.BY_HAND, ()),
    (S.IN_DOUBT, E.WITHDRAW): (S.WITHDRAWN, ()),
}
"""Every legal step; a pair that does not stand here is illegal, and the tests say so of each."""


def step(stage: Stage, event: Event) -> tuple[Stage, tuple[Effect, ...]]:
    """Return the next stage and what to do now; raise IllegalStepError for a step that may not be."""
    found = STEPS.get((stage, event))
    if found is None:
        raise IllegalStepError(f"carrying: {event.value} cannot happen while {stage.value}")
    return found
