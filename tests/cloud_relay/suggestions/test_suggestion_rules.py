"""The best group: against every subset, for all kinds; a bounded choice of more; matching, states and deadlines."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from cloud_relay.suggestions import rules
from cloud_relay.suggestions.rules import Candidate, Event, Found, Good, Goods, Pick, State, Want
from wire.plan import Text
from wire.promotions import Brought, Promotion, PromotionKind, savings, together_minor

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)


def promotion(kind="group_price", **values):
    terms = {"promotion_id": "pro", "kind": PromotionKind(kind), "title": Text(en="", zh=""), "currency": "CNY"}
    return Promotion(**{**terms, **values})


promotions = some.one_of(
    some.builds(
        lambda least, part: promotion("spend_over", threshold_minor=least, saving_minor=least * part // 100),
        some.integers(2, 900), some.integers(1, 99),
    ),
    some.builds(
        lambda count, price: promotion("n_for", count=count, price_minor=price), some.integers(2, 5),
        some.integers(1, 500),
    ),
    some.builds(
        lambda count, price: promotion("group_price", count=count, price_minor=price), some.integers(2, 6),
        some.integers(1, 150),
    ),
)  # fmt: skip


@some.composite
def worlds(draw, most=7):
    """Return a promotion, candidates of whom the first is the trigger, and who is apart from whom."""
    prices = draw(some.lists(some.integers(1, 300), min_size=1, max_size=4))
    free = [draw(some.integers(1, 4)) for _ in prices]
    people = []
    for number in draw(some.permutations(range(draw(some.integers(2, most))))):
        listing = draw(some.integers(0, len(prices) - 1))
        budget = draw(some.one_of(some.none(), some.integers(1, 300)))
        people.append(Candidate(f"a{number}", Pick(prices[listing], f"l{listing}", budget), free[listing]))
    pairs = [frozenset(pair) for pair in combinations(sorted(one.account_id for one in people), 2)]
    apart = draw(some.sets(some.sampled_from(pairs), max_size=2))
    return draw(promotions), people, apart


def brute(own, people, apart):
    """Return the best feasible group by looking at every subset with the trigger, by the room's stated rule alone."""
    best = None
    for size in range(rules.PEOPLE_MIN, min(len(people), rules.PEOPLE_MAX) + 1):
        for rest in combinations(people[1:], size - 1):
            group = sorted([people[0], *rest], key=lambda one: one.account_id)
            ids = [one.account_id for one in group]
            each = savings(own, [
                Brought(person=one.account_id, listing_id=one.pick.listing_id, price_minor=one.pick.price_minor)
                for one in group
            ])  # fmt: skip
            if any(set(pair) <= set(ids) for pair in apart):
                continue
            if any([one.pick.listing_id for one in group].count(one.pick.listing_id) > one.free for one in group):
                continue
            if any(
                saving < 1 or (one.pick.most_minor is not None and one.pick.price_minor - saving > one.pick.most_minor)
                for one, saving in zip(group, each, strict=True)
            ):
                continue
            key = (-sum(each), size, ids)
            if best is None or key < best[0]:
                best = (key, each)
    return best


def key_of(found: Found | None):
    if found is None:
        return None
    ids = [one.account_id for one in found.people]
    return (-found.saving_minor, len(ids), ids), list(found.savings_minor)


@settings(max_examples=400)
@given(worlds())
def test_of_few_the_best_group_is_that_of_every_subset(world):
    own, people, apart = world
    assert key_of(rules.best_group(own, people[0], people[1:], apart)) == brute(own, people, apart)


@settings(max_examples=6)
@given(worlds(most=12))
def test_of_twelve_too(world):
    own, people, apart = world
    assert key_of(rules.best_group(own, people[0], people[1:], apart)) == brute(own, people, apart)


