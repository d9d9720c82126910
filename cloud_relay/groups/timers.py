"""Ends group orders whose deadline is reached, and tells those who wait an hour before it."""

import asyncio
import logging
from datetime import datetime, timedelta

from sqlalchemy import Connection

from cloud_relay.db import DatabaseBusyError
from cloud_relay.groups import closing, rules, store, telling
from cloud_relay.relay import Relay

log = logging.getLogger(__name__)

POLL_S = 0.5
"""Half a second late is on time for people, and one small read for the database."""
BATCH = 100
AT_ONCE = 8
"""Groups that end at the same moment and share a commit; more would have refunds wait behind them in the line."""


def find_due(connection: Connection, now: datetime) -> tuple[list[str], list[str]]:
    """Return (groups to end, groups whose members are to be told that it is nearly over)."""
    return store.find_due(connection, now, BATCH), store.find_nearly(connection, now, BATCH)


def warn(connection: Connection, group_id: str, now: datetime) -> None:
    """Tell the members once that an hour is left."""
    group = store.load(connection, group_id)
    if group is None or not rules.is_open(group.state, group.close_until, now):
        return
    store.save(connection, group, warned_at=now)
    left = int((group.close_until - now) / timedelta(minutes=1))
    telling.notify(connection, group, "group_nearly_over", now, minutes=str(left))


async def work_once(relay: Relay) -> int:
    """Do what is due now; return how many groups that was."""
    now, trade = relay.clock.now(), relay.trading.trade
    due, nearly = await relay.db.read(find_due, now)
    room = asyncio.Semaphore(AT_ONCE)

    async def end(group_id: str) -> None:
        async with room:
            try:
                await relay.db.run_in_line(closing.settle_due, group_id, now, trade)
            except DatabaseBusyError as error:  # the next look finds it again
                log.warning("group order waits: %s", error, extra={"group_id": group_id})

    await asyncio.gather(*(end(one) for one in due))
    for group_id in nearly:
        await relay.db.keep_running(warn, group_id, now)
    if due:
        log.info("group orders ended", extra={"groups": len(due)})
    return len(due) + len(nearly)


async def work(relay: Relay) -> None:
    """Look for ever; ends only by cancellation."""
    while True:
        if not await work_once(relay):
            await asyncio.sleep(POLL_S)
