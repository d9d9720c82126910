"""The ledger in its database: once for ever, never changed, never overdrawn."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cloud_relay.escrow import ledger
from cloud_relay.escrow.rules import LedgerError, Posting
from tests.cloud_relay.trade_world import START


@pytest.fixture
def post(database):
    def call(reference, *lines, currency="CNY"):
        database.run_now(ledger.post, reference, "hold", list(lines), START, currency=currency)

    return call


IN = Posting("psp:sandbox", "payable:m", 700)


def test_a_posting_moves_from_debit_to_credit(database, post):
    post("a", IN, Posting("psp:sandbox", "fees:cn", 300))
    read = database.read_now
    assert read(ledger.balance, "psp:sandbox", "CNY") == -1000
    assert read(ledger.balance, "payable:m", "CNY") == 700
    assert read(ledger.balance, "fees:cn", "CNY") == 300
    assert read(ledger.balances, "payable:m") == {"CNY": 700}


@pytest.mark.both_stores
def test_a_reference_is_used_once_for_ever(database, post):
    post("a", IN)
    with pytest.raises(ledger.ReferenceUsedError):
        post("a", IN)
    assert database.read_now(ledger.balance, "payable:m", "CNY") == 700


@pytest.mark.both_stores
def test_no_account_of_ours_goes_below_zero(database, post):
    post("a", IN)
    with pytest.raises(ledger.OverdrawnError):
        post("b", Posting("payable:m", "psp:sandbox", 701))
    post("c", Posting("payable:m", "psp:sandbox", 700))
    assert database.read_now(ledger.balance, "payable:m", "CNY") == 0
    with pytest.raises(ledger.OverdrawnError):
        post("d", Posting("escrow:o", "psp:sandbox", 1))
    assert not database.read_now(ledger.is_posted, "d")


def test_currencies_do_not_mix(database, post):
    post("a", IN)
    with pytest.raises(ledger.OverdrawnError):
        post("b", Posting("payable:m", "psp:sandbox", 1), currency="EUR")
    with pytest.raises(LedgerError):
        post("c", IN, currency="yuan")


@pytest.mark.both_stores
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE posting SET amount_minor = 1",
        "DELETE FROM posting",
        "UPDATE transfer SET kind = 'x'",
        "UPDATE transfer SET created_at = '2031'",
        "DELETE FROM transfer",
    ],
)
def test_the_database_itself_refuses_to_change_money(database, post, statement):
    post("a", IN)
    with pytest.raises(DBAPIError, match="money is inserted"):
        database.run_now(lambda connection: connection.execute(text(statement)))
    assert database.read_now(ledger.balance, "payable:m", "CNY") == 700
