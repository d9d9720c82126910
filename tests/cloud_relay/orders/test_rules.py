"""The order's table: every pair decided, no dead end, timers to the very second."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_relay.orders import rules
from cloud_relay.orders.rules import (
    ALL,
    FINAL,
    MONEY_HELD,
    STATE_TIMERS,
    TABLE,
    TIMER_EVENTS,
    Effect,
    OrderEvent,
    OrderState,
    OrderView,
    StepRefusedError,
    Terms,
    Timer,
    due_event,
    step,
)
from tests.cloud_relay.trade_world import START

S, E, F = OrderState, OrderEvent, Effect
TERMS = Terms()
MONEY_OUT = {F.REFUND, F.RELEASE_MONEY, F.SPLIT_MONEY}


def view_of(state, resume=S.PAID, objections=0):
    timer = STATE_TIMERS.get(state)
    until = START + TERMS.of(timer) if timer else None
    if state is not S.DISPUTED:
        return OrderView(state, objections, until)
    return OrderView(state, objections, until, resume, 60.0)


def test_every_pair_of_state_and_event_is_decided_once():
    assert set(TABLE) == set(E)
    for event, row in TABLE.items():
        shares = [set(row.moves), row.ignored, row.refused, row.shadowed]
        assert set().union(*shares) == ALL, event
        assert sum(map(len, shares)) == len(ALL), event


def test_every_waiting_state_has_a_deadline_and_no_final_one():
    assert set(STATE_TIMERS) == ALL - FINAL - rules.GROUP_TIMED
    assert set(TIMER_EVENTS) == set(Timer)


@pytest.mark.parametrize("state", sorted(ALL - FINAL - rules.GROUP_TIMED))
def test_silence_of_everybody_ends_every_order(state):
    view, now = view_of(state), START
    for _ in range(6):
        if view.state in FINAL:
            return
        assert view.until is not None
        now = max(now, view.until)
        event = due_event(view, now)
        assert event is not None
        view, _ = step(view, event, now, TERMS)
    pytest.fail(f"{state} never ends")


def test_what_waits_for_its_group_ends_with_it_either_way():
    view = view_of(S.PLEDGED)
    assert view.until is None
    assert due_event(view, START + timedelta(days=365)) is None
    paid, effects = step(view, E.GROUP_SUCCEEDED, START, TERMS)
    assert (paid.state, effects) == (S.PAID, (F.ORDER_LABEL,))
    assert paid.until == START + timedelta(seconds=TERMS.ship_s)
    for event in (E.GROUP_FAILED, E.PLEDGE_LEFT, E.CANCEL_ASKED):
        after, effects = step(view, event, START, TERMS)
        assert (after.state, effects) == (S.CANCELLED, (F.REFUND, F.RETURN_STOCK, F.DROP_PARCEL))


@pytest.mark.parametrize("event", [E.GROUP_SUCCEEDED, E.GROUP_FAILED, E.PLEDGE_LEFT, E.PAYMENT_TOO_LATE])
def test_a_group_that_ends_keeps_nothing_for_who_has_not_paid(event):
    after, effects = step(view_of(S.UNPAID), event, START, TERMS)
    assert after == OrderView(S.CANCELLED)
    assert effects[0] is F.GIVE_BACK_STOCK
    assert (F.REFUND_PAYMENT in effects) == (event is E.PAYMENT_TOO_LATE)


def test_the_shop_is_told_nothing_of_a_pledge():
    for event, row in TABLE.items():
        for state, move in row.moves.items():
            if move.to is S.PLEDGED or (state is S.PLEDGED and move.to is not S.PAID):
                assert not {F.ORDER_LABEL, F.ORDER_NEXT_LABEL, F.CANCEL_PARCEL} & set(move.effects), event


@pytest.mark.parametrize("state", sorted(ALL - FINAL - rules.GROUP_TIMED))
def test_a_timer_is_due_at_its_moment_and_not_before(state):
    view = view_of(state)
    assert due_event(view, view.until - timedelta(seconds=1)) is None
    assert due_event(view, view.until - timedelta(milliseconds=1)) is None
    assert due_event(view, view.until) is TIMER_EVENTS[STATE_TIMERS[state]]
    assert due_event(view, view.until + timedelta(seconds=1)) is TIMER_EVENTS[STATE_TIMERS[state]]


RESUMES = st.sampled_from(sorted(rules.AT_SHOP | rules.ON_ITS_WAY | {S.CANCELLING}))


@given(st.sampled_from(sorted(S)), st.sampled_from(sorted(E)), RESUMES, st.integers(0, 2))
def test_money_leaves_only_where_it_is_held_and_then_the_order_is_final(state, event, resume, objections):
    before = view_of(state, resume, objections)
    try:
        after, effects = step(before, event, START, TERMS)
    except StepRefusedError:
        return
    assert (after.until is None) == (after.state in FINAL | rules.GROUP_TIMED)
    if MONEY_OUT & set(effects):
        assert state in MONEY_HELD
        assert after.state in FINAL
    if state in MONEY_HELD and after.state not in MONEY_HELD:
        assert (MONEY_OUT | {F.CHARGE_BACK}) & set(effects)
    if after.state is S.RELEASED and state is not S.RELEASED:
        assert state in rules.ON_ITS_WAY or before.resume in rules.ON_ITS_WAY
    if after.state is S.PLEDGED and state is not S.PLEDGED:
        assert (state, event) == (S.UNPAID, E.PAYMENT_PLEDGED)
    if state in FINAL and state is not S.EXPIRED:
        assert after.state is state or event is E.CHARGED_BACK


@given(st.lists(st.sampled_from(sorted(E)), max_size=12))
def test_a_dispute_keeps_the_time_that_a_timer_had_left(events):
    view = view_of(S.UNPAID)
    for event in events:
        try:
            view, _ = step(view, event, START, TERMS)
        except StepRefusedError:
            continue
        if view.state is S.DISPUTED:
            assert view.resume in rules.AT_SHOP | rules.ON_ITS_WAY | {S.CANCELLING}
            assert view.left_s is not None


def test_a_withdrawn_dispute_gives_the_rest_of_the_time_back():
    confirming = OrderView(S.PHOTO_OFFERED, 0, START + timedelta(seconds=100))
    disputed, effects = step(confirming, E.DISPUTE_OPENED, START + timedelta(seconds=30), TERMS)
    assert effects == (F.OPEN_DISPUTE,)
    assert (disputed.resume, disputed.left_s) == (S.PHOTO_OFFERED, 70.0)
    back_at = START + timedelta(days=5)
    back, effects = step(disputed, E.DISPUTE_WITHDRAWN, back_at, TERMS)
    assert effects == (F.CLOSE_DISPUTE,)
    assert back == OrderView(S.PHOTO_OFFERED, 0, back_at + timedelta(seconds=70))


def test_facts_from_shop_and_courier_count_after_a_dispute():
    disputed = view_of(S.DISPUTED, resume=S.CONFIRMED)
    moved, effects = step(disputed, E.HANDED_OVER, START, TERMS)
    assert (moved.state, moved.resume, effects) == (S.DISPUTED, S.HANDED_OVER, ())
    moved, _ = step(moved, E.DELIVERED, START, TERMS)
    assert (moved.resume, moved.left_s) == (S.DELIVERED, TERMS.release_s)
    back, _ = step(moved, E.DISPUTE_WITHDRAWN, START, TERMS)
    assert back == OrderView(S.DELIVERED, 0, START + timedelta(seconds=TERMS.release_s))


def test_two_objections_go_back_to_the_bench_and_the_third_ends_the_order():
    view = view_of(S.PHOTO_OFFERED)
    for count in (1, 2):
        view, effects = step(view, E.PHOTO_OBJECTED, START, TERMS)
        assert (view.state, view.objections) == (S.PAID, count)
        assert effects == (F.ANSWER_OBJECTED, F.ORDER_NEXT_LABEL)
        view, _ = step(view, E.PHOTOGRAPHED, START, TERMS)
    view, effects = step(view, E.PHOTO_OBJECTED, START, TERMS)
    assert (view.state, effects) == (S.CANCELLING, (F.ANSWER_OBJECTED, F.CANCEL_PARCEL))
    view, effects = step(view, E.CANCEL_DONE, START, TERMS)
    assert (view.state, effects) == (S.CANCELLED, (F.REFUND, F.RETURN_STOCK))


@pytest.mark.parametrize(
    ("resume", "ends"), [(S.DELIVERED, S.RELEASED), (S.HANDED_OVER, S.REFUNDED), (S.PAID, S.REFUNDED)]
)
def test_a_dispute_that_nobody_rules_on_has_a_default(resume, ends):
    after, effects = step(view_of(S.DISPUTED, resume), E.RULE_DUE, START, TERMS)
    assert after.state is ends
    assert effects[0] is F.CLOSE_DISPUTE
    assert (F.CANCEL_PARCEL in effects) == (resume is S.PAID)


def test_no_clock_rules_while_an_accepted_return_is_on_its_way():
    view = replace(view_of(S.DISPUTED, S.DELIVERED), is_return_accepted=True)
    assert due_event(view, view.until - timedelta(milliseconds=1)) is None
    assert due_event(view, view.until) is E.OPERATOR_CALLED
    after, effects = step(view, E.OPERATOR_CALLED, view.until, TERMS)
    assert effects == (F.CALL_OPERATOR,)
    assert after == replace(view, until=view.until + timedelta(seconds=TERMS.rule_s))
    back, _ = step(after, E.DISPUTE_WITHDRAWN, START, TERMS)
    assert back == OrderView(S.DELIVERED, 0, START + timedelta(seconds=60))


@pytest.mark.parametrize("event", [E.RULED_RELEASE, E.RULED_SPLIT])
def test_nothing_is_released_to_a_merchant_who_handed_nothing_over(event):
    with pytest.raises(StepRefusedError):
        step(view_of(S.DISPUTED, S.CONFIRMED), event, START, TERMS)
    after, _ = step(view_of(S.DISPUTED, S.HANDED_OVER), event, START, TERMS)
    assert after.state is S.RELEASED


def test_a_late_or_second_payment_alone_goes_back():
    for state in ALL - {S.UNPAID}:
        before = view_of(state)
        assert step(before, E.PAYMENT_SUCCEEDED, START, TERMS) == (before, (F.REFUND_PAYMENT,))
