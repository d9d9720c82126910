"""Returns: the whole way back to the shopper's money, and each step that is refused; money by the order's table."""

from datetime import timedelta
from itertools import product

import pytest

from cloud_relay import tables
from cloud_relay.orders import steps
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.refusals import RefusedError
from cloud_relay.returns import rules, service
from cloud_relay.returns.rules import ReturnEvent, ReturnState

TOTAL = 9900 + 1200
OWNER = frozenset({"mer_1"})
MOMENT = timedelta(milliseconds=1)


@pytest.fixture
def delivered(world):
    order_id = world.paid_order()
    world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.DELIVERED)
    return order_id


def ask(world, order_id, account_id="ann"):
    world.database.run_now(service.ask_return, account_id, order_id, "The lid is cracked", world.now, world.trade)


def answer(world, order_id, event=ReturnEvent.ACCEPT, merchants=OWNER, reason="No crack on our photo"):
    args = (merchants, "owner_mer_1", order_id, event, reason, world.now, world.trade)
    return world.database.run_now(service.answer_return, *args)["return_id"]


def scan(world, order_id, code, merchants=OWNER):
    args = (merchants, "owner_mer_1", order_id, code, world.now, world.trade)
    return world.database.run_now(service.scan_in, *args)


def state(world, order_id):
    return world.database.read_now(service.read_return, order_id)["state"]


@pytest.mark.parametrize(("before", "event"), list(product(ReturnState, ReturnEvent)))
def test_every_pair_is_decided(before, event):
    good = {
        ("asked", "accept"): "accepted", ("asked", "decline"): "declined", ("declined", "accept"): "accepted",
        ("accepted", "arrive"): "arrived",
    }  # fmt: skip
    if (before.value, event.value) in good:
        assert rules.step(before, event).value == good[before.value, event.value]
        return
    with pytest.raises(RefusedError):
        rules.step(before, event)


@pytest.mark.both_stores
def test_asked_accepted_scanned_in_and_refunded(world, delivered):
    ask(world, delivered)
    assert world.balance(f"dispute:{delivered}") == TOTAL, "the money waits out of every timer's reach"
    code = answer(world, delivered)
    assert world.refunds() == [], "nothing goes back before the parcel is back"
    label = world.database.run_now(service.label_of, "ann", delivered, world.now, world.trade)
    assert label["code"].endswith(f"#return={code}")
    scan(world, delivered, label["code"])
    assert (world.order(delivered)["state"], state(world, delivered)) == ("refunded", "arrived")
    (refund,) = world.refunds()
    world.settle(refund["payment_id"])
    assert world.balance(f"escrow:{delivered}") == world.balance(f"dispute:{delivered}") == 0
    assert world.balance("payable:mer_1") == world.balance("fees:cn") == 0
    with pytest.raises(RefusedError, match="return_arrived_already"):
        scan(world, delivered, code)
    assert len(world.refunds()) == 1


def test_nothing_is_refunded_before_it_was_accepted_or_with_another_code(world, delivered):
    ask(world, delivered)
    return_id = world.rows(tables.order_return)[0]["return_id"]
    with pytest.raises(RefusedError, match="return_not_accepted"):
        scan(world, delivered, return_id)
    answer(world, delivered)
    for code in ("", "ret_guessed", delivered, return_id[:-1]):
        with pytest.raises(RefusedError, match="wrong_code"):
            scan(world, delivered, code)
    assert world.refunds() == []
    assert world.order(delivered)["state"] == "disputed"


def test_declined_with_a_reason_the_operator_rules(world, delivered):
    ask(world, delivered)
    answer(world, delivered, ReturnEvent.DECLINE)
    shown = world.database.read_now(service.read_return, delivered)
    assert (shown["state"], shown["answer_reason"]) == ("declined", "No crack on our photo")
    world.happen(delivered, E.RULED_RELEASE, actor="olga")
    assert state(world, delivered) == "ended"
    with pytest.raises(RefusedError, match="return_over"):
        answer(world, delivered)
    assert world.balance("payable:mer_1") > 0


