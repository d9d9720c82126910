"""Accepting, declining, taking the yes back: one group, every refusal, nothing of one person in another's answer."""

import threading
from datetime import timedelta

import pytest

from cloud_relay import tables
from cloud_relay.records import consent
from cloud_relay.records.uses import Use
from cloud_relay.refusals import RefusedError
from cloud_relay.suggestions import answering, reading, rules, timers

MS = timedelta(milliseconds=1)


@pytest.fixture
def asked(tea):
    """Return (the market, the suggestion that went to cai, dan and eva)."""
    (suggestion_id,) = tea.look("cai")
    return tea, suggestion_id


def accept(together, name, suggestion_id):
    return together.run(answering.accept, name, suggestion_id, together.now)


def decline(together, name, suggestion_id):
    return together.run(answering.decline, name, suggestion_id, together.now)


def state(together):
    return [row["state"] for row in together.world.rows(tables.suggestion)]


@pytest.mark.both_stores
def test_the_first_to_accept_begins_the_group_and_the_others_come_into_it(asked):
    together, suggestion_id = asked
    first = accept(together, "cai", suggestion_id)
    assert accept(together, "cai", suggestion_id) == first
    assert together.open_of("dan")[0]["accepted"] == ["Nick cai"]
    assert together.open_of("dan")[0]["group_id"] is None, "who did not accept is not led into the group"
    assert accept(together, "dan", suggestion_id)["group_id"] == first["group_id"]
    assert state(together) == ["open"]
    assert accept(together, "eva", suggestion_id)["group_id"] == first["group_id"]
    assert state(together) == ["done"]
    (group,) = together.world.rows(tables.group_order)
    assert (group["suggestion_id"], group["started_by"], group["listing_id"]) == (suggestion_id, "cai", "lis_tea")
    assert {row["account_id"] for row in together.world.rows(tables.group_member)} == {"cai", "dan", "eva"}
    assert accept(together, "cai", suggestion_id) == first, "also when it is done"


