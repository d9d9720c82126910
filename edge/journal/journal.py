"""The journal's face: asynchronous, all work done by its one writer thread."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from edge.journal.rows import AckDecision, Mark, PendingAck, UnsentReport
from wire.envelope import Envelope
from wire.plan import ShopPlan
from wire.reports import AckState, Report

T = TypeVar("T")


class Journal:
    """One shop's journal. `await open()` first; `await close()` last; everything between may raise JournalFailedError.

    `now` gives aware times for records, `ids` makes report ids, `on_commit(sequence)` is called in the writer thread
    after each commit, before anybody is told of it.
    """

    def __init__(
        self,
        path: Path,
        shop_id: str,
        *,
        now: Callable[[], datetime],
        ids: Callable[[str], str],
        on_commit: Callable[[int], None] = lambda _sequence: None,
    ) -> None:
        raise NotImplementedError

    async def open(self) -> None:
        """Lock, open, verify the chain. Raises JournalLockedError, JournalDamagedError, JournalFailedError."""

    async def close(self) -> None:
        """Finish what is queued, close the file, give the lock back."""

    async def write(self, work: Callable[[Any], T]) -> T:
        """Run `work(transaction)` in the writer thread as one transaction; it is durable when this returns."""
        raise NotImplementedError

    async def read(self, work: Callable[[Any], T]) -> T:
        """Run `work(transaction)` in the writer thread without writing."""
        raise NotImplementedError

    def mark(self) -> Mark:
        """Return the newest durable entry's number and hash."""
        raise NotImplementedError

    def listen(self, on_change: Callable[[str], None]) -> Callable[[], None]:
        """Call `on_change(what)` in the event loop after commits that touched `reports`, `acks`, `plan`, `tasks` or
        `parcels`; returns how to stop listening."""
        raise NotImplementedError

    async def receive(self, envelope: Envelope, signed_bytes: bytes, relay_now: datetime | None) -> AckDecision:
        """Store a verified durable command once; `signed_bytes` are the exact bytes that were signed."""
        raise NotImplementedError

    async def answer(
        self, command_id: str, state: AckState, reason: str = "", result: dict[str, Any] | None = None
    ) -> bytes:
        """Record the final answer of a command (once: a later one changes nothing); returns the recorded bytes."""
        raise NotImplementedError

    async def open_commands(self) -> list[Envelope]:
        """Return commands that are stored, in order and not finally answered: what to handle again after a restart."""
        raise NotImplementedError

    async def pending_acks(self) -> list[PendingAck]:
        """Return acknowledgements that nobody published yet, oldest first."""
        raise NotImplementedError

    async def ack_sent(self, ack: PendingAck) -> None:
        """The broker took this acknowledgement."""

    async def append_report(self, report: Report) -> int:
        """Store a durable report; returns its sequence number. Flows do this inside their own transaction."""
        raise NotImplementedError

    async def unsent_reports(self, after: int = 0, limit: int = 100) -> list[UnsentReport]:
        """Return reports with a sequence number over `after` which the relay has not confirmed, oldest first."""
        raise NotImplementedError

    async def confirm_reports(self, up_to: int) -> None:
        """The relay committed every report up to this sequence number."""

    async def plan(self) -> ShopPlan | None:
        """Return the shop plan in force, or None before the first came."""
        raise NotImplementedError

    async def save_plan(self, plan: ShopPlan) -> bool:
        """Store the plan and its PlanApplied report if its version is newer than the one in force; False otherwise."""
        raise NotImplementedError

    async def next_turn_no(self, camera: str) -> int:
        """Return the next turn number of this camera; numbers only rise, also over restarts."""
        raise NotImplementedError

    async def use_nonce(self, nonce: str, until_at: datetime) -> bool:
        """Note a ticket's nonce as used; False when it was used before. It is forgotten after `until_at`."""
        raise NotImplementedError
