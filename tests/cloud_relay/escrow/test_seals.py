"""The sealer: a later change of any sealed transfer shows, even by somebody who drops the triggers first."""

import pytest
from sqlalchemy import text

from cloud_relay.escrow import ledger, seals
from cloud_relay.escrow.rules import Posting
from tests.cloud_relay.trade_world import START

DROPS = ("posting_update", "posting_delete", "transfer_changed", "transfer_deleted", "seal_update", "seal_delete")


def drop_triggers(connection):
    for name in DROPS:
        place = "" if connection.dialect.name == "sqlite" else f" ON {name.partition('_')[0]}"
        connection.execute(text(f"DROP TRIGGER {name}{place}"))


@pytest.fixture
def sealed(database):
    """Return a function that runs SQL on three seals of two transfers each, with every trigger gone."""
    for number in range(6):
        line = Posting("psp:sandbox", "payable:m", 100 + number)
        database.run_now(ledger.post, f"r{number}", "hold", [line], START, currency="CNY")
        if number % 2:
            assert database.run_now(seals.seal_new, START) == 2
    assert database.run_now(seals.seal_new, START) == 0
    assert database.read_now(seals.first_broken) is None

    def tamper(*statements):
        def work(connection):
            drop_triggers(connection)
            for statement in statements:
                connection.execute(text(statement))

        database.run_now(work)
        return database.read_now(seals.first_broken)

    return tamper


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE posting SET amount_minor = 999 WHERE reference = 'r3'", 2),
        ("UPDATE posting SET credit = 'payable:thief' WHERE reference = 'r0'", 1),
        ("UPDATE transfer SET kind = 'gift' WHERE reference = 'r5'", 3),
        ("UPDATE transfer SET order_id = 'ord_2' WHERE reference = 'r5'", 3),
        ("UPDATE transfer SET created_at = '2031-01-01T00:00:00.000Z' WHERE reference = 'r4'", 3),
        ("UPDATE transfer SET sealed_in = 1 WHERE reference = 'r2'", 1),
        ("UPDATE posting SET line = 7 WHERE reference = 'r1'", 1),
        ("UPDATE seal SET transfers = 3 WHERE seal_no = 2", 2),
    ],
)
def test_one_changed_row_is_found(sealed, statement, broken):
    assert sealed(statement) == broken


@pytest.mark.both_stores
def test_a_seal_holds_all_before_it(sealed, database):
    """Whoever changes a row and forges that one seal is betrayed by the next."""

    def forge(connection):
        drop_triggers(connection)
        connection.execute(text("UPDATE posting SET amount_minor = 999 WHERE reference = 'r1'"))
        digest = seals._digest(seals.GENESIS, seals._content(connection, 1))
        connection.execute(text("UPDATE seal SET seal_sha256 = :digest WHERE seal_no = 1"), {"digest": digest})

    database.run_now(forge)
    assert database.read_now(seals.first_broken) == 2
