"""What every room is given: settings, clock, database, keys and the link to the shops. Made once by app.py."""

from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from cloud_relay.authority import Authority
from cloud_relay.bench_checks.room import CheckRoom
from cloud_relay.carriers.base import Carriers
from cloud_relay.clock import Clock
from cloud_relay.db import Database
from cloud_relay.notices.worker import NoticeWorker
from cloud_relay.pictures import PictureStore
from cloud_relay.settings import Settings
from cloud_relay.shop_link import ShopLink
from cloud_relay.trading import Trading
from cloud_relay.viewing.room import ViewingRoom
from cloud_relay.web.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The collaborators of one relay process."""

    settings: Settings
    clock: Clock
    db: Database
    authority: Authority
    link: ShopLink
    pictures: PictureStore
    viewing: ViewingRoom
    checks: CheckRoom
    trading: Trading
    notices: NoticeWorker
    carriers: Carriers = field(default_factory=Carriers)
    metrics: Metrics = field(default_factory=Metrics)


async def relay_of(connection: HTTPConnection) -> Relay:
    """Return the Relay that serves this request or WebSocket; a coroutine, because others cost a thread's turn."""
    return cast("Relay", connection.app.state.relay)


RelayDep = Annotated[Relay, Depends(relay_of)]
"""A route's parameter of this type gets the Relay."""
