"""Settles every queue that is on once a day, by the UTC date; what one settlement cannot take on follows at once."""

import asyncio
import logging
from datetime import datetime

from sqlalchemy import Connection

from cloud_relay import put_back
from cloud_relay.rebates import settling, store
from cloud_relay.relay import Relay

log = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
"""A settlement is of a day: a minute late is on time."""
RAN_BY = "clock"


def due(connection: Connection, now: datetime) -> list[tuple[str, str, str]]:
    """Return (market, currency, name) of the settlements of today that did not run yet.

    None while a relay that was put back from a backup is not reconciled: what it published since is not known to it.
    """
    found: list[tuple[str, str, str]] = []
    if put_back.is_marked(connection):
        return found
    for market in store.markets(connection):
        if store.terms_of(connection, market).is_on:
            for currency in store.currencies(connection, market):
                name = _next_name(connection, market, currency, f"{now:%Y-%m-%d}")
                found += [(market, currency, name)] if name else []
    return found


def _next_name(connection: Connection, market: str, currency: str, day: str) -> str:
    """Return the day's next settlement: the day itself, then day.2 … while each paid as many tickets as it may."""
    name, number = day, 1
    while (done := store.find_batch(connection, f"{market}/{currency}/{name}")) is not None:
        if done["paid_tickets"] < settling.TICKETS_MAX:
            return ""
        number += 1
        name = f"{day}.{number}"
    return name


async def work_once(relay: Relay) -> int:
    """Settle what is due now; return how many settlements ran."""
    todo = await relay.db.read(due, relay.clock.now())
    for market, currency, name in todo:
        done = await relay.db.run(settling.settle, market, currency, name, RAN_BY, relay.clock.now())
        log.info("rebates settled", extra={"market": market, "settlement": name, "paid_tickets": done["paid_tickets"]})
    return len(todo)


async def work(relay: Relay) -> None:
    """Look for ever; ends only by cancellation."""
    while True:
        if not await work_once(relay):
            await asyncio.sleep(LOOK_EVERY_S)
