"""The ledger: transfers are inserted once for ever, never changed; balances are sums over postings."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, bindparam, func, insert, literal, select, union_all
from sqlalchemy.exc import IntegrityError

from cloud_relay.escrow import rules
from cloud_relay.escrow.rules import LedgerError, Posting
from cloud_relay.tables import posting, transfer

_TRANSFER, _POSTING = insert(transfer), insert(posting)


def _balances() -> Select[Any]:
    own: BindParameter[str] = bindparam("account")
    raised = select(posting.c.currency, posting.c.amount_minor.label("amount")).where(posting.c.credit == own)
    lowered = select(posting.c.currency, (literal(0) - posting.c.amount_minor).label("amount"))
    moves = union_all(raised, lowered.where(posting.c.debit == own)).subquery()
    return select(moves.c.currency, func.sum(moves.c.amount)).group_by(moves.c.currency)


_BALANCES = _balances()
"""Made once: every transfer asks it for each account that must not fall below zero."""


class ReferenceUsedError(LedgerError):
    """A transfer with this reference exists: the thing was done already. The transaction cannot go on."""


class OverdrawnError(LedgerError):
    """A transfer would take more out of an account than it holds."""


def post(
    connection: Connection, reference: str, kind: str, postings: Sequence[Posting], now: datetime,
    *, currency: str, order_id: str = "",
) -> None:  # fmt: skip
    """Write one transfer with its postings in this transaction, all in `currency` (ISO 4217 letters).

    Raises LedgerError (nothing may be committed then): a bad posting, a used reference, an overdrawn account.
    """
    lines = [line for line in postings if line.amount_minor != 0]
    rules.check_postings(lines)
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise LedgerError(f"transfer {reference}: {currency!r} is no ISO 4217 currency")
    row = {"reference": reference, "kind": kind, "order_id": order_id, "created_at": now}
    try:
        connection.execute(_TRANSFER, row)
    except IntegrityError:
        raise ReferenceUsedError(f"transfer {reference}: this reference is used for ever") from None
    rows = [
        {"reference": reference, "line": place, "debit": line.debit, "credit": line.credit,
         "amount_minor": line.amount_minor, "currency": currency}
        for place, line in enumerate(lines, 1)
    ]  # fmt: skip
    connection.execute(_POSTING, rows)
    for account in {line.debit for line in lines}:
        if account.partition(":")[0] in rules.NEVER_NEGATIVE and balance(connection, account, currency) < 0:
            raise OverdrawnError(f"transfer {reference}: {account} does not hold that much")


def balance(connection: Connection, account: str, currency: str) -> int:
    """Return the minor units in one ledger account: what was credited less what was debited."""
    return balances(connection, account).get(currency, 0)


def balances(connection: Connection, account: str) -> dict[str, int]:
    """Return the balance of one ledger account in each currency it has ever seen."""
    return {currency: int(amount) for currency, amount in connection.execute(_BALANCES, {"account": account})}


def postings_of(connection: Connection, order_id: str) -> list[dict[str, object]]:
    """Return every posting of one order's transfers, oldest first, as the parties see them."""
    query = (
        select(
            transfer.c.reference, transfer.c.kind, transfer.c.created_at, posting.c.debit, posting.c.credit,
            posting.c.amount_minor, posting.c.currency,
        )
        .join(posting, posting.c.reference == transfer.c.reference)
        .where(transfer.c.order_id == order_id)
        .order_by(transfer.c.created_at, transfer.c.reference, posting.c.line)
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query).mappings()]


def is_posted(connection: Connection, reference: str) -> bool:
    """Return whether a transfer has this reference."""
    return connection.scalar(select(transfer.c.reference).where(transfer.c.reference == reference)) is not None
