"""Webhooks: a signed event is stored once with its effect in one transaction; whatever is not proved leaves no row."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from cloud_relay.escrow import payments, payouts
from cloud_relay.escrow.providers.base import ProviderEvent
from cloud_relay.escrow.settle import settle
from cloud_relay.orders import steps
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent
from cloud_relay.orders.trade import Trade
from cloud_relay.tables import provider_event

CHARGED_BACK = "payment.charged_back"


class NotYetError(RuntimeError):
    """The event is about something that we do not know of yet; the provider shall send it again. No row is kept."""


def take(connection: Connection, provider: str, event: ProviderEvent, body: bytes, now: datetime, trade: Trade) -> bool:
    """Store an event and carry out what it means; False when it was taken before. Unknown types have no effect.

    Raises NotYetError for a charge-back of a payment that has not succeeded with us: it overtook the success.
    """
    own = (provider_event.c.provider == provider, provider_event.c.event_id == event.event_id)
    if connection.execute(select(provider_event.c.event_id).where(*own)).first() is not None:
        return False
    row = {"provider": provider, "event_id": event.event_id, "type": event.type, "body": body, "received_at": now}
    connection.execute(insert(provider_event).values(row))
    if _carry_out(connection, event, now, trade):
        connection.execute(update(provider_event).where(*own).values(applied_at=now))
    return True


def _carry_out(connection: Connection, event: ProviderEvent, now: datetime, trade: Trade) -> bool:
    if payouts.load(connection, event.payment_id) is not None and event.outcome is not None:
        payouts.settle(connection, event.payment_id, event.outcome, now)
        return True
    paid = payments.load(connection, event.payment_id)
    if paid is None:
        return False
    if event.type == CHARGED_BACK:
        if paid.state != payments.SUCCEEDED:
            raise NotYetError(f"charge-back of payment {paid.payment_id}: it has not succeeded yet")
        happening = Happening(event=OrderEvent.CHARGED_BACK, actor="provider", payment_id=paid.payment_id)
        steps.apply(connection, paid.order_id, happening, now, trade)
        return True
    if event.outcome is None:
        return False
    settle(connection, event.payment_id, event.outcome, now, trade)
    return True
