"""Ends verdicts and suspensions when their time has come, reminds before that, and drops drafts nobody sent."""

import asyncio
import logging
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from cloud_relay.onboarding import store, verdicts
from cloud_relay.onboarding.rules import REMIND_BEFORE, STEPS, By

if TYPE_CHECKING:
    from cloud_relay.relay import Relay

log = logging.getLogger(__name__)

LOOK_S = 60.0
"""Verdicts hold for days; a minute late is on time."""


def is_due(connection: Connection, now: datetime) -> bool:
    """Return whether anything is to be done, by reading alone."""
    over = store.states_over(connection, now, STEPS[By.CLOCK]) or store.drafts_over(connection, now)
    return bool(over or store.ending(connection, now + max(REMIND_BEFORE)))


def do_due(connection: Connection, now: datetime) -> tuple[int, int, int]:
    """Do what is due; return how many states ended, reminders went out, drafts were dropped."""
    return verdicts.end_states(connection, now), verdicts.remind(connection, now), verdicts.drop_drafts(connection, now)


async def work(relay: "Relay") -> None:
    """Look now and then, for ever."""
    while True:
        now = relay.clock.now()
        if await relay.db.read(is_due, now):
            ended, reminded, dropped = await relay.db.keep_running(do_due, now)
            if ended or reminded or dropped:
                log.info("onboarding: %d states ended, %d reminders, %d drafts dropped", ended, reminded, dropped)
        await asyncio.sleep(LOOK_S)
