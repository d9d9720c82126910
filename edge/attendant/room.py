"""What the attendant's page shows and what it may do, gathered from bench, viewing, devices and journal."""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from edge.attendant.machines import Machines
from edge.attendant.questions import KINDS, Questions
from edge.attendant.stages import STAGES, TO_COLLECT
from edge.bench import ScanResult, Task
from edge.device_host import DeviceHost
from edge.flows.fulfilment import Stage
from edge.locations.counting import Locations
from edge.page_changes import ChangingPage
from edge.reasons import sentence_for
from wire.codec import to_json
from wire.plan import PiecePlan, ShopPlan

logger = logging.getLogger(__name__)


class BenchFace(Protocol):
    """The part of the bench that a person sees."""

    async def tasks(self) -> list[Task]: ...
    async def answer_task(self, task_id: str, answer: str) -> ScanResult: ...
    async def on_scan(self, text: str) -> ScanResult: ...
    async def board(self) -> list[dict[str, Any]]: ...
    @property
    def last_scan(self) -> ScanResult | None: ...


class CheckFace(Protocol):
    """The part of the bench check that a person sees."""

    async def begin(self, occasion: str) -> str: ...
    def state(self) -> dict[str, Any]: ...


class Privacy:
    """The privacy switch: a file, so that a restart doesn't open the shop's eyes again."""

    def __init__(self, path: Path, switch: Callable[[bool], Awaitable[None]]) -> None:
        self._path = path
        self._switch = switch

    @property
    def is_on(self) -> bool:
        """True while no picture may leave the shop."""
        return self._path.exists()

    async def set(self, is_on: bool) -> None:
        """Turn it on or off; returns when the cameras obey."""
        if is_on:
            self._path.touch()
        await self._switch(is_on)
        if not is_on:
            self._path.unlink(missing_ok=True)
        logger.info("privacy switch", extra={"is_on": is_on})


class AttendantRoom(ChangingPage):
    """One shop's page: its state as JSON, and how pages learn that it changed."""

    def __init__(
        self,
        *,
        shop_id: str,
        language: str,
        bench: BenchFace,
        devices: DeviceHost,
        questions: Questions,
        privacy: Privacy,
        plan: Callable[[], Awaitable[ShopPlan | None]],
        is_relay_near: Callable[[], bool],
        picture: Callable[[str], Awaitable[bytes | None]],
        newest_pictures: Callable[[], Awaitable[dict[str, str]]],
        bench_check: CheckFace | None = None,
        machines: Machines | None = None,
        locations: Locations | None = None,
    ) -> None:
        super().__init__()
        self.bench = bench
        self.questions = questions
        self.privacy = privacy
        self.bench_check = bench_check
        self.machines = machines
        self.locations = locations
        self.picture = picture
        self._newest_pictures = newest_pictures
        self.language = language
        self._shop_id = shop_id
        self._devices = devices
        self._plan = plan
        self._is_relay_near = is_relay_near

    async def run(self) -> None:
        """Tell the open pages of changes; ends only by cancellation."""
        await self.tell_pages()

    async def state(self) -> dict[str, Any]:
        """Return everything the page shows."""
        plan = await self._plan()
        scan = self.bench.last_scan
        return {
            "shop": {"shop_id": self._shop_id, "name": to_json(plan.shop_name) if plan else {"en": "", "zh": ""}},
            "is_relay_near": self._is_relay_near(),
            "is_private": self.privacy.is_on,
            "tasks": await self.tasks(),
            "questions": self.open_questions(),
            "parcels": await self.parcels(),
            "devices": self.devices(),
            "last_scan": to_json(scan) if scan else None,
            "bench_check": self.bench_check.state() if self.bench_check else None,
            "machines": self.machines.state() if self.machines else {"homes": [], "taken": {}},
        }

    async def tasks(self) -> list[dict[str, Any]]:
        """Return what the attendant is asked, most urgent first, each with the piece it is about."""
        plan = await self._plan()
        pieces = {piece.piece_id: piece for piece in plan.pieces} if plan else {}
        tasks = await self.bench.tasks()
        places = await self.locations.where([task.piece_id for task in tasks]) if self.locations else {}
        return [_task_json(task, pieces.get(task.piece_id), places.get(task.piece_id, "")) for task in tasks]

    async def parcels(self) -> list[dict[str, Any]]:
        """Return the parcels in work, each with its newest picture."""
        pictures = await self._newest_pictures()
        return [_parcel_json(parcel, pictures) for parcel in await self.bench.board()]

    def devices(self) -> list[dict[str, Any]]:
        """Return every device's state, those that need somebody first."""
        order = {"needs_attendant": 0, "offline": 1, "unknown": 2, "online": 3}
        states: list[dict[str, Any]] = [to_json(state) for state in self._devices.states()]
        return sorted(states, key=lambda state: (order[state["health"]], state["device"]))

    def open_questions(self) -> list[dict[str, Any]]:
        """Return the shoppers' questions, oldest first."""
        return [
            {
                "question_id": question.question_id,
                "kind": question.kind,
                "kind_text": to_json(KINDS.get(question.kind, KINDS["text"])),
                "text": question.text,
                "asked_at": to_json(question.asked_at),
                "until": to_json(question.until),
            }
            for question in self.questions.open()
        ]


def _parcel_json(parcel: dict[str, Any], pictures: dict[str, str]) -> dict[str, Any]:
    shown: dict[str, Any] = to_json(parcel)
    shown["picture_sha256"] = pictures.get(parcel["parcel_id"], "")
    stage = Stage(parcel["stage"])
    is_waiting = stage is Stage.READY and parcel.get("is_pickup", False)
    shown["stage_text"] = to_json(TO_COLLECT if is_waiting else STAGES[stage])
    shown["reason_text"] = to_json(sentence_for(parcel["reason"]))
    return shown


def _task_json(task: Task, piece: PiecePlan | None, place: str) -> dict[str, Any]:
    shown: dict[str, Any] = to_json(task)
    shown["piece"] = None
    if piece is not None:
        shown["piece"] = {"code": piece.code, "title": to_json(piece.title), "location": place or piece.location}
    return shown
