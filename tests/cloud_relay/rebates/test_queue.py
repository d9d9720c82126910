"""The rebate queue in a real database: sales feed the pot, tickets come in line, refunds take them out."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from cloud_relay import tables
from cloud_relay.counter import claims
from cloud_relay.escrow import payments
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.orders.trade import Trade
from cloud_relay.rebates import reading, store, switching
from cloud_relay.rebates.rules import Terms
from cloud_relay.refusals import RefusedError
from cloud_relay.settings import TradeSettings
from tests.cloud_relay.rebates.rebate_world import TERMS

MS = timedelta(milliseconds=1)


@pytest.mark.both_stores
def test_sales_feed_the_pot_and_it_pays_the_first_first(market):
    market.switch()
    market.sell("ann", 10_000)
    market.sell("bob", 20_000)
    assert (market.places("ann"), market.places("bob")) == ([(0, 2000, 0)], [(0, 4000, 0)])
    market.ripe()
    batch = market.settle("day 1")
    assert (market.places("ann"), market.places("bob")) == ([(1, 2000, 1500)], [(2, 4000, 0)])
    assert (batch["fed_minor"], batch["paid_minor"], batch["pot_minor"]) == (1500, 1500, 0)
    assert (market.has("ann"), market.has("bob"), market.pot) == (1500, 0, 0)
    market.sell(None, 40_000)
    market.ripe()
    batch = market.settle("day 2")
    assert (market.has("ann"), market.has("bob"), market.pot) == (2000, 1500, 0)
    assert (market.places("ann"), market.places("bob")) == ([(0, 2000, 2000)], [(1, 4000, 1500)])
    assert (batch["tickets"], batch["open_minor"], batch["first_no"]) == (1, 2500, 2)
    assert market.world.balance("fees:cn") == 7000 - 3500
    kinds = {(row["account_id"], row["kind"]) for row in market.rows(tables.notice)}
    assert {("ann", "rebate_paid"), ("bob", "rebate_paid")} <= kinds


def test_it_is_off_until_an_operator_puts_their_name_to_it(market):
    market.sell("ann")
    assert market.of("ann")["tickets"] == []
    with pytest.raises(RefusedError, match="rebates_off"):
        market.settle("day 1")
    market.call_operator(" ")
    with pytest.raises(RefusedError, match="nameless"):
        market.switch()
    market.call_operator("Olga")
    shown = market.switch()
    assert (shown["operator"], shown["is_on"]) == ("Olga", True)
    market.sell("ann")
    market.switch(is_on=False, reason="asked to stop")
    market.sell("ann")
    assert market.places("ann") == [(0, 2000, 0)], "what was sold while it was on stays"
    with pytest.raises(RefusedError, match="rebates_off"):
        market.settle("day 1")
    told = market.read(reading.of_market, "cn")
    assert [one["reason"] for one in told["decisions"]] == ["asked to stop", "the ministry's letter 7"]
    assert not market.read(store.is_on_anywhere), "the newest decision counts"
    market.run(switching.decide, "eu", replace(TERMS, is_on=True), "asked to", "olga", market.world.now)
    assert market.read(store.is_on_anywhere)
    with pytest.raises(RefusedError, match="reason_missing"):
        market.switch(reason=" ")


def test_an_online_order_joins_when_its_money_is_released(market):
    market.switch()
    order_id = market.world.paid_order("ann")
    assert market.places("ann") == []
    market.world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.DELIVERED, E.RECEIPT)
    assert market.places("ann") == [(0, 1980, 0)], "a fifth of the goods, not of the postage"
    market.rest()
    assert market.settle("day 1")["fed_minor"] == 555, "half of a tenth of all that was paid"
    assert market.places("ann") == [(1, 1980, 555)]


def test_a_refund_before_the_release_never_makes_a_ticket(market):
    market.switch()
    order_id = market.world.paid_order("ann")
    market.world.happen(order_id, E.CANCEL_ASKED)
    market.rest()
    assert market.settle("day 1")["fed_minor"] == 0
    assert market.rows(tables.rebate_ticket) == []


def test_nothing_counts_while_the_merchant_owes_the_commission(market):
    market.switch()
    market.sell("ann", 10_000)
    market.rest()
    assert market.settle("day 1")["fed_minor"] == 0, "the commission is only owed"
    market.pay_dues()
    market.sell("bob", 10_000)
    market.world.later(1)
    assert market.settle("day 2")["fed_minor"] == 500, "the older sale's is paid, the newer rests"
    market.rest()
    assert market.settle("day 3")["fed_minor"] == 0, "the newer sale's is owed"


def test_a_settlement_that_runs_twice_moves_nothing_the_second_time(market):
    market.switch()
    market.sell("ann")
    market.ripe()
    first = market.settle("day 1")
    market.sell("bob")
    market.ripe()
    assert market.settle("day 1") == first
    assert (market.has("ann"), market.has("bob"), market.pot) == (500, 0, 0)


@pytest.mark.both_stores
def test_two_settlements_of_one_name_at_once_are_one(market):
    market.switch()
    market.sell("ann")
    market.ripe()
    found = []
    threads = [threading.Thread(target=lambda: found.append(market.settle("day 1"))) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 4
    assert [one["paid_minor"] for one in found] == [500] * 4
    assert market.has("ann") == 500


def test_a_refund_takes_its_ticket_out_of_the_queue(market):
    market.switch()
    sale_id = market.sell("ann")
    first = market.sell("bob")
    market.sell("bob", 40_000)
    assert market.bring_back(sale_id)
    assert market.of("ann")["tickets"][0]["state"] == "refunded"
    market.ripe()
    batch = market.settle("day 1")
    assert (batch["fed_minor"], market.has("ann"), market.has("bob")) == (2500, 0, 2500)
    assert market.places("bob") == [(0, 2000, 2000), (1, 8000, 500)]
    market.sell("ann")
    market.ripe()
    market.settle("day 2")
    assert market.places("ann")[0] == (2, 2000, 0)
    (queue,) = market.read(reading.of_market, "cn")["queues"]
    assert (queue["tickets"], queue["open_minor"], queue["first_no"]) == (2, 9000, 2)
    assert market.bring_back(first.replace("2", "3"))
    assert market.places("ann")[0] == (1, 2000, 0), "who stood behind it moves up at once"


def test_a_refund_of_a_ticket_already_paid_takes_the_rebate_and_the_feed_back(market):
    market.switch()
    sale_id = market.sell("ann")
    market.ripe()
    market.settle("day 1")
    assert (market.has("ann"), market.pot) == (500, 0)
    assert market.bring_back(sale_id)
    assert (market.has("ann"), market.pot) == (0, 0)
    assert market.world.balance("fees:cn") == 0
    assert market.world.balance("loss") == 0
    market.sell("bob")
    market.ripe()
    assert market.settle("day 2")["refunds_minor"] == 0
    assert not market.bring_back(sale_id)


def test_what_was_withdrawn_before_the_refund_is_kept_back_from_the_next_rebates(market):
    market.switch()
    sale_id = market.sell("ann")
    market.ripe()
    market.settle("day 1")
    market.confirm("ann", market.ask("ann", 300))
    market.bring_back(sale_id)
    (balance,) = market.of("ann")["balances"]
    assert (balance["amount_minor"], balance["owed_minor"]) == (0, 300)
    assert (market.pot, market.world.balance("loss")) == (0, -300), "the pot gave what it had back"
    market.sell("ann")
    market.ripe()
    market.settle("day 2")
    (balance,) = market.of("ann")["balances"]
    assert (balance["amount_minor"], balance["owed_minor"], market.pot) == (200, 0, 300)


def test_a_charge_back_takes_the_ticket_out_and_leaves_the_commission(market):
    market.switch()
    order_id = market.buy("ann")
    market.rest()
    market.settle("day 1")
    (charge,) = market.world.database.read_now(payments.of_order, order_id)
    market.world.happen(order_id, E.CHARGED_BACK, payment_id=charge.payment_id)
    assert (market.of("ann")["tickets"][0]["state"], market.has("ann"), market.pot) == ("refunded", 0, 555)


def test_a_merchants_own_people_get_no_ticket_on_its_sales(market):
    market.switch()
    market.sell("owner_mer_1")
    assert market.rows(tables.rebate_ticket) == []
    assert len(market.rows(tables.rebate_feed)) == 1


def test_a_sale_that_feeds_nothing_gets_nothing(market):
    market.switch()
    market.world.trade = Trade(settings=TradeSettings(counter_commission_ppm=0))
    market.sell("ann")
    assert market.rows(tables.rebate_ticket) == market.rows(tables.rebate_feed) == []


def test_who_bought_as_nobody_gets_a_ticket_by_the_receipt(market):
    market.switch()
    sale_id = market.sell(None)
    market.sell("bob", 20_000)
    assert [market.claim(sale_id, name) for name in ("ann", "ann", "cat")] == ["mine", "mine", "sale_taken"]
    assert market.places("ann") == [(0, 2000, 0)]
    assert market.of("ann")["tickets"][0]["link"] == f"/r/{sale_id}"
    assert market.read(claims.receipt_of, sale_id, "bob", market.world.now) == {"state": "taken", "sale": None}
    market.bring_back(sale_id)
    assert market.of("ann")["tickets"][0]["state"] == "refunded"


def test_who_says_late_who_bought_rests_from_then_and_holds_up_nobody(market):
    market.switch()
    sale_id = market.sell(None)
    market.ripe()
    market.settle("day 1")
    market.run(claims.claim, sale_id, "ann", market.world.now)
    market.sell("bob")
    market.world.later(TERMS.wait_s - 0.001)
    market.pay_dues()
    market.settle("day 2")
    assert (market.places("ann"), market.places("bob")) == ([(0, 2000, 0)], [(0, 2000, 0)])
    market.world.later(0.001)
    market.settle("day 3")
    assert (market.places("ann"), market.places("bob")) == ([(1, 2000, 1000)], [(2, 2000, 0)])


@pytest.mark.both_stores
def test_an_invented_sale_gets_nothing_of_what_others_fed(market):
    """A merchant tells of a sale to an accomplice and pays nothing for it; the pot is fed by another merchant."""
    market.switch()
    market.sell("bob", shop_id=market.open_shop(), price_minor=1_000_000)
    market.sell("ann")
    market.ripe()
    batch = market.settle("day 1")
    assert (batch["fed_minor"], market.has("ann"), market.has("bob")) == (500, 500, 0)
    (ticket,) = market.of("bob")["tickets"]
    assert (ticket["queue_no"], ticket["is_coming"], ticket["is_resting"], ticket["place"]) == (None, True, False, 0)
    market.pay_dues("mer_2", 99_999)
    assert market.settle("day 2")["fed_minor"] == 0, "a unit is owed still"
    market.pay_dues("mer_2", 1)
    assert market.settle("day 3")["fed_minor"] == 50_000
    assert market.has("bob") == 50_000 - 1500, "the whole of ann's first, for she came first"


def test_a_sale_in_a_currency_that_is_not_the_shops_opens_no_queue(market):
    market.switch()
    market.sell("ann", currency="QQQ")
    sale_id = market.sell(None, currency="ZZZ")
    market.run(claims.claim, sale_id, "ann", market.world.now)
    assert market.rows(tables.rebate_feed) == market.rows(tables.rebate_ticket) == []
    assert len(market.rows(tables.counter_sale)) == 2, "the goods are gone: it is kept"
    kinds = Counter((row["account_id"], row["kind"]) for row in market.rows(tables.notice))
    assert kinds["owner_mer_1", "counter_other_currency"] == 2
    assert market.read(reading.of_market, "cn")["queues"] == []


def test_a_receipt_is_kept_only_in_time_and_of_what_was_kept(market):
    market.switch()
    old, back, known = market.sell(None), market.sell(None), market.sell("bob")
    in_time = market.sell(None)
    market.bring_back(back)
    market.world.now += timedelta(days=claims.CLAIM_DAYS) - MS
    assert market.claim(in_time, "ann") == "mine"
    for _ in range(2):
        market.world.now += MS
        found = [market.claim(one, "bob") for one in (old, back, known, "no")]
        assert found == ["sale_late", "sale_given_back", "mine", "not_found"]
    assert [one["source"] for one in market.rows(tables.rebate_ticket)] == [
        f"counter:{one}" for one in (known, in_time)
    ]


def test_a_ticket_keeps_the_cap_it_came_with(market):
    market.switch()
    market.sell("ann")
    market.switch(cap_ppm=10_000)
    market.sell("ann")
    assert sorted(cap for _, cap, _ in market.places("ann")) == [100, 2000]


def test_terms_outside_the_rule_are_refused_and_nothing_is_written(market):
    with pytest.raises(RefusedError, match="bad_terms"):
        market.switch(cap_ppm=1_000_000)
    assert market.read(reading.of_market, "cn") is None
    assert not market.run(switching.decide, "eu", Terms(), "not yet", "olga", market.world.now)["is_on"]
