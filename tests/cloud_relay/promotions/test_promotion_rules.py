"""What a promotion may say: each limit at its edge, and no promotion that passes makes anything dearer or free."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_relay.promotions import rules, words
from cloud_relay.promotions.rules import Goods, PromotionState
from cloud_relay.refusals import RefusedError
from wire.promotions import Brought, Promotion, PromotionKind, savings
from wire.text import Text
from wire.values import BadValueError

MILLISECOND = timedelta(milliseconds=1)
FIRST = datetime(2030, 1, 1, tzinfo=UTC)
LAST = FIRST + timedelta(days=7)
GOODS = [
    Goods(listing_id="tea", lowest_minor=1000, dearest_minor=1200),
    Goods(listing_id="pot", lowest_minor=9900, dearest_minor=9900),
]
SPEND = {"kind": "spend_over", "threshold_minor": 30_000, "saving_minor": 15_000}
N_FOR = {"kind": "n_for", "count": 3, "price_minor": 3 * 9900 - 1}
GROUP = {"kind": "group_price", "count": 50, "price_minor": 999}


def values(**changed):
    plain = {
        "title_en": "Together", "title_zh": "", "listing_ids": [], "is_online": True, "is_at_counter": False,
        "from_at": FIRST, "until_at": LAST, "threshold_minor": 0, "saving_minor": 0, "count": 0, "price_minor": 0,
    }  # fmt: skip
    return {**plain, **SPEND, **changed} if "kind" not in changed else {**plain, **changed}


@pytest.mark.parametrize("kind", [SPEND, N_FOR, GROUP, {**N_FOR, "count": 2, "price_minor": 2}, {**N_FOR, "count": 20}])
def test_what_stands_at_a_limit_may_stand(kind):
    rules.check(values(**kind), GOODS)


@pytest.mark.parametrize(
    "changed",
    [
        {"title_en": ""},
        {"is_online": False},
        {"until_at": FIRST},
        {"until_at": FIRST + rules.LASTS_MAX + MILLISECOND},
        {"listing_ids": [f"l{number}" for number in range(rules.LISTINGS_MAX + 1)]},
        {"saving_minor": 15_001},
        {"saving_minor": 0},
        {"threshold_minor": 0},
        {"count": 2},
        {**N_FOR, "price_minor": 3 * 9900},
        {**N_FOR, "price_minor": 2},
        {**N_FOR, "count": 1, "price_minor": 5},
        {**N_FOR, "count": 21},
        {**N_FOR, "saving_minor": 1},
        {**GROUP, "price_minor": 1000},
        {**GROUP, "price_minor": 0},
        {**GROUP, "count": 1},
        {**GROUP, "count": 51},
    ],
)
def test_what_is_beyond_a_limit_is_refused_in_both_languages(changed):
    with pytest.raises((RefusedError, BadValueError)) as refused:
        rules.check(values(**changed), GOODS)
    said = getattr(refused.value, "text_zh", str(refused.value))
    assert any("\u4e00" <= sign <= "\u9fff" for sign in said), said


def test_without_published_goods_there_is_nothing_to_promise():
    with pytest.raises(RefusedError, match="no_goods"):
        rules.check(values(), [])


def test_a_quarter_of_a_year_to_the_millisecond():
    rules.check(values(until_at=FIRST + rules.LASTS_MAX), GOODS)


def test_it_counts_from_its_first_moment_up_to_its_last():
    seen = [
        rules.state_of(FIRST, LAST, None, None, at) for at in (FIRST - MILLISECOND, FIRST, LAST - MILLISECOND, LAST)
    ]
    assert seen == [PromotionState.PLANNED, PromotionState.RUNNING, PromotionState.RUNNING, PromotionState.OVER]
    assert rules.state_of(FIRST, LAST, FIRST, None, FIRST) is PromotionState.OVER
    assert rules.state_of(FIRST, LAST, FIRST, FIRST, FIRST) is PromotionState.DELETED


def test_titles_are_cleaned_and_goods_named_once():
    cleaned = rules.clean({"title_en": " Tea ", "title_zh": "  ", "listing_ids": ["b", "a", "b"]})
    assert cleaned == {"title_en": "Tea", "title_zh": "", "listing_ids": ["b", "a"]}
    with pytest.raises(BadValueError):
        rules.clean({"title_en": "x" * (rules.TITLE_LENGTH_MAX + 1)})


@given(
    kind=st.sampled_from(list(PromotionKind)), count=st.integers(0, 60), price=st.integers(0, 300),
    threshold=st.integers(0, 2000), saving=st.integers(0, 1000),
    prices=st.lists(st.integers(1, 300), min_size=1, max_size=12), people=st.integers(1, 12),
)  # fmt: skip
def test_a_promotion_that_may_stand_saves_somebody_something_and_gives_nothing_away(
    kind, count, price, threshold, saving, prices, people
):
    goods = [Goods(listing_id="tea", lowest_minor=min(prices), dearest_minor=max(prices))]
    figures = {"count": count, "price_minor": price, "threshold_minor": threshold, "saving_minor": saving}
    offered = {name: value if name in rules.FIGURES[kind] else 0 for name, value in figures.items()}
    try:
        rules.check(values(kind=kind.value, **offered), goods)
    except (RefusedError, BadValueError):
        return
    promotion = Promotion(promotion_id="pro", kind=kind, title=Text(en="x"), currency="CNY", **offered)
    brought = [
        Brought(person=str(place % people), listing_id="tea", price_minor=one) for place, one in enumerate(prices)
    ]
    each = savings(promotion, brought)
    assert all(0 <= part < one for part, one in zip(each, prices, strict=True))
    most = [Brought(person=str(place), listing_id="tea", price_minor=max(prices)) for place in range(max(2, count))]
    if kind is not PromotionKind.SPEND_OVER:
        assert sum(savings(promotion, most)) > 0, "enough people with the dearest save something"


def test_one_line_in_both_languages():
    def said(**figures):
        return words.line(Promotion(promotion_id="p", title=Text(en="x"), currency="CNY", **figures))

    assert said(kind=PromotionKind.SPEND_OVER, threshold_minor=30_000, saving_minor=5_000) == {
        "en": "Together ¥300.00: ¥50.00 less", "zh": "一起满 ¥300.00 减 ¥50.00",
    }  # fmt: skip
    assert said(kind=PromotionKind.GROUP_PRICE, count=3, price_minor=8_000)["en"] == "3 people: ¥80.00 each"
    assert said(kind=PromotionKind.N_FOR, count=3, price_minor=8_000)["zh"] == "任选 3 件共 ¥80.00"
