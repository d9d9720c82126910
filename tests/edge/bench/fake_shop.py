"""A shop in memory: drivers that keep a truth of what happened, a journal on disk, a relay that only asks."""

import asyncio
import contextlib
import io
import itertools
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from drivers.base import AttendantNeededError, Condition, DeviceError, DeviceStatus, OutcomeUnknownError
from drivers.camera import Still
from drivers.label_printer import Media
from edge.bench import Bench, Devices, Task
from edge.bench.parcel import load, load_label, open_intents
from edge.clock import Clock
from edge.journal import Journal
from edge.labels import find_typeface
from edge.pictures import Pictures
from wire.commands import AnswerPhoto, Command, LabelParcel, PhotoAnswer, PreparePiece, encode_command
from wire.envelope import Envelope, decode_envelope, encode_envelope
from wire.plan import Address, LabelContent, LabelLine, PiecePlan, ShopPlan, Spot, Text
from wire.values import Sscc

FACE = find_typeface()
SHOP = "teahouse"


@dataclass
class World:
    """What is really there: labels at the mouth and on the parcel, and every physical event in order."""

    truth: list[tuple[str, Any]] = field(default_factory=list)
    mouth: list[Image.Image] = field(default_factory=list)
    parcel: list[Image.Image] = field(default_factory=list)
    last_job: int = 0
    faults: dict[str, list[DeviceError | str]] = field(default_factory=dict)
    pause: dict[str, asyncio.Event] = field(default_factory=dict)
    reached: dict[str, asyncio.Event] = field(default_factory=dict)

    def fault(self, act: str) -> DeviceError | str | None:
        waiting = self.faults.get(act, [])
        return waiting.pop(0) if waiting else None

    async def passing(self, act: str) -> None:
        """Stop here while a test holds this act."""
        if act in self.reached:
            self.reached[act].set()
        if act in self.pause:
            await self.pause[act].wait()

    def hold(self, act: str) -> tuple[asyncio.Event, asyncio.Event]:
        self.reached[act], self.pause[act] = asyncio.Event(), asyncio.Event()
        return self.reached[act], self.pause[act]

    def count(self, what: str) -> int:
        return sum(1 for event, _ in self.truth if event == what)


