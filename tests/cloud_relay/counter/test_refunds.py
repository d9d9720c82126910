"""Counter sales that are given back: money, the market's share and goods go back once, and no forgery is believed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cloud_relay import tables
from cloud_relay.counter import refunds, service
from cloud_relay.escrow import day_close, dues, ledger
from cloud_relay.escrow.rules import Posting
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.counter.test_sales import Counter, counter, cups, pot
from wire.counter import CounterRefunded, PaidBy
from wire.values import BadValueError

__all__ = ["counter"]


@pytest.fixture
def sold(counter):
    """A pot and three cups, sold by card."""
    sale = counter.sale(pot(), cups())
    counter.take(sale)
    counter.refund = CounterRefunded(
        refund_id="sale_back", sale_id=sale.sale_id, at=counter.world.now, receipt_no=40, total_minor=sale.total_minor,
        currency="CNY", paid_by=PaidBy.CARD, account_id="owner_mer_1", is_restocked=True, terminal_receipt_no=40,
    )  # fmt: skip
    return counter


def give_back(counter: Counter, shop_id="teahouse", **values):
    world, refund = counter.world, replace(counter.refund, **values)
    return world.database.run_now(refunds.take_refund, shop_id, refund, world.now, world.trade)


def balances(counter):
    names = ("till:teahouse/card", "taken:mer_1", "due:mer_1", "fees:cn", "tax:cn", "payable:mer_1")
    return [counter.world.balance(name) for name in names]


def stock(counter):
    return counter.piece(), counter.listing()["on_hand"], counter.listing("lis_cup")["on_hand"]


@pytest.mark.both_stores
def test_a_refund_takes_all_of_it_back_and_the_goods_are_for_sale_again(sold):
    assert stock(sold) == ("sold", 1, 7)
    assert give_back(sold)
    assert balances(sold) == [0] * 6
    assert stock(sold) == ("free", 2, 10)
    plans = sold.world.commands("ReplacePlan")
    assert "lis_1_p0" in [one["piece_id"] for one in plans[-1]["data"]["plan"]["pieces"]]
    (shown,) = sold.world.database.read_now(service.sales_of, "mer_1")["sales"]
    assert shown["refunded_at"] == "2030-01-01T09:00:00.000Z"


def test_the_same_refund_again_or_another_of_that_sale_changes_nothing(sold):
    assert give_back(sold)
    assert not give_back(sold)
    assert not give_back(sold, refund_id="sale_other", receipt_no=41)
    assert balances(sold) == [0] * 6
    assert stock(sold) == ("free", 2, 10)
    assert len(sold.world.rows(tables.counter_refund)) == 1


def test_goods_that_did_not_come_back_stay_off_the_books(sold):
    assert give_back(sold, is_restocked=False)
    assert balances(sold) == [0] * 6
    assert stock(sold) == ("sold", 1, 7)


def test_a_share_that_was_kept_back_already_is_the_merchants_again(sold):
    world = sold.world
    line = Posting("psp:sandbox", "payable:mer_1", 1000)
    world.database.run_now(ledger.post, "money", "ruling", [line], world.now, currency="CNY")
    assert world.database.run_now(dues.collect, "mer_1", "CNY", "due_1", world.now) == 348
    give_back(sold)
    assert balances(sold) == [0, 0, 0, 0, 0, 1000]
    hour = timedelta(hours=1)
    day = world.database.read_now(day_close.read_day, "mer_1", world.now - hour, world.now + hour)
    (sums,) = day["sums"]
    assert (sums["counter_minor"], sums["commission_minor"], sums["tax_minor"]) == (0, 0, 0)


def test_what_was_sold_again_meanwhile_is_not_given_back_twice(sold):
    give_back(sold)
    assert sold.take(sold.sale(pot()))
    assert stock(sold) == ("sold", 1, 10)
    assert not give_back(sold)
    assert stock(sold) == ("sold", 1, 10)


@pytest.mark.parametrize(
    ("shop_id", "values", "error"),
    [
        ("teahouse", {"sale_id": "sale_never"}, RefusedError),
        ("other", {}, RefusedError),
        ("teahouse", {"total_minor": 17_401}, BadValueError),
        ("teahouse", {"total_minor": 1}, BadValueError),
        ("teahouse", {"currency": "EUR"}, BadValueError),
        ("teahouse", {"paid_by": PaidBy.CASH}, BadValueError),
        ("teahouse", {"receipt_no": 0}, BadValueError),
        ("teahouse", {"how_known": "guessed"}, BadValueError),
        ("teahouse", {"refund_id": "../x"}, BadValueError),
    ],
)
def test_a_forged_refund_is_refused_and_moves_nothing(sold, shop_id, values, error):
    sold.world.shop(merchant_id="mer_2", shop_id="other", gs1_prefix="9521235")
    before = balances(sold)
    with pytest.raises(error):
        give_back(sold, shop_id, **values)
    assert balances(sold) == before
    assert stock(sold) == ("sold", 1, 7)
