"""The attendant's page on a real port, over a bench that a test writes by hand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from drivers.base import AttendantNeededError, Condition, DeviceStatus, Driver
from edge.attendant.doors import PinDoor
from edge.attendant.questions import Questions
from edge.attendant.room import AttendantRoom, Privacy
from edge.attendant.server import AttendantServer
from edge.bench import Answer, ScanResult, Task, TaskKind
from edge.clock import Clock
from edge.device_host import DeviceHost
from edge.journal import Journal
from wire.plan import PiecePlan, ShopPlan, Text
from wire.reports import CameraState

PIN = "2468"
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
YES = Text(en="Noted", zh="已记录")
NO = Text(en="Not possible now", zh="现在不能这样做")


def _make_task(kind: TaskKind, task_id: str = "t_1", **parts: Any) -> Task:
    facts = {
        "text": Text(en=f"Do {kind.value}", zh=f"请做 {kind.value}"),
        "answers": (Answer(answer="again", text=Text(en="Done, go on", zh="处理好了，继续")),),
        "asked_at": NOW,
    }
    return Task(task_id=task_id, kind=kind, **facts | parts)


@pytest.fixture
def make_task() -> Any:
    return _make_task


@pytest.fixture
def trouble() -> dict[str, str]:
    """Device name → reason code: what its next status says."""
    return QuietDriver.trouble


@dataclass
class BenchInHand:
    """A bench whose tasks a test writes; it keeps what the page did."""

    shown: list[Task] = field(default_factory=list)
    parcels: list[dict[str, Any]] = field(default_factory=list)
    answered: list[tuple[str, str]] = field(default_factory=list)
    scanned: list[str] = field(default_factory=list)
    last_scan: ScanResult | None = None

    async def tasks(self) -> list[Task]:
        return list(self.shown)

    async def answer_task(self, task_id: str, answer: str) -> ScanResult:
        for task in self.shown:
            if task.task_id == task_id and answer in [part.answer for part in task.answers]:
                self.answered.append((task_id, answer))
                self.shown.remove(task)
                return ScanResult(accepted=True, text=YES, task_id=task_id)
        return ScanResult(accepted=False, text=NO)

    async def on_scan(self, text: str) -> ScanResult:
        self.scanned.append(text)
        self.last_scan = ScanResult(accepted=text == "4711", text=YES if text == "4711" else NO)
        return self.last_scan

    async def board(self) -> list[dict[str, Any]]:
        return self.parcels


class QuietDriver(Driver):
    """A device that is well, or says what it is told to say."""

    trouble: ClassVar[dict[str, str]] = {}

    def __init__(self, name: str) -> None:
        self.name = name

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def status(self) -> DeviceStatus:
        if reason := self.trouble.get(self.name):
            raise AttendantNeededError(f"{self.name}: {reason}", reason)
        return DeviceStatus(condition=Condition.ONLINE)


@dataclass
class Page:
    """The served page and everything behind it."""

    url: str
    bench: BenchInHand
    room: AttendantRoom
    devices: DeviceHost
    questions: Questions
    journal: Journal
    switched: list[bool]
    pictures: dict[str, bytes]
    door: PinDoor
    http: httpx.AsyncClient

    async def sign_in(self) -> None:
        (await self.http.post("/api/sign-in", json={"pin": PIN})).raise_for_status()


PLAN = ShopPlan(
    version=1,
    shop_id="teahouse",
    shop_name=Text(en="Tea house", zh="茶馆"),
    merchant_id="mer_1",
    merchant_name=Text(en="Wang", zh="王"),
    pieces=(
        PiecePlan(
            piece_id="pie_1",
            code="4711",
            title=Text(en="Purple clay teapot", zh="紫砂茶壶"),
            location="shelf 3",
        ),
    ),
)


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    clock = Clock()
    journal = Journal(tmp_path / "journal.db", "teahouse", now=clock.now)
    await journal.open()
    bench, devices = BenchInHand(), DeviceHost(clock.wall)
    QuietDriver.trouble.clear()
    for name, kind in (("front", "camera"), ("printer", "label_printer"), ("scanner", "scanner")):
        devices.add(name, kind, "fake", lambda name=name: QuietDriver(name))
    switched: list[bool] = []
    pictures: dict[str, bytes] = {}

    async def switch(is_private: bool) -> None:
        switched.append(is_private)

    async def plan() -> ShopPlan:
        return PLAN

    async def picture(sha256: str) -> bytes | None:
        return pictures.get(sha256)

    async def newest_pictures() -> dict[str, str]:
        return {"par_1": next(iter(pictures), "")}

    def ring() -> None:
        room.changed()

    questions = Questions(journal, clock, ring)
    room = AttendantRoom(
        shop_id="teahouse",
        language="en",
        bench=bench,
        devices=devices,
        questions=questions,
        privacy=Privacy(tmp_path / "private", switch),
        plan=plan,
        is_relay_near=lambda: True,
        picture=picture,
        newest_pictures=newest_pictures,
    )
    devices.listen(lambda _state: room.changed())
    door = PinDoor(PIN, tmp_path / "secret", lambda: clock.wall().timestamp())
    server = AttendantServer(room, door, 0)
    tasks = [asyncio.create_task(work) for work in (server.run(), room.run())]
    for handle in devices.runs():
        await handle._look()
    devices.set_camera("front", CameraState(can_view=True))
    url = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(base_url=url, timeout=10) as http:
        yield Page(url, bench, room, devices, questions, journal, switched, pictures, door, http)
    server.stop()
    await tasks[0]
    tasks[1].cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await tasks[1]
    await devices.close()
    await journal.close()
