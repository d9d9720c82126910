"""The rebate queue in a real database: sales join, commissions feed the pot, settlements pay, refunds take out."""

import random
import threading
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cloud_relay import tables
from cloud_relay.counter import claims
from cloud_relay.escrow import ledger, payments
from cloud_relay.escrow.providers.base import OutcomeState
from cloud_relay.escrow.rules import Posting
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.orders.trade import Trade
from cloud_relay.rebates import reading, rules, switching, withdrawing
from cloud_relay.rebates.rules import Rebate, Terms
from cloud_relay.refusals import RefusedError
from cloud_relay.settings import TradeSettings
from tests.cloud_relay.rebates.rebate_world import TERMS, Market

MS = timedelta(milliseconds=1)
UNPAID = """INSERT INTO rebate_withdrawal
    (withdrawal_id, account_id, market, amount_minor, currency, state, asked_at, until)
    VALUES ('w', 'ann', 'cn', 5, 'CNY', 'confirmed', '', '')"""


@pytest.fixture
def market(world):
    return Market(world)


def ripe(market):
    """Let what was sold rest, and the merchant pay its share."""
    market.rest()
    market.pay_dues()


@pytest.mark.both_stores
def test_sales_feed_the_pot_and_it_pays_the_first_first(market):
    market.switch()
    market.sell("ann", 10_000)
    market.sell("bob", 20_000)
    assert (market.places("ann"), market.places("bob")) == ([(0, 2000, 0)], [(0, 4000, 0)])
    ripe(market)
    batch = market.settle("day 1")
    assert (market.places("ann"), market.places("bob")) == ([(1, 2000, 1500)], [(2, 4000, 0)])
    assert (batch["fed_minor"], batch["paid_minor"], batch["pot_minor"]) == (1500, 1500, 0)
    assert (market.has("ann"), market.has("bob"), market.pot) == (1500, 0, 0)
    market.sell(None, 40_000)
    ripe(market)
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
    ripe(market)
    first = market.settle("day 1")
    market.sell("bob")
    ripe(market)
    assert market.settle("day 1") == first
    assert (market.has("ann"), market.has("bob"), market.pot) == (500, 0, 0)


@pytest.mark.both_stores
def test_two_settlements_of_one_name_at_once_are_one(market):
    market.switch()
    market.sell("ann")
    ripe(market)
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
    ripe(market)
    batch = market.settle("day 1")
    assert (batch["fed_minor"], market.has("ann"), market.has("bob")) == (2500, 0, 2500)
    assert market.places("bob") == [(0, 2000, 2000), (1, 8000, 500)]
    market.sell("ann")
    ripe(market)
    market.settle("day 2")
    assert market.places("ann")[0] == (2, 2000, 0)
    (queue,) = market.read(reading.of_market, "cn")["queues"]
    assert (queue["tickets"], queue["open_minor"], queue["first_no"]) == (2, 9000, 2)
    assert market.bring_back(first.replace("2", "3"))
    assert market.places("ann")[0] == (1, 2000, 0), "who stood behind it moves up at once"


def test_a_refund_of_a_ticket_already_paid_takes_the_rebate_and_the_feed_back(market):
    market.switch()
    sale_id = market.sell("ann")
    ripe(market)
    market.settle("day 1")
    assert (market.has("ann"), market.pot) == (500, 0)
    assert market.bring_back(sale_id)
    assert (market.has("ann"), market.pot) == (0, 0)
    assert market.world.balance("fees:cn") == 0
    assert market.world.balance("loss") == 0
    market.sell("bob")
    ripe(market)
    assert market.settle("day 2")["refunds_minor"] == 0
    assert not market.bring_back(sale_id)


def test_what_was_withdrawn_before_the_refund_is_kept_back_from_the_next_rebates(market):
    market.switch()
    sale_id = market.sell("ann")
    ripe(market)
    market.settle("day 1")
    market.confirm("ann", market.ask("ann", 300))
    market.bring_back(sale_id)
    (balance,) = market.of("ann")["balances"]
    assert (balance["amount_minor"], balance["owed_minor"]) == (0, 300)
    assert (market.pot, market.world.balance("loss")) == (0, -300), "the pot gave what it had back"
    market.sell("ann")
    ripe(market)
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
    ripe(market)
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
    ripe(market)
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