def test_a_withdrawn_return_goes_on_as_the_order_did(world, delivered):
    ask(world, delivered)
    code = answer(world, delivered)
    world.happen(delivered, E.DISPUTE_WITHDRAWN, actor="ann")
    with pytest.raises(RefusedError, match="return_over"):
        scan(world, delivered, code)
    with pytest.raises(RefusedError, match="no_return_possible"):
        ask(world, delivered)
    assert world.order(delivered)["state"] == "delivered"


@pytest.mark.parametrize(("late", "is_good"), [(-MOMENT, True), (timedelta(0), False), (MOMENT, False)])
def test_a_return_is_asked_for_while_the_payment_is_held(world, delivered, late, is_good):
    world.now = world.order(delivered)["release_at"] + late
    if is_good:
        ask(world, delivered)
        return
    with pytest.raises(RefusedError, match="no_return_possible"):
        ask(world, delivered)
    assert world.rows(tables.order_return) == []


def rule_until(world, order_id):
    (found,) = world.rows(tables.dispute, tables.dispute.c.order_id == order_id)
    return found["rule_until"]


@pytest.mark.both_stores
def test_what_is_accepted_at_the_last_moment_has_the_whole_time_to_come_back(world, delivered):
    ask(world, delivered)
    world.now = rule_until(world, delivered) - MOMENT
    code = answer(world, delivered)
    due = world.now + timedelta(seconds=world.trade.settings.dispute_s)
    assert rule_until(world, delivered) == world.order(delivered)["due_at"] == due
    world.now = due - MOMENT
    scan(world, delivered, code)
    assert world.order(delivered)["state"] == "refunded"


def test_the_clock_pays_nobody_for_an_accepted_return_and_calls_operators(world, delivered):
    ask(world, delivered)
    code = answer(world, delivered)
    run, whole = world.database.run_now, timedelta(seconds=world.trade.settings.dispute_s)
    for times in (1, 2):
        world.now = rule_until(world, delivered)
        run(steps.settle_due, delivered, world.now, world.trade)
        assert (world.order(delivered)["state"], state(world, delivered)) == ("disputed", "accepted")
        assert rule_until(world, delivered) == world.order(delivered)["due_at"] == world.now + whole
        told = [row["account_id"] for row in world.rows(tables.notice) if row["kind"] == "return_overdue"]
        assert told.count("olga") == told.count("ann") == times
    assert world.balance("payable:mer_1") == 0 and world.balance(f"dispute:{delivered}") == TOTAL
    scan(world, delivered, code)
    assert world.order(delivered)["state"] == "refunded"
    assert world.database.violations() == []


def test_a_later_dispute_of_an_ended_return_has_its_own_default(world, delivered):
    ask(world, delivered)
    answer(world, delivered)
    world.happen(delivered, E.DISPUTE_WITHDRAWN, actor="ann")
    world.happen(delivered, E.DISPUTE_OPENED, actor="ann")
    world.now = world.order(delivered)["due_at"]
    assert world.database.run_now(steps.settle_due, delivered, world.now, world.trade).state == "released"


def test_strangers_have_no_part_in_it(world, delivered):
    with pytest.raises(RefusedError, match="not_found"):
        ask(world, delivered, "bob")
    ask(world, delivered)
    for work in (
        lambda: answer(world, delivered, merchants=frozenset({"mer_9"})),
        lambda: scan(world, delivered, "x", frozenset({"mer_9"})),
        lambda: world.database.run_now(service.label_of, "bob", delivered, world.now, world.trade),
    ):
        with pytest.raises(RefusedError, match="not_found"):
            work()


def test_what_is_not_delivered_does_not_come_back(world):
    with pytest.raises(RefusedError, match="no_return_possible"):
        ask(world, world.paid_order())
