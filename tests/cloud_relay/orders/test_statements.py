"""What placing and paying one order costs: so many statements in three transactions, and not one more unnoticed."""

import pytest
from sqlalchemy import event

from cloud_relay import tables
from cloud_relay.escrow import payments, webhooks
from cloud_relay.escrow.providers.base import Outcome, OutcomeState, ProviderEvent
from cloud_relay.escrow.settle import settle
from cloud_relay.orders import service

PLACING, SETTLING, WEBHOOK = 12, 25, 4
"""Statements of each transaction for a piece bought unseen of a shop with a GS1 prefix and one member, without those of
the Idempotency-Key (three and one). Fewer is welcome: write it here. More is to be answered for."""


@pytest.fixture
def heard(world):
    """Return what went to the database since it was last cleared."""
    statements = []
    event.listen(world.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    return statements


def spent(heard):
    count = len([one for one in heard if not one.startswith(("BEGIN", "SAVEPOINT", "RELEASE"))])
    heard.clear()
    return count


@pytest.mark.both_stores
def test_a_paid_order_takes_a_known_number_of_statements(world, heard):
    for place in range(2):
        world.later(1)
        heard.clear()
        run, now, trade = world.database.run_now, world.now, world.trade
        placed = run(service.place_order, "ann", world.wish(listing_id="lis_1"), now, trade)
        placing = spent(heard)
        paid = world.database.read_now(payments.load, placed.payment_id)
        outcome = Outcome(state=OutcomeState.SUCCEEDED, amount_minor=paid.amount_minor, currency=paid.currency)
        heard.clear()
        run(settle, placed.payment_id, outcome, now, trade)
        settling = spent(heard)
        told = ProviderEvent(
            event_id=f"evt_{place}", type="payment.succeeded", payment_id=placed.payment_id, outcome=outcome
        )
        run(webhooks.take, "sandbox", told, b"{}", now, trade)
        hook = spent(heard)
        assert (placing, settling, hook) == (PLACING, SETTLING, WEBHOOK)
    assert {row["state"] for row in world.rows(tables.orders)} == {"paid"}
