"""Withdrawing rebates: two steps, limits of a day, and what comes back when a payment fails."""

import threading
from datetime import timedelta

import pytest

from cloud_relay import tables
from cloud_relay.escrow.providers.base import OutcomeState
from cloud_relay.rebates import reading, rules, withdrawing
from cloud_relay.refusals import RefusedError

MS = timedelta(milliseconds=1)


def test_a_withdrawal_takes_two_steps_and_leaves_once(market):
    market.switch()
    market.sell("ann")
    market.ripe()
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
    market.ripe()
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
    market.ripe()
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
    market.ripe()
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
    market.ripe()
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
    market.ripe()
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
    market.ripe()
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
    market.ripe()
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
    market.ripe()
    market.settle("1")
    market.switch(is_on=False)
    market.confirm("ann", market.ask("ann", 500))
    assert market.has("ann") == 0