def test_nothing_but_settled_commissions_ever_reaches_the_pot(market):
    market.switch()
    market.sell("ann")
    database = market.world.database

    def seed(connection):
        line = Posting("fees:cn", "pot:cn", 100)
        ledger.post(connection, "seed", "seed", [line], market.world.now, currency="CNY")
        found = [row.rule for row in connection.execute(text("SELECT rule FROM violations"))]
        assert found == ["R2 pot fed with more or less than its commissions say"]
        raise InterruptedError

    with pytest.raises(InterruptedError):
        database.run_now(seed)


@pytest.mark.parametrize(
    ("change", "rule"),
    [("UPDATE rebate_ticket SET paid_minor = 7 WHERE queue_no = 3", "R4"),
     ("UPDATE rebate_ticket SET paid_minor = 7 WHERE queue_no = 2", "R5"),
     ("UPDATE rebate_ticket SET state = 'full' WHERE queue_no = 2", "R3"),
     ("UPDATE rebate_feed SET amount_minor = 1001 WHERE sale_id = 'sale_2'", "R1"),
     ("UPDATE rebate_feed SET state = 'waiting' WHERE sale_id = 'sale_2'", "R8"),
     ("UPDATE rebate_ticket SET queue_no = 9 WHERE state = 'unfed'", "R8"),
     ("UPDATE rebate_feed SET state = 'fed' WHERE state = 'waiting'", "R9"),
     ("UPDATE rebate_ticket SET returned_minor = paid_minor WHERE queue_no = 1", "R11"),
     ("UPDATE rebate_ticket SET state = 'refunded' WHERE queue_no = 2", "R12"),
     ("UPDATE rebate_queue SET last_no = 7", "R12"),
     (UNPAID, "R7")],
)  # fmt: skip
def test_a_broken_book_is_seen(market, change, rule):
    market.switch()
    for name in ("ann", "bob", "bob"):
        market.sell(name)
    ripe(market)
    market.settle("day 1")
    market.sell("ann")

    def damage(connection):
        connection.execute(text(change))
        found = {row.rule.split()[0] for row in connection.execute(text("SELECT rule FROM violations"))}
        assert rule in found
        raise InterruptedError

    with pytest.raises(InterruptedError):
        market.world.database.run_now(damage)


@pytest.mark.parametrize(
    ("reference", "debit", "credit", "rule"),
    [("theft", "pot:cn", "payable:mer_1", "R10"), ("theft", "pot:cn", "rebate:cn/bob", "R10"),
     ("rebate_paid:cn/CNY/day 1", "pot:cn", "rebate:cn/bob", "R6"),
     ("rebate_paid:cn/CNY/day 9", "pot:cn", "rebate:cn/bob", "R10"),
     ("rebate_unfed:counter:sale_1", "pot:cn", "fees:cn", "R10"),
     ("theft", "rebate:cn/ann", "rebate:cn/bob", "R10"), ("theft", "rebate:cn/ann", "pot:cn", "R10"),
     ("payout:out_x", "rebate:cn/ann", "psp:sandbox", "R10"),
     ("payout_failed:out_x", "psp:sandbox", "rebate:cn/ann", "R10")],
)  # fmt: skip
@pytest.mark.both_stores
def test_a_theft_from_the_pot_or_a_rebate_account_is_seen(market, reference, debit, credit, rule):
    market.switch()
    market.sell("ann")
    market.sell(None, 90_000)
    ripe(market)
    market.settle("day 1")
    assert (market.has("ann"), market.pot) == (2000, 3000)

    def steal(connection):
        if reference == "rebate_paid:cn/CNY/day 1":  # its own transfer is there: one more line of it
            line = {"reference": reference, "line": 9, "debit": debit, "credit": credit, "amount_minor": 5}
            connection.execute(tables.posting.insert().values(**line, currency="CNY"))
        else:
            lines = [Posting(debit, credit, 5)]
            ledger.post(connection, reference, "theft", lines, market.world.now, currency="CNY")
        found = {row.rule.split()[0] for row in connection.execute(text("SELECT rule FROM violations"))}
        assert rule in found
        raise InterruptedError

    with pytest.raises(InterruptedError):
        market.world.database.run_now(steal)


