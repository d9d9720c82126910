"""The `bank_transfer` provider: the shopper sends money under a reference; statements say what came and what left.

It asks nobody: what a statement shows is taken in by `escrow.bank.service`, and its calls read and write our own book
of the account. A charge, refund or payout is therefore pending until a statement shows it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, select

from cloud_relay.clock import Clock
from cloud_relay.db import Database, DatabaseBusyError
from cloud_relay.escrow.bank import book
from cloud_relay.escrow.bank.book import CHARGE, FAILED, PAYOUT, REFUND, SUCCEEDED, BankTransfer
from cloud_relay.escrow.bank.epc_code import epc_text
from cloud_relay.escrow.bank.payment_file import Account
from cloud_relay.escrow.bank.references import make_reference
from cloud_relay.escrow.bank.service import NAME
from cloud_relay.escrow.providers.base import (
    BadWebhookError,
    Charge,
    HowToPay,
    Method,
    Movement,
    Outcome,
    OutcomeState,
    PayOut,
    ProviderEvent,
    ProviderUnknownError,
    Refund,
)
from cloud_relay.tables import bank_entry, bank_transfer
from wire.plan import Text

P = ParamSpec("P")
T = TypeVar("T")

METHODS = (
    Method(
        method="bank_transfer:iban",
        title=Text(en="Bank transfer", zh="银行转账"),
        hint=Text(
            en="You get our account and a reference; the order waits some days for it",
            zh="下单后显示收款账户和附言，订单为您保留数日",
        ),
    ),
)
EPC_CURRENCY = "EUR"
"""EPC069-12 knows no other currency."""


class BankTransferProvider:
    """Our own account at a bank; `pay_s` is how long a charge waits for its money before it counts as failed."""

    name = NAME
    reconciled = frozenset({"bank_in", REFUND, PAYOUT, "bank_returned"})

    def __init__(
        self, db: Database, clock: Clock, own: Account, *, bank_name: str, currency: str, pay_s: float,
        random: Callable[[int], bytes],
    ) -> None:  # fmt: skip
        self._db, self._clock, self._own, self._bank_name = db, clock, own, bank_name
        self._currency, self._pay_s, self._random = currency, pay_s, random
        self.methods = tuple(replace(one, currencies=(currency,)) for one in METHODS)

    async def charge(self, charge: Charge) -> Outcome:
        if charge.currency != self._currency:
            return _failed(charge.amount_minor, charge.currency, f"this account takes {self._currency} only")
        return await self._run(self._expect, charge, self._clock.now())

    def _expect(self, connection: Connection, charge: Charge, now: datetime) -> Outcome:
        known = book.find_transfer(connection, charge.payment_id)
        if known is None:
            book.add_transfer(
                connection, charge.payment_id, CHARGE, now, order_id=charge.order_id, currency=charge.currency,
                amount_minor=charge.amount_minor, reference=make_reference(self._random(5)),
                wait_until=now + timedelta(seconds=self._pay_s),
            )  # fmt: skip
            known = book.find_transfer(connection, charge.payment_id)
            assert known is not None
        return _outcome(known, now)

    async def refund(self, refund: Refund) -> Outcome:
        return await self._run(self._start_refund, refund, self._clock.now())

    def _start_refund(self, connection: Connection, refund: Refund, now: datetime) -> Outcome:
        known = book.find_transfer(connection, refund.payment_id)
        if known is not None:
            return _outcome(known, now)
        charge = book.find_transfer(connection, refund.charge_id)
        if charge is None or charge.state != SUCCEEDED or charge.currency != refund.currency:
            return _failed(refund.amount_minor, refund.currency, "no such charge came in")
        if book.given_back(connection, charge.payment_id) + refund.amount_minor > charge.amount_minor:
            return _failed(refund.amount_minor, refund.currency, "more than came in")
        to = Account(holder=charge.holder or "-", iban=charge.iban, bic=charge.bic)
        values = {"charge_id": charge.payment_id, "order_id": charge.order_id}
        return self._send(connection, refund.payment_id, REFUND, refund, to, now, **values)

    async def pay_out(self, payout: PayOut) -> Outcome:
        return await self._run(self._start_payout, payout, self._clock.now())

    def _start_payout(self, connection: Connection, payout: PayOut, now: datetime) -> Outcome:
        known = book.find_transfer(connection, payout.payout_id)
        if known is not None:
            return _outcome(known, now)
        account = book.payout_account_of(connection, payout.merchant_id, NAME)
        if account is None:
            return _failed(payout.amount_minor, payout.currency, "no bank account is set: enter it on the money page")
        free = book.held(connection, payout.currency) - book.promised(connection, payout.currency)
        if payout.amount_minor > free:
            return _failed(payout.amount_minor, payout.currency, "not enough held")
        to = Account(holder=account["holder"], iban=account["account"], bic=account["bic"])
        return self._send(connection, payout.payout_id, PAYOUT, payout, to, now, merchant_id=payout.merchant_id)

    def _send(
        self, connection: Connection, payment_id: str, kind: str, wanted: Refund | PayOut, to: Account, now: datetime,
        **values: str | None,
    ) -> Outcome:  # fmt: skip
        book.add_transfer(
            connection, payment_id, kind, now, amount_minor=wanted.amount_minor, currency=wanted.currency,
            reference=make_reference(self._random(5)), holder=to.holder, iban=to.iban, bic=to.bic, **values,
        )  # fmt: skip
        known = book.find_transfer(connection, payment_id)
        assert known is not None
        return _outcome(known, now)

    async def find(self, payment_id: str) -> Outcome | None:
        found = await self._read(book.find_transfer, payment_id)
        return None if found is None else _outcome(found, self._clock.now())

    async def held(self, currency: str) -> int:
        return await self._read(book.held, currency)

    async def how_to_pay(self, payment_id: str, provider_reference: str) -> HowToPay | None:
        found = await self._read(book.find_transfer, payment_id)
        if found is None or found.kind != CHARGE or found.state == SUCCEEDED:
            return None
        code = ""
        if found.currency == EPC_CURRENCY:
            code = epc_text(
                holder=self._own.holder, iban=self._own.iban, bic=self._own.bic, amount_minor=found.amount_minor,
                reference=found.reference,
            )  # fmt: skip
        return HowToPay(
            holder=self._own.holder, iban=self._own.iban, bic=self._own.bic, bank_name=self._bank_name,
            reference=found.reference, amount_minor=found.amount_minor, currency=found.currency, code_text=code,
        )  # fmt: skip

    async def movements(self, first: datetime, after: datetime) -> list[Movement]:
        return await self._read(_movements, first, after)

    def read_event(self, headers: Mapping[str, str], body: bytes, now: datetime) -> ProviderEvent:
        raise BadWebhookError("webhook: a bank account sends none; import its statement")

    async def close(self) -> None:
        """There is nothing open."""

    async def _run(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._db.run(work, *args, **kwargs)
        except DatabaseBusyError as error:
            raise ProviderUnknownError(f"bank_transfer: {error}") from error

    async def _read(self, look: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._db.read(look, *args, **kwargs)


def _failed(amount_minor: int, currency: str, reason: str) -> Outcome:
    return Outcome(state=OutcomeState.FAILED, amount_minor=amount_minor, currency=currency, reason=reason)


def _outcome(known: BankTransfer, now: datetime) -> Outcome:
    """Return what the book says; a charge whose time is over has failed, and still succeeds when its money comes."""
    state, reason = OutcomeState.PENDING, known.reason
    if known.state == SUCCEEDED:
        state = OutcomeState.SUCCEEDED
    elif known.state == FAILED:
        state = OutcomeState.FAILED
    elif known.kind == CHARGE and known.wait_until is not None and known.wait_until <= now:
        state, reason = OutcomeState.FAILED, "no transfer came in time"
    return Outcome(
        state=state, amount_minor=known.amount_minor, currency=known.currency, provider_reference=known.reference,
        reason=reason,
    )  # fmt: skip


def _movements(connection: Connection, first: datetime, after: datetime) -> list[Movement]:
    """Return each entry of the statements once: money that came under its own id, what left under its transfer's."""
    query = (
        select(bank_entry, bank_transfer.c.kind)
        .outerjoin(bank_transfer, bank_transfer.c.payment_id == bank_entry.c.payment_id)
        .where(bank_entry.c.imported_at >= first, bank_entry.c.imported_at < after)
        .where(bank_entry.c.amount_minor != 0, book.IS_BOOKED)
        .order_by(bank_entry.c.imported_at, bank_entry.c.entry_id)
    )
    found = []
    for row in connection.execute(query).mappings():
        is_ours = row["amount_minor"] < 0 and row["kind"] is not None
        kind = {"return": "bank_returned"}.get(row["kind"], row["kind"]) if is_ours else "bank_in"
        found.append(
            Movement(
                kind=kind, payment_id=row["payment_id"] if is_ours else row["entry_id"], at=row["imported_at"],
                amount_minor=row["amount_minor"], currency=row["currency"], provider_reference=row["bank_reference"],
            )
        )  # fmt: skip
    return found
