"""The journal's face: asynchronous, all work done by its one writer thread."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from edge.journal import inbox, outbox, sealing, shop
from edge.journal.rows import AckDecision, Mark, PendingAck, UnsentReport
from edge.journal.transaction import Transaction
from edge.journal.writer import Writer
from wire.envelope import Envelope
from wire.plan import ShopPlan
from wire.reports import AckState, Report

T = TypeVar("T")


def _nothing(_sequence: int) -> None:
    """Nobody listens to commits."""


class Journal:
    """One shop's journal. `await open()` first; `await close()` last; everything between may raise JournalFailedError.

    `now` gives aware times for records; `on_commit(sequence)` is called in the writer thread after each commit, before
    anybody is told of it.
    """

    def __init__(
        self,
        path: Path,
        shop_id: str,
        *,
        now: Callable[[], datetime],
        on_commit: Callable[[int], None] = _nothing,
    ) -> None:
        self._writer = Writer(path, shop_id, now, on_commit, self._tell)
        self._listeners: list[Callable[[str], None]] = []
        self._plan: ShopPlan | None = None

    async def open(self) -> None:
        """Lock, open, verify the chain. Raises JournalLockedError, JournalDamagedError, JournalFailedError."""
        await self._writer.open()
        self._plan = await self.read(shop.plan)

    async def close(self) -> None:
        """Finish what is queued, close the file, give the lock back."""
        await self._writer.close()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work(transaction)` in the writer thread as one transaction; it is durable when this returns.

        An error raised by `work` undoes what it wrote and travels here; works that wait together share one commit.
        """
        result: T = await self._writer.submit(work, is_write=True)
        return result

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work(transaction)` in the writer thread, after every write submitted before; it must not write."""
        result: T = await self._writer.submit(work, is_write=False)
        return result

    async def seal(self) -> bool:
        """Make the next opening quick, when the chain has grown enough since the last seal; True when it was sealed.

        Also gives back the room of what was forgotten, so that no page of it stays in the file.
        """
        return await self.write(sealing.seal)

    def mark(self) -> Mark:
        """Return the newest durable entry's number and hash."""
        return self._writer.mark

    def listen(self, on_change: Callable[[str], None]) -> Callable[[], None]:
        """Call `on_change(table)` in the event loop after commits: `acks`, `reports`, `plans`, `tasks`, `parcels`.

        Returns how to stop listening.
        """
        self._listeners.append(on_change)
        return lambda: self._listeners.remove(on_change)

    def _tell(self, touched: set[str]) -> None:
        for table in sorted(touched):
            for listener in tuple(self._listeners):
                listener(table)

    async def receive(self, envelope: Envelope, signed_bytes: bytes, relay_now: datetime | None) -> AckDecision:
        """Store a verified durable command once; `signed_bytes` are the exact bytes that were signed.

        Raises BadValueError for a command without a sequence number.
        """
        return await self.write(lambda tx: inbox.receive(tx, envelope, signed_bytes, relay_now))

    async def answer(
        self, command_id: str, state: AckState, reason: str = "", result: dict[str, Any] | None = None
    ) -> bytes:
        """Record the final answer of a command (the first one stands); returns the recorded bytes."""
        return await self.write(lambda tx: inbox.answer(tx, command_id, state, reason, result))

    async def open_commands(self) -> list[Envelope]:
        """Return commands that are stored, in order and not finally answered: what to handle again after a restart."""
        return await self.read(inbox.open_commands)

    async def pending_acks(self) -> list[PendingAck]:
        """Return acknowledgements that nobody published yet, oldest first."""
        return await self.read(inbox.pending_acks)

    async def ack_sent(self, ack: PendingAck) -> None:
        """Note that the broker took these bytes; a newer answer to the same command stays pending."""
        await self.write(lambda tx: inbox.ack_sent(tx, ack))

    async def append_report(self, report: Report) -> int:
        """Store a durable report; returns its sequence number. Flows do this inside their own transaction."""
        return await self.write(lambda tx: outbox.append_report(tx, report))

    async def unsent_reports(self, after: int = 0, limit: int = 100) -> list[UnsentReport]:
        """Return reports with a sequence number over `after` which the relay has not confirmed, oldest first."""
        return await self.read(lambda tx: outbox.unsent_reports(tx, after, limit))

    async def confirm_reports(self, up_to: int) -> None:
        """Put away every report up to this number, which the relay committed; take those above it up again."""
        await self.write(lambda tx: outbox.confirm_reports(tx, up_to))

    async def command_sequence(self) -> int:
        """Return the highest number of a command that is here."""
        return await self.read(inbox.highest)

    async def plan(self) -> ShopPlan | None:
        """Return the shop plan in force, or None before the first came."""
        return self._plan

    async def save_plan(self, plan: ShopPlan) -> bool:
        """Store the plan and its PlanApplied report if its version is newer than the one in force; False otherwise."""
        is_newer = await self.write(lambda tx: shop.save_plan(tx, plan))
        if is_newer:
            self._plan = plan
        return is_newer

    async def next_turn_no(self, camera: str) -> int:
        """Return the next turn number of this camera; numbers only rise, also over restarts."""
        return await self.write(lambda tx: shop.next_turn_no(tx, camera))

    async def use_nonce(self, nonce: str, until_at: datetime) -> bool:
        """Note a ticket's nonce as used; False when it was used before. It is forgotten after `until_at`."""
        return await self.write(lambda tx: shop.use_nonce(tx, nonce, until_at))
