"""Places, zones, weights and tax: every step at -1, 0 and +1, and sums that are exact for any amount."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_relay.escrow.rules import PPM
from cloud_relay.shipping.places import PROVINCES, clean_place, rank
from cloud_relay.shipping.rules import (
    Cost,
    Goods,
    Step,
    TaxRate,
    Terms,
    Zone,
    cost,
    rate_of,
    read_terms,
    shipping_price,
    tax_of,
    zone_of,
)
from wire.codec import to_json
from wire.values import BadValueError


def zone(*places, steps=((500, 800), (2000, 1200), (None, 3000)), free=None, name="Z"):
    return Zone(
        name_en=name, name_zh=name, places=places, steps=tuple(Step(*one) for one in steps), free_from_minor=free
    )


@pytest.mark.parametrize(
    ("place", "country", "code", "closeness"),
    [
        ("*", "DE", "", 0), ("DE", "DE", "10115", 1), ("DE", "AT", "10115", -1), ("CN-ZJ", "CN", "310000", 2),
        ("CN-ZJ", "CN", "320000", 2), ("CN-ZJ", "CN", "330000", -1), ("CN-ZJ", "CN", "", -1),
        ("DE 1", "DE", "10115", 3),
        ("DE 101", "DE", "10115", 5), ("DE 101", "DE", "10015", -1), ("GB EH1", "GB", "eh1 1aa", 5),
        ("GB EH1", "GB", "EH 1-1AA", 5),
    ],
)  # fmt: skip
def test_how_closely_a_place_names_a_destination(place, country, code, closeness):
    assert rank(clean_place(place), country, code) == closeness


@pytest.mark.parametrize("text", ["", "D", "DEU", "DE-BE", "CN-XX", "DE 12345678901", "Deutschland", "DE;", "**"])
def test_a_place_that_nobody_can_read_is_refused(text):
    with pytest.raises(BadValueError, match="place"):
        clean_place(text)


def test_every_province_has_postal_codes_of_its_own():
    heads = [head for codes in PROVINCES.values() for head in codes]
    assert len(PROVINCES) == 31 and len(set(heads)) == len(heads)


def test_the_closest_zone_holds_whatever_its_place_in_the_list():
    everywhere, country, province, code = zone("*"), zone("CN", "DE"), zone("CN-ZJ"), zone("CN 3100")
    zones = (everywhere, country, code, province)
    assert zone_of(zones, "US", "") is everywhere
    assert zone_of(zones, "CN", "200000") is country
    assert zone_of(zones, "CN", "320000") is province
    assert zone_of(zones, "CN", "310012") is code
    assert zone_of((country,), "US", "") is None


@pytest.mark.parametrize(
    ("weight_g", "price"),
    [(0, 800), (499, 800), (500, 800), (501, 1200), (1999, 1200), (2000, 1200), (2001, 3000), (10**6, 3000)],
)
def test_each_weight_step_at_its_very_gram(weight_g, price):
    assert shipping_price(zone("*"), weight_g, 0) == price


@pytest.mark.parametrize(("weight_g", "price"), [(499, 800), (500, 800), (501, None)])
def test_heavier_than_the_last_step_is_not_sent(weight_g, price):
    assert shipping_price(zone("*", steps=((500, 800),)), weight_g, 10**9) == price


@pytest.mark.parametrize(("together", "price"), [(9_999, 800), (10_000, 0), (10_001, 0)])
def test_free_from_looks_at_all_goods_of_the_shop(together, price):
    assert shipping_price(zone("*", free=10_000), 100, together) == price


def test_the_closest_rate_holds_and_a_category_before_none():
    rates = (
        TaxRate(place="*", rate_ppm=10_000), TaxRate(place="DE", rate_ppm=190_000),
        TaxRate(place="DE", rate_ppm=70_000, category="Books"), TaxRate(place="*", rate_ppm=1, category="Tea"),
    )  # fmt: skip
    assert rate_of(rates, "DE", "10115", ()) == 190_000
    assert rate_of(rates, "DE", "10115", ("books",)) == 70_000
    assert rate_of(rates, "FR", "", ("books",)) == 10_000
    assert rate_of(rates, "FR", "", ("tea",)) == 1
    assert rate_of(rates, "DE", "", ("tea",)) == 190_000, "the place goes before the category"
    assert rate_of((), "DE", "", ()) == 0


AMOUNTS, RATES = st.integers(0, 10**9), st.integers(0, PPM)


@given(AMOUNTS, RATES)
def test_tax_inside_and_the_rest_are_the_amount_and_less_than_a_unit_off(amount, rate):
    tax = tax_of(amount, rate, is_on_top=False)
    assert 0 <= tax <= amount
    assert abs(tax * (PPM + rate) - amount * rate) < PPM + rate


@given(AMOUNTS, RATES)
def test_tax_on_top_is_rounded_by_at_most_half_a_unit(amount, rate):
    assert abs(2 * (tax_of(amount, rate, is_on_top=True) * PPM - amount * rate)) <= PPM


@pytest.mark.parametrize(("amount", "tax"), [(49, 0), (50, 1), (51, 1), (149, 1), (150, 2), (151, 2)])
def test_half_a_unit_counts_as_one(amount, tax):
    assert tax_of(amount, PPM // 100, is_on_top=True) == tax


@given(st.integers(1, 10**8), st.integers(0, 10**6), RATES, st.booleans(), st.booleans())
def test_the_total_is_its_parts_to_the_unit(price, shipping, rate, is_on_top, is_collected):
    terms = Terms(rates=(TaxRate(place="*", rate_ppm=rate),), is_tax_on_top=is_on_top)
    found = cost(terms, shipping, Goods(price_minor=price), "DE", "", is_collected=is_collected)
    assert found is not None
    assert found.shipping_minor == (0 if is_collected else shipping)
    on_top = found.tax_minor if is_on_top else 0
    assert found.total_minor(price) == price + found.shipping_minor + on_top


def test_without_terms_the_shops_one_price_holds_everywhere():
    found = cost(Terms(), 1200, Goods(price_minor=9900, weight_g=5000), "BR", "", is_collected=False)
    assert found == Cost(shipping_minor=1200)


def test_where_no_zone_is_nothing_is_sent_but_it_may_be_collected():
    terms = Terms(zones=(zone("DE"),))
    goods = Goods(price_minor=9900)
    assert cost(terms, 1200, goods, "FR", "", is_collected=False) is None
    collected = cost(terms, 1200, goods, "FR", "", is_collected=True)
    assert collected is not None and collected.shipping_minor == 0


GOOD = {
    "zones": [
        {"name_en": "Near", "places": ["cn-zj", "DE 10 1"], "free_from_minor": 5,
         "steps": [{"up_to_g": 500, "price_minor": 0}, {"up_to_g": None, "price_minor": 9}]},
    ],
    "rates": [{"place": "*", "rate_ppm": 60_000}], "is_tax_on_top": True,
}  # fmt: skip


def test_terms_are_read_as_they_were_written():
    terms = read_terms(GOOD)
    assert terms.zones[0].places == ("CN-ZJ", "DE 101") and terms.zones[0].name_zh == "Near"
    assert read_terms(to_json(terms)) == terms


def _with(**change):
    return {**GOOD, "zones": [{**GOOD["zones"][0], **change}]}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (_with(places=[]), "places"), (_with(places=["CN", "CN"]), "two of them"), (_with(name_en=" "), "name"),
        (_with(steps=[]), "steps"), (_with(steps=[{"up_to_g": None, "price_minor": 1}] * 2), "only the last"),
        (_with(steps=[{"up_to_g": 500, "price_minor": 1}, {"up_to_g": 500, "price_minor": 2}]), "501"),
        (_with(steps=[{"up_to_g": 0, "price_minor": 1}]), "1 to"), (_with(steps=[{"up_to_g": 1}]), "price_minor"),
        (_with(steps=[{"up_to_g": 1, "price_minor": -1}]), "0 to"),
        (_with(steps=[{"up_to_g": True, "price_minor": 1}]), "up_to_g"),
        (_with(free_from_minor=1.5), "free_from_minor"), ({"rates": [{"place": "*", "rate_ppm": PPM + 1}]}, "rate_ppm"),
        ({"rates": [{"place": "*", "rate_ppm": 1}] * 2}, "two of them"), ({"zones": "all"}, "zones"),
        ({"zones": [GOOD["zones"][0]] * 31}, "at most 30"),
    ],
)  # fmt: skip
def test_terms_that_would_be_unclear_are_refused_with_the_place(given, says):
    with pytest.raises(BadValueError, match=says):
        read_terms(given)
