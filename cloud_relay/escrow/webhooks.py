"""Webhooks: a signed event is stored once with its effect in one transaction; whatever is not proved leaves no row."""

from datetime import datetime
from functools import cache

from sqlalchemy import Connection, bindparam, update

from cloud_relay.db import insert_unless_there
from cloud_relay.escrow import payments, payouts
from cloud_relay.escrow.providers.base import ProviderEvent
from cloud_relay.escrow.settle import settle
from cloud_relay.orders import steps
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent
from cloud_relay.orders.trade import Trade
from cloud_relay.tables import provider_event

_insert = cache(insert_unless_there)
"""Writing first instead of looking first: a look at the index would meet every other event that is just written."""
_WITHOUT_EFFECT = (
    update(provider_event)
    .where(provider_event.c.provider == bindparam("of"), provider_event.c.event_id == bindparam("key"))
    .values(applied_at=None)
)
CHARGED_BACK = "payment.charged_back"


class NotYetError(RuntimeError):
    """The event is about something that we do not know of yet; the provider shall send it again. No row is kept."""


def take(connection: Connection, provider: str, event: ProviderEvent, body: bytes, now: datetime, trade: Trade) -> bool:
    """Store an event and carry out what it means; False when it was taken before. Unknown types have no effect.

    Raises NotYetError for a charge-back of a payment that has not succeeded with us: it overtook the success.
    """
    row = {
        "provider": provider, "event_id": event.event_id, "type": event.type, "body": body, "received_at": now,
        "applied_at": now,
    }  # fmt: skip
    if connection.execute(_insert(provider_event, connection.dialect.name), row).rowcount != 1:
        return False
    if not _carry_out(connection, provider, event, now, trade):
        connection.execute(_WITHOUT_EFFECT, {"of": provider, "key": event.event_id})
    return True


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
        for paid in parts:
            if paid.state != payments.SUCCEEDED:
                raise NotYetError(f"charge-back of payment {paid.payment_id}: it has not succeeded yet")
            happening = Happening(event=OrderEvent.CHARGED_BACK, actor="provider", payment_id=paid.payment_id)
            steps.apply(connection, paid.order_id, happening, now, trade)
        return True
    if event.outcome is None:
        return False
    if event.is_hint and payments.ask_now(connection, event.payment_id, now):
        return True
    settle(connection, event.payment_id, event.outcome, now, trade)
    return True


def _carry_out_payout(connection: Connection, event: ProviderEvent, now: datetime) -> bool:
    if event.outcome is None or payouts.load(connection, event.payment_id) is None:
        return False
    payouts.settle(connection, event.payment_id, event.outcome, now)
    return True
