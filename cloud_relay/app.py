"""Composition root: builds the relay from its settings, and runs listeners, link and timers in one TaskGroup."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

import uvicorn
from fastapi import FastAPI
from sqlalchemy import Connection, select, text, update

from cloud_relay import rooms
from cloud_relay.authority import Authority
from cloud_relay.bench_checks.room import CheckRoom
from cloud_relay.broker.mosquitto import MosquittoAdmission
from cloud_relay.carriers.routes import carriers_of
from cloud_relay.clock import Clock, RelayClock
from cloud_relay.db import Database, insert_unless_there
from cloud_relay.migrations import migrate
from cloud_relay.notices.worker import worker_of
from cloud_relay.pages import problems as problem_pages
from cloud_relay.pictures import PictureStore
from cloud_relay.relay import Relay
from cloud_relay.service import keep_told, notify
from cloud_relay.settings import Settings
from cloud_relay.shop_door import routes as shop_door
from cloud_relay.shop_link import ShopLink
from cloud_relay.shop_link.mqtt import Broker
from cloud_relay.tables import high_water
from cloud_relay.trading import trading_of
from cloud_relay.viewing.room import ViewingRoom
from cloud_relay.viewing.turn import IceServers
from cloud_relay.web import problems
from cloud_relay.web.events import PageHub
from cloud_relay.web.guard import Guard
from cloud_relay.web.metrics import Metrics
from cloud_relay.web.routing import share

log = logging.getLogger(__name__)

HIGH_WATER = "clock"
HIGH_WATER_S = 2.0
"""How often the clock's mark is stored: after a crash time may seem to go back by this much, never by more."""
DATABASE_TIME_S = 30.0
STOP_S = 5
KEEP_ALIVE_S = 75
"""Longer than any client keeps an idle connection (proxies 60 s, libraries 5 s): the one who sends closes it. A server
that closes first answers a request that is on its way with a reset, which nobody may safely send again."""


def put_together(settings: Settings, clock: Clock | None = None) -> Relay:
    """Open the database, bring it up to date, and make every collaborator of one relay process."""
    db = Database(settings.database_url)
    migrate(db)
    clock = clock or RelayClock(db.read_now(_stored_mark))
    authority = Authority(settings.data_dir / "pki")
    authority.prepare(clock.now(), settings.relay.name, settings.server_names)
    certificate, key = authority.pair(settings.relay.name)
    broker = Broker(
        host=settings.mqtt.host, port=settings.mqtt.port, name=settings.relay.name, protocol=settings.mqtt.protocol,
        ca_file=authority.folder / "ca.pem", certificate_file=certificate, key_file=key,
    )  # fmt: skip
    metrics = Metrics()
    admission = MosquittoAdmission(settings.data_dir / "mosquitto")
    link = ShopLink(broker=broker, db=db, clock=clock, authority=authority, admission=admission, metrics=metrics)
    return Relay(
        settings=settings, clock=clock, db=db, authority=authority, link=link, metrics=metrics,
        viewing=ViewingRoom(db, clock, link, authority, IceServers(settings)),
        checks=CheckRoom(db, clock, link),
        trading=trading_of(settings, db, clock),
        carriers=carriers_of(settings),
        notices=worker_of(settings, db, clock),
        pictures=PictureStore(settings.data_dir / "pictures"),
    )  # fmt: skip


def build(relay: Relay) -> FastAPI:
    """Return the public application: every room's routes on one relay."""
    app = FastAPI(title="Vitrine", version="1", docs_url=None, redoc_url=None)
    app.state.relay = relay
    app.state.pages = PageHub()
    relay.db.listen("pages", app.state.pages.wake)
    problems.install(app)
    problem_pages.install(app)
    share(app, rooms.ROUTERS)
    for join in rooms.JOINS:
        join(relay)
    app.add_middleware(Guard, limits=relay.settings.limits, show=problem_pages.page_for_anyone)
    return app


