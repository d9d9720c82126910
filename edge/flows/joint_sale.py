"""A counter sale of several shoppers: the table of its stages. All pay their share, or nobody keeps a saving."""

from enum import StrEnum

from edge.flows.errors import IllegalStepError


class Stage(StrEnum):
    """Where a joint sale is. PAYING: its goods and shares are fixed. UNDOING: what was paid is on its way back."""

    OPEN = "open"
    PAYING = "paying"
    UNDOING = "undoing"
    DONE = "done"
    UNDONE = "undone"


class Event(StrEnum):
    """What happened to a joint sale. GOODS: goods, shoppers, or what belongs to whom changed."""

    GOODS = "goods"
    GIVE_UP = "give_up"
    PAY_EACH = "pay_each"
    TAKE_BACK = "take_back"
    ALL_PAID = "all_paid"
    UNDO = "undo"
    ALL_BACK = "all_back"


class Effect(StrEnum):
    """What to do now: make a sale of each share, join them to one basket again, give up the shares nobody paid."""

    SPLIT = "split"
    JOIN = "join"
    GIVE_UP_UNPAID = "give_up_unpaid"


FINAL = frozenset({Stage.DONE, Stage.UNDONE})

S, E, F = Stage, Event, Effect

STEPS: dict[tuple[Stage, Event], tuple[Stage, tuple[Effect, ...]]] = {
    (S.OPEN, E.GOODS): (S.OPEN, ()),
    (S.OPEN, E.GIVE_UP): (S.UNDONE, ()),
    (S.OPEN, E.PAY_EACH): (S.PAYING, (F.SPLIT,)),
    (S.PAYING, E.TAKE_BACK): (S.OPEN, (F.JOIN,)),
    (S.PAYING, E.ALL_PAID): (S.DONE, ()),
    (S.PAYING, E.UNDO): (S.UNDOING, (F.GIVE_UP_UNPAID,)),
    (S.UNDOING, E.ALL_BACK): (S.UNDONE, ()),
}
"""Every pair that is not here is illegal."""


def step(stage: Stage, event: Event) -> tuple[Stage, tuple[Effect, ...]]:
    """Return the next stage and what to do; IllegalStepError for a pair that may not be."""
    found = STEPS.get((stage, event))
    if found is None:
        raise IllegalStepError(f"joint sale: {event.value} is not possible in stage {stage.value}")
    return found
