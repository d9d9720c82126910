"""Puts the shop daemon together and lives its life: start, readiness, watchdog, and stopping in order."""

import asyncio
import contextlib
import fcntl
import importlib.metadata
import logging
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import httpx

from drivers.base import BadOptionsError
from edge.attendant.doors import PinDoor
from edge.attendant.machines import Machines
from edge.attendant.questions import Questions
from edge.attendant.room import AttendantRoom, Privacy
from edge.attendant.server import AttendantServer
from edge.bench import Bench, Devices
from edge.bench_check import BenchCheck
from edge.bench_check.from_afar import FromAfar
from edge.bench_check.ports import Around as AroundCheck
from edge.bench_check.ports import Table
from edge.bench_check.verbs import check_verbs
from edge.bringing import Bringing
from edge.care.backup import MOVED_AWAY
from edge.care.fence import watch_fence
from edge.clock import Clock
from edge.config import DeviceConfig, EdgeConfig
from edge.control_socket import control_socket, socket_path
from edge.counter.counter import Around as AroundCounter
from edge.counter.counter import Counter
from edge.counter.opening import listen_all, open_counter, till_page
from edge.device_host import DeviceHandle, DeviceHost
from edge.dispatch import Dispatch
from edge.enrolment import keep_certificate
from edge.identity import Identity
from edge.journal import Journal
from edge.journal.outbox import append_report
from edge.journal.transaction import Transaction
from edge.labels import find_typeface
from edge.locations.carrier import carrier_of
from edge.locations.counting import Locations
from edge.locations.placing import Placing
from edge.pictures import Pictures
from edge.relay_http import client_options
from edge.relay_link import BrokerAddress, RelayLink
from edge.room_left import RoomLeft
from edge.service import feed_watchdog, notify
from edge.tags.printing import TagPrinter
from edge.tags.verbs import tag_verbs
from edge.technician import Around, technician_verbs
from edge.verbs import verbs_for
from edge.viewing.desk import ViewingDesk
from edge.viewing.ports import ViewingOptions, ViewingPlace
from edge.viewing.spin import Outlook, Spin, Taken
from wire.commands import Command
from wire.envelope import Envelope
from wire.plan import ShopPlan
from wire.reports import PictureKind, Report, SpinTaken, SpinView
from wire.values import new_id

logger = logging.getLogger(__name__)

FLUSH_S = 3.0
CLOSE_S = 3.0
UPLOAD_S = 60.0


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


def software() -> str:
    """Return this software's name and version."""
    try:
        return f"vitrine/{importlib.metadata.version('vitrine')}"
    except importlib.metadata.PackageNotFoundError:
        return "vitrine/source"


@dataclass(slots=True)
class PlanAtHand:
    """The plan in force, for who can't wait for the journal."""

    plan: ShopPlan | None = None
    on_change: Callable[[], None] = lambda: None

    def take_plan(self, plan: ShopPlan) -> None:
        """Replace it."""
        self.plan = plan
        self.on_change()


