"""SQL of payments: a row for each charge and each refund, written before the provider is asked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from cloud_relay.db import wake
from cloud_relay.tables import payment
from wire.values import new_id

CHARGE, REFUND = "charge", "refund"
STARTED, SUCCEEDED, FAILED = "started", "succeeded", "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One movement between the shopper and us; `charge_id` is the charge that a refund gives back."""

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


_COLUMNS = [payment.c[name] for name in Payment.__dataclass_fields__]
_LOAD = select(*_COLUMNS).where(payment.c.payment_id == bindparam("key"))
_INSERT = insert(payment)
_SAVE = update(payment).where(payment.c.payment_id == bindparam("key"))


def start(
    connection: Connection, kind: str, order_id: str, amount_minor: int, currency: str, now: datetime,
    *, provider: str, method: str, charge_id: str | None = None, next_try_at: datetime | None = None,
) -> str:  # fmt: skip
    """Write the intent to move money and return its id, which is also its key at the provider."""
    payment_id = new_id("pay" if kind == CHARGE else "ref")
    row = {
        "payment_id": payment_id, "order_id": order_id, "provider": provider, "state": STARTED, "kind": kind,
        "amount_minor": amount_minor, "currency": currency, "method": method, "charge_id": charge_id,
        "started_at": now, "changed_at": now, "next_try_at": next_try_at or now,
    }  # fmt: skip
    connection.execute(_INSERT, row)
    if row["next_try_at"] == now:
        wake(connection, "payments")
    return payment_id


def load(connection: Connection, payment_id: str) -> Payment | None:
    """Return the payment, or None."""
    row = connection.execute(_LOAD, {"key": payment_id}).mappings().one_or_none()
    return None if row is None else Payment(**row)


def save(connection: Connection, payment_id: str, state: str, now: datetime, **values: Any) -> None:
    """Write what became of a payment; a settled one is tried no more unless `next_try_at` is among the values."""
    values.setdefault("next_try_at", None)
    connection.execute(_SAVE, {"state": state, "changed_at": now, **values, "key": payment_id})


def of_order(connection: Connection, order_id: str) -> list[Payment]:
    """Return the order's payments, oldest first."""
    query = select(*_COLUMNS).where(payment.c.order_id == order_id).order_by(payment.c.started_at, payment.c.payment_id)
    return [Payment(**row) for row in connection.execute(query).mappings()]


def pending_refunds(connection: Connection, order_id: str) -> int:
    """Return the minor units of the order that are promised back but not yet confirmed by the provider."""
    query = select(func.coalesce(func.sum(payment.c.amount_minor), 0)).where(
        payment.c.order_id == order_id, payment.c.kind == REFUND, payment.c.state == STARTED
    )
    return int(connection.scalar(query) or 0)


def find_due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Return payments whose fate is open and whose next try is due."""
    query = select(payment.c.payment_id).where(payment.c.state == STARTED, payment.c.next_try_at <= now)
    return list(connection.scalars(query.order_by(payment.c.next_try_at).limit(limit)))


def claim(connection: Connection, payment_id: str, now: datetime, again_at: datetime) -> Payment | None:
    """Take a due payment for one try; None when it is settled or another relay process took it."""
    change = (
        update(payment)
        .where(payment.c.payment_id == payment_id, payment.c.state == STARTED, payment.c.next_try_at <= now)
        .values(attempts=payment.c.attempts + 1, next_try_at=again_at)
    )
    return load(connection, payment_id) if connection.execute(change).rowcount == 1 else None
