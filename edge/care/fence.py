"""A box whose certificate was taken back does nothing more: another box speaks for this shop now."""

import asyncio
import logging
from collections.abc import Callable

from edge.care.network import TAKEN_BACK, look_at_broker
from edge.clock import Clock
from edge.identity import Identity

logger = logging.getLogger(__name__)

LOOK_S = 5.0
"""How soon a cut-off box learns that it was replaced, and not merely that the relay is away."""


async def watch_fence(
    identity: Identity, address: Callable[[], tuple[str, int]], is_near: Callable[[], bool], clock: Clock
) -> None:
    """While the relay is out of reach, ask the broker now and then whether it still knows us; ends by cancellation.

    TLS 1.3 refuses a certificate after the handshake, which to MQTT is plain silence, so this looks by itself. Taken
    back, the box forgets relay time for good: no machine starts without it.
    """
    is_told = False
    while True:
        await asyncio.sleep(LOOK_S)
        if is_near():
            continue
        seen = await asyncio.to_thread(look_at_broker, identity, *address())
        if seen.facts.get(TAKEN_BACK):
            clock.forget()
            if not is_told:
                logger.critical("certificate taken back: another box speaks for this shop; nothing moves here any more")
            is_told = True
