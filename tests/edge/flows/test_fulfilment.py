"""The table of the parcel: every pair decided, the promises that no order of events may break."""

import ast
import inspect
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.flows import fulfilment
from edge.flows.errors import IllegalStepError
from edge.flows.fulfilment import (
    ACTS,
    ACTUATIONS,
    CLEARING,
    FINAL,
    HELD,
    ON_BENCH,
    STEPS,
    WAITS_IN_LINE,
    Effect,
    Event,
    Stage,
    diagram,
    step,
)

S, E, X = Stage, Event, Effect
IN_DOUBT = [stage for stage in Stage if stage.value.endswith("_in_doubt")]
BLOCKED = [stage for stage in Stage if stage.value.endswith("_blocked")]


@pytest.mark.parametrize("stage", Stage)
def test_every_pair_is_decided(stage):
    for event in Event:
        if (stage, event) in STEPS:
            following, effects = step(stage, event)
            assert following in Stage
            assert all(effect in Effect for effect in effects)
            assert len(effects) == len(set(effects))
        else:
            with pytest.raises(IllegalStepError, match=f"{event.value} cannot happen while {stage.value}"):
                step(stage, event)


def test_no_pair_is_written_twice():
    parts = [getattr(fulfilment, name) for name in dir(fulfilment) if name.startswith("_") and name[1].isupper()]
    tables = [part for part in parts if isinstance(part, dict)]
    assert sum(map(len, tables)) == len(STEPS)
    for table in ast.walk(ast.parse(inspect.getsource(fulfilment))):
        if isinstance(table, ast.Dict):
            keys = [ast.unparse(key) for key in table.keys if key is not None]
            assert len(keys) == len(set(keys))


def test_every_stage_but_the_last_ones_can_be_left_and_reached():
    reached = {S.NEW} | {following for following, _ in STEPS.values()}
    assert reached == set(Stage)
    for stage in set(Stage) - FINAL:
        assert any(start is stage and end is not stage for (start, _), (end, _) in STEPS.items()), stage


def test_a_label_is_printed_only_by_an_ordered_label_or_from_before_its_first_byte():
    starts = {pair for pair, (_, effects) in STEPS.items() if X.PRINT in effects}
    assert starts == {(S.WAITING_FOR_LABEL, E.LABEL_ORDERED), (S.PRINTING_BLOCKED, E.RETRY)}
    to_blocked = {pair for pair, (end, _) in STEPS.items() if end is S.PRINTING_BLOCKED}
    assert to_blocked == {(S.PRINTING, E.BLOCKED)}


def test_doubt_is_sensed_first_and_left_only_by_what_was_found():
    for stage in IN_DOUBT:
        entries = [effects for (start, _), (end, effects) in STEPS.items() if end is stage and start is not stage]
        assert entries
        for effects in entries:
            acts = [effect for effect in effects if effect in ACTS]
            assert len(acts) == 1 and acts[0] not in ACTUATIONS
        found = {E.PACKED, E.NOT_PACKED, E.NOT_PRINTED, E.FOUND_AT_PRINTER, E.APPLIED, E.VOIDED}
        for (start, event), (_, effects) in STEPS.items():
            if start is stage and ACTUATIONS & set(effects):
                assert event in found, (stage, event)
        assert (stage, E.RETRY) not in STEPS


def test_an_unknown_outcome_moves_no_machine():
    for (stage, event), (end, effects) in STEPS.items():
        if event in (E.UNKNOWN, E.BLOCKED, E.UNSENSED):
            assert not ACTUATIONS & set(effects), (stage, event)
            assert end in HELD or stage is end


def test_every_actuation_has_both_ends_of_trouble():
    for stage, act in ((S.PACKING, X.PACK), (S.PRINTING, X.PRINT), (S.APPLYING, X.APPLY)):
        assert any(act in effects and end is stage for end, effects in STEPS.values())
        assert (stage, E.UNKNOWN) in STEPS and (stage, E.BLOCKED) in STEPS


def test_held_stages_say_so_and_say_when_it_goes_on():
    for (start, event), (end, effects) in STEPS.items():
        if end in HELD and start not in HELD:
            assert X.REPORT_HELD in effects, (start, event)
        is_resumed = start in HELD and end not in HELD and event not in (E.CANCEL, E.RELEASE)
        assert (X.REPORT_RESUMED in effects) == is_resumed, (start, event)


