"""Splitting and posting rules, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_relay.escrow import rules
from cloud_relay.escrow.rules import LedgerError, Posting

AMOUNTS = st.integers(0, 10**13)
PPM = st.integers(0, rules.PPM)


@given(AMOUNTS, st.lists(st.integers(0, 10**9), min_size=1, max_size=6).filter(any))
def test_split_sums_exactly_and_each_part_is_within_one_of_its_share(amount, weights):
    parts = rules.split(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - amount * weight) < sum(weights)
        assert part >= 0


def test_split_gives_odd_units_to_the_largest_remainders():
    assert rules.split(100, [1, 1, 1]) == [34, 33, 33]
    assert rules.split(101, [1, 1, 1]) == [34, 34, 33]
    assert rules.split(10, [5, 3, 2]) == [5, 3, 2]
    assert rules.split(1, [1, 98, 1]) == [0, 1, 0]


@given(st.integers(1, 10**13), PPM, PPM)
def test_a_release_is_shared_out_to_the_last_unit(amount, commission_ppm, tax_ppm):
    merchant, commission, levy = rules.release_parts(amount, commission_ppm, tax_ppm)
    assert merchant + commission + levy == amount
    assert min(merchant, commission, levy) >= 0
    assert abs((commission + levy) * rules.PPM - amount * commission_ppm) <= 2 * rules.PPM


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1, 3]])
def test_split_refuses_weights_that_say_nothing(weights):
    with pytest.raises((LedgerError, ValueError)):
        rules.split(100, weights)


@pytest.mark.parametrize(
    "posting",
    [
        Posting("escrow:o", "payable:m", 0),
        Posting("escrow:o", "payable:m", -5),
        Posting("escrow:o", "payable:m", 1.5),
        Posting("escrow:o", "payable:m", True),
        Posting("escrow:o", "payable:m", rules.AMOUNT_MAX + 1),
        Posting("escrow:o", "escrow:o", 5),
        Posting("escrow:", "payable:m", 5),
        Posting("escrow", "payable:m", 5),
        Posting("savings:o", "payable:m", 5),
        Posting("loss:o", "payable:m", 5),
    ],
)
def test_a_bad_posting_is_refused(posting):
    with pytest.raises(LedgerError):
        rules.check_postings([posting])


def test_a_good_posting_passes_and_none_does_not():
    rules.check_postings([Posting("loss", "payable:m", 5), Posting("escrow:o", "fees:cn", 1)])
    with pytest.raises(LedgerError):
        rules.check_postings([])