@pytest.mark.both_stores
def test_decisions_and_settlements_are_never_changed(market):
    market.switch()
    market.sell("ann")
    ripe(market)
    market.settle("day 1")
    for table in ("rebate_switch", "rebate_batch", "rebate_payment"):
        forgetting = text(f"DELETE FROM {table}")
        with pytest.raises(DBAPIError):
            market.world.database.run_now(lambda connection, change=forgetting: connection.execute(change))


def test_the_proof_can_be_made_again_from_what_is_public(market):
    market.switch()
    for name in ("ann", "bob", "ann"):
        market.sell(name)
    previous = "0" * 64
    for day in ("1", "2"):
        ripe(market)
        market.settle(day)
        proof = market.read(reading.proof_of, "cn", "CNY", day)
        lines = [Rebate("", "", number, amount) for number, amount in proof["lines"]]
        not_facts = ("lines", "previous_sha256", "proof_sha256", "ran_at")
        facts = {name: value for name, value in proof.items() if name not in not_facts}
        assert proof["previous_sha256"] == previous
        previous = rules.proof_sha256(previous, facts, lines)
        assert proof["proof_sha256"] == previous
        before = proof["pot_before_minor"]
        assert proof["pot_minor"] == before - proof["paid_minor"] == before - sum(one.amount_minor for one in lines)
        market.sell(None, 3000)


def test_no_name_or_id_of_a_shopper_is_in_what_everybody_sees(market):
    market.switch()
    market.world.account("canary_id", nickname="canary name")
    market.sell("canary_id")
    ripe(market)
    market.settle("1")
    seen = repr([market.read(reading.of_market, "cn"), market.read(reading.proof_of, "cn", "CNY", "1"),
                 market.read(reading.line_of, "cn", "CNY", 0), market.of("ann")])  # fmt: skip
    row = market.rows(tables.rebate_ticket)[0]
    for secret in ("canary", row["ticket_id"], row["source"], "sale_1"):
        assert secret not in seen


@pytest.mark.both_stores
@pytest.mark.parametrize(
    "steps", [50, pytest.param(3000, marks=(pytest.mark.full, pytest.mark.slow, pytest.mark.timeout(1800)))]
)
def test_a_random_life_keeps_every_rule(market, steps):
    """Sales of two merchants, one of which owes for long; refunds, receipts kept later, payments that fail.

    The fixture looks for violations afterwards.
    """
    life = Life(market)
    for step in range(steps):
        market.world.later(life.chance.randrange(40))
        life.step(step)
        assert market.pot >= 0
    tickets = market.rows(tables.rebate_ticket)
    assert life.settled == sum(one["paid_minor"] for one in tickets) > 0
    came_back = sum(one["returned_minor"] for one in tickets)
    assert life.settled - came_back == sum(life.out.values()) + sum(market.has(name) for name in life.people)


