"""Looks for suggestions as soon as something changed, keeps the index of promotions, ends what is over."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from cloud_relay.suggestions import answering, index, service, store
from cloud_relay.suggestions.rules import Cause, Event

if TYPE_CHECKING:
    from cloud_relay.relay import Relay

log = logging.getLogger(__name__)

LOOK_S = 5.0
"""What another relay process wrote down, and what ends by time, is found by looking this often."""
AGAIN_AFTER = timedelta(hours=1)
"""So late at most the index knows of a new listing in a shop whose promotion is for all it has."""
BATCH = 20
SEEKERS_MAX = 200
"""For so many a new promotion looks for groups at once; the others meet it at their next purchase or wish."""


def tend(connection: Connection, now: datetime) -> bool:
    """Bring the index of promotions up to date and end what is over; tell whether there is more of it at once."""
    stale = index.stale_promotions(connection, now, now - AGAIN_AFTER, BATCH)
    for promotion_id in stale:
        keys, is_new = index.index_promotion(connection, promotion_id, now)
        if is_new and keys:
            store.ask(connection, index.seekers(connection, keys, now, SEEKERS_MAX), Cause.PROMOTION.value, now)
    ended = index.ended_promotions(connection, now, BATCH)
    for promotion_id in ended:
        index.forget_promotion(connection, promotion_id)
        for suggestion_id in store.open_of_promotion(connection, promotion_id):
            answering.end(connection, suggestion_id, Event.TOO_FEW, now)
    due = store.due(connection, now, BATCH)
    for suggestion_id in due:
        answering.end(connection, suggestion_id, Event.DUE, now)
    return BATCH in (len(stale), len(ended), len(due))


def look_next(connection: Connection, now: datetime) -> bool:
    """Look for suggestions to who waits longest; False when nobody waits."""
    waiting = store.next_due(connection)
    if waiting is None:
        return False
    if store.take_due(connection, waiting["account_id"]):
        service.look_for(connection, waiting["account_id"], Cause(waiting["cause"]), now)
    return True


def has_work(connection: Connection, now: datetime) -> bool:
    """Tell whether anything is to be done: asked often, so it only reads."""
    return (
        store.next_due(connection) is not None
        or bool(index.stale_promotions(connection, now, now - AGAIN_AFTER, 1))
        or bool(index.ended_promotions(connection, now, 1))
        or bool(store.due(connection, now, 1))
    )


async def work_once(relay: "Relay") -> int:
    """Do all that waits now, each shopper in a transaction of their own; return for how many was looked."""
    looked = 0
    if await relay.db.read(has_work, relay.clock.now()):
        while await relay.db.keep_running(tend, relay.clock.now()):
            pass
        while await relay.db.keep_running(look_next, relay.clock.now()):
            looked += 1
    return looked


async def work(relay: "Relay") -> None:
    """Work for ever; ends only by cancellation."""
    woken = asyncio.Event()
    relay.db.listen(service.WAKES, woken.set)
    try:
        while True:
            looked = await work_once(relay)
            if looked:
                log.info("suggestions looked for", extra={"shoppers": looked})
            try:
                async with asyncio.timeout(LOOK_S):
                    await woken.wait()
            except TimeoutError:
                pass
            woken.clear()
    finally:
        relay.db.forget(service.WAKES, woken.set)
