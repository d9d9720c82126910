"""The bench's face: commands and answers in, device acts and reports out."""

from collections.abc import Callable
from typing import Any

from edge.bench.ports import Devices, TakeStill
from edge.bench.tasks import Answer, ScanResult, Task, TaskKind
from edge.clock import Clock
from edge.journal import Journal
from edge.pictures import Pictures
from wire.commands import Command
from wire.envelope import Envelope
from wire.plan import Text


class Bench:
    """One shop's bench. `run()` recovers first (senses, never redoes blindly), then works until cancelled."""

    HANDLES: tuple[type[Command], ...] = ()
    """The commands that belong to `handle`."""

    def __init__(
        self,
        *,
        shop_id: str,
        journal: Journal,
        devices: Devices,
        take_still: TakeStill,
        pictures: Pictures,
        clock: Clock,
        ids: Callable[[str], str],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        raise NotImplementedError

    async def run(self) -> None:
        """Recover, then carry out effects and read the scanner; ends by cancellation or a bug."""
        raise NotImplementedError

    async def handle(self, envelope: Envelope, command: Command) -> None:
        """Apply one command from the journal's inbox and record its final answer in the same transaction.

        PreparePiece, ReleasePiece, LabelParcel, AnswerPhoto, CancelParcel, RecordTracking, NoteForShop. Waits while a
        device is acting for that parcel. Call it with commands in order (one task per shop is enough: it does not wait
        for the work itself).
        """
        raise NotImplementedError

    async def tasks(self) -> list[Task]:
        """Return what the attendant is asked now, most urgent first; viewing's tasks among them."""
        raise NotImplementedError

    async def answer_task(self, task_id: str, answer: str) -> ScanResult:
        """Take the attendant's answer (one of the task's codes); a second answer to the same task is refused."""
        raise NotImplementedError

    async def on_scan(self, text: str) -> ScanResult:
        """Decide from the journal what a scanned (or typed) code means; anything unknown changes nothing."""
        raise NotImplementedError

    async def ask(
        self,
        kind: TaskKind,
        text: Text,
        answers: tuple[Answer, ...],
        *,
        piece_id: str = "",
        session_id: str = "",
        needs_scan: bool = False,
    ) -> str:
        """Ask the attendant something for another room (viewing: bring_piece, question); returns the task's id.

        With kind BRING_PIECE a scan of the piece's tag answers it with `brought`.
        """
        raise NotImplementedError

    async def wait_answer(self, task_id: str) -> str:
        """Wait until the task is answered; returns the answer's code (`withdrawn` when it was taken back)."""
        raise NotImplementedError

    async def withdraw(self, task_id: str) -> None:
        """Take a task of another room back: nobody needs it any more."""
        raise NotImplementedError

    def listen(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Call `on_change` in the event loop whenever tasks, parcels or the last scan changed; returns how to stop."""
        raise NotImplementedError

    async def board(self) -> list[dict[str, Any]]:
        """Return the parcels in work for the attendant's page: parcel_id, piece title, stage, reason, since."""
        raise NotImplementedError

    @property
    def last_scan(self) -> ScanResult | None:
        """The newest scan and what it meant, for the page."""
        raise NotImplementedError
