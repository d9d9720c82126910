"""Moves listings on show and off at their planned times."""

import asyncio
from typing import TYPE_CHECKING

from cloud_relay.publishing import schedule, store

if TYPE_CHECKING:
    from cloud_relay.relay import Relay

LOOK_S = 5.0
"""What was planned meanwhile, here or by another relay process, is found by looking this often."""


async def work(relay: "Relay") -> None:
    """Wait for the next planned time, for ever."""
    while True:
        next_at = await relay.db.read(store.next_at)
        now = relay.clock.now()
        if next_at is not None and next_at <= now:
            await relay.db.keep_running(schedule.do_due, now)
            continue
        wait_s = LOOK_S if next_at is None else min(LOOK_S, (next_at - now).total_seconds())
        await asyncio.sleep(max(wait_s, 0.01))
