"""What the end of a group costs the database: statements by the kind of thing, never by the number of pledges."""

import pytest
from sqlalchemy import event

from cloud_relay import tables
from cloud_relay.escrow import payments, payouts, settle
from cloud_relay.escrow.providers.base import Outcome, OutcomeState
from tests.cloud_relay.groups.group_world import PEOPLE

END, REFUNDS, ASKING = 18, 9, 3
"""Statements of a group that ends, of refunds that arrived, of refunds that are about to be asked for."""


class Counted:
    """Counts what is asked of the database while it is open; what begins a transaction is none."""

    def __init__(self, database):
        self._engine, self.statements = database.engine, []

    def __enter__(self):
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_):
        event.remove(self._engine, "before_cursor_execute", self._note)

    def _note(self, _connection, _cursor, statement, *_):
        if not statement.startswith("BEGIN"):
            self.statements.append(statement)


def ending(groups, pledges, listings=("lis_2",)):
    """Let a group have so many paid pledges, one more person lacking, and reach its deadline; return it."""
    group_id = groups.start("ann", groups.promotion(count=pledges + 1))
    for place in range(pledges):
        groups.paid(PEOPLE[place % len(PEOPLE)], group_id, listings[place % len(listings)])
    groups.world.later(7 * 86_400)
    return group_id


@pytest.mark.both_stores
@pytest.mark.parametrize("pledges", [1, 3, 5])
def test_the_end_of_a_group_takes_as_many_statements_whatever_was_pledged(groups, pledges):
    groups.world.listing(listing_id="lis_3", pieces=5, price_minor=10_000)
    group_id = ending(groups, pledges, ("lis_2", "lis_3"))
    with Counted(groups.world.database) as counted:
        assert groups.close(group_id)
    assert len(counted.statements) <= END, "\n".join(counted.statements)
    assert len(groups.world.refunds()) == pledges


@pytest.mark.both_stores
@pytest.mark.parametrize("pledges", [1, 4])
def test_refunds_that_arrive_together_are_booked_together(groups, pledges):
    groups.close(ending(groups, pledges))
    world, refunds = groups.world, groups.world.refunds()
    said = [
        (one["payment_id"], Outcome(
            state=OutcomeState.SUCCEEDED, amount_minor=one["amount_minor"], currency="CNY", provider_reference="r"
        ))
        for one in refunds
    ]  # fmt: skip
    with Counted(world.database) as counted:
        groups.run(settle.settle_all, [*said, said[0]], world.now, world.trade)
    assert len(counted.statements) <= REFUNDS, "\n".join(counted.statements)
    assert {one["state"] for one in world.refunds()} == {"succeeded"}
    again = world.rows(tables.posting)
    groups.run(settle.settle_all, said, world.now, world.trade)
    assert world.rows(tables.posting) == again
    told = [row["kind"] for row in world.rows(tables.notice) if row["kind"] == "refund_done"]
    assert len(told) == pledges
    for one in refunds:
        assert world.balance(f"escrow:{one['order_id']}") == 0


@pytest.mark.both_stores
def test_refunds_are_taken_to_be_asked_for_together(groups):
    groups.close(ending(groups, 4))
    world, ids = groups.world, [one["payment_id"] for one in groups.world.refunds()]

    def take(connection):
        taken = payments.claim_all(connection, ids, world.now, payouts.again_at)
        return taken, payments.all_as_asked(connection, taken)

    with Counted(world.database) as counted:
        taken, asked = groups.run(take)
    assert len(counted.statements) <= ASKING, "\n".join(counted.statements)
    assert [one.payment_id for one in taken] == ids == [one.payment_id for one in asked]
    assert {one["attempts"] for one in world.refunds()} == {1}
    assert groups.run(payments.claim_all, ids, world.now, payouts.again_at) == [], "each is taken for one try"
