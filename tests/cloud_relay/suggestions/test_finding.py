"""Who is suggested to whom, in a real database: each input counts, each guard holds, every reason is true."""

import json
from datetime import timedelta

import pytest

from cloud_relay import muting, tables
from cloud_relay.records import consent, wishes
from cloud_relay.records.uses import Use
from cloud_relay.suggestions import rules, store
from cloud_relay.suggestions.rules import Cause

MS = timedelta(milliseconds=1)
wish, purchase, account, promotion = (getattr(tables, name) for name in ("wish", "purchase", "account", "promotion"))


@pytest.mark.both_stores
def test_who_wish_for_the_same_in_one_area_are_put_together(tea):
    (suggestion_id,) = tea.look("cai", Cause.RECORD)
    people = tea.people(suggestion_id)
    assert sorted(people) == ["cai", "dan", "eva"]
    assert {(one["price_minor"], one["saving_minor"], one["state"]) for one in people.values()} == {
        (10_000, 2_000, "sent")
    }
    (row,) = tea.world.rows(tables.suggestion)
    assert (row["saving_minor"], row["cause"], row["state"], row["open_until"]) == (
        6_000, "record", "open", tea.now + rules.OPEN_FOR,
    )  # fmt: skip
    told = {one["account_id"]: one for one in tea.world.rows(tables.notice)}
    assert sorted(told) == ["cai", "dan", "eva"]
    assert "3 people who look for the same" in told["dan"]["text_en"]
    assert tea.look("dan") == [], "nobody is asked twice about one promotion"


@pytest.mark.both_stores
def test_all_three_kinds_and_what_each_saves(together):
    together.good("lis_dear", 12_000)
    together.good("lis_low", 8_000)
    for name, listing_id in (("cai", "lis_dear"), ("dan", "lis_low")):
        together.shopper(name)
        together.wish(name, listing_id=listing_id, budget=12_000)
    for kind in ("spend_over", "n_for"):
        together.promotion(kind, f"pro_{kind}")
    found = together.look("cai")
    savings = [[one["saving_minor"] for one in together.people(one).values()] for one in found]
    assert [sorted(one) for one in savings] == [[2_000, 3_000], [1_600, 2_400]], "what saves most comes first"


def everything(together):
    """Cai is told of Dan because of all four inputs: area, Dan's purchase, Cai's wish, the promotion."""
    together.good("lis_tea")
    for name in ("cai", "dan"):
        together.shopper(name)
    together.wish("cai")
    together.bought("dan", "lis_tea")
    together.promotion()


@pytest.mark.both_stores
def test_with_all_four_inputs_there_is_a_suggestion(together):
    everything(together)
    assert together.group("cai") == ["cai", "dan"]


@pytest.mark.parametrize(
    ("table", "values"),
    [(tables.shopper_profile, {"area": ""}), (tables.purchase, {"given_back_at": "now"}),
     (tables.wish, {"deleted_at": "now"}), (tables.promotion, {"ended_at": "now"})],
)  # fmt: skip
def test_without_any_one_of_the_four_there_is_none(together, table, values):
    everything(together)
    moments = {name: together.now if value == "now" else value for name, value in values.items()}
    together.change(table, table.c.version > 0 if "version" in table.c else table.c.account_id != "", **moments)
    assert together.look("cai") == []
    assert together.look("dan") == []


@pytest.mark.both_stores
def test_nothing_is_read_of_who_did_not_say_yes(together):
    everything(together)
    together.run(consent.withdraw, "dan", Use.SUGGESTIONS, together.now)
    assert together.group("cai") == []
    together.run(consent.give, "dan", Use.SUGGESTIONS, together.now)
    together.tend()
    assert together.look("dan")
    together.shopper("fay", says_yes=False)
    together.bought("fay", "lis_tea")
    assert together.look("fay") == []
    assert [row for row in together.world.rows(tables.suggestion_want) if row["account_id"] == "fay"] == []
    for use in (Use.ON_SITE, Use.ASK_OWNERS):
        together.run(consent.give, "fay", use, together.now)
    assert together.look("fay") == [], "a yes to something else is no yes to this"


