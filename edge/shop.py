"""Puts the shop daemon together: every room is made here and nowhere else, and hears of the others here."""

import importlib.metadata
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx

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
from edge.bringing import Bringing
from edge.clock import Clock
from edge.config import DeviceConfig, EdgeConfig
from edge.counter.counter import Around as AroundCounter
from edge.counter.counter import Counter
from edge.counter.opening import listen_all, open_counter, till_page
from edge.device_host import DeviceHandle, DeviceHost
from edge.dispatch import Dispatch
from edge.identity import Identity
from edge.journal import Journal
from edge.journal.outbox import append_report
from edge.journal.transaction import Transaction
from edge.labels import find_typeface
from edge.locations.carrier import Carrier, carrier_of
from edge.locations.counting import Locations
from edge.locations.placing import Placing
from edge.pictures import Pictures
from edge.relay_http import client_options
from edge.relay_link import BrokerAddress, RelayLink
from edge.room_left import RoomLeft
from edge.tags.printing import TagPrinter
from edge.technician import Around
from edge.viewing.desk import ViewingDesk
from edge.viewing.ports import ViewingOptions, ViewingPlace
from edge.viewing.spin import Outlook, Spin, Taken
from wire.commands import Command
from wire.envelope import Envelope
from wire.plan import ShopPlan
from wire.reports import PictureKind, Report, SpinTaken, SpinView
from wire.values import new_id

UPLOAD_S = 60.0


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
            http=lambda: httpx.AsyncClient(**client_options(self.https_url(), identity.https_tls(), UPLOAD_S)),
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
        self.room = self._attendant()
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

    def https_url(self) -> str:
        return self.config.relay.https_url or str(self.identity.facts()["https_url"])

    def handle(self, name: str) -> DeviceHandle | None:
        return self.devices.handles[name] if name else None

    def _bench_devices(self) -> Devices:
        names = self.config.bench
        return Devices(
            camera=self.devices.handles[names.camera],
            printer=self.devices.handles[names.printer],
            labeller=self.handle(names.labeller),
            packer=self.handle(names.packer),
            scanner=self.handle(names.scanner),
            sorter=self.handle(names.sorter),
        )

    def _desk(self) -> ViewingDesk:
        places = [
            ViewingPlace(
                name=name,
                camera=self.devices.handles[place.camera],
                head=self.handle(place.head),
                turntable=self.handle(place.turntable),
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

    def spin(self) -> Spin:
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

    def _attendant(self) -> AttendantRoom:
        return AttendantRoom(
            shop_id=self.shop_id,
            language=self.config.shop.language,
            bench=self.bench,
            devices=self.devices,
            questions=self.questions,
            privacy=Privacy(self.config.shop.data_dir / "privacy_is_on", self.desk.set_privacy),
            plan=self.journal.plan,
            is_relay_near=lambda: self.link.is_connected,
            picture=self.pictures.read,
            newest_pictures=self._newest_pictures,
            bench_check=self.bench_check,
            machines=self._machines(),
            locations=self.locations,
        )

    def _machines(self) -> Machines:
        places = self.config.viewing.items()
        return Machines(
            bench=self.bench,
            labeller=self.handle(self.config.bench.labeller),
            tables={name: self.devices.handles[place.turntable] for name, place in places if place.turntable},
            places=lambda: self.desk.places,
            is_watched=self.desk.is_watched,
            is_checking=lambda: self.bench_check.state()["running"] is not None,
        )

    def around(self) -> Around:
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

    def carrier(self) -> Carrier | None:
        """Return who has pieces carried by the sorter, in a shop that has one."""
        return carrier_of(
            self.handle(self.config.bench.sorter), self.journal, self.bench, lambda: self.plan.plan, self.clock,
            RoomLeft(self.config.shop.data_dir, self.clock.monotonic),
        )  # fmt: skip

    def broker(self) -> tuple[str, int]:
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


def _add(devices: DeviceHost, device: DeviceConfig) -> None:
    devices.add(
        device.name,
        device.kind,
        device.model,
        lambda: device.driver(device.options),  # type: ignore[call-arg]  # each driver takes its own Options
        by_hand=device.driver.by_hand,
    )