@pytest.mark.both_stores
def test_two_who_accept_at_once_are_in_one_group(asked):
    together, suggestion_id = asked
    found = []
    threads = [
        threading.Thread(target=lambda name=name: found.append(accept(together, name, suggestion_id)["group_id"]))
        for name in ("cai", "dan", "eva", "cai")
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert len(together.world.rows(tables.group_order)) == 1
    assert len(together.world.rows(tables.group_member)) == 3


@pytest.mark.both_stores
@pytest.mark.parametrize(("after", "refusal"), [(-MS, ""), (timedelta(0), "suggestion_over"), (MS, "suggestion_over")])
def test_it_is_answered_up_to_its_end(asked, after, refusal):
    together, suggestion_id = asked
    together.world.now += rules.OPEN_FOR + after
    shown = together.read(reading.of_one, "cai", suggestion_id, together.now)
    assert shown["state"] == ("over" if refusal else "open")
    assert bool(together.open_of("cai")) is not bool(refusal)
    for answer in (decline, accept):
        name = "dan" if answer is decline else "cai"
        if refusal:
            with pytest.raises(RefusedError, match=refusal):
                answer(together, name, suggestion_id)
        else:
            assert answer(together, name, suggestion_id)
    together.tend()
    assert state(together) == ["over" if refusal else "open"]


@pytest.mark.both_stores
def test_every_refusal_says_what_to_do_next(asked):
    together, suggestion_id = asked
    for answer in (accept, decline):
        with pytest.raises(RefusedError, match="not_found"):
            answer(together, "ann", suggestion_id)
        with pytest.raises(RefusedError, match="not_found"):
            answer(together, "cai", "sug_none")
    assert decline(together, "cai", suggestion_id) == decline(together, "cai", suggestion_id)
    with pytest.raises(RefusedError, match="already_declined") as refused:
        accept(together, "cai", suggestion_id)
    assert refused.value.text_en
    assert refused.value.text_zh
    accept(together, "dan", suggestion_id)
    with pytest.raises(RefusedError, match="already_accepted"):
        decline(together, "dan", suggestion_id)
    together.change(tables.promotion, tables.promotion.c.promotion_id == "pro_1", ended_at=together.now)
    with pytest.raises(RefusedError, match="suggestion_off"):
        accept(together, "eva", suggestion_id)
    with pytest.raises(RefusedError, match="not_found"):
        together.read(reading.of_one, "ann", suggestion_id, together.now)


def test_who_came_to_work_for_the_shop_meanwhile_is_refused_by_the_group(asked):
    together, suggestion_id = asked
    together.world.add(tables.member, merchant_id="mer_1", account_id="cai", role="seller")
    with pytest.raises(RefusedError, match="own_shop"):
        accept(together, "cai", suggestion_id)
    assert together.world.rows(tables.group_order) == []


@pytest.mark.both_stores
def test_who_declines_is_not_named_and_the_rest_goes_on_while_it_holds(asked):
    together, suggestion_id = asked
    decline(together, "cai", suggestion_id)
    assert state(together) == ["open"]
    (shown,) = together.open_of("dan")
    assert shown["people"] == 2
    assert shown["others"]["en"] == "1 other person in Jing'an is looking for the same."
    assert shown["promise"]["en"] == "2 people together: you pay ¥80.00 instead of ¥100.00."
    assert together.open_of("cai") == []
    assert together.look("cai") == [], "who said no to it is not asked again"
    decline(together, "dan", suggestion_id)
    assert state(together) == ["off"]
    with pytest.raises(RefusedError, match="suggestion_off"):
        accept(together, "eva", suggestion_id)


def test_where_the_others_would_save_less_it_ends(together):
    together.good("lis_cake", 20_000)
    together.good("lis_cup", 10_000)
    for name, listing_id in (("cai", "lis_cake"), ("dan", "lis_cake"), ("eva", "lis_cup")):
        together.shopper(name)
        together.wish(name, listing_id=listing_id, budget=30_000)
    together.promotion("n_for", count=3, price_minor=30_000)
    (suggestion_id,) = together.look("cai")
    assert len(together.people(suggestion_id)) == 3
    decline(together, "eva", suggestion_id)
    assert state(together) == ["off"]


def test_where_the_others_save_more_they_are_told_what_it_is_now(together):
    together.good("lis_cake", 20_000)
    for name in ("cai", "dan", "eva"):
        together.shopper(name)
        together.wish(name, listing_id="lis_cake", budget=30_000)
    together.promotion("spend_over", threshold_minor=60_000, saving_minor=6_000)
    (suggestion_id,) = together.look("cai")
    together.change(tables.promotion, tables.promotion.c.promotion_id == "pro_1", threshold_minor=40_000)
    decline(together, "eva", suggestion_id)
    assert together.open_of("cai")[0]["saving_minor"] == 3_000
    assert together.world.rows(tables.suggestion)[0]["saving_minor"] == 6_000


@pytest.mark.both_stores
def test_a_yes_taken_back_is_gone_at_once_everywhere(asked):
    together, suggestion_id = asked
    before = len(together.world.rows(tables.page_event))
    together.run(consent.withdraw, "eva", Use.SUGGESTIONS, together.now)
    events = together.world.rows(tables.page_event)[before:]
    told = {row["channel"] for row in events if row["kind"] == "suggestion"}
    assert {"account:cai", "account:dan"} <= told, "the others' open pages look again"
    assert together.open_of("cai") == together.open_of("dan") == together.open_of("eva") == []
    for table in (tables.suggestion_want, tables.suggestion_person, tables.suggestion_due):
        assert [row for row in together.world.rows(table) if row["account_id"] == "eva"] == []
    with pytest.raises(RefusedError, match="suggestion_off"):
        accept(together, "cai", suggestion_id)
    with pytest.raises(RefusedError, match="not_found"):
        accept(together, "eva", suggestion_id)
    together.run(consent.withdraw, "eva", Use.SUGGESTIONS, together.now)
    assert sorted(together.group("dan")) == ["cai", "dan"]


@pytest.mark.both_stores
def test_a_yes_taken_back_leaves_a_group_that_began_to_the_others(asked):
    together, suggestion_id = asked
    group_id = accept(together, "cai", suggestion_id)["group_id"]
    together.run(consent.withdraw, "eva", Use.SUGGESTIONS, together.now)
    assert together.open_of("dan")[0]["people"] == 2
    assert accept(together, "dan", suggestion_id)["group_id"] == group_id


@pytest.mark.both_stores
def test_a_purchase_wakes_the_search_and_each_is_looked_for_once(tea):
    tea.world.database.run_now(lambda connection: connection.execute(tables.suggestion_due.delete()))
    tea.run(consent.give, "ann", Use.SUGGESTIONS, tea.now)
    from cloud_relay.suggestions import service  # noqa: PLC0415  # as the record room calls it

    tea.run(service.purchased, "order:x/1", "cai", tea.now)
    tea.run(service.purchased, "order:x/2", "cai", tea.now)
    tea.run(service.purchased, "order:x/3", "bob", tea.now)
    due = [row["account_id"] for row in tea.world.rows(tables.suggestion_due)]
    assert sorted(due) == ["cai"] or sorted(due) == ["ann", "cai"], "bob said no"
    while tea.run(timers.look_next, tea.now):
        pass
    assert tea.world.rows(tables.suggestion_due) == []
    (row,) = tea.world.rows(tables.suggestion)
    assert row["cause"] == "purchase"


def test_of_the_others_nothing_is_shown_but_their_number(together):
    """No account id, mail, nickname, area of another, wish or purchase of another before they take part."""
    together.good("lis_tea")
    together.good("lis_secret", 12_345)
    for name in ("cai", "dan"):
        together.shopper(name)
    together.wish("cai", listing_id="lis_secret", budget=13_000)
    together.bought("dan", "lis_tea", 10_001)
    together.promotion()
    (suggestion_id,) = together.look("cai")
    seen = repr([together.open_of("dan"), together.read(reading.of_one, "dan", suggestion_id, together.now),
                 [row for row in together.world.rows(tables.notice) if row["account_id"] == "dan"]])  # fmt: skip
    people = together.people(suggestion_id)
    secrets = ["lis_secret", "123.45", "12345", "12_345", "Nick cai", "cai@", "'cai'", "wsh_", "order:",
               people["cai"]["person_id"], people["dan"]["person_id"]]  # fmt: skip
    assert [one for one in secrets if one in seen] == []
    assert "is looking for the same" in seen
    accept(together, "cai", suggestion_id)
    seen = repr(together.open_of("dan"))
    assert "Nick cai" in seen
    assert [one for one in secrets if one in seen and one != "Nick cai"] == []
