"""The table of a joint sale: every pair decided; goods are fixed while it is paid, and it ends whole or undone."""

import itertools

import pytest

from edge.flows.errors import IllegalStepError
from edge.flows.joint_sale import FINAL, STEPS, Effect, Event, Stage, step


@pytest.mark.parametrize(("stage", "event"), [*itertools.product(Stage, Event)])
def test_every_pair_is_decided(stage, event):
    if (stage, event) in STEPS:
        following, effects = step(stage, event)
        assert following in Stage
        assert all(effect in Effect for effect in effects)
    else:
        with pytest.raises(IllegalStepError, match="is not possible"):
            step(stage, event)


def test_goods_change_only_while_it_is_open():
    assert {stage for stage, event in STEPS if event is Event.GOODS} == {Stage.OPEN}
    assert step(Stage.OPEN, Event.GOODS) == (Stage.OPEN, ())


def test_what_ended_stays_ended_and_all_else_can_end():
    assert not [pair for pair in STEPS if pair[0] in FINAL]
    reached = set(FINAL)
    for _ in Stage:
        reached |= {stage for (stage, _event), (following, _effects) in STEPS.items() if following in reached}
    assert reached == set(Stage)


def test_it_is_split_once_done_only_when_all_paid_and_undone_only_when_all_is_back_or_nothing_was_fixed():
    assert {pair for pair, (_to, effects) in STEPS.items() if Effect.SPLIT in effects} == {(Stage.OPEN, Event.PAY_EACH)}
    assert {event for (_from, event), (to, _) in STEPS.items() if to is Stage.DONE} == {Event.ALL_PAID}
    ways = {pair for pair, (to, _) in STEPS.items() if to is Stage.UNDONE}
    assert ways == {(Stage.OPEN, Event.GIVE_UP), (Stage.UNDOING, Event.ALL_BACK)}
    assert step(Stage.PAYING, Event.UNDO) == (Stage.UNDOING, (Effect.GIVE_UP_UNPAID,))