generous = some.one_of(
    some.builds(
        lambda least: promotion("spend_over", threshold_minor=least, saving_minor=least // 2), some.integers(200, 5000)
    ),
    some.builds(
        lambda count, price: promotion("n_for", count=count, price_minor=price), some.integers(2, 12),
        some.integers(1, 150),
    ),
    some.builds(
        lambda count, price: promotion("group_price", count=count, price_minor=price), some.integers(2, 13),
        some.integers(1, 150),
    ),
)  # fmt: skip
"""Whoever brings something for more than 150 saves at least a little in each of these."""


@settings(max_examples=40)
@given(generous, some.lists(some.integers(151, 300), min_size=12, max_size=30))
def test_of_many_who_need_no_saving_to_afford_it_nothing_is_lost(own, prices):
    people = [Candidate(f"a{place:02}", Pick(price, f"l{place}", None), 1) for place, price in enumerate(prices)]
    found = rules.best_group(own, people[0], people[1:], set())
    most = rules.bound(own, prices[0], prices[1:])
    assert (found.saving_minor if found else 0) == most
    assert found is None or (people[0] in found.people and len(found.people) <= rules.PEOPLE_MAX)


@given(worlds(most=9))
def test_no_group_passes_the_bound(world):
    own, people, apart = world
    found = rules.best_group(own, people[0], people[1:], apart)
    most = rules.bound(own, people[0].pick.price_minor, [one.pick.price_minor for one in people[1:]])
    assert found is None or found.saving_minor <= most


@given(promotions, some.lists(some.integers(1, 300), max_size=9))
def test_the_sum_of_savings_is_what_they_save_together(own, prices):
    items = [Brought(person=str(place), listing_id="l", price_minor=price) for place, price in enumerate(prices)]
    assert together_minor(own, prices) == sum(savings(own, items))


def want(kind="wish", listing_id="", key="tea", most=100, account_id="ann"):
    return Want(account_id, "src", kind, key, listing_id, most, "CNY")


GOODS = (Good("dear", "tea", 200, 1), Good("mid", "tea", 100, 1), Good("low", "tea", 50, 1), Good("pot", "=pot", 90, 1))


@pytest.mark.parametrize(
    ("one", "picked"),
    [(want(most=150), "mid"), (want(most=500), "dear"), (want(most=49), "low"), (want(most=11), None),
     (want(listing_id="dear", most=150), "dear"), (want(listing_id="dear", most=80), None),
     (want(listing_id="gone", most=500), None), (want("purchase", "gone", most=60), "low"),
     (want("purchase", "dear", most=60), "dear"), (want("purchase", "pot", "=pot", most=1), "pot"),
     (want("purchase", "other", "=other"), None), (want(key="cups"), None), (want(most=500)._replace(currency="EUR"),
     None)],
)  # fmt: skip
def test_what_a_want_would_bring(one, picked):
    goods = Goods(promotion("spend_over", threshold_minor=150, saving_minor=75), GOODS)
    found = goods.pick(one)
    assert (found.listing_id if found else None) == picked


def test_of_several_wants_the_dearest_sure_one_counts():
    goods = Goods(promotion("n_for", count=2, price_minor=100), GOODS)
    wants = [want(most=60), want(listing_id="mid", most=99), want("purchase", "mid"), want(most=49, account_id="bob")]
    assert goods.picks(wants) == {"ann": Pick(100, "mid", None), "bob": Pick(50, "low", 49)}


@pytest.mark.parametrize(
    ("most", "picked"), [(89, None), (90, Pick(200, "dear", None)), (300, Pick(200, "dear", None))]
)
def test_at_a_group_price_it_is_known_what_they_pay(most, picked):
    assert Goods(promotion(count=2, price_minor=90), GOODS).pick(want(most=most)) == picked


def test_nothing_is_picked_that_costs_no_less_together():
    goods = Goods(promotion(count=2, price_minor=50), GOODS)
    assert goods.pick(want("purchase", "low")) is None
    assert goods.pick(want("purchase", "mid")) == Pick(100, "mid", None)


def test_nothing_is_picked_that_is_sold_out():
    goods = Goods(promotion(count=2, price_minor=10), [Good("gone", "tea", 20, 0)])
    assert goods.pick(want()) is None
    assert not goods.keys


@pytest.mark.parametrize(
    ("one", "pays", "is_true"),
    [(want(most=80), 80, True), (want(most=79), 80, False), (want(listing_id="mid", most=80), 80, True),
     (want(listing_id="mid", most=79), 80, False), (want(listing_id="dear", most=99), 80, False),
     (want("purchase", "mid", most=1), 80, True), (want("purchase", "dear", most=80), 80, True),
     (want("purchase", "dear", most=79), 80, False), (want(key="cups"), 80, False)],
)  # fmt: skip
def test_a_reason_is_true_at_the_price_that_is_paid(one, pays, is_true):
    assert rules.supports(one, GOODS[1], pays) is is_true


def test_goods_without_a_category_are_found_by_themselves_alone():
    assert (rules.key_of("", "lis"), rules.key_of("tea", "lis")) == ("=lis", "tea")
    assert (rules.category_of_key("=lis"), rules.category_of_key("tea")) == ("", "tea")
    pot = want("purchase", "elsewhere", "=pot")
    assert not rules.supports(pot, GOODS[3], 1)


def test_an_area_has_one_spelling_and_is_of_one_country():
    assert rules.area_key("CN", " Jing'an  District ") == rules.area_key("CN", "jing'an district")
    assert rules.area_key("CN", "Springfield") != rules.area_key("US", "Springfield")
    assert rules.area_key("CN", "  ") == ""


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("event", list(Event))
def test_every_pair_of_state_and_event(state, event):
    ends = {Event.ALL_ANSWERED: State.DONE, Event.DUE: State.OVER, Event.TOO_FEW: State.OFF}
    assert rules.step(state, event) is (ends[event] if state is State.OPEN else state)


@pytest.mark.parametrize(("after", "is_open"), [(-MS, True), (timedelta(0), False), (MS, False)])
def test_a_suggestion_is_open_up_to_its_end(after, is_open):
    assert rules.is_open("open", NOW, NOW + after) is is_open
    assert not rules.is_open("off", NOW, NOW - MS)


def test_it_never_lasts_longer_than_what_it_rests_on():
    later = NOW + timedelta(days=30)
    assert rules.closing(NOW, later, [later]) == NOW + rules.OPEN_FOR
    assert rules.closing(NOW, NOW + MS, [later]) == NOW + MS
    assert rules.closing(NOW, later, [later, NOW + 2 * MS]) == NOW + 2 * MS