class Life:
    """A market's life through the real service, and sums of its own of what was settled and what left."""

    def __init__(self, market):
        self.market, self.chance, self.people = market, random.Random(7), ["ann", "bob", "cat", "dan"]
        self.sold, self.nobodys, self.settled, self.out = [], [], 0, Counter()
        for name in ("cat", "dan"):
            market.world.account(name)
        market.switch(wait_s=60, withdraw_min_minor=1, withdraw_day_minor=10**9)
        self.shops = ["teahouse", "teahouse", market.open_shop()]

    def step(self, step):
        deeds = {self.sell: 6, self.bring_back: 1, self.claim: 1, self.withdraw: 2, self.pay_dues: 3}
        deed = self.chance.choices([*deeds, None], weights=[*deeds.values(), 2])[0]
        if deed is None:
            batch = self.market.settle(str(step))
            self.settled += batch["paid_minor"]
            assert batch["paid_minor"] <= batch["pot_before_minor"]
        else:
            deed()

    def sell(self):
        who, price, shop_id = (
            self.chance.choice([*self.people, None]), self.chance.randrange(5, 9000), self.chance.choice(self.shops),
        )  # fmt: skip
        sale_id = self.market.sell(who, price, shop_id=shop_id)
        self.sold.append(sale_id)
        self.nobodys += [] if who else [sale_id]

    def bring_back(self):
        if self.sold:
            self.market.bring_back(self.sold.pop(self.chance.randrange(len(self.sold))))

    def claim(self):
        if self.nobodys:
            self.market.claim(self.nobodys.pop(), self.chance.choice(self.people))

    def pay_dues(self):
        self.market.pay_dues()
        self.market.pay_dues("mer_2", self.chance.randrange(1, 300))

    def withdraw(self):
        name = self.chance.choice(self.people)
        amount = min(self.market.has(name), 200)
        if amount:
            withdrawal_id = self.market.ask(name, amount)
            self.market.confirm(name, withdrawal_id)
            state = self.chance.choice([OutcomeState.SUCCEEDED, OutcomeState.FAILED])
            if self.chance.randrange(2) and self.sold:  # something is given back while the money is on its way
                self.bring_back()
            self.market.paid_out(withdrawal_id, state)
            self.out[name] += amount if state is OutcomeState.SUCCEEDED else 0


def test_a_withdrawal_takes_two_steps_and_leaves_once(market):
    market.switch()
    market.sell("ann")
    ripe(market)
    market.settle("1")
    withdrawal_id = market.ask("ann", 400)
    assert market.has("ann") == 500, "nothing moves with the first step"
    first = market.confirm("ann", withdrawal_id)
    assert market.confirm("ann", withdrawal_id) == first
    assert (market.has("ann"), first["state"]) == (100, "confirmed")
    market.paid_out(withdrawal_id, OutcomeState.SUCCEEDED)
    market.paid_out(withdrawal_id, OutcomeState.FAILED)
    assert (market.has("ann"), market.of("ann")["withdrawals"][0]["payout_state"]) == (100, "succeeded")


