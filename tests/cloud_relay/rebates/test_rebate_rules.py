"""The rule of the rebate queue: never more than the pot, nobody overtakes, what is owed counts for nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_relay.rebates import rules
from cloud_relay.rebates.rules import Place, Rebate, RebateError, Terms
from cloud_relay.refusals import RefusedError


def place(number, cap=100, paid=0):
    return Place(ticket_id=f"t{number}", account_id="a", queue_no=number, cap_minor=cap, paid_minor=paid)


def test_the_first_is_paid_up_to_its_cap_before_the_next_gets_anything():
    assert rules.share_out(150, [place(3), place(7), place(9)]) == [
        Rebate("t3", "a", 3, 100),
        Rebate("t7", "a", 7, 50),
    ]
    assert rules.share_out(30, [place(3, paid=80), place(7)]) == [
        Rebate("t3", "a", 3, 20),
        Rebate("t7", "a", 7, 10),
    ]
    assert rules.share_out(0, [place(3)]) == []


@pytest.mark.parametrize("line", [[place(2), place(1)], [place(1), place(1)], [place(1, paid=100)]])
def test_a_line_out_of_order_or_with_a_ticket_paid_in_full_is_refused(line):
    with pytest.raises(RebateError):
        rules.share_out(500, line)


def test_a_pot_below_zero_is_refused():
    with pytest.raises(RebateError):
        rules.share_out(-1, [place(1)])


@given(st.integers(0, 10**12), st.integers(1, rules.CAP_PPM_MAX), st.integers(1, rules.FEED_PPM_MAX))
def test_no_cap_reaches_the_price_and_no_feed_its_commission(amount, cap_ppm, feed_ppm):
    assert 0 <= rules.cap_minor(amount, cap_ppm) <= amount // 2
    assert 0 <= rules.feed_minor(amount, feed_ppm) <= amount // 2


@given(st.integers(0, 10**6), st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 999)), max_size=30))
def test_what_is_paid_never_passes_the_pot_and_leaves_no_gap(pot, tickets):
    line = [place(number, cap, min(paid, cap - 1)) for number, (cap, paid) in enumerate(tickets, 1)]
    paid = rules.share_out(pot, line)
    owed = [one.cap_minor - one.paid_minor for one in line]
    assert sum(one.amount_minor for one in paid) == min(pot, sum(owed))
    assert [one.queue_no for one in paid] == list(range(1, len(paid) + 1))
    assert [one.amount_minor for one in paid[:-1]] == owed[: max(0, len(paid) - 1)]


@given(st.lists(st.integers(1, 100), max_size=20), st.data())
def test_what_a_merchant_owes_stands_for_its_newest_sales(shares, data):
    owed = data.draw(st.integers(0, sum(shares)))
    taken = []
    sales = ((place, taken.append(place) or share) for place, share in enumerate(shares))
    oldest = rules.oldest_owed(owed, sales)
    count = 0 if oldest is None else oldest + 1
    assert sum(shares[:count]) >= owed
    assert count == 0 or sum(shares[: count - 1]) < owed
    assert len(taken) == count, "no sale is read that the sum does not need"


@pytest.mark.parametrize(
    "wrong",
    [{"feed_ppm": 0}, {"feed_ppm": 500_001}, {"cap_ppm": 0}, {"cap_ppm": 1_000_000}, {"wait_s": -1},
     {"wait_s": 91 * 86400}, {"withdraw_min_minor": 0}, {"withdraw_min_minor": 10_001}, {"withdraw_day_minor": 99}],
)  # fmt: skip
def test_terms_outside_the_rule_are_refused(wrong):
    with pytest.raises(RefusedError, match="bad_terms"):
        rules.check_terms(replace(Terms(), **wrong))
    assert not Terms().is_on, "off until somebody decides"


@pytest.mark.parametrize(
    ("amount", "gone", "refusal"), [(1001, 0, "not_that_much"), (99, 0, "too_little"), (501, 500, "day_limit")]
)
def test_a_withdrawal_beyond_its_limits_is_refused(amount, gone, refusal):
    terms = Terms(withdraw_min_minor=100, withdraw_day_minor=1000)
    with pytest.raises(RefusedError, match=refusal):
        rules.check_withdrawal(amount, 1000, gone, terms)
    rules.check_withdrawal(500, 1000, 500, terms)
    rules.check_withdrawal(100, 1000, 0, terms)


@given(st.integers(1, 10**9), st.integers(1, rules.WITHDRAW_LEAST_MAX_MINOR), st.integers(0, 10**9))
def test_whatever_the_terms_a_balance_leaves_whole_in_days(balance, least, more):
    terms = rules.check_terms(Terms(withdraw_min_minor=least, withdraw_day_minor=min(least + more, 10**9)))
    rules.check_withdrawal(min(balance, terms.withdraw_day_minor), balance, 0, terms)


def test_a_proof_hangs_on_every_figure_and_on_the_proof_before():
    facts, lines = {"pot_minor": 5}, [Rebate("t1", "a", 1, 2)]
    proof = rules.proof_sha256("0" * 64, facts, lines)
    others = [
        rules.proof_sha256(proof, facts, lines), rules.proof_sha256("0" * 64, {"pot_minor": 6}, lines),
        rules.proof_sha256("0" * 64, facts, [Rebate("t1", "a", 2, 2)]), rules.proof_sha256("0" * 64, facts, []),
    ]  # fmt: skip
    assert len({proof, *others}) == 5
    assert proof == rules.proof_sha256("0" * 64, facts, [Rebate("other", "a", 1, 2)]), "no ticket's id is in it"
