"""The table of printing tags: every pair decided, and the promise that doubt never prints."""

import pytest

from edge.flows.errors import IllegalStepError
from edge.flows.tag_printing import FINAL, STEPS, Effect, Event, Stage, step

S, E, X = Stage, Event, Effect


@pytest.mark.parametrize("stage", Stage)
def test_every_pair_is_decided(stage):
    for event in Event:
        if (stage, event) in STEPS:
            assert step(stage, event)[0] in Stage
        else:
            with pytest.raises(IllegalStepError, match=f"{event.value} cannot happen while {stage.value}"):
                step(stage, event)


def test_every_stage_is_reached_and_only_the_last_ones_are_never_left():
    assert {S.WAITING} | {end for end, _ in STEPS.values()} == set(Stage)
    assert {start for start, _ in STEPS} == set(Stage) - FINAL


def test_the_printer_moves_only_from_waiting_and_doubt_is_a_persons():
    assert {pair for pair, (_, effects) in STEPS.items() if X.PRINT in effects} == {(S.WAITING, E.BEGIN)}
    assert step(S.PRINTING, E.UNKNOWN) == (S.IN_DOUBT, (X.ASK, X.REPORT))
    assert E.STOP not in {event for start, event in STEPS if start is S.PRINTING}, "what moves is not stopped midway"


def test_everything_but_the_beginning_is_told():
    assert {pair for pair, (_, effects) in STEPS.items() if X.REPORT not in effects} == {(S.WAITING, E.BEGIN)}
