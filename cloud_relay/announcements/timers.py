"""Tells open pages when an announcement begins or ends; what is shown and what is paid never waits for this."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from cloud_relay.announcements import store
from cloud_relay.web.pages import page_event

if TYPE_CHECKING:
    from cloud_relay.relay import Relay

LOOK_S = 5.0
"""What was published meanwhile, here or by another relay process, is found by looking this often."""


def tell_edges(connection: Connection, after: datetime, now: datetime) -> int:
    """Tell the pages of every shop of which something began or ended in (`after`, `now`]; return how many."""
    shop_ids = store.edges(connection, after, now)
    for shop_id in shop_ids:
        page_event(connection, f"shop:{shop_id}", "announcement_changed", {}, now)
    return len(shop_ids)


async def work(relay: "Relay") -> None:
    """Look for beginnings and ends as they come, for ever."""
    mark = relay.clock.now()
    while True:
        edge = await relay.db.read(store.next_edge, mark)
        now = relay.clock.now()
        if edge is not None and edge <= now:
            await relay.db.keep_running(tell_edges, mark, now)
            mark = now
            continue
        wait_s = LOOK_S if edge is None else min(LOOK_S, (edge - now).total_seconds())
        await asyncio.sleep(max(wait_s, 0.01))
