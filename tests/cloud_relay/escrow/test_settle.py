"""Settling: a provider's word in any order and number, and nothing but its own amount."""

import itertools
import threading

import pytest

from cloud_relay import tables
from cloud_relay.escrow import payments, service
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
        with pytest.raises(LedgerError, match="more than it holds"):
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


def event(world, name, payment_id, **values):
    """Return a provider's event of that name; it tells of all the money, and that it arrived, unless `values` do."""
    told = {"state": OutcomeState.SUCCEEDED, "amount_minor": TOTAL, "currency": "CNY", "provider_reference": name}
    outcome = Outcome(**{**told, **values})
    kind = f"payment.{outcome.state.value}"
    said = ProviderEvent(event_id=name, type=kind, payment_id=payment_id, outcome=outcome)
    return Arrived("sandbox", said, b"{}", world.now)


def refund_of(world):
    """Return the payment id of a refund that is promised."""
    world.walk(world.paid_order("ann"), E.CANCEL_ASKED, E.CANCEL_DONE)
    return world.refunds()[0]["payment_id"]


TOGETHER = pytest.mark.parametrize("is_together", [True, False])


def take(world, events, *, is_together):
    for part in [events] if is_together else [[one] for one in events]:
        world.database.run_now(take_all, part, world.trade)


@TOGETHER
@pytest.mark.parametrize("later", [{"state": OutcomeState.FAILED}, {"amount_minor": 1}, {"currency": "EUR"}, {}])
@pytest.mark.both_stores
def test_after_a_refund_arrived_no_word_on_it_counts_and_nobody_is_called(world, later, is_together):
    payment_id = refund_of(world)
    take(world, [event(world, "a", payment_id), event(world, "b", payment_id, **later)], is_together=is_together)
    assert [row["kind"] for row in world.rows(tables.notice, tables.notice.c.account_id == "olga")] == []
    assert (world.refunds()[0]["state"], world.refunds()[0]["provider_reference"]) == ("succeeded", "a")
    assert len(world.rows(tables.transfer, tables.transfer.c.kind == "refund")) == 1


@TOGETHER
@pytest.mark.both_stores
def test_a_name_that_came_before_the_success_is_kept(world, is_together):
    payment_id = refund_of(world)
    named = event(world, "a", payment_id, state=OutcomeState.PENDING)
    take(world, [named, event(world, "b", payment_id, provider_reference="")], is_together=is_together)
    assert (world.refunds()[0]["state"], world.refunds()[0]["provider_reference"]) == ("succeeded", "a")


@pytest.mark.both_stores
def test_a_bank_that_says_twice_that_it_took_a_charge_back_took_it_once(world):
    placed = world.place("ann", listing_id="lis_1")
    world.settle(placed.payment_id)
    kind, payment_id = "payment.charged_back", placed.payment_id
    said = [ProviderEvent(event_id=name, type=kind, payment_id=payment_id) for name in ("a", "b", "c")]
    took = [Arrived("sandbox", one, b"{}", world.now) for one in said]
    assert world.database.run_now(take_all, took[:2], world.trade) == [True, True]
    before = (world.order(placed.order_id), world.rows(tables.order_event), world.rows(tables.notice))
    assert world.database.run_now(take_all, took[2:], world.trade) == [True]
    assert (world.order(placed.order_id), world.rows(tables.order_event), world.rows(tables.notice)) == before
    assert len(world.rows(tables.transfer, tables.transfer.c.kind == "charge_back")) == 1
    kept = {row["event_id"]: row["applied_at"] for row in world.rows(tables.provider_event)}
    assert kept == {"a": world.now, "b": None, "c": None}


def test_a_refund_that_no_charge_holds_alone_says_so(world):
    """No order has two halves that count; the sentence is for whoever makes the first."""
    order_id = world.paid_order("ann")

    def two_charges(connection, is_whole):
        more = payments.start(
            connection, "charge", order_id, 500, "CNY", world.now, provider="sandbox", method="sandbox:ok"
        )
        payments.save_succeeded(connection, {more: "more"}, world.now)
        service.hold(connection, payments.load(connection, more), world.now)
        if is_whole:
            service.start_whole_refunds(connection, {order_id: "CNY"}, world.now)
        else:
            service.start_refund(connection, order_id, "CNY", TOTAL + 1, world.now)

    for is_whole in (True, False):
        with pytest.raises(LedgerError, match=f"order {order_id}: no charge of it has"):
            world.database.run_now(two_charges, is_whole)
    assert not world.refunds()


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

    back = event(world, "back", refunds[first]["payment_id"])
    odd = event(world, "odd", refunds[second]["payment_id"], amount_minor=1)
    charge = event(world, "charge", placed.payment_id)
    pending = event(world, "pending", refunds[second]["payment_id"], state=OutcomeState.PENDING)
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
