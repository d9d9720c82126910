"""What goods cost together at the till: exact to the piece, the best promotion alone, and nothing lost in the split."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.counter.pricing import holding, price, rejoined
from wire.counter import CounterLine, saving_of
from wire.promotions import Brought, Missing, Promotion, PromotionKind, savings
from wire.text import Text
from wire.values import format_time

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MS = timedelta(milliseconds=1)


def promotion(kind=PromotionKind.SPEND_OVER, **values):
    facts = {"promotion_id": "pro_1", "title": Text(en="Together", zh="一起买"), "currency": "CNY"}
    return Promotion(**{**facts, "kind": kind, **values})


def cup(price_minor=2_500, quantity=1, **values):
    facts = {"listing_id": "cup", "title": Text(en="Cup"), "price_minor": price_minor, "quantity": quantity}
    return CounterLine(**{**facts, **values})


FIVE_OFF = promotion(threshold_minor=10_000, saving_minor=500)


def test_a_saving_is_shared_by_price_and_a_line_whose_pieces_save_differently_is_taken_apart():
    found = price((cup(quantity=3), cup(2_501, listing_id="bowl")), (0, 1), (FIVE_OFF,))
    assert [(one.price_minor, one.quantity, one.usual_minor) for one in found.lines] == [
        (2_375, 3, 2_500), (2_376, 1, 2_501),
    ]  # fmt: skip
    uneven = price((cup(3_334, 3),), (0,), (FIVE_OFF,))
    assert [(one.price_minor, one.quantity) for one in uneven.lines] == [(3_167, 2), (3_168, 1)]
    assert (uneven.saving_minor, uneven.share_minor(0)) == (500, 9_502)


@pytest.mark.parametrize(("quantity", "saving", "missing"), [(3, 0, 1), (4, 500, 0), (5, 500, 0)])
def test_a_promotion_holds_from_its_threshold_on_and_never_below(quantity, saving, missing):
    over = promotion(threshold_minor=9_999 + 1, saving_minor=500)
    found = price((cup(2_500, quantity),), (0,), (over,))
    assert found.saving_minor == saving
    assert [short.minor for _one, short in found.lacking] == ([2_500] if missing else [])


def test_one_unit_below_the_threshold_saves_nothing_and_says_what_is_missing():
    below = price((cup(9_999),), (0,), (FIVE_OFF,))
    assert (below.promotion, below.saving_minor) == (None, 0)
    assert below.lacking == ((FIVE_OFF, Missing(minor=1)),)
    assert price((cup(10_000),), (0,), (FIVE_OFF,)).saving_minor == 500


def test_of_several_promotions_the_one_that_saves_most_holds_alone():
    three = promotion(PromotionKind.N_FOR, promotion_id="pro_3", count=3, price_minor=6_000)
    found = price((cup(quantity=4),), (0,), (FIVE_OFF, three))
    assert (found.promotion, found.saving_minor, found.reached) == (three, 1_500, 2)
    twin = promotion(promotion_id="pro_2", threshold_minor=10_000, saving_minor=500)
    assert price((cup(quantity=4),), (0,), (FIVE_OFF, twin)).promotion is FIVE_OFF, "the first of equals"


def test_a_group_price_counts_shoppers_not_pieces():
    two = promotion(PromotionKind.GROUP_PRICE, count=2, price_minor=2_000)
    assert price((cup(quantity=2),), (0,), (two,)).lacking == ((two, Missing(people=1)),)
    assert price((cup(), cup()), (0, 1), (two,)).saving_minor == 1_000


def test_a_promotion_of_other_goods_is_not_spoken_of():
    other = promotion(threshold_minor=10_000, saving_minor=500, listing_ids=("pot",))
    assert price((cup(quantity=9),), (0,), (other,)).lacking == ()


@pytest.mark.parametrize(
    ("shift", "holds"),
    [(timedelta(0) - MS, False), (timedelta(0), True), (MS, True)],
)
def test_a_promotion_holds_from_its_first_moment(shift, holds):
    timed = promotion(from_at=format_time(NOON), until_at=format_time(NOON + timedelta(days=1)))
    assert bool(holding([timed], "CNY", NOON + shift)) is holds


@pytest.mark.parametrize(("shift", "holds"), [(timedelta(0) - MS, True), (timedelta(0), False), (MS, False)])
def test_a_promotion_is_over_at_its_last_moment(shift, holds):
    timed = promotion(from_at=format_time(NOON - timedelta(days=1)), until_at=format_time(NOON))
    assert bool(holding([timed], "CNY", NOON + shift)) is holds
    assert holding([timed], "EUR", NOON - MS) == ()


lines_of = st.lists(
    st.tuples(st.sampled_from(["cup", "pot", "tea"]), st.integers(1, 5_000), st.integers(1, 5), st.integers(0, 3)),
    min_size=1,
    max_size=8,
)
kinds = st.sampled_from(list(PromotionKind))


@given(
    rows=lines_of, kind=kinds, count=st.integers(1, 6), threshold=st.integers(1, 20_000), saving=st.integers(1, 9_000),
    each=st.integers(1, 8_000), only=st.booleans(),
)  # fmt: skip
def test_shares_and_savings_are_exactly_the_whole(rows, kind, count, threshold, saving, each, only):
    lines = tuple(
        cup(price_minor, quantity, listing_id=name, title=Text(en=f"{name} {number}"))
        for number, (name, price_minor, quantity, _who) in enumerate(rows)
    )
    whose = tuple(who for *_, who in rows)
    one = promotion(
        kind, count=count, threshold_minor=threshold, saving_minor=saving, price_minor=each,
        listing_ids=("cup",) if only else (),
    )  # fmt: skip
    found = price(lines, whose, (one,))
    usual = sum(line.price_minor * line.quantity for line in lines)
    rival = promotion(promotion_id="pro_rival", threshold_minor=1, saving_minor=saving)
    items = [
        Brought(person=str(who), listing_id=line.listing_id, price_minor=line.price_minor)
        for line, who in zip(lines, whose, strict=True)
        for _ in range(line.quantity)
    ]
    assert found.saving_minor == sum(savings(one, items))
    best = price(lines, whose, (one, rival))
    assert best.saving_minor == max(sum(savings(one, items)), sum(savings(rival, items)))
    assert sum(found.share_minor(place) for place in set(whose)) == usual - found.saving_minor
    assert all(
        line.price_minor > 0 and line.usual_minor in (0, *range(line.price_minor, 10_000)) for line in found.lines
    )
    assert saving_of(found.lines) == found.saving_minor
    again, owners, saved = rejoined(found.lines, found.whose)
    assert (again, owners) == (lines, whose)
    assert sum(saved) == found.saving_minor
