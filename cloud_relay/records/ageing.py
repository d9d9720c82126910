"""Takes addresses and signatures out of the orders of shoppers who are gone, once nobody can claim by them any more."""

import asyncio
import logging
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, LargeBinary, cast, delete, null, or_, select, update

from cloud_relay.orders.rules import FINAL
from cloud_relay.records.standing import NOBODY
from cloud_relay.relay import Relay
from cloud_relay.tables import account, carrier_shipment, order_line, order_signature, orders, shop_command

log = logging.getLogger(__name__)

LABEL_KEPT = timedelta(days=120)
"""After an order's end. A card payment can be charged back for 120 days (Visa and Mastercard rules for goods), and only
the label, its address and the signature prove where the parcel went."""
LOOK_EVERY_S = 3600.0
BATCH = 200


def drop_labels(connection: Connection, now: datetime, limit: int = BATCH, *whose: ColumnElement[bool]) -> int:
    """Take out what named the receiver of orders that ended LABEL_KEPT ago, of closed accounts; return how many.

    The country stays: tax went by it. An order without `address_sha256` is done already.
    """
    query = (
        select(orders.c.order_id, orders.c.address)
        .join(account, account.c.account_id == orders.c.account_id)
        .where(
            account.c.is_closed, orders.c.state.in_(FINAL), orders.c.address_sha256.is_not(None),
            or_(orders.c.ended_at.is_(None), orders.c.ended_at <= now - LABEL_KEPT), *whose,
        )
        .order_by(orders.c.order_id)
        .limit(limit)
    )  # fmt: skip
    _empty_commands(connection)
    found = connection.execute(query).all()
    for row in found:
        _drop_label(connection, row.order_id, row.address.get("country", ""))
    return len(found)


def _drop_label(connection: Connection, order_id: str, country: str) -> None:
    address = {
        "name": NOBODY, "lines": [NOBODY], "postal_code": "", "city": NOBODY, "country": country, "phone": "",
    }  # fmt: skip
    change = update(orders).where(orders.c.order_id == order_id)
    connection.execute(change.values(address=address, address_sha256=None))
    signed = update(order_signature).where(order_signature.c.order_id == order_id)
    connection.execute(signed.values(path="", name=NOBODY))
    parcels = select(order_line.c.parcel_id).where(order_line.c.order_id == order_id)
    label = update(carrier_shipment).where(carrier_shipment.c.parcel_id.in_(parcels))
    connection.execute(label.values(label=cast(null(), LargeBinary)))
    forget_commands(
        connection, shop_command.c.subject.in_(parcels), shop_command.c.type.in_(("LabelParcel", "TakeOverParcel"))
    )


FORGOTTEN = "erased"
"""Subject of a command whose words are to go as soon as its shop has acknowledged it."""


def forget_commands(connection: Connection, *which: ColumnElement[bool]) -> None:
    """Empty these commands; what a shop has not acknowledged yet is sent as it was signed, and emptied after that."""
    connection.execute(update(shop_command).where(*which).values(subject=FORGOTTEN))
    _empty_commands(connection)


def _empty_commands(connection: Connection) -> None:
    marked = shop_command.c.subject == FORGOTTEN
    connection.execute(delete(shop_command).where(marked, shop_command.c.sequence.is_(None)))
    told = (marked, shop_command.c.acked_at.is_not(None), shop_command.c.payload.is_not(None))
    connection.execute(update(shop_command).where(*told).values(data={}, payload=cast(null(), LargeBinary)))


async def work_once(relay: Relay) -> int:
    """Drop what is due now; return how many orders lost their address."""
    done = await relay.db.keep_running(drop_labels, relay.clock.now())
    if done:
        log.info("addresses dropped", extra={"orders": done})
    return done


async def work(relay: Relay) -> None:
    """Look for ever; ends only by cancellation."""
    while True:
        if not await work_once(relay):
            await asyncio.sleep(LOOK_EVERY_S)
