"""Finding an order among one's own: by number, goods, name, state and day; nobody finds another's."""

from datetime import date

import pytest

from cloud_relay.orders import reading
from cloud_relay.orders.searching import OrderSearch, read_search
from wire.values import BadValueError


@pytest.fixture
def found(world):
    """Two orders of Ann's at two shops, one of Bob's; what a search of hers and of the merchant's returns."""
    world.shop("mer_2", "loom", gs1_prefix="", name_en="Loom", name_zh="织布坊")
    world.listing("loom", "lis_2", price_minor=5000, title_en="100% wool_shawl", title_zh="羊毛披肩", gtin="")
    orders = {"teapot": world.paid_order("ann", "lis_1")}
    world.later(86400)
    orders["shawl"] = world.place("ann", listing_id="lis_2").order_id
    orders["bob"] = world.paid_order("bob", "lis_1")
    names = {order_id: name for name, order_id in orders.items()}

    def search(merchant="", **wish):
        whose, read = (merchant, reading.orders_of_merchant) if merchant else ("ann", reading.orders_of)
        rows = world.database.read_now(read, whose, OrderSearch(**wish))
        return sorted(names[row["order_id"]] for row in rows)

    search.orders, search.world = orders, world
    return search


def test_words_find_goods_shops_and_numbers_in_both_languages(found):
    assert found() == ["shawl", "teapot"]
    assert found(words="TEAPOT") == found(words="茶壶") == found(words="茶馆") == ["teapot"]
    assert found(words="loom wool") == ["shawl"] and found(words="loom teapot") == []
    assert found(words=found.orders["shawl"]) == found(words=found.orders["shawl"][-6:].upper()) == ["shawl"]


@pytest.mark.both_stores
def test_signs_of_the_query_language_are_plain_signs(found):
    assert found(words="100%") == ["shawl"] and found(words="l_s") == ["shawl"]
    assert found(words="t_a") == [] and found(words="%") == ["shawl"] and found(words="\\") == []


def test_a_merchant_finds_shoppers_by_name_and_nobody_anothers(found):
    assert found("mer_1") == ["bob", "teapot"] and found("mer_1", words="bob") == ["bob"]
    assert found("mer_1", words="王小明") == ["bob", "teapot"] and found("mer_2", words="teapot") == []
    assert found(words="bob") == []


def test_state_and_days_narrow_it_and_both_days_count(found):
    assert found(state="unpaid") == ["shawl"] and found(state="released") == []
    first, second = found.world.now.date().replace(day=1), found.world.now.date().replace(day=2)
    assert found(last=first) == ["teapot"] and found(first=second) == ["shawl"]
    assert found(first=first, last=second) == ["shawl", "teapot"]
    assert found(first=date.min, last=date.max) == ["shawl", "teapot"]


def test_what_is_no_state_and_no_day_is_refused():
    assert read_search(" x ", "", "", "2030-01-02").words == "x"
    for wish in (("", "lost", "", ""), ("", "", "yesterday", ""), ("", "", "", "2030-02-30")):
        with pytest.raises(BadValueError):
            read_search(*wish)


def test_the_form_offers_the_states_that_there_are(found):
    choices = found.world.database.read_now(reading.state_choices, "ann", is_merchant=False)
    assert [state for state, _ in choices] == ["unpaid", "paid"]