def test_a_yes_in_the_index_alone_is_none(together):
    """The index could be wrong: the truth is asked again before anybody is told."""
    everything(together)
    own = tables.consent.c
    together.change(tables.consent, own.account_id == "dan", is_given=False)
    assert together.look("cai") == []


@pytest.mark.both_stores
def test_what_was_given_back_does_not_count(together):
    everything(together)
    together.change(purchase, purchase.c.account_id == "dan", given_back_at=together.now)
    assert together.group("cai") == []
    assert [row for row in together.world.rows(tables.suggestion_want) if row["account_id"] == "dan"] == [], (
        "the index was put right"
    )


@pytest.mark.both_stores
@pytest.mark.parametrize(("after", "is_found"), [(-MS, True), (timedelta(0), False), (MS, False)])
def test_a_purchase_counts_for_half_a_year(together, after, is_found):
    everything(together)
    together.change(
        purchase, purchase.c.account_id == "dan",
        bought_at=together.now - timedelta(days=rules.AGAIN_DAYS) - after,
    )  # fmt: skip
    assert bool(together.group("cai")) is is_found


@pytest.mark.both_stores
@pytest.mark.parametrize(("after", "is_found"), [(-MS, True), (timedelta(0), False), (MS, False)])
def test_a_wish_counts_until_its_day(together, after, is_found):
    everything(together)
    together.change(wish, wish.c.account_id == "cai", wished_until=together.now - after)
    assert bool(together.group("dan")) is is_found


@pytest.mark.parametrize(("after", "is_found"), [(-MS, True), (timedelta(0), False), (MS, False)])
def test_a_promotion_counts_until_its_end(together, after, is_found):
    everything(together)
    together.change(promotion, promotion.c.promotion_id == "pro_1", until_at=together.now + timedelta(days=1))
    together.world.now += timedelta(days=1) + after
    assert bool(together.group("cai")) is is_found


@pytest.mark.parametrize(
    ("budget", "is_found"), [(7_999, False), (8_000, True), (10_000, True)]
)  # fmt: skip
def test_a_wish_is_within_its_budget_at_the_price_they_would_pay(together, budget, is_found):
    everything(together)
    together.change(wish, wish.c.account_id == "cai", budget_minor=budget)
    assert bool(together.group("cai")) is is_found


def test_a_purchase_is_another_one_of_its_kind_for_no_more_than_was_paid(together):
    together.good("lis_tea")
    together.good("lis_old", 5_000, state="withdrawn")
    for name in ("cai", "dan"):
        together.shopper(name)
    together.wish("cai")
    together.bought("dan", "lis_old", 7_999)
    together.promotion()
    assert together.group("cai") == []
    together.bought("dan", "lis_old", 8_000)
    (suggestion_id,) = together.look("cai")
    (reason,) = together.people(suggestion_id)["dan"]["reasons"]["wants"]
    assert (reason["kind"], reason["is_same"], reason["category"]) == ("purchase", False, "tea")


@pytest.mark.both_stores
def test_the_merchants_own_people_are_left_out(together):
    everything(together)
    together.world.add(tables.member, merchant_id="mer_1", account_id="dan", role="seller")
    assert together.group("cai") == []
    assert together.group("dan") == []


@pytest.mark.both_stores
@pytest.mark.parametrize("pair", [("cai", "dan"), ("dan", "cai"), ("dan", "eva")])
def test_who_muted_one_another_are_never_put_together(tea, pair):
    tea.run(muting.mute, *pair, tea.now)
    group = tea.group("cai")
    assert "cai" in group
    assert len(group) == 2
    assert not set(pair) <= set(group)


