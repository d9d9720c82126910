"""Between viewing and the attendant: a piece wanted on the turntable becomes a task, its scan becomes the answer."""

import asyncio
from collections.abc import Callable

from edge.bench import Answer, Bench, TaskKind
from edge.bench.tasks import close_task, open_tasks
from edge.journal import Journal
from edge.journal.transaction import Transaction
from edge.viewing.desk import ViewingDesk
from wire.commands import LeaveViewing
from wire.plan import PiecePlan, ShopPlan, Text

NOT_THERE = Answer(answer="not_there", text=Text(en="It is not there", zh="找不到这件"))
BUSY = Answer(answer="no_time", text=Text(en="No time now", zh="现在没空"))
BROUGHT = "brought"

REASONS = {"not_there": "piece_gone", "no_time": "attendant_busy"}
"""Why the viewing session ends when the attendant does not bring the piece."""


class Bringing:
    """The attendant as viewing knows them: asked to bring pieces, told that somebody looks."""

    def __init__(self, bench: Bench, plan: Callable[[], ShopPlan | None], ring: Callable[[], None]) -> None:
        self.gone: set[str] = set()
        self._bench = bench
        self._plan = plan
        self._ring = ring
        self._wanted: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._desk: ViewingDesk | None = None

    async def run(self, desk: ViewingDesk) -> None:
        """Give the attendant's requests a place to wait; ends only by cancellation or a bug in one of them."""
        self._desk = desk
        async with asyncio.TaskGroup() as group:
            self._group = group
            await asyncio.Event().wait()

    async def forget_earlier(self, journal: Journal) -> None:
        """Take down what was asked in an earlier life: its viewing sessions ended with it."""

        def forget(tx: Transaction) -> None:
            for task in open_tasks(tx):
                if task.kind is TaskKind.BRING_PIECE:
                    close_task(tx, task, "withdrawn")

        await journal.write(forget)

    def bring_piece(self, piece_id: str, session_id: str) -> None:
        """Ask for a piece; asking again for the same session changes nothing."""
        key = (piece_id, session_id)
        if key in self._wanted or self._group is None:
            return
        task = self._group.create_task(self._bring(piece_id, session_id), name=f"bring {piece_id}")
        self._wanted[key] = task
        task.add_done_callback(lambda _task: self._wanted.pop(key, None))

    def somebody_looks(self, session_id: str) -> None:
        """Ring softly: the page shows who is at the cameras."""
        self._ring()

    def withdraw_piece(self, piece_id: str, session_id: str) -> None:
        """Take a request back: the shopper left or looks at something else."""
        task = self._wanted.get((piece_id, session_id))
        if task is not None:
            task.cancel()

    def is_gone(self, piece_id: str) -> bool:
        """True when the attendant did not find this piece, until a newer plan comes."""
        return piece_id in self.gone

    async def _bring(self, piece_id: str, session_id: str) -> None:
        ask = self._bench.ask(
            TaskKind.BRING_PIECE,
            self._sentence(piece_id),
            (BUSY, NOT_THERE),
            piece_id=piece_id,
            session_id=session_id,
        )
        asking = asyncio.ensure_future(ask)
        try:
            answer = await self._bench.wait_answer(await asyncio.shield(asking))
        except asyncio.CancelledError:
            await asyncio.shield(self._take_back(asking))
            raise
        assert self._desk is not None
        if answer == BROUGHT:
            self._desk.piece_brought(piece_id)
        elif answer in REASONS:
            if answer == NOT_THERE.answer:
                self.gone.add(piece_id)
            await self._desk.handle(LeaveViewing(session_id=session_id, reason=REASONS[answer]))

    async def _take_back(self, asking: "asyncio.Future[str]") -> None:
        """Withdraw a task even if it was just being written when nobody wanted it any more."""
        await self._bench.withdraw(await asking)

    def _sentence(self, piece_id: str) -> Text:
        plan = self._plan()
        piece: PiecePlan | None = None
        if plan is not None:
            piece = next((part for part in plan.pieces if part.piece_id == piece_id), None)
        code = piece.code if piece else piece_id
        return Text(
            en=f"A shopper wants to see {code}. Put it on the turntable and scan its tag there.",
            zh=f"有顾客想看 {code}。请拿到转台上，并扫描它的标签。",
        )
