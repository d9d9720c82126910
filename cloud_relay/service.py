"""What systemd is told: ready, still alive, stopping. Says nothing when systemd did not start us."""

import asyncio
import os
import socket
from collections.abc import Callable


def notify(state: str) -> None:
    """Send one line of sd_notify(3) to the socket that systemd named; `@` begins an abstract address."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.connect("\0" + address[1:] if address.startswith("@") else address)
        sender.sendall(state.encode())


async def keep_told(is_serving: Callable[[], bool]) -> None:
    """Say READY once `is_serving`, then feed the watchdog from the event loop, twice as often as asked."""
    while not is_serving():  # noqa: ASYNC110  # uvicorn tells by a flag, not by an event
        await asyncio.sleep(0.02)
    notify("READY=1")
    asked_us = int(os.environ.get("WATCHDOG_USEC", "0"))
    while asked_us:
        notify("WATCHDOG=1")
        await asyncio.sleep(asked_us / 2e6)