@pytest.mark.both_stores
def test_two_withdrawals_at_once_never_take_more_than_there_is(market):
    market.switch()
    market.sell("ann")
    ripe(market)
    market.settle("1")
    withdrawal_id = market.ask("ann", 400)
    found = []

    def confirm():
        try:
            found.append(market.confirm("ann", withdrawal_id)["state"])
        except RefusedError as error:
            found.append(error.type)

    threads = [threading.Thread(target=confirm) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == ["confirmed"] * 4
    assert market.has("ann") == 100
    assert len(market.rows(tables.payout)) == 1


def test_a_withdrawal_that_the_provider_refuses_comes_back(market):
    market.switch()
    market.sell("ann")
    ripe(market)
    market.settle("1")
    withdrawal_id = market.ask("ann", 400)
    market.confirm("ann", withdrawal_id)
    market.paid_out(withdrawal_id, OutcomeState.FAILED)
    assert market.has("ann") == 500
    assert {"withdrawal_failed"} <= {row["kind"] for row in market.rows(tables.notice)}
    market.confirm("ann", market.ask("ann", 500))


def test_a_withdrawal_that_comes_back_pays_what_is_owed_meanwhile(market):
    market.switch()
    sale_id = market.sell("ann")
    ripe(market)
    market.settle("1")
    withdrawal_id = market.ask("ann", 500)
    market.confirm("ann", withdrawal_id)
    market.bring_back(sale_id)
    market.paid_out(withdrawal_id, OutcomeState.FAILED)
    (balance,) = market.of("ann")["balances"]
    assert (balance["amount_minor"], balance["owed_minor"], market.pot) == (0, 0, 500)
    with pytest.raises(RefusedError, match="not_that_much"):
        market.ask("ann", 500)


def test_terms_set_later_lock_nobodys_money_in(market):
    market.switch()
    market.sell("ann")
    ripe(market)
    market.settle("1")
    market.switch(is_on=False, withdraw_min_minor=rules.WITHDRAW_LEAST_MAX_MINOR, withdraw_day_minor=10_000)
    (balance,) = market.of("ann")["balances"]
    assert (balance["least_minor"], balance["most_minor"]) == (500, 500)
    with pytest.raises(RefusedError, match="too_little"):
        market.ask("ann", 499)
    market.confirm("ann", market.ask("ann", 500))
    assert market.has("ann") == 0


def test_every_balance_is_shown_however_many_tickets_came_since(market, monkeypatch):
    market.switch()
    shop_id = market.open_shop(currency="EUR")
    market.sell("ann")
    ripe(market)
    market.settle("1")
    for _ in range(3):
        market.sell("ann", shop_id=shop_id, currency="EUR")
    monkeypatch.setattr(reading, "TICKETS_SHOWN", 3)
    seen = market.of("ann")
    assert [(one["currency"], one["amount_minor"]) for one in seen["balances"]] == [("CNY", 500), ("EUR", 0)]
    assert seen["tickets"][0]["currency"] == "CNY", "what stands in line comes first"


def test_a_withdrawal_is_confirmed_within_its_ten_minutes_and_counts_for_its_day(market):
    market.switch(withdraw_day_minor=450)
    market.sell("ann")
    ripe(market)
    market.settle("1")
    begun = market.world.now
    in_time, limit = market.ask("ann", 400), timedelta(seconds=withdrawing.CONFIRM_S)
    for late in (limit, limit + MS):
        market.world.now = begun + late
        with pytest.raises(RefusedError, match="withdrawal_over"):
            market.confirm("ann", in_time)
    market.world.now = begun + limit - MS
    market.confirm("ann", in_time)
    begun = market.world.now
    market.world.now = begun + withdrawing.DAY - MS
    with pytest.raises(RefusedError, match="day_limit"):
        market.ask("ann", 100)
    for later in (withdrawing.DAY, withdrawing.DAY + MS):
        market.world.now = begun + later
        assert market.ask("ann", 100)


def test_withdrawals_have_limits_and_an_end(market):
    market.switch(withdraw_day_minor=450)
    market.sell("ann")
    ripe(market)
    market.settle("1")
    for amount, refusal in ((501, "not_that_much"), (99, "too_little"), (451, "day_limit")):
        with pytest.raises(RefusedError, match=refusal):
            market.ask("ann", amount)
    assert market.ask("ann", 450)
    assert market.ask("ann", 100)
    late = market.ask("ann", 200)
    market.world.later(600)
    with pytest.raises(RefusedError, match="withdrawal_over"):
        market.confirm("ann", late)
    older, newer = market.ask("ann", 200), market.ask("ann", 300)
    with pytest.raises(RefusedError, match="withdrawal_over"):
        market.confirm("ann", older)
    with pytest.raises(RefusedError, match="not_found"):
        market.confirm("bob", newer)
    market.confirm("ann", newer)
    with pytest.raises(RefusedError, match="day_limit"):
        market.ask("ann", 151)
    market.world.later(24 * 3600 + 1)
    assert market.ask("ann", 200)


def test_without_a_provider_that_pays_shoppers_nothing_leaves():
    with pytest.raises(RefusedError, match="no_provider"):
        withdrawing.choose_provider(("bank_transfer", "stripe"))
    assert withdrawing.choose_provider(("stripe", "sandbox")) == "sandbox"


def test_what_is_in_the_rebate_account_can_be_withdrawn_after_the_switch_is_off(market):
    market.switch()
    market.sell("ann")
    ripe(market)
    market.settle("1")
    market.switch(is_on=False)
    market.confirm("ann", market.ask("ann", 500))
    assert market.has("ann") == 0


def test_terms_outside_the_rule_are_refused_and_nothing_is_written(market):
    with pytest.raises(RefusedError, match="bad_terms"):
        market.switch(cap_ppm=1_000_000)
    assert market.read(reading.of_market, "cn") is None
    assert not market.run(switching.decide, "eu", Terms(), "not yet", "olga", market.world.now)["is_on"]
