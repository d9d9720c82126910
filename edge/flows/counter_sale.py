"""A sale at the counter: the table of its stages. Money is asked for once; an unknown end is sensed, never redone."""

from enum import StrEnum

from edge.flows.errors import IllegalStepError


class Stage(StrEnum):
    """Where a sale is. ASKING is an intent: the terminal was asked and nobody knows yet what it did."""

    OPEN = "open"
    ASKING = "asking"
    WAITING = "waiting"
    IN_DOUBT = "in_doubt"
    PAID = "paid"
    GIVEN_UP = "given_up"


class Event(StrEnum):
    """What happened to a sale."""

    ASK_TERMINAL = "ask_terminal"
    ASK_PERSON = "ask_person"
    GIVE_UP = "give_up"
    NOT_ASKED = "not_asked"
    APPROVED = "approved"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    CAME = "came"
    DID_NOT_COME = "did_not_come"
    SENSE_AGAIN = "sense_again"
    SENSED_PAID = "sensed_paid"
    SENSED_UNPAID = "sensed_unpaid"
    UNSENSED = "unsensed"
    PERSON_PAID = "person_paid"
    PERSON_UNPAID = "person_unpaid"


class Effect(StrEnum):
    """What to do now: ask the terminal for the money, ask it what became of it, keep and tell the sale."""

    CHARGE = "charge"
    SENSE = "sense"
    CLOSE = "close"


FINAL = frozenset({Stage.PAID, Stage.GIVEN_UP})

S, E, F = Stage, Event, Effect

STEPS: dict[tuple[Stage, Event], tuple[Stage, tuple[Effect, ...]]] = {
    (S.OPEN, E.ASK_TERMINAL): (S.ASKING, (F.CHARGE,)),
    (S.OPEN, E.ASK_PERSON): (S.WAITING, ()),
    (S.OPEN, E.GIVE_UP): (S.GIVEN_UP, ()),
    (S.ASKING, E.NOT_ASKED): (S.OPEN, ()),
    (S.ASKING, E.APPROVED): (S.PAID, (F.CLOSE,)),
    (S.ASKING, E.REFUSED): (S.OPEN, ()),
    (S.ASKING, E.UNKNOWN): (S.IN_DOUBT, (F.SENSE,)),
    (S.WAITING, E.CAME): (S.PAID, (F.CLOSE,)),
    (S.WAITING, E.DID_NOT_COME): (S.OPEN, ()),
    (S.IN_DOUBT, E.SENSE_AGAIN): (S.IN_DOUBT, (F.SENSE,)),
    (S.IN_DOUBT, E.SENSED_PAID): (S.PAID, (F.CLOSE,)),
    (S.IN_DOUBT, E.SENSED_UNPAID): (S.OPEN, ()),
    (S.IN_DOUBT, E.UNSENSED): (S.IN_DOUBT, ()),
    (S.IN_DOUBT, E.PERSON_PAID): (S.PAID, (F.CLOSE,)),
    (S.IN_DOUBT, E.PERSON_UNPAID): (S.OPEN, ()),
}
"""Every pair that is not here is illegal."""


def step(stage: Stage, event: Event) -> tuple[Stage, tuple[Effect, ...]]:
    """Return the next stage and what to do; IllegalStepError for a pair that may not be."""
    found = STEPS.get((stage, event))
    if found is None:
        raise IllegalStepError(f"counter sale: {event.value} is not possible in stage {stage.value}")
    return found


def judge(
    before: tuple[int, int], asked_minor: int, last: tuple[int, int] | None, last_minor: int, *, is_paid: bool
) -> Event:
    """Return what the terminal's newest payment proves of the one that was asked.

    `before` and `last` are (receipt number, trace number) of its newest payment before we asked and now, (0, 0) for
    none. A terminal under our control books nothing that we did not ask for, so the same number means that nothing was
    taken, and another number with our amount is ours. Anything else a person must decide.
    """
    if last is None:
        return Event.SENSED_UNPAID if before == (0, 0) else Event.UNSENSED
    if last == before:
        return Event.SENSED_UNPAID
    if last_minor != asked_minor:
        return Event.UNSENSED
    return Event.SENSED_PAID if is_paid else Event.SENSED_UNPAID
