"""SQL of payments: a row for each charge and each refund, written before the provider is asked."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from cloud_relay.db import wake
from cloud_relay.tables import orders, payment
from wire.values import new_id

CHARGE, REFUND = "charge", "refund"
STARTED, SUCCEEDED, FAILED = "started", "succeeded", "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One movement between the shopper and us; `charge_id` is the charge that a refund gives back.

    Charges of several orders that are paid at once share a `joint_id`: the provider knows that one payment alone,
    and each order its own part of it, with its own hold and its own refunds.
    """

    payment_id: str
    order_id: str
    provider: str
    provider_reference: str
    state: str
    kind: str
    amount_minor: int
    currency: str
    method: str
    charge_id: str | None
    attempts: int
    joint_id: str | None = None

    @property
    def provider_id(self) -> str:
        """The name under which the provider knows it."""
        return self.joint_id or self.payment_id


_COLUMNS = [payment.c[name] for name in Payment.__dataclass_fields__]
_LOAD = select(*_COLUMNS).where(payment.c.payment_id == bindparam("key"))
_LOAD_ALL = select(*_COLUMNS).where(payment.c.payment_id.in_(bindparam("keys", expanding=True)))
_INSERT = insert(payment)
_PARTS = (
    select(*_COLUMNS)
    .where(payment.c.joint_id == bindparam("key"), payment.c.kind == CHARGE)
    .order_by(payment.c.payment_id)
)
_OF_ORDERS = (
    select(*_COLUMNS)
    .where(payment.c.order_id.in_(bindparam("keys", expanding=True)))
    .order_by(payment.c.started_at, payment.c.payment_id)
)
_PENDING = select(func.coalesce(func.sum(payment.c.amount_minor), 0)).where(
    payment.c.order_id == bindparam("key"), payment.c.kind == REFUND, payment.c.state == STARTED
)
_DUE_OF = _LOAD_ALL.where(payment.c.state == STARTED, payment.c.next_try_at <= bindparam("now"))
_SAVE = update(payment).where(payment.c.payment_id == bindparam("key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Money that is to move, before the provider is asked; due now unless `next_try_at` says otherwise."""

    kind: str
    order_id: str
    amount_minor: int
    currency: str
    provider: str
    method: str
    charge_id: str | None = None
    next_try_at: datetime | None = None
    joint_id: str | None = None


def start(
    connection: Connection, kind: str, order_id: str, amount_minor: int, currency: str, now: datetime,
    *, provider: str, method: str, charge_id: str | None = None, next_try_at: datetime | None = None,
    joint_id: str | None = None,
) -> str:  # fmt: skip
    """Write the intent to move money and return its id, which is also its key at the provider."""
    intent = Intent(
        kind=kind, order_id=order_id, amount_minor=amount_minor, currency=currency, provider=provider, method=method,
        charge_id=charge_id, next_try_at=next_try_at, joint_id=joint_id,
    )  # fmt: skip
    return start_all(connection, [intent], now)[0]


def start_all(connection: Connection, intents: Sequence[Intent], now: datetime) -> list[str]:
    """As `start`, of several at once; return their ids as they were given."""
    rows = [
        {
            "payment_id": new_id("pay" if one.kind == CHARGE else "ref"), "order_id": one.order_id,
            "provider": one.provider, "state": STARTED, "kind": one.kind, "amount_minor": one.amount_minor,
            "currency": one.currency, "method": one.method, "charge_id": one.charge_id, "started_at": now,
            "changed_at": now, "next_try_at": one.next_try_at or now, "joint_id": one.joint_id,
        }
        for one in intents
    ]  # fmt: skip
    if rows:
        connection.execute(_INSERT, rows)
    if any(row["next_try_at"] == now for row in rows):
        wake(connection, "payments")
    return [str(row["payment_id"]) for row in rows]


def load(connection: Connection, payment_id: str) -> Payment | None:
    """Return the payment, or None."""
    row = connection.execute(_LOAD, {"key": payment_id}).mappings().one_or_none()
    return None if row is None else Payment(**row)


def load_all(connection: Connection, payment_ids: Iterable[str]) -> dict[str, Payment]:
    """Return those of these payments that are there, by id."""
    rows = connection.execute(_LOAD_ALL, {"keys": list(payment_ids)}).mappings()
    return {row["payment_id"]: Payment(**row) for row in rows}


def parts_of(connection: Connection, joint_id: str) -> list[Payment]:
    """Return the charges that one payment at the provider is made of, in a lasting order; none for any other id."""
    return [Payment(**row) for row in connection.execute(_PARTS, {"key": joint_id}).mappings()]


def as_asked(connection: Connection, paid: Payment) -> Payment:
    """Return the charge as the provider is asked for it: for a part the whole joint payment, under its own id."""
    if paid.joint_id is None:
        return paid
    parts = parts_of(connection, paid.joint_id)
    total = sum(one.amount_minor for one in parts)
    return replace(paid, payment_id=paid.joint_id, order_id=parts[0].order_id, amount_minor=total)


def all_as_asked(connection: Connection, taken: Sequence[Payment]) -> list[Payment]:
    """Return payments with the ids that the provider knows: their own, and of a refund that of the charge."""
    charge_ids = {one.charge_id for one in taken if one.charge_id}
    charges = load_all(connection, charge_ids) if charge_ids else {}
    asked = (as_asked(connection, one) for one in taken)
    return [
        replace(one, charge_id=charges[one.charge_id].provider_id) if one.charge_id in charges else one for one in asked
    ]


def save(connection: Connection, payment_id: str, state: str, now: datetime, **values: Any) -> None:
    """Write what became of a payment; a settled one is tried no more unless `next_try_at` is among the values."""
    values.setdefault("next_try_at", None)
    connection.execute(_SAVE, {"state": state, "changed_at": now, **values, "key": payment_id})


def save_succeeded(connection: Connection, references: dict[str, str], now: datetime) -> None:
    """Write that payments succeeded, each with what its provider calls it."""
    own = {"state": SUCCEEDED, "changed_at": now, "next_try_at": None, "reason": ""}
    rows = [{**own, "key": key, "provider_reference": reference} for key, reference in references.items()]
    if rows:
        connection.execute(_SAVE, rows)


def name(connection: Connection, payment_id: str, provider_reference: str) -> None:
    """Keep what the provider calls a payment that is still pending; nothing else of it changes."""
    connection.execute(_SAVE, {"provider_reference": provider_reference, "key": payment_id})


def find_by_provider_reference(connection: Connection, provider: str, provider_reference: str) -> Payment | None:
    """Return the charge that a provider knows by this name, or None."""
    query = select(*_COLUMNS).where(
        payment.c.provider == provider, payment.c.provider_reference == provider_reference, payment.c.kind == CHARGE
    )
    row = connection.execute(query.order_by(payment.c.payment_id)).mappings().first()
    return None if row is None else Payment(**row)


def ask_now(connection: Connection, payment_id: str, now: datetime) -> bool:
    """Have the provider asked about an open payment (or all parts of it) at once; False when none is open."""
    is_it = ((payment.c.payment_id == payment_id) | (payment.c.joint_id == payment_id), payment.c.state == STARTED)
    changed = connection.execute(update(payment).where(*is_it).values(next_try_at=now)).rowcount
    if changed:
        wake(connection, "payments")
    return changed > 0


def pay_until(connection: Connection, payment_id: str) -> datetime | None:
    """Return until when the orders of a payment wait for it, the first of them; None for an unknown payment."""
    query = (
        select(orders.c.pay_until)
        .join(payment, payment.c.order_id == orders.c.order_id)
        .where((payment.c.payment_id == payment_id) | (payment.c.joint_id == payment_id))
        .order_by(orders.c.pay_until)
    )
    return connection.scalars(query.limit(1)).first()


def of_order(connection: Connection, order_id: str) -> list[Payment]:
    """Return the order's payments, oldest first."""
    return of_orders(connection, [order_id])[order_id]


def of_orders(connection: Connection, order_ids: Iterable[str]) -> dict[str, list[Payment]]:
    """Return the payments of several orders, by order, oldest first."""
    found: dict[str, list[Payment]] = {order_id: [] for order_id in order_ids}
    for row in connection.execute(_OF_ORDERS, {"keys": list(found)}).mappings():
        found[row["order_id"]].append(Payment(**row))
    return found


def pending_refunds(connection: Connection, order_id: str) -> int:
    """Return the minor units of the order that are promised back but not yet confirmed by the provider."""
    return int(connection.scalar(_PENDING, {"key": order_id}) or 0)


def promised_back(all_of_order: Iterable[Payment]) -> int:
    """As `pending_refunds`, of an order's payments that were read already."""
    return sum(one.amount_minor for one in all_of_order if one.kind == REFUND and one.state == STARTED)


def find_due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Return payments whose fate is open and whose next try is due."""
    query = select(payment.c.payment_id).where(payment.c.state == STARTED, payment.c.next_try_at <= now)
    return list(connection.scalars(query.order_by(payment.c.next_try_at).limit(limit)))


def claim_all(
    connection: Connection, payment_ids: list[str], now: datetime, again_at: Callable[[datetime, int], datetime]
) -> list[Payment]:
    """Take due payments for one try each; without those that are settled or that another relay process took.

    `again_at(now, attempts)` is when to ask again about a payment that was asked about so often before.
    """
    due = connection.execute(_DUE_OF, {"keys": payment_ids, "now": now}).mappings()
    found = {row["payment_id"]: Payment(**row) for row in due}
    taken: list[Payment] = []
    rows: list[dict[str, Any]] = []
    asked_for: set[str] = set()
    for payment_id in payment_ids:
        paid = found.get(payment_id)
        if paid is None or paid.joint_id in asked_for:  # one try asks for all parts
            continue
        until = again_at(now, paid.attempts)
        taken.append(replace(paid, attempts=paid.attempts + 1))
        rows.append({"key": payment_id, "attempts": paid.attempts + 1, "next_try_at": until})
        if paid.joint_id is not None:
            asked_for.add(paid.joint_id)
            others = (payment.c.joint_id == paid.joint_id, payment.c.state == STARTED)
            connection.execute(update(payment).where(*others).values(next_try_at=until))
    if rows:
        connection.execute(_SAVE, rows)
    return taken
