"""A shop in memory with a bench check: the bench of tests/edge/bench, a turntable, an attendant, a relay."""

import asyncio
import contextlib
import io
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, ImageDraw

from drivers.camera import Still
from edge.bench_check import BenchCheck
from edge.bench_check.ports import Around, Table
from tests.edge.bench.fake_shop import FACE, PLAN, Fake, FakeHandle, Shop, World
from wire.bench_card import AskEcho, BenchChecked
from wire.codec import from_json

ANSWERS = {"lay_test_card": "laid", "stick_test_label": "stuck", "take_test_card": "taken"}


class FakeScanner(Fake):
    async def next_scan(self) -> Any:
        await asyncio.Event().wait()


class FakeTable(Fake):
    """A turntable whose angle is seen by its camera."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.angle = 40.0
        self.is_stuck = False

    async def angle_deg(self) -> float:
        return self.angle

    async def turn_to(self, angle_deg: float) -> None:
        self.world.truth.append(("turned", round(angle_deg)))
        if not self.is_stuck:
            self.angle = angle_deg % 360


@dataclass
class Attendant:
    """Does what the page asks, but for what stands in `leaves`; `said` is what was asked, in order."""

    shop: "CheckedShop"
    leaves: set[str] = field(default_factory=set)
    answers: dict[str, str] = field(default_factory=lambda: dict(ANSWERS))
    said: list[str] = field(default_factory=list)

    async def run(self) -> None:
        while True:
            for task in await self.shop.bench.tasks():
                if task.kind.value not in self.leaves:
                    await self._do(task)
            await asyncio.sleep(0.005)

    async def _do(self, task: Any) -> None:
        kind, world = task.kind.value, self.shop.world
        self.said.append(kind)
        if kind == "scan_test_label":
            if world.parcel:
                await self.shop.bench.on_scan(self.shop.code)
            return
        if kind == "stick_test_label" and world.mouth:
            world.parcel.append(world.mouth.pop(0))
        if kind == "take_test_card":
            world.parcel.clear()
        if kind in self.answers:
            await self.shop.bench.answer_task(task.task_id, self.answers[kind])


class CheckedShop(Shop):
    """A fake shop with everything that a bench check touches."""

    def __init__(self, folder: Any, seed: int = 1) -> None:
        super().__init__(folder, seed)
        self.drivers["scanner"] = FakeScanner(self.world)
        self.table = FakeTable(self.world)
        self.watched: set[str] = set()
        self.is_private = False
        self.is_relay_near = True
        self.plan = PLAN
        self.attendant = Attendant(self)
        self.tables = (Table(camera="table", handle=FakeHandle("turntable", self.table)),)

    async def start(self, **more: Any) -> None:
        await super().start(**more)
        around = Around(
            bench=self.bench, devices=self.make_devices(), tables=self.tables, take_still=self._still,
            is_watched=lambda camera: camera in self.watched or (not camera and bool(self.watched)),
            is_private=lambda: self.is_private, plan=lambda: self.plan, send_echo=self._echo, pictures=self.pictures,
            journal=self.journal, clock=self.clock, face=FACE,
            ids=lambda prefix: f"{prefix}_{self.chance.getrandbits(40):010x}", random_bytes=self.chance.randbytes,
        )  # fmt: skip
        self.check = BenchCheck(around, self.folder / "bench_check")
        await self.check.open()
        self.lives = [asyncio.create_task(self.check.run()), asyncio.create_task(self.attendant.run())]

    async def stop(self) -> None:
        for life in self.lives:
            life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await life
        await super().stop()

    @property
    def code(self) -> str:
        return self.check._acts.code

    def _echo(self, report: AskEcho) -> bool:
        if self.is_relay_near:
            asyncio.get_running_loop().call_soon(self.check.take_echo, report.nonce, report.code)
        return True

    async def _still(self, session_id: str | None, camera: str) -> Still:
        assert session_id is None and camera == "table"
        picture = Image.new("L", (640, 360), 90)
        angle = self.table.angle
        ImageDraw.Draw(picture).pieslice((200, 60, 440, 300), angle, angle + 90, fill=230)
        out = io.BytesIO()
        picture.save(out, "JPEG")
        return Still(jpeg=out.getvalue(), width_px=640, height_px=360)

    async def checked(self, occasion: str = "setup") -> BenchChecked:
        """Run one check to its end and return its card as the relay gets it."""
        check_id = await self.check.begin(occasion)
        await self.wait_for(lambda: not self.check.state()["running"] and not self.check.state()["is_clearing"], 30)
        return await self.card(check_id)

    async def card(self, check_id: str) -> BenchChecked:
        found = [data for kind, data in await self.reports() if kind == "BenchChecked"]
        (card,) = [from_json(BenchChecked, data) for data in found if data["check_id"] == check_id]
        return card


def results(card: BenchChecked) -> dict[str, str]:
    return {step.step: step.result.value for step in card.steps}
