"""A printing of tags on the label printer, tag by tag, as a table. Pure.

No tag is printed twice by itself: a tag of which nobody knows whether it came out waits for a person's word.
"""

from enum import StrEnum

from edge.flows.errors import IllegalStepError


class Stage(StrEnum):
    """Where a printing is. PRINTING is the intent: one tag was given to the printer and its end is not known yet."""

    WAITING = "waiting"
    PRINTING = "printing"
    BLOCKED = "blocked"
    IN_DOUBT = "in_doubt"
    DONE = "done"
    STOPPED = "stopped"


class Event(StrEnum):
    """What happened. BLOCKED: nothing was sent. The LAST ones end the printing."""

    BEGIN = "begin"
    PRINTED = "printed"
    LAST_PRINTED = "last_printed"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    AGAIN = "again"
    NOT_PRINTED = "not_printed"
    STOP = "stop"


class Effect(StrEnum):
    """What to do now: print one tag, ask a person, tell the relay."""

    PRINT = "print"
    ASK = "ask"
    REPORT = "report"


S, E, X = Stage, Event, Effect

FINAL = frozenset({S.DONE, S.STOPPED})

STEPS: dict[tuple[Stage, Event], tuple[Stage, tuple[Effect, ...]]] = {
    (S.WAITING, E.BEGIN): (S.PRINTING, (X.PRINT,)),
    (S.WAITING, E.STOP): (S.STOPPED, (X.REPORT,)),
    (S.PRINTING, E.PRINTED): (S.WAITING, (X.REPORT,)),
    (S.PRINTING, E.LAST_PRINTED): (S.DONE, (X.REPORT,)),
    (S.PRINTING, E.BLOCKED): (S.BLOCKED, (X.ASK, X.REPORT)),
    (S.PRINTING, E.UNKNOWN): (S.IN_DOUBT, (X.ASK, X.REPORT)),
    (S.BLOCKED, E.AGAIN): (S.WAITING, (X.REPORT,)),
    (S.BLOCKED, E.STOP): (S.STOPPED, (X.REPORT,)),
    (S.IN_DOUBT, E.PRINTED): (S.WAITING, (X.REPORT,)),
    (S.IN_DOUBT, E.LAST_PRINTED): (S.DONE, (X.REPORT,)),
    (S.IN_DOUBT, E.NOT_PRINTED): (S.WAITING, (X.REPORT,)),
    (S.IN_DOUBT, E.STOP): (S.STOPPED, (X.REPORT,)),
}
"""Every legal step; a pair that does not stand here is illegal, and the tests say so of each."""


def step(stage: Stage, event: Event) -> tuple[Stage, tuple[Effect, ...]]:
    """Return the next stage and what to do now; raise IllegalStepError for a step that may not be."""
    found = STEPS.get((stage, event))
    if found is None:
        raise IllegalStepError(f"printing of tags: {event.value} cannot happen while {stage.value}")
    return found