class Shop:
    """One shop's daemon: everything is made here and nowhere else."""

    def __init__(self, config: EdgeConfig, identity: Identity) -> None:
        facts = identity.facts()
        self.config = config
        self.identity = identity
        self.shop_id: str = facts["shop_id"]
        self.clock = Clock()
        data_dir = config.shop.data_dir
        self.journal = Journal(data_dir / "journal.db", self.shop_id, now=self.clock.now)
        self.devices = DeviceHost(self.clock.wall)
        for device in config.devices.values():
            _add(self.devices, device)
        self.plan = PlanAtHand(on_change=self._plan_changed)
        self.pictures = Pictures(
            data_dir / "pictures",
            self.shop_id,
            journal=self.journal,
            private_key=identity.private_key(),
            http=lambda: httpx.AsyncClient(**client_options(self._https_url(), identity.https_tls(), UPLOAD_S)),
            clock=self.clock,
        )
        self.bench = Bench(
            journal=self.journal,
            devices=self._bench_devices(),
            take_still=lambda session_id, camera: self.desk.take_still(session_id or None, camera),
            pictures=self.pictures,
            clock=self.clock,
            ids=new_id,
            random_bytes=secrets.token_bytes,
            has_room=RoomLeft(data_dir, self.clock.monotonic),
        )
        self.bringing = Bringing(self.bench, lambda: self.plan.plan, self._ring)
        self.desk = self._desk()
        self.questions = Questions(self.journal, self.clock, self._ring)
        self.link = self._link(facts)
        self.locations = Locations(self.journal, lambda: self.plan.plan, self._ring)
        self.placing = Placing(self.journal, lambda: self.plan.plan, self.clock.monotonic)
        self.tags = self._tags()
        self.bench_check = self._bench_check()
        self.from_afar = FromAfar(self.bench_check, self.bench, self._send_report)
        self.room = AttendantRoom(
            shop_id=self.shop_id,
            language=config.shop.language,
            bench=self.bench,
            devices=self.devices,
            questions=self.questions,
            privacy=Privacy(data_dir / "privacy_is_on", self.desk.set_privacy),
            plan=self.journal.plan,
            is_relay_near=lambda: self.link.is_connected,
            picture=self.pictures.read,
            newest_pictures=self._newest_pictures,
            bench_check=self.bench_check,
            machines=self._machines(),
            locations=self.locations,
        )
        door = PinDoor(config.attendant.pin, data_dir / "attendant_secret", time.time)
        self.counter = self._counter()
        self.page = AttendantServer(self.room, door, config.attendant.port, *till_page(self.counter, data_dir))
        self.dispatch = Dispatch(
            journal=self.journal,
            bench=self.bench,
            desk=self.desk,
            pictures=self.pictures,
            questions=self.questions,
            locations=self.locations,
            tags=self.tags,
            plan_holder=self.plan,
            on_echo=self.bench_check.take_echo,
            on_check=self.from_afar.take,
        )
        self._listen()

    def _https_url(self) -> str:
        return self.config.relay.https_url or str(self.identity.facts()["https_url"])

    def _handle(self, name: str) -> DeviceHandle | None:
        return self.devices.handles[name] if name else None

    def _bench_devices(self) -> Devices:
        names = self.config.bench
        return Devices(
            camera=self.devices.handles[names.camera],
            printer=self.devices.handles[names.printer],
            labeller=self._handle(names.labeller),
            packer=self._handle(names.packer),
            scanner=self._handle(names.scanner),
            sorter=self._handle(names.sorter),
        )

    def _desk(self) -> ViewingDesk:
        places = [
            ViewingPlace(
                name=name,
                camera=self.devices.handles[place.camera],
                head=self._handle(place.head),
                turntable=self._handle(place.turntable),
            )
            for name, place in self.config.viewing.items()
        ]
        return ViewingDesk(
            places=places,
            plan=lambda: self.plan.plan,
            send_report=self._send_report,
            send_frame=self._send_frame,
            publish_camera_state=self.devices.set_camera,
            turn_numbers=self.journal,
            nonces=self.journal,
            relay_keys=self.identity.relay_keys,
            clock=self.clock,
            attendant=self.bringing,
            withdraw_piece=self.bringing.withdraw_piece,
            is_piece_gone=self.bringing.is_gone,
            options=ViewingOptions(
                addresses=self.config.webrtc.addresses,
                uplink_mbit_s=self.config.webrtc.uplink_mbit_s,
                viewers_max=self.config.webrtc.viewers_max,
            ),
        )

    def _spin(self) -> Spin:
        async def finish(piece_id: str, camera: str, views: tuple[Taken, ...]) -> None:
            kept = [replace(await self.pictures.keep(one.jpeg), taken_at=one.at) for one in views]
            shown = tuple(
                SpinView(angle_deg=view.angle_deg, picture_sha256=one.sha256, taken_at=one.taken_at, face=view.face)
                for view, one in zip(views, kept, strict=True)
            )

            def report(tx: Transaction) -> None:
                append_report(tx, SpinTaken(piece_id=piece_id, camera=camera, views=shown))
                for one in {one.sha256: one for one in kept}.values():
                    self.pictures.offer(tx, piece_id, one, PictureKind.SPIN, previous="")

            await self.journal.write(report)

        outlook = Outlook(
            plan=lambda: self.plan.plan,
            take_still=lambda camera: self.desk.take_still(None, camera),
            is_clear=self.bench.is_clear,
            is_checking=lambda: self.bench_check.state()["running"] is not None,
            finish=finish,
            now=self.clock.now,
            monotonic=self.clock.monotonic,
        )
        return Spin(self.desk.places.values(), outlook)

    def _bench_check(self) -> BenchCheck:
        tables = [
            Table(camera=name, handle=self.devices.handles[place.turntable])
            for name, place in self.config.viewing.items()
            if place.turntable
        ]
        around = AroundCheck(
            bench=self.bench,
            devices=self._bench_devices(),
            tables=tuple(tables),
            take_still=self.desk.take_still,
            is_watched=self.desk.is_watched,
            is_private=lambda: self.room.privacy.is_on,
            plan=lambda: self.plan.plan,
            send_echo=self._send_report,
            pictures=self.pictures,
            journal=self.journal,
            clock=self.clock,
            face=find_typeface(),
            ids=new_id,
            random_bytes=secrets.token_bytes,
            software=software(),
        )
        return BenchCheck(around, self.config.shop.data_dir / "bench_check")

    def _counter(self) -> Counter | None:
        around = AroundCounter(
            journal=self.journal,
            plan=lambda: self.plan.plan,
            is_relay_near=lambda: self.link.is_connected,
            take_still=lambda camera: self.desk.take_still(None, camera),
            cameras=tuple(self.config.viewing),
            pictures=self.pictures,
            is_private=lambda: self.room.privacy.is_on,
            look_at_place=self.placing.look,
        )
        return open_counter(self.config, self.devices, around)

    def _machines(self) -> Machines:
        places = self.config.viewing.items()
        return Machines(
            bench=self.bench,
            labeller=self._handle(self.config.bench.labeller),
            tables={name: self.devices.handles[place.turntable] for name, place in places if place.turntable},
            places=lambda: self.desk.places,
            is_watched=self.desk.is_watched,
            is_checking=lambda: self.bench_check.state()["running"] is not None,
        )

    def _around(self) -> Around:
        return Around(
            config=self.config,
            devices=self.devices,
            bench=self.bench,
            desk=self.desk,
            journal=self.journal,
            face=find_typeface(),
            plan=lambda: self.plan.plan,
            take_plan=self.plan.take_plan,
            is_private=lambda: self.room.privacy.is_on,
            is_checking=lambda: self.bench_check.state()["running"] is not None,
            random_bytes=secrets.token_bytes,
        )

    def _tags(self) -> TagPrinter:
        return TagPrinter(
            journal=self.journal, bench=self.bench, printer=self.devices.handles[self.config.bench.printer],
            clock=self.clock, face=find_typeface(), has_room=RoomLeft(self.config.shop.data_dir, self.clock.monotonic),
        )  # fmt: skip

    def _broker(self) -> tuple[str, int]:
        relay, facts = self.config.relay, self.identity.facts()
        return relay.mqtt_host or facts["mqtt_host"], relay.mqtt_port or facts["mqtt_port"]

    def _link(self, facts: dict[str, Any]) -> RelayLink:
        relay = self.config.relay
        return RelayLink(
            shop_id=self.shop_id,
            address=lambda: BrokerAddress(
                host=relay.mqtt_host or facts["mqtt_host"],
                port=relay.mqtt_port or facts["mqtt_port"],
                protocol=relay.mqtt_protocol,
            ),
            tls=self.identity.mqtt_tls,
            keys=self.identity.relay_keys,
            journal=self.journal,
            clock=self.clock,
            on_command=self._take,
            software=software(),
        )

    def _listen(self) -> None:
        self.bench.take_place, self.bench.take_placed = self.placing.take_place, self.placing.take_piece
        self.journal.listen(lambda table: self.link.wake() if table in ("acks", "reports") else None)
        self.bench.listen(self.room.changed)
        self.bench_check.listen(self.room.changed)
        self.bench_check.listen(self.from_afar.changed)
        self.bench.listen(self.from_afar.changed)
        self.devices.listen(self.link.set_state)
        self.devices.listen(lambda _state: self.room.changed())
        self.link.listen(lambda _is_near: self.room.changed())
        if self.counter is not None:
            listen_all(self.counter, self.link, self.devices)
        self.link.listen(lambda is_near: self.from_afar.again() if is_near else None)

    async def _newest_pictures(self) -> dict[str, str]:
        """Return the newest picture's hash of each parcel in work."""
        of_open = "parcel_id in (select parcel_id from parcels where is_open = 1)"
        sql = f"select parcel_id, sha256 from pictures where {of_open} order by taken_at"  # noqa: S608  # our own words
        return dict(await self.journal.read(lambda tx: tx.run(sql)))

    def _ring(self) -> None:
        self.room.changed()

    def _send_report(self, report: Report) -> bool:
        return self.link.send(report)

    def _send_frame(self, session_id: str, jpeg: bytes) -> bool:
        return self.link.send_frame(session_id, jpeg)

    def _take(self, envelope: Envelope, command: Command) -> None:
        self.dispatch.take(envelope, command)

    def _plan_changed(self) -> None:
        if self.counter is not None:
            self.counter.changed()
        self.bringing.gone.clear()
        self.room.changed()

    async def run(self, stop: asyncio.Event) -> None:
        """Live until `stop` is set, or until a bug in some task ends everything."""
        await self.journal.open()
        self.plan.plan = await self.journal.plan()
        await self.locations.learn(self.plan.plan)
        await self.bringing.forget_earlier(self.journal)
        await self.tags.open()
        verbs = technician_verbs(self._around())
        verbs |= verbs_for(self.journal, self.devices, self.link, self.clock)
        verbs |= check_verbs(self.bench_check, self.bench) | tag_verbs(self.tags)
        try:
            async with control_socket(socket_path(self.config.shop.data_dir), verbs), asyncio.TaskGroup() as tasks:
                running = await self._start(tasks)
                await stop.wait()
                await self._stop(running)
        finally:
            await self._close()

    async def _start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[Any]]:
        works = {
            "desk": self.desk.run(),
            "bringing": self.bringing.run(self.desk),
            "bench": self.bench.run(),
            "bench check": self.bench_check.run(),
            "bench check from afar": self.from_afar.run(),
            "spin": self._spin().run(),
            "tags": self.tags.run(),
            "pictures": self.pictures.run(),
            "questions": self.questions.run(),
            "room": self.room.run(),
            "page": self.page.run(),
            "durable commands": self.dispatch.run_durable(),
            "viewing commands": self.dispatch.run_viewing(),
            "certificate": keep_certificate(self.identity, self.clock.now, self._https_url()),
            "fence": watch_fence(self.identity, self._broker, lambda: self.link.is_connected, self.clock),
            "watchdog": feed_watchdog(),
        }
        carrier = carrier_of(
            self._handle(self.config.bench.sorter), self.journal, self.bench, lambda: self.plan.plan, self.clock,
            RoomLeft(self.config.shop.data_dir, self.clock.monotonic),
        )  # fmt: skip
        works |= {"carrier": carrier.run()} if carrier else {}
        if self.counter is not None:
            works["counter"] = self.counter.run()
        works |= {f"device {handle.name}": handle.run() for handle in self.devices.runs()}
        running = [tasks.create_task(work, name=name) for name, work in works.items()]
        if self.room.privacy.is_on:
            await self.desk.set_privacy(True)
        for state in self.devices.states():
            self.link.set_state(state)
        await self.link.door.replay()
        running.append(tasks.create_task(self.link.run(), name="relay link"))
        notify("READY=1")
        logger.info("ready", extra={"shop_id": self.shop_id, "page_port": self.page.port})
        return running

    async def _stop(self, running: list[asyncio.Task[Any]]) -> None:
        """Turns end and motion stops, streams close, the page goes, the bench rests, reports leave, then all else."""
        notify("STOPPING=1")
        logger.info("stopping")
        await self.desk.close()
        self.page.stop()
        bench = next(task for task in running if task.get_name() == "bench")
        bench.cancel()
        await asyncio.wait([bench], timeout=CLOSE_S)
        await self.link.flush(FLUSH_S)
        await self.link.leave(1.0)
        for task in running:
            task.cancel()

    async def _close(self) -> None:
        """Let go of devices and journal, whatever ended the life before; a stuck device is left to the system."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self.devices.close()
        await self.journal.close()


def _add(devices: DeviceHost, device: DeviceConfig) -> None:
    devices.add(
        device.name,
        device.kind,
        device.model,
        lambda: device.driver(device.options),  # type: ignore[call-arg]  # each driver takes its own Options
        by_hand=device.driver.by_hand,
    )


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
    await Shop(config, identity).run(stop)
