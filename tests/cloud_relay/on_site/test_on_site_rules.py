"""Who would reach a promotion together: the same as trying every set; shares to the unit."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_relay.on_site import rules
from cloud_relay.on_site.rules import Present
from wire.promotions import Brought, Promotion, PromotionKind, counts, missing, savings
from wire.text import Text

KINDS = list(PromotionKind)


def promotion(kind=PromotionKind.SPEND_OVER, **figures):
    return Promotion(promotion_id="pro", kind=kind, title=Text(en="x"), currency="CNY", **figures)


def present(person_id, *prices, listing_id="tea"):
    return Present(
        person_id, tuple(Brought(person=person_id, listing_id=listing_id, price_minor=one) for one in prices)
    )


def items_of(some):
    return [item for one in some for item in one.items]


def best(offer, own, others, apart):
    """Try every set: the fewest people, of them the greatest saving."""
    for size in range(1, len(others) + 1):
        found = []
        for some in combinations(others, size):
            everybody = (own, *some)
            names = [one.person_id for one in everybody]
            if any(frozenset(pair) in apart for pair in combinations(names, 2)):
                continue
            if not missing(offer, items_of(everybody)).is_nothing:
                continue
            if all(any(counts(offer, item) for item in one.items) for one in everybody):
                found.append(sum(savings(offer, items_of(everybody))))
        if found:
            return size + 1, max(found)
    return 0, 0


hands = st.lists(st.tuples(st.sampled_from(["tea", "cup"]), st.integers(1, 100)), max_size=4)


@settings(max_examples=300)
@given(
    kind=st.sampled_from(KINDS), figure=st.integers(2, 8), threshold=st.integers(50, 600), price=st.integers(1, 300),
    only_tea=st.booleans(), all_hands=st.lists(hands, min_size=1, max_size=7),
    pairs=st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=4),
)  # fmt: skip
def test_the_chosen_set_is_the_best_of_all_sets(kind, figure, threshold, price, only_tea, all_hands, pairs):
    offer = promotion(
        kind, listing_ids=("tea",) if only_tea else (), count=figure, price_minor=price, threshold_minor=threshold,
        saving_minor=threshold // 2,
    )  # fmt: skip
    people = [
        Present(
            f"p{place}", tuple(Brought(person=f"p{place}", listing_id=what, price_minor=cost) for what, cost in hand)
        )
        for place, hand in enumerate(all_hands)
    ]
    own, others = people[0], people[1:]
    apart = frozenset(frozenset((f"p{a}", f"p{b}")) for a, b in pairs if a != b)
    chosen = rules.choose(offer, own, others, apart)
    if not rules.is_short(offer, own):
        assert chosen == ()
        return
    size, saving = best(offer, own, others, apart)
    assert len(chosen) == size
    if chosen:
        assert chosen[0] == own
        assert sum(savings(offer, items_of(chosen))) == saving
        assert missing(offer, items_of(chosen)).is_nothing


@given(kind=st.sampled_from(KINDS), threshold=st.integers(2, 400), many=st.lists(hands, min_size=1, max_size=5))
def test_shares_are_the_goods_less_the_saving_to_the_unit(kind, threshold, many):
    offer = promotion(kind, count=2, price_minor=7, threshold_minor=threshold, saving_minor=threshold // 2)
    people = [
        Present(str(place), tuple(Brought(person=str(place), listing_id=what, price_minor=cost) for what, cost in hand))
        for place, hand in enumerate(many)
    ]
    each = rules.shares(offer, people)
    items = items_of(people)
    assert sum(one.saving_minor for one in each) == sum(savings(offer, items))
    assert sum(one.share_minor + one.saving_minor for one in each) == sum(item.price_minor for item in items)
    assert [one.person_id for one in each] == [one.person_id for one in people]


def test_who_reaches_it_alone_or_holds_nothing_of_it_needs_nobody():
    offer = promotion(threshold_minor=100, saving_minor=10, listing_ids=("tea",))
    other = present("b", 100)
    assert rules.choose(offer, present("a", 100), [other]) == ()
    assert rules.choose(offer, present("a", 99, listing_id="cup"), [other]) == ()
    assert rules.choose(offer, present("a", 1), [other]) == (present("a", 1), other)
    assert rules.choose(offer, present("a", 1), [present("b", 98)]) == ()
    assert rules.choose(offer, present("a", 1), [other], frozenset({frozenset("ab")})) == ()


def test_among_many_those_who_bring_most_are_searched():
    offer = promotion(threshold_minor=1_000, saving_minor=10)
    crowd = [present(f"p{number:02}", number) for number in range(1, 60)]
    chosen = rules.choose(offer, present("own", 410), crowd)
    assert [one.person_id for one in chosen] == ["own", *(f"p{number}" for number in range(59, 48, -1))]
    assert rules.choose(offer, present("own", 1), crowd) == (), "more than twelve people would be needed"
