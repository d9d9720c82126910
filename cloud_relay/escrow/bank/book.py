"""SQL of the bank account's book: transfers expected and to be sent, entries of statements, payment files."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from cloud_relay.escrow.bank.matching import NOT_BOOKED, WAITING, EntryState
from cloud_relay.escrow.bank.references import references_in
from cloud_relay.escrow.bank.statements import Entry
from cloud_relay.tables import bank_entry, bank_file, bank_statement, bank_transfer, orders, payout_account
from wire.values import new_id

CHARGE, REFUND, PAYOUT, RETURN = "charge", "refund", "payout", "return"
AWAITED, SENT, SUCCEEDED, FAILED = "waiting", "sent", "succeeded", "failed"
LATEST = 200
FILE_MAX = 1000
"""Transfers in one payment file: what a person can look over before signing it at the bank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankTransfer:
    """A transfer that we expect (`charge`) or have to make; `iban` is the other side's, empty while not known."""

    payment_id: str
    kind: str
    state: str
    order_id: str | None
    merchant_id: str | None
    charge_id: str | None
    reference: str
    amount_minor: int
    currency: str
    holder: str
    iban: str
    bic: str
    reason: str
    entry_id: str | None
    wait_until: datetime | None
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntry:
    """A stored entry; `left_minor` of it stands in suspense."""

    entry_id: str
    booked_on: str
    amount_minor: int
    currency: str
    text: str
    name: str
    iban: str
    bank_reference: str
    end_to_end_id: str
    state: str
    payment_id: str | None
    left_minor: int
    imported_at: datetime


_TRANSFER = [bank_transfer.c[name] for name in BankTransfer.__dataclass_fields__]
_ENTRY = [bank_entry.c[name] for name in BankEntry.__dataclass_fields__]
IS_BOOKED = bank_entry.c.state.not_in([one.value for one in NOT_BOOKED])


def add_transfer(connection: Connection, payment_id: str, kind: str, now: datetime, **values: Any) -> None:
    """Write a transfer to be expected or made."""
    row = {"payment_id": payment_id, "kind": kind, "state": AWAITED, "created_at": now, "changed_at": now, **values}
    connection.execute(insert(bank_transfer).values(row))


def find_transfer(connection: Connection, payment_id: str) -> BankTransfer | None:
    """Return the transfer, or None."""
    row = connection.execute(select(*_TRANSFER).where(bank_transfer.c.payment_id == payment_id)).mappings().first()
    return None if row is None else BankTransfer(**row)


def find_by_references(connection: Connection, references: tuple[str, ...]) -> list[BankTransfer]:
    """Return the transfers that these references name."""
    query = select(*_TRANSFER).where(bank_transfer.c.reference.in_(references))
    return [BankTransfer(**row) for row in connection.execute(query).mappings()] if references else []


def charges_of(connection: Connection, text: str) -> list[BankTransfer]:
    """Return the expected transfers of an order (its id or the end of it), or of a reference, newest first."""
    key = text.strip().replace(" ", "")
    is_it = (bank_transfer.c.reference == key.upper()) | (bank_transfer.c.order_id == key.lower())
    if len(key) >= 6 and key.isalnum():
        is_it |= bank_transfer.c.order_id.endswith(key.lower())
    query = select(*_TRANSFER).where(bank_transfer.c.kind == CHARGE, is_it)
    return [
        BankTransfer(**row) for row in connection.execute(query.order_by(bank_transfer.c.created_at.desc())).mappings()
    ]


def save_transfer(connection: Connection, payment_id: str, now: datetime, **values: Any) -> None:
    """Change a transfer."""
    change = update(bank_transfer).where(bank_transfer.c.payment_id == payment_id)
    connection.execute(change.values(changed_at=now, **values))


def promised(connection: Connection, currency: str) -> int:
    """Return the minor units that are to leave the account and have not yet."""
    query = select(func.coalesce(func.sum(bank_transfer.c.amount_minor), 0)).where(
        bank_transfer.c.kind != CHARGE, bank_transfer.c.state.in_((AWAITED, SENT)), bank_transfer.c.currency == currency
    )
    return int(connection.scalar(query) or 0)