def build_door(relay: Relay) -> FastAPI:
    """Return the application of the shop door: for shop boxes, over TLS under our own CA."""
    door = FastAPI(title="Vitrine shop door", version="1", docs_url=None, redoc_url=None)
    door.state.relay = relay
    door.state.guesses = shop_door.new_guesses()
    problems.install(door)
    share(door, rooms.DOOR_ROUTERS)
    door.add_middleware(Guard, limits=relay.settings.limits)
    return door


def _stored_mark(connection: Connection) -> datetime | None:
    return connection.execute(select(high_water.c.at).where(high_water.c.name == HIGH_WATER)).scalar()


def _store_mark(connection: Connection, now: datetime) -> None:
    connection.execute(insert_unless_there(high_water, connection.dialect.name).values(name=HIGH_WATER, at=now))
    is_older = (high_water.c.name == HIGH_WATER, high_water.c.at < now)
    connection.execute(update(high_water).where(*is_older).values(at=now))


async def keep_time(relay: Relay) -> None:
    """Store the clock's mark now and then; on PostgreSQL follow the database's time, so that all relays agree."""
    followed_at = float("-inf")
    while True:
        monotonic = relay.clock.monotonic()
        if not relay.db.is_sqlite and isinstance(relay.clock, RelayClock) and monotonic - followed_at > DATABASE_TIME_S:
            relay.clock.follow(await relay.db.read(lambda c: c.execute(text("SELECT clock_timestamp()")).scalar_one()))
            followed_at = monotonic
        await relay.db.keep_running(_store_mark, relay.clock.now())
        await asyncio.sleep(HIGH_WATER_S)


class _Server(uvicorn.Server):
    """A listener that leaves signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _public(app: FastAPI, settings: Settings) -> _Server:
    own = settings.relay
    return _server(app, own.host, own.port, proxy_headers=True, forwarded_allow_ips="127.0.0.1")


def _door(app: FastAPI, relay: Relay) -> _Server:
    certificate, key = relay.authority.pair("door")
    door = relay.settings.door
    return _server(app, door.host, door.port, ssl_certfile=str(certificate), ssl_keyfile=str(key))


def _server(app: FastAPI, host: str, port: int, **more: Any) -> _Server:
    config = uvicorn.Config(
        app, host, port, log_config=None, access_log=False, lifespan="off", server_header=False,
        timeout_graceful_shutdown=STOP_S, timeout_keep_alive=KEEP_ALIVE_S, **more,
    )  # fmt: skip
    return _Server(config)


@contextlib.asynccontextmanager
async def background(relay: Relay) -> AsyncIterator[asyncio.TaskGroup]:
    """Run link, clock and the rooms' timers while the block runs; a failure of one ends the block."""
    async with asyncio.TaskGroup() as tasks:
        jobs = [
            tasks.create_task(relay.link.run(), name="shop link"),
            tasks.create_task(keep_time(relay), name="clock"),
        ]
        jobs += [tasks.create_task(_endless(work(relay)), name=work.__module__) for work in rooms.TASKS]
        try:
            yield tasks
        finally:
            for job in jobs:
                job.cancel()


async def _endless(work: object) -> None:
    await work  # type: ignore[misc]  # an Awaitable made into the coroutine that create_task wants


async def serve(relay: Relay, stop: asyncio.Event) -> None:
    """Serve until `stop`; what fails stops everything, and the process manager starts it anew."""
    servers = [_public(build(relay), relay.settings), _door(build_door(relay), relay)]
    async with background(relay) as tasks:
        listeners = [tasks.create_task(server.serve(), name="listener") for server in servers]
        log.info("relay serves %s", relay.settings.relay.public_url)
        stopped = tasks.create_task(stop.wait())
        told = tasks.create_task(keep_told(lambda: all(server.started for server in servers)), name="systemd")
        await asyncio.wait([stopped, *listeners], return_when=asyncio.FIRST_COMPLETED)
        notify("STOPPING=1")
        for server in servers:
            server.should_exit = True
        await asyncio.wait(listeners)
        stopped.cancel()
        told.cancel()


async def serve_until_signal(relay: Relay) -> None:
    """Serve until SIGTERM or SIGINT, then close the database."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(relay, stop)
    relay.db.close()