class Fake:
    """What every fake has; `fault` raised before the act, or a word that says how it goes wrong."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = Condition.ONLINE

    async def status(self) -> DeviceStatus:
        return DeviceStatus(condition=self.state, raw="fake")

    async def begin(self, act: str) -> str:
        await self.world.passing(act)
        fault = self.world.fault(act)
        if isinstance(fault, DeviceError):
            raise fault
        return fault or ""


class FakePrinter(Fake):
    media = Media(width_mm=100, length_mm=150, dots_per_mm=8)
    first_byte_s: float | None = None

    async def print_label(self, image: Image.Image) -> None:
        fault = await self.begin("print")
        if fault != "lost":
            self.world.mouth.append(image)
            self.world.truth.append(("printed", len(self.world.mouth)))
        if fault == "double":
            self.world.mouth.append(image)
            self.world.truth.append(("printed", 2))
        if fault in ("lost", "silent"):
            raise OutcomeUnknownError("printer fell silent", "silent")


class FakeLabeller(Fake):
    is_homed = False

    async def home(self) -> None:
        self.world.truth.append(("homed", None))
        self.is_homed = True

    async def apply(self, place: object = None) -> None:
        if not self.is_homed:
            raise AttendantNeededError("not homed", "not_homed")
        fault = await self.begin("apply")
        self.world.truth.append(("applied", None))
        label = self.world.mouth.pop(0)
        if fault not in ("drop", "drop quietly"):
            self.world.parcel.append(label)
        if fault in ("drop", "silent"):
            raise OutcomeUnknownError("robot fell silent", "silent")


class FakePacker(Fake):
    async def pack(self, job: Any) -> None:
        if self.world.last_job == job.job_no:
            return
        fault = await self.begin("pack")
        if fault != "lost":
            self.world.last_job = job.job_no
            self.world.truth.append(("packed", job.job_no))
        if fault in ("lost", "silent"):
            raise OutcomeUnknownError("packer fell silent", "silent")

    async def last_done(self) -> int:
        return self.world.last_job


class FakeCamera(Fake):
    count = itertools.count(1)

    async def still(self) -> Still:
        await self.begin("still")
        picture = Image.new("L", (1600, 1400), 170)
        for number, label in enumerate(self.world.parcel):
            picture.paste(label.convert("L"), (20 + 780 * number, 60))
        # no two pictures of a real camera are the same
        number = next(self.count)
        for bit in range(16):
            picture.paste(255 * (number >> bit & 1), (8 * bit, 0, 8 * bit + 8, 8))
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=85)
        return Still(jpeg=buffer.getvalue(), width_px=1600, height_px=1400)


class FakeHandle:
    """A handle without a host."""

    by_hand = False

    def __init__(self, name: str, driver: Fake) -> None:
        self.name, self.driver = name, driver
        self.lock = asyncio.Lock()

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Fake]:
        async with self.lock:
            yield self.driver


def piece(number: int) -> PiecePlan:
    title = Text(en=f"Teapot {number}", zh=f"茶壶 {number}")
    return PiecePlan(
        piece_id=f"piece_{number}", code=f"47{number:02}", title=title, location=f"A{number}", spot=Spot(camera="front")
    )


PLAN = ShopPlan(
    version=1,
    shop_id=SHOP,
    shop_name=Text(en="Teahouse", zh="茶馆"),
    merchant_id="m1",
    merchant_name=Text(en="Merchant"),
    resolver_url="https://v.example",
    pieces=tuple(piece(number) for number in range(1, 13)),
)


def content(parcel_id: str, label_no: int = 1, **changes: Any) -> LabelContent:
    serial = int.from_bytes(parcel_id.encode()[-3:], "big") * 10 + label_no
    sscc = str(Sscc.build("9521234", serial % 10**9, 3))
    made = LabelContent(
        order_id=f"or_{parcel_id}",
        label_no=label_no,
        to=Address(name="李小明", lines=("文三路 478 号",), postal_code="310013", city="杭州", country="CN"),
        sender_lines=("紫砂茶馆", "丁山路 12 号"),
        goods_code="https://v.example/l/1",
        merchant_code="https://v.example/m/m1",
        resolver_url=f"https://v.example/00/{sscc}",
        sscc=sscc,
        lines=(LabelLine(title=Text(en="Teapot", zh="茶壶"), serial="K7Q4"),),
    )
    return replace(made, **changes)


class Shop:
    """One life after another of a bench on one journal; `relay` methods are what the relay would send."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.folder = folder
        self.world = World()
        self.chance = random.Random(seed)
        self.wall = lambda: datetime.now(UTC)
        self.clock = Clock()
        self.key = Ed25519PrivateKey.generate()
        self.sequence = 0
        self.robot = FakeLabeller(self.world)
        self.drivers: dict[str, Fake] = {
            "camera": FakeCamera(self.world),
            "printer": FakePrinter(self.world),
            "labeller": self.robot,
            "packer": FakePacker(self.world),
        }
        self.without: set[str] = set()
        self.plan = PLAN
        self.has_room = True
        self.stack = contextlib.AsyncExitStack()

    async def start(self, *, is_synced: bool = True, on_commit: Callable[[int], None] | None = None) -> None:
        more = {"on_commit": on_commit} if on_commit else {}
        self.journal = Journal(self.folder / "journal.db", SHOP, now=self.clock.now, **more)
        await self.journal.open()
        if await self.journal.plan() is None:
            await self.journal.save_plan(self.plan)
        if is_synced:
            self.sync()
        self.pictures = Pictures(
            self.folder / "pictures",
            SHOP,
            journal=self.journal,
            private_key=self.key,
            http=httpx.AsyncClient,
            clock=self.clock,
        )
        self.bench = Bench(
            journal=self.journal,
            devices=self.make_devices(),
            take_still=self._take_still,
            pictures=self.pictures,
            clock=self.clock,
            ids=lambda prefix: f"{prefix}_{self.chance.getrandbits(80):020x}",
            random_bytes=self.chance.randbytes,
            typeface=FACE,
            has_room=lambda: self.has_room,
        )
        self.running = asyncio.create_task(self.bench.run())

    def make_devices(self) -> Devices:
        handles = {name: FakeHandle(name, driver) for name, driver in self.drivers.items() if name not in self.without}
        return Devices(**handles)

    async def _take_still(self, session_id: str, camera: str) -> Still:
        assert session_id and camera == "front"
        return await FakeCamera(self.world).still()

    def sync(self) -> None:
        self.clock.learn(datetime.now(UTC), self.clock.monotonic())

    async def stop(self) -> None:
        self.running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.running
        await self.journal.close()

    async def restart(self, **more: Any) -> None:
        await self.stop()
        await self.start(**more)

    # the relay

    async def send(self, command: Command, *, waits: bool = True, **changes: Any) -> str:
        """Receive and handle a command; with `waits` until it is finally answered."""
        self.sequence += 1
        facts: dict[str, Any] = {
            "id": f"cmd_{self.sequence}",
            "source": "relay",
            "type": type(command).__name__,
            "time": datetime.now(UTC),
            "shop_id": SHOP,
            "data": encode_command(command),
            "sequence": self.sequence,
            "deadline_s": command.DEADLINE_S,
            "subject": getattr(command, "parcel_id", ""),
        }
        envelope = Envelope(**facts | changes)
        await self.journal.receive(envelope, encode_envelope(envelope), self.clock.relay_now())
        await self.bench.handle(envelope, command)
        if waits:
            await self.wait_for(lambda: self._is_answered(envelope.id))
        return envelope.id

    async def _is_answered(self, command_id: str) -> bool:
        return (await self.ack(command_id))[0] != "accepted"

    async def wait_for(self, condition: Callable[[], Any], timeout_s: float = 30.0) -> None:
        until = asyncio.get_running_loop().time() + timeout_s
        while True:
            answer = condition()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            if asyncio.get_running_loop().time() > until:
                pytest.fail(f"waited {timeout_s} s in vain; {self.world.truth}")
            await asyncio.sleep(0.003)

    async def prepare(self, parcel_id: str = "p1", piece_no: int = 1, session_id: str = "s1") -> str:
        return await self.send(PreparePiece(parcel_id=parcel_id, piece_id=f"piece_{piece_no}", session_id=session_id))

    async def pay(self, parcel_id: str = "p1", piece_no: int = 1, label_no: int = 1) -> str:
        label = content(parcel_id, label_no)
        command = LabelParcel(parcel_id=parcel_id, piece_id=f"piece_{piece_no}", order_id=label.order_id, label=label)
        return await self.send(command)

    async def answer_photo(self, answer: PhotoAnswer = PhotoAnswer.CONFIRMED, parcel_id: str = "p1") -> str:
        parcel = await self.parcel(parcel_id)
        return await self.send(
            AnswerPhoto(parcel_id=parcel_id, picture_sha256=parcel.photo_sha256, answer=answer, reason="wrong street")
        )

    async def ack(self, command_id: str) -> tuple[str, str]:
        sql = "select payload from acks where command_id = ?"
        payload = await self.journal.read(lambda tx: tx.run(sql, (command_id,))[0][0])
        ack = json.loads(payload)
        return ack["state"], ack["reason"]

    async def reports(self) -> list[tuple[str, dict[str, Any]]]:
        unsent = await self.journal.unsent_reports(limit=1000)
        envelopes = [decode_envelope(report.payload) for report in unsent]
        return [(envelope.type, envelope.data) for envelope in envelopes]

    async def types(self) -> list[str]:
        return [kind for kind, _ in await self.reports() if kind not in ("PictureOffered", "PlanApplied")]

    # the bench

    async def parcel(self, parcel_id: str = "p1") -> Any:
        return await self.journal.read(lambda tx: load(tx, parcel_id))

    async def stage(self, parcel_id: str = "p1") -> str:
        parcel = await self.parcel(parcel_id)
        return parcel.stage.value if parcel else "none"

    async def until(self, stage: str, parcel_id: str = "p1", timeout_s: float = 30.0) -> None:
        until = asyncio.get_running_loop().time() + timeout_s
        while await self.stage(parcel_id) != stage:
            if self.running.done():
                self.running.result()
            if asyncio.get_running_loop().time() > until:
                pytest.fail(f"{parcel_id} is {await self.stage(parcel_id)}, not {stage}; {self.world.truth}")
            await asyncio.sleep(0.005)

    async def task(self, kind: str, timeout_s: float = 30.0) -> Task:
        until = asyncio.get_running_loop().time() + timeout_s
        while True:
            found = [task for task in await self.bench.tasks() if task.kind == kind]
            if found:
                return found[0]
            if asyncio.get_running_loop().time() > until:
                pytest.fail(f"no task {kind}: {[task.kind.value for task in await self.bench.tasks()]}")
            await asyncio.sleep(0.005)

    async def press(self, kind: str, answer: str) -> bool:
        task = await self.task(kind)
        return (await self.bench.answer_task(task.task_id, answer)).accepted

    async def scan_label(self, parcel_id: str = "p1") -> bool:
        parcel = await self.parcel(parcel_id)
        label = await self.journal.read(lambda tx: load_label(tx, parcel.serial))
        return (await self.bench.on_scan(label.url)).accepted

    async def pick(self, number: int = 1) -> None:
        await self.task("fetch_piece")
        assert (await self.bench.on_scan(f"47{number:02}")).accepted

    async def to_photo(self, parcel_id: str = "p1", number: int = 1) -> None:
        await self.prepare(parcel_id, number)
        await self.pay(parcel_id, number)
        await self.until("picking", parcel_id)
        await self.pick(number)
        await self.until("photo_offered", parcel_id)

    async def idle(self) -> None:
        """Wait until no act is open."""

        async def is_idle() -> bool:
            return not await self.journal.read(open_intents)

        await self.wait_for(is_idle)