@pytest.mark.both_stores
def test_nobody_gets_more_than_three_a_week(tea):
    for number in range(2, 6):
        tea.promotion(promotion_id=f"pro_{number}", price_minor=8_000 - number)
    assert len(tea.look("cai")) == rules.WEEKLY_MAX == 3
    assert tea.look("dan") == []
    told = [row["account_id"] for row in tea.world.rows(tables.suggestion_person)]
    assert {name: told.count(name) for name in told} == {"cai": 3, "dan": 3, "eva": 3}
    tea.world.now += rules.WEEK - MS
    assert tea.look("dan") == []
    tea.world.now += MS
    for one in tea.world.rows(tables.suggestion):
        tea.change(tables.suggestion, tables.suggestion.c.suggestion_id == one["suggestion_id"], state="over")
    assert len(tea.look("dan")) == 3


def test_who_had_their_share_leaves_the_others_theirs(tea):
    for number in (2, 3, 4):
        tea.promotion(promotion_id=f"pro_{number}", price_minor=8_000 - number)
    tea.shopper("fay")
    tea.wish("fay")
    for name in ("dan", "eva"):
        tea.change(tables.suggestion_due, tables.suggestion_due.c.account_id == name, cause="record")
    first = tea.look("fay")
    assert len(first) == 3
    tea.shopper("gil")
    tea.wish("gil")
    tea.shopper("hal")
    tea.wish("hal")
    assert tea.group("gil") == ["gil", "hal"]


@pytest.mark.both_stores
def test_who_are_elsewhere_are_put_together_by_the_pick_up_point_that_both_wish_for(tea):
    tea.world.add(
        tables.pickup_point, point_id="poi_1", shop_id="teahouse", name_en="Gate", name_zh="门口", address={},
        created_at=tea.now,
    )  # fmt: skip
    for name in ("fay", "gil"):
        tea.shopper(name, area=f"far {name}")
        tea.wish(name, pickup_point_id="poi_1")
    (suggestion_id,) = tea.look("fay")
    people = tea.people(suggestion_id)
    assert sorted(people) == ["fay", "gil"]
    assert people["gil"]["reasons"]["near"] == {"point": {"en": "Gate", "zh": "门口"}}
    assert tea.group("cai") == ["cai", "dan", "eva"]


def test_the_same_name_in_another_country_is_another_area(tea):
    tea.shopper("fay", country="US")
    tea.wish("fay")
    assert tea.look("fay") == []


def test_no_more_people_than_pieces(tea):
    tea.change(tables.listing, tables.listing.c.listing_id == "lis_tea", on_hand=2)
    assert len(tea.group("cai")) == 2
    tea.change(tables.listing, tables.listing.c.listing_id == "lis_tea", on_hand=1)
    tea.promotion(promotion_id="pro_2")
    assert tea.look("eva") == []


@pytest.mark.parametrize(
    ("table", "values"),
    [(tables.shop, {"is_closed": True}), (tables.shop, {"is_live": False}), (tables.listing, {"state": "withdrawn"}),
     (tables.promotion, {"is_online": False}), (tables.merchant, {"state": "suspended"})],
)  # fmt: skip
def test_nothing_is_suggested_that_cannot_be_bought(tea, table, values):
    first = next(iter(table.primary_key.columns))
    tea.change(table, first != "", **values)
    assert tea.look("cai") == []


@pytest.mark.both_stores
def test_an_index_that_is_wrong_is_put_right_and_nobody_is_told_an_untruth(tea):
    tea.change(wish, wish.c.account_id == "dan", deleted_at=tea.now)
    assert tea.group("cai") == ["cai", "eva"]
    assert [row for row in tea.world.rows(tables.suggestion_want) if row["account_id"] == "dan"] == []


