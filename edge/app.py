"""Lives the shop daemon's life: alone in its folder, start, readiness, watchdog, and stopping in order."""

import asyncio
import contextlib
import fcntl
import logging
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from drivers.base import BadOptionsError
from edge.bench_check.verbs import check_verbs
from edge.care.backup import MOVED_AWAY
from edge.care.fence import watch_fence
from edge.config import EdgeConfig
from edge.control_socket import control_socket, socket_path
from edge.enrolment import keep_certificate
from edge.identity import Identity
from edge.service import feed_watchdog, notify
from edge.shop import Shop
from edge.tags.verbs import tag_verbs
from edge.technician import technician_verbs
from edge.verbs import verbs_for

logger = logging.getLogger(__name__)

FLUSH_S = 3.0
CLOSE_S = 3.0


class AlreadyRunningError(Exception):
    """Another daemon works in this data directory."""


@contextmanager
def only_daemon(data_dir: Path) -> Iterator[None]:
    """Hold the data directory for one daemon: two would both move the machines. Raises AlreadyRunningError."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock: IO[str]
    with (data_dir / "edge.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(f"{data_dir}: another shop daemon runs here; end that one first") from None
        yield


def check_identity(config: EdgeConfig, identity: Identity) -> None:
    """Refuse a configuration that names another shop; raises BadOptionsError or NotEnrolledError."""
    if (config.shop.data_dir / MOVED_AWAY).exists():
        raise BadOptionsError(
            f"{config.shop.data_dir}: this box was moved away (backup --last); its work goes on elsewhere. To use it "
            "again: vitrine-edge replace-box with a new claim"
        )
    enrolled = identity.facts()["shop_id"]
    if config.shop.id and config.shop.id != enrolled:
        raise BadOptionsError(
            f"{config.path}: shop.id: is {config.shop.id!r}, but this box is enrolled as {enrolled!r}"
        )


async def live(config: EdgeConfig, identity: Identity) -> None:
    """Run the daemon until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(Shop(config, identity), stop)


async def run(shop: Shop, stop: asyncio.Event) -> None:
    """Live until `stop` is set, or until a bug in some task ends everything."""
    await shop.journal.open()
    shop.plan.plan = await shop.journal.plan()
    await shop.locations.learn(shop.plan.plan)
    await shop.bringing.forget_earlier(shop.journal)
    await shop.tags.open()
    await shop.bench_check.open()
    verbs = technician_verbs(shop.around())
    verbs |= verbs_for(shop.journal, shop.devices, shop.link, shop.clock)
    verbs |= check_verbs(shop.bench_check, shop.bench) | tag_verbs(shop.tags)
    try:
        async with control_socket(socket_path(shop.config.shop.data_dir), verbs), asyncio.TaskGroup() as tasks:
            running = await _start(shop, tasks)
            await stop.wait()
            await _stop(shop, running)
    finally:
        await _close(shop)


def _works(shop: Shop) -> dict[str, Coroutine[Any, Any, None]]:
    """What runs for as long as the daemon does, but the link: that begins when the rest has."""
    works = {
        "desk": shop.desk.run(),
        "bringing": shop.bringing.run(shop.desk),
        "bench": shop.bench.run(),
        "bench check": shop.bench_check.run(),
        "bench check from afar": shop.from_afar.run(),
        "spin": shop.spin().run(),
        "tags": shop.tags.run(),
        "pictures": shop.pictures.run(),
        "questions": shop.questions.run(),
        "room": shop.room.run(),
        "page": shop.page.run(),
        "durable commands": shop.dispatch.run_durable(),
        "viewing commands": shop.dispatch.run_viewing(),
        "certificate": keep_certificate(shop.identity, shop.clock.now, shop.https_url()),
        "fence": watch_fence(shop.identity, shop.broker, lambda: shop.link.is_connected, shop.clock),
        "watchdog": feed_watchdog(),
    }
    carrier = shop.carrier()
    works |= {"carrier": carrier.run()} if carrier else {}
    if shop.counter is not None:
        works["counter"] = shop.counter.run()
    return works | {f"device {handle.name}": handle.run() for handle in shop.devices.runs()}


async def _start(shop: Shop, tasks: asyncio.TaskGroup) -> list[asyncio.Task[Any]]:
    running = [tasks.create_task(work, name=name) for name, work in _works(shop).items()]
    if shop.room.privacy.is_on:
        await shop.desk.set_privacy(True)
    for state in shop.devices.states():
        shop.link.set_state(state)
    await shop.link.door.replay()
    running.append(tasks.create_task(shop.link.run(), name="relay link"))
    notify("READY=1")
    logger.info("ready", extra={"shop_id": shop.shop_id, "page_port": shop.page.port})
    return running


async def _stop(shop: Shop, running: list[asyncio.Task[Any]]) -> None:
    """Turns end and motion stops, streams close, the page goes, the bench rests, reports leave, then all else."""
    notify("STOPPING=1")
    logger.info("stopping")
    await shop.desk.close()
    shop.page.stop()
    bench = next(task for task in running if task.get_name() == "bench")
    bench.cancel()
    await asyncio.wait([bench], timeout=CLOSE_S)
    await shop.link.flush(FLUSH_S)
    await shop.link.leave(1.0)
    for task in running:
        task.cancel()


async def _close(shop: Shop) -> None:
    """Let go of devices and journal, whatever ended the life before; a stuck device is left to the system."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await shop.devices.close()
    await shop.journal.close()
