"""Settling: a provider's word in any order and number, and nothing but its own amount."""

import itertools
import threading

import pytest

from cloud_relay import tables
from cloud_relay.escrow import service
from cloud_relay.escrow.providers.base import Outcome, OutcomeState, ProviderEvent
from cloud_relay.escrow.rules import LedgerError
from cloud_relay.escrow.settle import settle
from cloud_relay.escrow.webhooks import Arrived, take_all
from cloud_relay.orders.rules import OrderEvent as E

TOTAL = 11_100


@pytest.mark.parametrize("words", list(itertools.permutations(["pending", "failed", "succeeded", "succeeded"])))
def test_any_order_of_words_ends_the_same(world, words):
    placed = world.place("ann", listing_id="lis_1")
    for word in words:
        world.settle(placed.payment_id, OutcomeState(word))
    assert world.order(placed.order_id)["state"] == "paid"
    assert world.balance(f"escrow:{placed.order_id}") == TOTAL
    assert len(world.rows(tables.transfer)) == 1
    assert len(world.commands("LabelParcel")) == 1


@pytest.mark.parametrize("values", [{"amount_minor": TOTAL - 1}, {"amount_minor": 1}, {"currency": "EUR"}])
def test_an_answer_about_another_amount_settles_nothing(world, values):
    placed = world.place("ann", listing_id="lis_1")
    assert world.settle(placed.payment_id, **values) == "started"
    assert world.order(placed.order_id)["state"] == "unpaid"
    told = world.rows(tables.notice, tables.notice.c.kind == "payment_odd")
    assert [row["account_id"] for row in told] == ["olga"]
    world.settle(placed.payment_id)
    assert world.order(placed.order_id)["state"] == "paid"


def test_no_refund_is_larger_than_what_the_order_holds(world):
    order_id = world.paid_order()
    run = world.database.run_now
    for amount in (TOTAL + 1, 10**9):
        with pytest.raises(LedgerError):
            run(service.start_refund, order_id, "CNY", amount, world.now)
    assert not world.refunds()
    run(service.start_refund, order_id, "CNY", 0, world.now)
    assert not world.refunds(), "nothing is nothing"


def test_what_is_promised_back_is_not_promised_again(world):
    order_id, run = world.paid_order(), world.database.run_now
    world.happen(order_id, E.CANCEL_ASKED)
    run(service.start_refund, order_id, "CNY", 1_000, world.now)
    world.happen(order_id, E.CANCEL_DONE)
    run(service.start_whole_refunds, {order_id: "CNY"}, world.now)
    assert sorted(one["amount_minor"] for one in world.refunds()) == [1_000, TOTAL - 1_000]


@pytest.mark.both_stores
def test_events_that_come_together_count_once_each(world):
    """Copies of one event, of a refund that arrived, of one that did not, and of a charge, in one delivery."""
    world.listing(listing_id="lis_2", pieces=2)
    first, second = (world.paid_order("ann", "lis_2") for _ in range(2))
    placed, run = world.place("bob", listing_id="lis_1"), world.database.run_now
    for order_id in (first, second):
        world.happen(order_id, E.CANCEL_ASKED)
        world.happen(order_id, E.CANCEL_DONE)
    refunds = {one["order_id"]: one for one in world.refunds()}

    def event(name, payment_id, amount, state=OutcomeState.SUCCEEDED):
        outcome = Outcome(state=state, amount_minor=amount, currency="CNY", provider_reference=name)
        told = ProviderEvent(event_id=name, type=f"payment.{state.value}", payment_id=payment_id, outcome=outcome)
        return Arrived("sandbox", told, b"{}", world.now)

    back = event("back", refunds[first]["payment_id"], refunds[first]["amount_minor"])
    odd = event("odd", refunds[second]["payment_id"], 1)
    charge = event("charge", placed.payment_id, TOTAL)
    pending = event("pending", refunds[second]["payment_id"], TOTAL, OutcomeState.PENDING)
    assert run(take_all, [back, charge, back, odd, pending], world.trade) == [True, True, False, True, True]
    assert run(take_all, [charge, back], world.trade) == [False, False]
    assert [world.balance(f"escrow:{one}") for one in (first, second)] == [0, TOTAL]
    assert world.order(placed.order_id)["state"] == "paid"
    states = {one["order_id"]: one["state"] for one in world.refunds()}
    assert states == {first: "succeeded", second: "started"}
    assert len(world.rows(tables.notice, tables.notice.c.kind == "payment_odd")) == 1
    assert len(world.rows(tables.provider_event)) == 4


def test_a_refund_is_taken_from_its_own_order_only(world):
    first, second = world.paid_order("ann"), world.paid_order("bob")
    world.walk(first, E.CANCEL_ASKED, E.CANCEL_DONE)
    run = world.database.run_now
    with pytest.raises(LedgerError):
        run(service.start_refund, first, "CNY", 1, world.now)
    assert world.balance(f"escrow:{second}") == TOTAL
    with pytest.raises(LedgerError):
        run(service.refund_payment, world.refunds()[0]["payment_id"], world.now)


def test_a_payment_that_is_not_ours_is_an_error_of_the_caller(world):
    outcome = Outcome(state=OutcomeState.SUCCEEDED, amount_minor=1, currency="CNY")
    with pytest.raises(LookupError):
        world.database.run_now(settle, "pay_x", outcome, world.now, world.trade)


@pytest.mark.both_stores
def test_everything_twice_at_once_happens_once(world):
    """Confirm, receipt, refund and settle, each sent twice at the same moment."""
    order_id = world.paid_order("ann")
    world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER)
    other = world.place("bob", listing_id="lis_1")
    calls = [lambda: world.happen(order_id, E.RECEIPT), lambda: world.settle(other.payment_id)] * 4
    barrier, results = threading.Barrier(len(calls)), []

    def run(call):
        barrier.wait()
        results.append(call())

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == ["released"] * 4 + ["succeeded"] * 4
    assert world.balance("payable:mer_1") == TOTAL - 555
    assert world.balance(f"escrow:{other.order_id}") == TOTAL
    assert sorted(row["kind"] for row in world.rows(tables.transfer)) == ["hold", "hold", "release"]
