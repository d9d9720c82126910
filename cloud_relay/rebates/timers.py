"""Settles every queue that is on once a day, by the UTC date; what one settlement cannot take on follows at once."""

import asyncio
import logging
from datetime import datetime

from sqlalchemy import Connection

from cloud_relay import put_back
from cloud_relay.db import DatabaseBusyError
from cloud_relay.rebates import settling, store
from cloud_relay.refusals import RefusedError
from cloud_relay.relay import Relay

log = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
"""A settlement is of a day: a minute late is on time."""


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
    """Return the day's next settlement: the day itself, then day.2 … while each left something over."""
    newest = store.newest_of_day(connection, market, currency, settling.CLOCK, day)
    if newest is None:
        return day
    number = int(newest["name"].removeprefix(day).removeprefix(".") or 1)
    return f"{day}.{number + 1}" if newest["has_more"] else ""


async def work_once(relay: Relay) -> int:
    """Settle what is due now; return how many settlements ran. One that cannot run now is due again at the next look.

    A market that was switched off a moment ago, or a database that is busy with sales, stops no other queue.
    """
    ran = 0
    for market, currency, name in await relay.db.read(due, relay.clock.now()):
        about = {"market": market, "settlement": name}
        try:
            done = await relay.db.run(settling.settle, market, currency, name, settling.CLOCK, relay.clock.now())
        except (RefusedError, DatabaseBusyError) as error:
            log.warning("rebates not settled: %s", error, extra=about)
            continue
        log.info("rebates settled", extra={**about, "paid_tickets": done["paid_tickets"]})
        ran += 1
    return ran


async def work(relay: Relay) -> None:
    """Look for ever; ends only by cancellation."""
    while True:
        if not await work_once(relay):
            await asyncio.sleep(LOOK_EVERY_S)
