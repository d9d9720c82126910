"""The table of the sorter's work: every pair decided, and the promise that doubt never moves the machine."""

import pytest

from edge.flows.carrying import FINAL, STEPS, Effect, Event, Stage, step
from edge.flows.errors import IllegalStepError

S, E, X = Stage, Event, Effect


@pytest.mark.parametrize("stage", Stage)
def test_every_pair_is_decided(stage):
    for event in Event:
        if (stage, event) in STEPS:
            following, effects = step(stage, event)
            assert following in Stage and len(effects) <= 1
        else:
            with pytest.raises(IllegalStepError, match=f"{event.value} cannot happen while {stage.value}"):
                step(stage, event)


def test_every_stage_is_reached_and_only_the_last_ones_are_never_left():
    assert {S.WANTED} | {end for end, _ in STEPS.values()} == set(Stage)
    assert {start for start, _ in STEPS} == set(Stage) - FINAL


def test_doubt_is_sensed_before_anything_moves():
    assert step(S.CARRYING, E.UNKNOWN) == (S.IN_DOUBT, (X.SENSE,))
    for (start, event), (end, effects) in STEPS.items():
        if start is S.IN_DOUBT:
            assert X.CARRY not in effects, event
            assert end is not S.CARRYING, event
    assert {event for (start, event), (end, _) in STEPS.items() if start is S.IN_DOUBT and end is S.WANTED} == {
        E.NOT_CARRIED
    }


def test_the_machine_moves_only_when_it_may_begin_or_a_person_or_its_own_recovery_says_again():
    moves = {pair for pair, (_, effects) in STEPS.items() if X.CARRY in effects}
    assert moves == {(S.WANTED, E.BEGIN), (S.BLOCKED, E.AGAIN)}


def test_a_machine_at_work_is_not_called_off():
    assert (S.CARRYING, E.WITHDRAW) not in STEPS
    assert (S.CARRYING, E.BY_HAND) not in STEPS


def test_what_was_carried_is_told_once():
    assert {pair for pair, (_, effects) in STEPS.items() if X.REPORT in effects} == {
        (S.CARRYING, E.CARRIED),
        (S.IN_DOUBT, E.CARRIED),
    }
