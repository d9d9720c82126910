"""Does what is due: reservations and orders whose deadline is reached. All it knows stands in the rows."""

import asyncio
import logging

from cloud_relay.clock import Clock
from cloud_relay.db import Database, keep_trying
from cloud_relay.orders import reservations, steps, store
from cloud_relay.orders.trade import Trade

log = logging.getLogger(__name__)

POLL_S = 0.5
"""Deadlines are minutes to weeks; half a second late is on time for people, and one small read for the database."""
BATCH = 100


async def run(db: Database, clock: Clock, trade: Trade) -> None:
    """Work for ever."""
    while True:
        if not await keep_trying(lambda: work_once(db, clock, trade)):
            await asyncio.sleep(POLL_S)


async def work_once(db: Database, clock: Clock, trade: Trade) -> int:
    """Let everything happen that is due now, each order in its own transaction; return how much that was."""
    now = clock.now()
    until = await db.read(reservations.next_until)
    ended = await db.run(reservations.expire_due, now, BATCH) if until is not None and until <= now else 0
    due = await db.read(store.find_due, now, BATCH)
    for order_id in due:
        await db.run(steps.settle_due, order_id, now, trade)
    if ended or due:
        log.info("deadlines reached", extra={"reservations": ended, "orders": len(due)})
    return ended + len(due)