def given_back(connection: Connection, charge_id: str) -> int:
    """Return what of a charge went or is going back."""
    query = select(func.coalesce(func.sum(bank_transfer.c.amount_minor), 0)).where(
        bank_transfer.c.charge_id == charge_id, bank_transfer.c.kind == REFUND, bank_transfer.c.state != FAILED
    )
    return int(connection.scalar(query) or 0)


def held(connection: Connection, currency: str) -> int:
    """Return what the statements that we know sum to."""
    query = select(func.coalesce(func.sum(bank_entry.c.amount_minor), 0))
    return int(connection.scalar(query.where(bank_entry.c.currency == currency, IS_BOOKED)) or 0)


def add_entry(connection: Connection, statement_id: str, entry: Entry, account: str, now: datetime) -> BankEntry | None:
    """Write an entry that no statement has shown yet and return it; None for a known one."""
    digest = entry.content_sha256(account)
    if connection.scalar(select(bank_entry.c.entry_id).where(bank_entry.c.content_sha256 == digest)) is not None:
        return None
    stored = BankEntry(
        entry_id=new_id("ent"), booked_on=entry.booked_on.isoformat(), amount_minor=entry.amount_minor,
        currency=entry.currency, text=entry.text, name=entry.name, iban=entry.iban,
        bank_reference=entry.bank_reference, end_to_end_id=entry.end_to_end_id, state=EntryState.SEEN.value,
        payment_id=None, left_minor=0, imported_at=now,
    )  # fmt: skip
    row = {name: getattr(stored, name) for name in BankEntry.__dataclass_fields__}
    connection.execute(insert(bank_entry).values(**row, content_sha256=digest, statement_id=statement_id))
    return stored


def may_be_known(connection: Connection, statement_id: str, entry: BankEntry) -> bool:
    """Return whether another import may show the same booking in another format, which its digest cannot tell.

    The same day and money, only one of the two with the bank's reference, and neither our reference nor the other
    side's account against it.
    """
    is_it = (
        bank_entry.c.statement_id != statement_id, bank_entry.c.booked_on == entry.booked_on,
        bank_entry.c.amount_minor == entry.amount_minor, bank_entry.c.currency == entry.currency,
        bank_entry.c.bank_reference != "" if entry.bank_reference == "" else bank_entry.c.bank_reference == "",
    )  # fmt: skip
    ours = set(references_in(f"{entry.text} {entry.end_to_end_id}"))
    for row in connection.execute(select(*_ENTRY).where(*is_it)).mappings():
        theirs = set(references_in(f"{row['text']} {row['end_to_end_id']}"))
        if ours & theirs if ours and theirs else not (entry.iban and row["iban"]) or entry.iban == row["iban"]:
            return True
    return False


def find_entry(connection: Connection, entry_id: str) -> BankEntry | None:
    """Return the entry, or None."""
    row = connection.execute(select(*_ENTRY).where(bank_entry.c.entry_id == entry_id)).mappings().first()
    return None if row is None else BankEntry(**row)


def save_entry(connection: Connection, entry_id: str, **values: Any) -> None:
    """Change what became of an entry; what the bank said of it stays."""
    connection.execute(update(bank_entry).where(bank_entry.c.entry_id == entry_id).values(**values))


def short_entries(connection: Connection, payment_id: str) -> list[BankEntry]:
    """Return what came under this payment's reference and was too little so far."""
    is_it = (bank_entry.c.payment_id == payment_id, bank_entry.c.state == EntryState.SHORT.value)
    query = select(*_ENTRY).where(*is_it).order_by(bank_entry.c.imported_at, bank_entry.c.entry_id)
    return [BankEntry(**row) for row in connection.execute(query).mappings()]


