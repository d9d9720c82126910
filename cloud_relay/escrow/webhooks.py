"""Webhooks: a signed event is stored once with its effect in one transaction; whatever is not proved leaves no row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, update
from sqlalchemy.sql.dml import ReturningInsert

from cloud_relay.db import insert_unless_there
from cloud_relay.escrow import payments, payouts, service
from cloud_relay.escrow.providers.base import Outcome, ProviderEvent
from cloud_relay.escrow.settle import settle, settle_all
from cloud_relay.orders import steps
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent
from cloud_relay.orders.trade import Trade
from cloud_relay.tables import provider_event


@cache
def _insert(dialect: str) -> ReturningInsert[Any]:
    """Return what writes those events that are new, and names them.

    Writing first instead of looking first: a look at the index would meet every other event that is just written.
    """
    own = provider_event.c
    return insert_unless_there(provider_event, dialect).returning(own.provider, own.event_id)


_WITHOUT_EFFECT = (
    update(provider_event)
    .where(provider_event.c.provider == bindparam("of"), provider_event.c.event_id == bindparam("key"))
    .values(applied_at=None)
)
CHARGED_BACK = "payment.charged_back"


class NotYetError(RuntimeError):
    """The event is about something that we do not know of yet; the provider shall send it again. No row is kept."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event that a provider proved, with the bytes in which it came."""

    provider: str
    event: ProviderEvent
    body: bytes
    at: datetime

    @property
    def key(self) -> tuple[str, str]:
        """What makes it one event, however often it comes."""
        return self.provider, self.event.event_id


def take(connection: Connection, provider: str, event: ProviderEvent, body: bytes, now: datetime, trade: Trade) -> bool:
    """Store an event and carry out what it means; False when it was taken before. Unknown types have no effect.

    Raises NotYetError for a charge-back of a payment that has not succeeded with us: it overtook the success.
    """
    return take_all(connection, [Arrived(provider, event, body, now)], trade)[0]


def take_all(connection: Connection, arrived: Sequence[Arrived], trade: Trade) -> list[bool]:
    """As `take`, of several at once; the money of refunds that arrived is posted together."""
    rows = [
        {"provider": one.provider, "event_id": one.event.event_id, "type": one.event.type, "body": one.body,
         "received_at": one.at, "applied_at": one.at}
        for one in arrived
    ]  # fmt: skip
    new = {(row.provider, row.event_id) for row in connection.execute(_insert(connection.dialect.name), rows)}
    answers, refunds = [], payments.load_all(connection, [one.event.payment_id for one in arrived])
    back: list[tuple[str, Outcome]] = []
    for one in arrived:
        answers.append(one.key in new)
        if one.key not in new:
            continue
        new.remove(one.key)  # the second copy of it in this list is none
        paid, outcome = refunds.get(one.event.payment_id), one.event.outcome
        is_plain = outcome is not None and one.event.type != CHARGED_BACK and not one.event.is_hint
        if paid is not None and paid.kind == payments.REFUND and outcome is not None and is_plain:
            back.append((paid.payment_id, outcome))
        elif not _carry_out(connection, one.provider, one.event, one.at, trade):
            connection.execute(_WITHOUT_EFFECT, {"of": one.provider, "key": one.event.event_id})
    if back:
        settle_all(connection, back, arrived[-1].at, trade)
    return answers


def _carry_out(connection: Connection, provider: str, event: ProviderEvent, now: datetime, trade: Trade) -> bool:
    whole = payments.load(connection, event.payment_id)
    if whole is None and event.provider_reference:
        whole = payments.find_by_provider_reference(connection, provider, event.provider_reference)
        if whole is None:
            raise NotYetError(f"event {event.event_id}: nothing of ours is called {event.provider_reference} yet")
    joint_id = event.payment_id if whole is None else whole.joint_id  # what is found by one part is about all parts
    parts = payments.parts_of(connection, joint_id) if joint_id else [whole] if whole is not None else []
    if not parts:
        return _carry_out_payout(connection, event, now)
    if event.type == CHARGED_BACK:
        return _charge_back(connection, parts, now, trade)
    if event.outcome is None:
        return False
    if event.is_hint and payments.ask_now(connection, event.payment_id, now):
        return True
    settle(connection, event.payment_id, event.outcome, now, trade)
    return True


def _charge_back(connection: Connection, parts: list[payments.Payment], now: datetime, trade: Trade) -> bool:
    """Take back what the bank took; False when it was taken back before, for a bank may say so in several events."""
    for paid in parts:
        if paid.state != payments.SUCCEEDED:
            raise NotYetError(f"charge-back of payment {paid.payment_id}: it has not succeeded yet")
    left = [paid for paid in parts if not service.is_charged_back(connection, paid)]
    for paid in left:
        happening = Happening(event=OrderEvent.CHARGED_BACK, actor="provider", payment_id=paid.payment_id)
        steps.apply(connection, paid.order_id, happening, now, trade)
    return bool(left)


def _carry_out_payout(connection: Connection, event: ProviderEvent, now: datetime) -> bool:
    if event.outcome is None or payouts.load(connection, event.payment_id) is None:
        return False
    payouts.settle(connection, event.payment_id, event.outcome, now)
    return True