def test_what_a_dead_box_left_moves_no_machine_and_is_left_only_by_what_a_person_found():
    onwards = {event: effects for (stage, event), (_, effects) in STEPS.items() if stage is S.TAKEN_OVER}
    found = {E.NOT_PACKED, E.VOIDED, E.ON_PARCEL, E.ON_PARCEL_SHOWN, E.GONE}
    assert set(onwards) == found | {E.LABEL_ORDERED, E.CANCEL, E.RELEASE}
    assert not ACTS & {effect for effects in onwards.values() for effect in effects}
    for event in (E.NOT_PACKED, E.VOIDED, E.GONE):
        assert onwards[event][0] is X.VOID_LABEL, "a label of the old box outlives it"
    assert step(S.LABELLED_ASIDE, E.BENCH_FREE)[0] is S.READING_BLOCKED


def test_only_ready_is_handed_over_and_nothing_follows_it():
    assert {start for (start, event), _ in STEPS.items() if event is E.HAND_OVER} == {S.READY}
    assert not [pair for pair in STEPS if pair[0] is S.HANDED_OVER]
    assert {start for (start, _), (end, _) in STEPS.items() if end is S.READY} == {S.PHOTO_OFFERED}


def test_cancel_is_decided_everywhere_and_never_leads_to_the_post():
    after = {end for (start, event), (end, _) in STEPS.items() if event is E.CANCEL}
    grown = set(after)
    while True:
        more = {end for (start, _), (end, _) in STEPS.items() if start in grown} - grown
        if not more:
            break
        grown |= more
    assert not grown & {S.HANDED_OVER, S.READY, S.PRINTING, S.APPLYING}
    assert {stage for stage in Stage if (stage, E.CANCEL) not in STEPS} == {S.HANDED_OVER}


def test_a_cancelled_parcel_with_a_label_loses_it_first():
    may_have_label = {
        end for (_, event), (end, effects) in STEPS.items() if X.APPLY in effects or event is E.UNKNOWN
    } - {S.PACKING_IN_DOUBT}
    for stage in may_have_label:
        assert step(stage, E.CANCEL)[0] is S.CANCELLING_LABEL


def test_the_sets_of_stages_do_not_overlap():
    groups = [ON_BENCH, CLEARING, FINAL, WAITS_IN_LINE]
    assert all(not one & other for one, other in itertools.combinations(groups, 2))
    assert set(HELD) - {S.TAKEN_OVER} <= ON_BENCH
    assert set(BLOCKED) | set(IN_DOUBT) | {S.LABEL_WRONG, S.TAKEN_OVER} == set(HELD)


def test_the_diagram_names_every_stage():
    drawn = diagram()
    assert drawn.startswith("stateDiagram-v2\n")
    assert all(f" {stage.value} " in drawn for stage in Stage)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 1000), max_size=80))
def test_no_order_of_events_breaks_a_promise(choices):
    """Any legal event at any stage, as long a walk as you like: P1, P4, P5 and P6 hold all the way."""
    stage, ordered, printing, in_doubt = S.NEW, False, 0, False
    applied_without_void, handed_over, cancelled = 0, False, False
    for choice in choices:
        legal = [event for (start, event) in STEPS if start is stage]
        if not legal:
            break
        event = legal[choice % len(legal)]
        stage, effects = step(stage, event)
        ordered |= event is E.LABEL_ORDERED
        cancelled |= event is E.CANCEL
        assert ordered or X.PRINT not in effects
        assert not (cancelled and ACTUATIONS & set(effects))
        if event is E.UNKNOWN:
            in_doubt = True
            assert not ACTUATIONS & set(effects)
        elif in_doubt and stage not in IN_DOUBT:
            in_doubt = False
        assert not (in_doubt and ACTUATIONS & set(effects))
        if X.PRINT in effects and event is not E.RETRY:
            printing += 1
        if X.VOID_LABEL in effects:
            printing, applied_without_void = 0, 0
        assert printing <= 1, "a second label while the first is neither void nor proven unprinted"
        applied_without_void += X.REPORT_APPLIED in effects
        assert applied_without_void <= 1
        handed_over |= stage is S.HANDED_OVER
        assert not (handed_over and cancelled)