def short_of_ended_orders(connection: Connection) -> list[BankEntry]:
    """Return short entries whose order is no longer to be paid: that money goes back."""
    query = (
        select(*_ENTRY)
        .join(bank_transfer, bank_transfer.c.payment_id == bank_entry.c.payment_id)
        .join(orders, orders.c.order_id == bank_transfer.c.order_id)
        .where(bank_entry.c.state == EntryState.SHORT.value, orders.c.state != "unpaid")
    )
    return [BankEntry(**row) for row in connection.execute(query).mappings()]


def add_statement(connection: Connection, statement_id: str, **values: Any) -> None:
    """Write that a statement was imported."""
    connection.execute(insert(bank_statement).values(statement_id=statement_id, **values))


def to_send(connection: Connection, currency: str) -> list[BankTransfer]:
    """Return the transfers that wait for a payment file and have somewhere to go, oldest first."""
    is_it = (
        bank_transfer.c.kind != CHARGE, bank_transfer.c.state == AWAITED, bank_transfer.c.iban != "",
        bank_transfer.c.currency == currency,
    )  # fmt: skip
    query = select(*_TRANSFER).where(*is_it).order_by(bank_transfer.c.created_at, bank_transfer.c.payment_id)
    return [BankTransfer(**row) for row in connection.execute(query.limit(FILE_MAX)).mappings()]


def add_file(connection: Connection, file_id: str, sent: list[BankTransfer], **values: Any) -> None:
    """Write a payment file and that its transfers are with the bank."""
    connection.execute(insert(bank_file).values(file_id=file_id, **values))
    names = [one.payment_id for one in sent]
    change = update(bank_transfer).where(bank_transfer.c.payment_id.in_(names))
    connection.execute(change.values(state=SENT, file_id=file_id, changed_at=values["made_at"]))


def find_file(connection: Connection, file_id: str) -> bytes | None:
    """Return the very bytes of a payment file, or None."""
    found = connection.scalar(select(bank_file.c.content).where(bank_file.c.file_id == file_id))
    return None if found is None else bytes(found)


def refuse_file(connection: Connection, file_id: str, reason: str, now: datetime) -> bool:
    """Note that the bank took nothing of a file: what of it did not leave waits again. False when it cannot be."""
    change = update(bank_file).where(bank_file.c.file_id == file_id, bank_file.c.state == "made")
    if connection.execute(change.values(state="refused", reason=reason)).rowcount != 1:
        return False
    back = update(bank_transfer).where(bank_transfer.c.file_id == file_id, bank_transfer.c.state == SENT)
    connection.execute(back.values(state=AWAITED, file_id=None, changed_at=now))
    return True


def payout_account_of(connection: Connection, merchant_id: str, provider: str) -> dict[str, Any] | None:
    """Return where a merchant is paid out by this provider, or None."""
    is_it = (payout_account.c.merchant_id == merchant_id, payout_account.c.provider == provider)
    row = connection.execute(select(payout_account).where(*is_it)).mappings().first()
    return None if row is None else dict(row)


def overview(connection: Connection) -> dict[str, Any]:
    """Return what the operator's page shows: entries to decide, transfers to make, the newest of everything."""
    waiting = select(bank_entry).where(bank_entry.c.state.in_([one.value for one in WAITING]))
    latest = select(bank_entry).where(bank_entry.c.state.not_in([one.value for one in WAITING]))
    outs = select(bank_transfer).where(bank_transfer.c.kind != CHARGE, bank_transfer.c.state.in_((AWAITED, SENT)))
    files = select(*(column for column in bank_file.c if column.name != "content"))
    return {
        "waiting": _rows(connection, waiting.order_by(bank_entry.c.imported_at, bank_entry.c.entry_id)),
        "settled": _rows(connection, latest.order_by(bank_entry.c.imported_at.desc(), bank_entry.c.entry_id)),
        "outs": _rows(connection, outs.order_by(bank_transfer.c.created_at, bank_transfer.c.payment_id)),
        "files": _rows(connection, files.order_by(bank_file.c.made_at.desc())),
        "statements": _rows(connection, select(bank_statement).order_by(bank_statement.c.imported_at.desc())),
    }


def _rows(connection: Connection, query: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query.limit(LATEST)).mappings()]