def truth(together, row, one):
    """Tell by the tables alone whether each reason of one person holds, as an auditor would."""
    proved = []
    (profile,) = together.world.rows(tables.shopper_profile, tables.shopper_profile.c.account_id == one["account_id"])
    for reason in one["reasons"]["wants"]:
        (good,) = together.world.rows(tables.listing, tables.listing.c.listing_id == one["listing_id"])
        pays = one["price_minor"] - one["saving_minor"]
        if reason["kind"] == "wish":
            (source,) = together.world.rows(wish, wish.c.wish_id == reason["source_id"])
            is_of_it = source["listing_id"] == good["listing_id"] or (
                source["category"] and source["category"] == good["attributes"].get("category")
            )
            holds = source["deleted_at"] is None and source["wished_until"] > row["created_at"]
            holds = holds and pays <= source["budget_minor"]
        else:
            (source,) = together.world.rows(purchase, purchase.c.purchase_id == reason["source_id"])
            is_same = source["listing_id"] == good["listing_id"]
            is_of_it = is_same or source["category"] == good["attributes"].get("category")
            holds = source["given_back_at"] is None
            holds = holds and source["bought_at"] > row["created_at"] - timedelta(days=180)
            holds = holds and (is_same or pays <= source["price_minor"])
        proved.append(
            source["account_id"] == one["account_id"] and bool(is_of_it) and holds
            and one["reasons"]["near"] == {"area": profile["area"]}
        )  # fmt: skip
    return bool(proved) and all(proved)


@pytest.mark.both_stores
def test_every_reason_can_be_derived_again_from_the_data(together):
    together.good("lis_tea")
    together.good("lis_cup", 6_000, category="cup")
    for number in range(8):
        name = together.shopper(f"s{number}")
        if number % 2:
            together.wish(name, budget=8_000 + number)
        if number % 3 == 0:
            together.bought(name, "lis_tea")
        if number % 4 == 1:
            together.bought(name, "lis_cup", 6_000, category="cup")
    together.promotion()
    together.promotion("spend_over", "pro_2")
    together.promotion("n_for", "pro_3", price_minor=9_000)
    assert len(together.look("s1")) == 3
    for row in together.world.rows(tables.suggestion):
        people = together.people(row["suggestion_id"])
        assert people
        for one in people.values():
            assert truth(together, row, one), one


@pytest.mark.both_stores
def test_no_suggestion_outlives_a_reason_of_it(tea):
    tea.change(wish, wish.c.account_id == "eva", wished_until=tea.now + timedelta(hours=5))
    (suggestion_id,) = tea.look("cai")
    (row,) = tea.world.rows(tables.suggestion)
    assert row["open_until"] == tea.now + timedelta(hours=5)
    assert json.dumps(tea.people(suggestion_id)["eva"]["reasons"])


@pytest.mark.both_stores
def test_whose_record_changed_is_found_by_others_at_once_and_whose_wish_is_gone_is_not(tea):
    fay = tea.shopper("fay")
    until = tea.now + timedelta(days=9)
    tea.run(wishes.wish_for, fay, wishes.Wished(category="Tea", budget_minor=9_000, currency="CNY", wished_until=until),
            tea.now)  # fmt: skip
    assert tea.group("cai") == ["cai", "dan", "eva", "fay"]
    (row,) = tea.world.rows(wish, wish.c.account_id == fay)
    tea.run(wishes.delete_wish, fay, row["wish_id"], tea.now)
    assert [one for one in tea.world.rows(tables.suggestion_want) if one["account_id"] == fay] == []


@pytest.mark.both_stores
def test_a_new_promotion_looks_for_those_who_want_its_goods(tea):
    assert tea.world.rows(tables.suggestion_due) != [], "giving their yes had them looked for"
    tea.world.database.run_now(lambda connection: connection.execute(tables.suggestion_due.delete()))
    tea.change(promotion, promotion.c.promotion_id == "pro_1", version=2)
    tea.tend()
    due = {row["account_id"]: row["cause"] for row in tea.world.rows(tables.suggestion_due)}
    assert due == {"cai": "promotion", "dan": "promotion", "eva": "promotion"}


@pytest.mark.both_stores
def test_what_ended_leaves_the_index_and_its_suggestions(tea):
    (suggestion_id,) = tea.look("cai")
    tea.change(promotion, promotion.c.promotion_id == "pro_1", ended_at=tea.now)
    assert tea.open_of("cai") == [], "at once, before any worker"
    tea.tend()
    assert tea.world.rows(tables.suggestion_good) == tea.world.rows(tables.suggestion_promotion) == []
    assert tea.read(store.find, suggestion_id)["state"] == "off"
