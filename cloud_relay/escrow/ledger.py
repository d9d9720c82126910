"""The ledger: transfers are inserted once for ever, never changed; balances are sums over postings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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


def _balances_of() -> Select[Any]:
    own: BindParameter[str] = bindparam("accounts", expanding=True)
    raised = select(posting.c.credit.label("account"), posting.c.currency, posting.c.amount_minor.label("amount"))
    lowered = select(posting.c.debit.label("account"), posting.c.currency, literal(0) - posting.c.amount_minor)
    moves = union_all(raised.where(posting.c.credit.in_(own)), lowered.where(posting.c.debit.in_(own))).subquery()
    return select(moves.c.account, moves.c.currency, func.sum(moves.c.amount)).group_by(
        moves.c.account, moves.c.currency
    )


_BALANCES_OF = _balances_of()


@dataclass(frozen=True, slots=True)
class Transfer:
    """What `post_all` writes under one reference: its postings are of one currency (ISO 4217 letters)."""

    reference: str
    kind: str
    postings: Sequence[Posting]
    currency: str
    order_id: str = ""

    @property
    def lines(self) -> list[Posting]:
        """The postings that move something."""
        return [line for line in self.postings if line.amount_minor != 0]

    def check(self) -> None:
        """Raise LedgerError for a posting or currency that cannot be."""
        rules.check_postings(self.lines)
        if not (len(self.currency) == 3 and self.currency.isascii() and self.currency.isupper()):
            raise LedgerError(f"transfer {self.reference}: {self.currency!r} is no ISO 4217 currency")


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
    post_all(connection, [Transfer(reference, kind, postings, currency, order_id)], now)


def post_all(connection: Connection, transfers: Sequence[Transfer], now: datetime) -> None:
    """As `post`, of several transfers at once: all of them or, when it raises, none may be committed."""
    for one in transfers:
        one.check()
    try:
        connection.execute(_TRANSFER, [
            {"reference": one.reference, "kind": one.kind, "order_id": one.order_id, "created_at": now}
            for one in transfers
        ])  # fmt: skip
    except IntegrityError:
        names = ", ".join(one.reference for one in transfers)
        raise ReferenceUsedError(f"transfer {names}: this reference is used for ever") from None
    connection.execute(_POSTING, [
        {"reference": one.reference, "line": place, "debit": line.debit, "credit": line.credit,
         "amount_minor": line.amount_minor, "currency": one.currency}
        for one in transfers for place, line in enumerate(one.lines, 1)
    ])  # fmt: skip
    _refuse_overdrawn(connection, transfers)


def _refuse_overdrawn(connection: Connection, transfers: Sequence[Transfer]) -> None:
    taken = {
        (line.debit, one.currency): one.reference for one in transfers for line in one.lines
        if line.debit.partition(":")[0] in rules.NEVER_NEGATIVE
    }  # fmt: skip
    left = balances_of(connection, {account for account, _ in taken})
    for key, reference in taken.items():
        if left.get(key, 0) < 0:
            raise OverdrawnError(f"transfer {reference}: {key[0]} does not hold that much")


def balance(connection: Connection, account: str, currency: str) -> int:
    """Return the minor units in one ledger account: what was credited less what was debited."""
    return balances(connection, account).get(currency, 0)


def balances(connection: Connection, account: str) -> dict[str, int]:
    """Return the balance of one ledger account in each currency it has ever seen."""
    return {currency: int(amount) for currency, amount in connection.execute(_BALANCES, {"account": account})}


def balances_of(connection: Connection, accounts: Iterable[str]) -> dict[tuple[str, str], int]:
    """Return the balances of several ledger accounts by (account, currency), without what they never saw."""
    keys = sorted(accounts)
    if not keys:
        return {}
    return {(name, currency): int(amount) for name, currency, amount in connection.execute(
        _BALANCES_OF, {"accounts": keys}
    )}  # fmt: skip


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
