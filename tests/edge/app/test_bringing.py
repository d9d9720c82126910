"""A piece wanted on the turntable becomes one task of the attendant; what they answer reaches the shopper's session."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from edge.bench import TaskKind
from edge.bringing import Bringing
from wire.commands import LeaveViewing
from wire.plan import PiecePlan, ShopPlan, Text

PLAN = ShopPlan(
    version=1,
    shop_id="teahouse",
    shop_name=Text(en="Tea house"),
    merchant_id="mer_1",
    merchant_name=Text(en="Wang"),
    pieces=(PiecePlan(piece_id="pie_1", code="4711", title=Text(en="Teapot", zh="茶壶")),),
)


@dataclass
class AskingBench:
    """The part of the bench that takes other rooms' questions."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    may_write: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, kind: TaskKind, text: Text, answers: tuple[Any, ...], **facts: str) -> str:
        await self.may_write.wait()
        task_id = f"t_{len(self.asked)}"
        self.asked.append({"kind": kind, "text": text, "codes": [part.answer for part in answers], **facts})
        self.answers[task_id] = asyncio.get_running_loop().create_future()
        return task_id

    async def wait_answer(self, task_id: str) -> str:
        return await asyncio.shield(self.answers[task_id])

    async def withdraw(self, task_id: str) -> None:
        self.withdrawn.append(task_id)


@dataclass
class LookingDesk:
    """The part of the desk that hears of pieces."""

    brought: list[str] = field(default_factory=list)
    handled: list[Any] = field(default_factory=list)

    def piece_brought(self, piece_id: str) -> None:
        self.brought.append(piece_id)

    async def handle(self, command: Any) -> None:
        self.handled.append(command)


@pytest.fixture
async def rooms() -> AsyncIterator[tuple[AskingBench, LookingDesk, Bringing]]:
    bench, desk = AskingBench(), LookingDesk()
    bench.may_write.set()
    bringing = Bringing(bench, lambda: PLAN, lambda: None)
    task = asyncio.create_task(bringing.run(desk))
    await asyncio.sleep(0)
    yield bench, desk, bringing
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_scan_at_the_turntable_brings_the_piece_before_the_shopper(rooms, eventually):
    bench, desk, bringing = rooms
    bringing.bring_piece("pie_1", "ses_1")
    bringing.bring_piece("pie_1", "ses_1")
    await eventually(lambda: bench.asked)
    (asked,) = bench.asked
    assert asked["kind"] is TaskKind.BRING_PIECE and asked["piece_id"] == "pie_1" and asked["session_id"] == "ses_1"
    assert "4711" in asked["text"].en and "4711" in asked["text"].zh
    bench.answers["t_0"].set_result("brought")
    await eventually(lambda: desk.brought == ["pie_1"])
    assert desk.handled == []


@pytest.mark.parametrize(
    ("answer", "reason", "is_gone"), [("not_there", "piece_gone", True), ("no_time", "attendant_busy", False)]
)
async def test_what_the_attendant_cannot_do_ends_the_session_with_its_reason(
    rooms, eventually, answer, reason, is_gone
):
    bench, desk, bringing = rooms
    bringing.bring_piece("pie_1", "ses_1")
    await eventually(lambda: bench.asked)
    assert answer in bench.asked[0]["codes"]
    bench.answers["t_0"].set_result(answer)
    await eventually(lambda: desk.handled == [LeaveViewing(session_id="ses_1", reason=reason)])
    assert bringing.is_gone("pie_1") is is_gone and desk.brought == []


async def test_a_shopper_who_leaves_takes_the_task_with_them(rooms, eventually):
    bench, desk, bringing = rooms
    bringing.bring_piece("pie_1", "ses_1")
    await eventually(lambda: bench.asked)
    bringing.withdraw_piece("pie_1", "ses_1")
    await eventually(lambda: bench.withdrawn == ["t_0"])
    bringing.bring_piece("pie_1", "ses_1")
    await eventually(lambda: len(bench.asked) == 2, what="asking anew")
    assert desk.brought == []


async def test_leaving_while_the_task_is_being_written_leaves_no_task_behind(rooms, eventually):
    bench, _desk, bringing = rooms
    bench.may_write.clear()
    bringing.bring_piece("pie_1", "ses_1")
    await asyncio.sleep(0.05)
    bringing.withdraw_piece("pie_1", "ses_1")
    await asyncio.sleep(0.05)
    bench.may_write.set()
    await eventually(lambda: bench.withdrawn == ["t_0"])
