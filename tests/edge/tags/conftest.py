"""The shop of the bench's tests with the printing of tags."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edge.tags import jobs
from edge.tags.jobs import Job
from edge.tags.printing import TagPrinter
from tests.edge.bench.fake_shop import FACE, SHOP, Shop
from wire.commands import Command, PrintTags, encode_command
from wire.envelope import Envelope, encode_envelope
from wire.tags import TagFace


def face(number: int) -> TagFace:
    """A tag whose code tells its number."""
    return TagFace(
        address=f"https://v.example/t/7k2qx9mhd{number}", printed=f"7K2QX-9MHD{number}", heading="样品 Sample",
        titles=("紫砂茶壶", "Teapot"), price="¥199.00", foot="茶馆 · TP-1",
    )  # fmt: skip


class TagShop(Shop):
    """A shop that prints tags."""

    async def start(self, **more: Any) -> None:
        await super().start(**more)
        self.running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.running
        self.tags = TagPrinter(
            journal=self.journal, bench=self.bench, printer=self.make_devices().printer, clock=self.clock, face=FACE,
            has_room=lambda: self.has_room,
        )  # fmt: skip
        await self.tags.open()
        self.running = asyncio.create_task(self._both())

    async def _both(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.bench.run())
            group.create_task(self.tags.run())

    async def ask(self, command: Command, command_id: str = "") -> str:
        """Send one command to the printing of tags; the same id again is the relay's repeat."""
        self.sequence += not command_id
        envelope = Envelope(
            id=command_id or f"tags_{self.sequence}", source="relay", type=type(command).__name__, time=self.wall(),
            shop_id=SHOP, data=encode_command(command), sequence=self.sequence, deadline_s=command.DEADLINE_S,
        )  # fmt: skip
        await self.journal.receive(envelope, encode_envelope(envelope), self.clock.relay_now())
        await self.tags.handle(envelope, command)
        return envelope.id

    async def print_tags(self, count: int, job_id: str = "tpj_1") -> str:
        return await self.ask(PrintTags(job_id=job_id, tags=tuple(face(number) for number in range(count))))

    async def send_in_line(self) -> None:
        """A shopper confirms a piece while the bench is kept for tags."""
        await self.prepare()
        await self.until("in_line")

    async def job(self, job_id: str = "tpj_1") -> Job:
        found = await self.journal.read(lambda tx: jobs.load(tx, job_id))
        assert found is not None
        return found

    async def is_at(self, stage: str, job_id: str = "tpj_1") -> None:
        async def is_there() -> bool:
            if self.running.done():
                self.running.result()
            return (await self.job(job_id)).stage == stage

        await self.wait_for(is_there, 20.0)

    async def told(self) -> list[tuple[str, int, str]]:
        found = [data for kind, data in await self.reports() if kind == "TagsPrinted"]
        return [(one["state"], one["printed"], one["reason"]) for one in found]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[TagShop]:
    made = TagShop(tmp_path)
    await made.start()
    yield made
    await made.stop()
