"""The table of a counter sale: every pair decided, and no road on which money is asked for twice."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.flows.counter_sale import FINAL, STEPS, Effect, Event, Stage, judge, step
from edge.flows.errors import IllegalStepError


@pytest.mark.parametrize(("stage", "event"), [*itertools.product(Stage, Event)])
def test_every_pair_is_decided(stage, event):
    if (stage, event) in STEPS:
        following, effects = step(stage, event)
        assert following in Stage
        assert all(effect in Effect for effect in effects)
    else:
        with pytest.raises(IllegalStepError, match="is not possible"):
            step(stage, event)


def test_what_ended_stays_ended_and_all_else_can_end():
    for stage in FINAL:
        assert not [pair for pair in STEPS if pair[0] is stage]
    reached = {Stage.PAID}
    for _ in Stage:
        reached |= {stage for (stage, _event), (following, _effects) in STEPS.items() if following in reached}
    assert reached == set(Stage) - {Stage.GIVEN_UP}


def test_money_is_asked_for_only_from_an_open_sale_and_closed_only_by_proof_or_a_person():
    charging = {pair for pair, (_to, effects) in STEPS.items() if Effect.CHARGE in effects}
    assert charging == {(Stage.OPEN, Event.ASK_TERMINAL)}
    closing = {event for (_stage, event), (to, effects) in STEPS.items() if to is Stage.PAID}
    assert closing == {Event.APPROVED, Event.CAME, Event.SENSED_PAID, Event.PERSON_PAID}
    assert all(Effect.CLOSE in effects for to, effects in STEPS.values() if to is Stage.PAID)
    back_to_open = {event for (stage, event), (to, _) in STEPS.items() if to is Stage.OPEN and stage is Stage.IN_DOUBT}
    assert back_to_open == {Event.SENSED_UNPAID, Event.PERSON_UNPAID}


@given(
    before=st.tuples(st.integers(0, 9999), st.integers(0, 999_999)),
    last=st.none() | st.tuples(st.integers(0, 9999), st.integers(0, 999_999)),
    asked=st.integers(1, 10**9), told=st.integers(0, 10**9), is_paid=st.booleans(),
)  # fmt: skip
def test_a_payment_is_proved_only_by_a_new_number_with_its_own_amount(before, last, asked, told, is_paid):
    event = judge(before, asked, last, told, is_paid=is_paid)
    if event is Event.SENSED_PAID:
        assert last not in (None, before)
        assert (told, is_paid) == (asked, True)
    if last == before:
        assert event is Event.SENSED_UNPAID
