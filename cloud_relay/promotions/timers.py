"""Tells pages, tills and rooms when a promotion begins or is over; what counts never waits for this."""

import asyncio
import logging
from datetime import datetime

from sqlalchemy import Connection

from cloud_relay.catalog.plan import replace_plan
from cloud_relay.promotions import hooks, store
from cloud_relay.refusals import RefusedError
from cloud_relay.relay import Relay
from cloud_relay.web.pages import page_event

log = logging.getLogger(__name__)

LOOK_S = 5.0
"""What was published meanwhile, here or by another relay process, is found by looking this often."""


def tell_edges(connection: Connection, resolver_url: str, now: datetime) -> int:
    """Tell of every promotion that began or is over by `now` and was not told yet; return how many.

    A beginning changes no plan: the till knows it ahead. What is over leaves the plan.
    """
    begun, over = store.begin_due(connection, now), store.end_due(connection, now)
    for row in (*begun, *over):
        data = {"promotion_id": row["promotion_id"]}
        page_event(connection, f"shop:{row['shop_id']}", "promotion_changed", data, now)
        hooks.tell(connection, row["promotion_id"], now)
    for shop_id in sorted({row["shop_id"] for row in over}):
        _send(connection, shop_id, resolver_url, now)
    return len(begun) + len(over)


def _send(connection: Connection, shop_id: str, resolver_url: str, now: datetime) -> None:
    """Send one shop its plan; one that is too large for a message must not keep the others' behind."""
    try:
        with connection.begin_nested():
            replace_plan(connection, shop_id, resolver_url, now)
    except RefusedError as error:
        log.warning("no plan for a till: %s", error, extra={"shop_id": shop_id})


async def work(relay: Relay) -> None:
    """Look for beginnings and ends as they come, for ever."""
    while True:
        edge, now = await relay.db.read(store.next_edge), relay.clock.now()
        if edge is not None and edge <= now:
            await relay.db.keep_running(tell_edges, relay.settings.relay.public_url, now)
            continue
        wait_s = LOOK_S if edge is None else min(LOOK_S, (edge - now).total_seconds())
        await asyncio.sleep(max(wait_s, 0.01))
