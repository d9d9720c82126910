"""What a merchant owes the market for sales whose money it holds itself; kept back from what the market owes it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cloud_relay.escrow import ledger, rules
from cloud_relay.escrow.rules import Posting


def owed_minor(connection: Connection, merchant_id: str, currency: str) -> int:
    """Return how much a merchant owes in one currency."""
    return max(0, -ledger.balance(connection, rules.due(merchant_id), currency))


def owed(connection: Connection, merchant_id: str) -> list[dict[str, Any]]:
    """Return what a merchant owes in every currency."""
    found = ledger.balances(connection, rules.due(merchant_id))
    return [{"currency": one, "amount_minor": -amount} for one, amount in sorted(found.items()) if amount < 0]


def collect(connection: Connection, merchant_id: str, currency: str, reference: str, now: datetime) -> int:
    """Keep back as much of what is owed as the merchant has with us; return how much. `reference` works once."""
    has = ledger.balance(connection, rules.payable(merchant_id), currency)
    amount = min(owed_minor(connection, merchant_id, currency), max(0, has))
    if amount:
        line = Posting(rules.payable(merchant_id), rules.due(merchant_id), amount)
        ledger.post(connection, reference, "counter_due", [line], now, currency=currency)
    return amount


def give_back(connection: Connection, merchant_id: str, currency: str, reference: str, now: datetime) -> int:
    """Put to the merchant's money what was kept back and is not owed any more; return how much. Works once."""
    amount = max(0, ledger.balance(connection, rules.due(merchant_id), currency))
    if amount:
        line = Posting(rules.due(merchant_id), rules.payable(merchant_id), amount)
        ledger.post(connection, reference, "counter_due_back", [line], now, currency=currency)
    return amount
