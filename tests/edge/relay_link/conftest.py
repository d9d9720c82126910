"""One shop's link and journal on a real broker, without devices."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edge.clock import Clock
from edge.journal import Journal
from edge.relay_link import BrokerAddress, RelayLink
from wire.commands import Command

SHOP = "teahouse"


@dataclass
class Shop:
    """One shop's link and journal, without devices."""

    link: RelayLink
    journal: Journal
    clock: Clock
    taken: list[Command] = field(default_factory=list)
    task: Any = None

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


@pytest.fixture
async def start_shop(
    tmp_path: Path, relay: Any, make_identity: Callable[..., Any], eventually: Callable[..., Any]
) -> AsyncIterator[Callable[..., Any]]:
    identity = make_identity(tmp_path / "shop")
    opened: list[Shop] = []

    async def start(protocol: int = 5, port: int | None = None, *, is_awaited: bool = True) -> Shop:
        clock = Clock()
        journal = Journal(tmp_path / "shop" / "journal.db", SHOP, now=clock.now)
        await journal.open()
        taken: list[Command] = []
        link = RelayLink(
            shop_id=SHOP,
            address=lambda: BrokerAddress(host="127.0.0.1", port=port or relay.broker.port, protocol=protocol),
            tls=identity.mqtt_tls,
            keys=identity.relay_keys,
            journal=journal,
            clock=clock,
            on_command=lambda _envelope, command: taken.append(command),
            jitter=lambda: 0.0,
        )
        journal.listen(lambda table: link.wake() if table in ("acks", "reports") else None)
        shop = Shop(link, journal, clock, taken, asyncio.create_task(link.run()))
        opened.append(shop)
        if is_awaited:
            await eventually(lambda: shop.link.is_connected, what="the link")
        return shop

    yield start
    for shop in opened:
        await shop.stop()
        await shop.journal.close()
