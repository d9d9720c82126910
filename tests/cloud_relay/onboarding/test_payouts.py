"""Who is paid out: verified merchants, and of large amounts what a second person approved."""

from datetime import timedelta

import pytest

from cloud_relay import tables
from cloud_relay.escrow import payouts, two_people
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.refusals import RefusedError

ALONE = 10_000


@pytest.fixture
def earned(world):
    """Return what mer_1 earned: 99 + 12 yuan less 5 per cent."""
    order_id = world.paid_order()
    world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.RECEIPT)
    return world.balance("payable:mer_1")


def ask(world, amount, by="owner_mer_1", alone=ALONE):
    return world.database.run_now(two_people.ask, "mer_1", amount, "CNY", "sandbox", by, alone, world.now)


def approve(world, approval_id, by, merchants=("mer_1",), *, is_operator=False):
    return world.database.run_now(
        two_people.approve, approval_id, by, "sandbox", world.now, merchant_ids=frozenset(merchants),
        is_operator=is_operator,
    )  # fmt: skip


def refuse(world, approval_id, by, merchants=("mer_1",), *, is_operator=False):
    return world.database.run_now(
        two_people.refuse, approval_id, by, "why", world.now, merchant_ids=frozenset(merchants),
        is_operator=is_operator,
    )  # fmt: skip


@pytest.mark.parametrize("state", ["pending", "refused", "suspended"])
def test_nothing_is_paid_out_while_a_merchant_is_not_verified(world, earned, state):
    change = tables.merchant.update().where(tables.merchant.c.merchant_id == "mer_1")
    world.database.run_now(lambda c: c.execute(change.values(state=state)))
    for start in (
        lambda: world.database.run_now(payouts.start, "mer_1", 1, "CNY", "sandbox", world.now),
        lambda: ask(world, 1),
        lambda: ask(world, ALONE + 1),
    ):
        with pytest.raises(RefusedError, match="not_verified"):
            start()
    assert world.balance("payable:mer_1") == earned
    world.database.run_now(lambda c: c.execute(change.values(state="verified")))
    assert ask(world, 1)["state"] == "started"


def test_a_large_payout_takes_two_people(world, earned):
    asked = ask(world, ALONE + 1)
    assert asked["state"] == "asked" and world.balance("payable:mer_1") == earned
    for is_operator in (False, True):
        with pytest.raises(RefusedError, match="second_person"):
            approve(world, asked["approval_id"], "owner_mer_1", is_operator=is_operator)
    with pytest.raises(RefusedError, match="not_found"):
        approve(world, asked["approval_id"], "bob", ())
    assert world.balance("payable:mer_1") == earned
    assert approve(world, asked["approval_id"], "olga", (), is_operator=True)["state"] == "approved"
    assert world.balance("payable:mer_1") == earned - ALONE - 1
    with pytest.raises(RefusedError, match="approval_over"):
        approve(world, asked["approval_id"], "olga", (), is_operator=True)
    assert len(world.rows(tables.payout)) == 1


@pytest.mark.parametrize(("amount", "state"), [(ALONE - 1, "started"), (ALONE, "started"), (ALONE + 1, "asked")])
def test_the_limit_is_met_to_the_unit(world, earned, amount, state):
    assert ask(world, amount)["state"] == state


def test_small_parts_of_a_large_payout_count_together_for_a_day(world, earned):
    assert ask(world, ALONE - 10)["state"] == "started"
    assert ask(world, 10)["state"] == "started"
    assert ask(world, 1)["state"] == "asked"
    world.later(timedelta(days=1).total_seconds() - 1)
    assert ask(world, 1)["state"] == "asked"
    world.later(1)
    assert ask(world, 1)["state"] == "started"


def test_more_than_there_is_is_not_even_asked(world, earned):
    with pytest.raises(RefusedError, match="not_that_much"):
        ask(world, earned + 1)
    assert world.rows(tables.payout_approval) == []


def test_money_that_went_meanwhile_is_not_paid_out_twice(world, earned):
    first, second = ask(world, earned), ask(world, earned)
    approve(world, first["approval_id"], "bob")
    with pytest.raises(RefusedError, match="not_that_much"):
        approve(world, second["approval_id"], "bob")
    assert world.balance("payable:mer_1") == 0


def test_an_approval_ends_after_a_week_and_can_be_refused_or_taken_back(world, earned):
    asked = ask(world, ALONE + 1)["approval_id"]
    assert refuse(world, asked, "owner_mer_1")["state"] == "taken_back"
    other = ask(world, ALONE + 1)["approval_id"]
    assert refuse(world, other, "olga", (), is_operator=True)["state"] == "refused"
    late = ask(world, ALONE + 1)["approval_id"]
    world.later(7 * 86400 - 1)
    assert [one["approval_id"] for one in world.database.read_now(two_people.waiting, world.now)] == [late]
    world.later(1)
    with pytest.raises(RefusedError, match="approval_late"):
        approve(world, late, "bob")
    assert world.database.read_now(two_people.waiting, world.now) == []
    assert world.balance("payable:mer_1") == earned
    told = {(one["account_id"], one["kind"]) for one in world.rows(tables.notice)}
    assert {("olga", "payout_asked"), ("owner_mer_1", "payout_refused")} <= told
    assert ("owner_mer_1", "payout_asked") not in told
