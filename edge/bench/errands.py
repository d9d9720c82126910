"""What other rooms ask of the attendant (bring a piece, answer a question), and who waits for the answer."""

import asyncio
from collections.abc import Callable

from edge.bench.steps import Steps
from edge.bench.tasks import Answer, Task, TaskKind, close_task, load_task, save_task
from edge.journal.transaction import Transaction
from wire.plan import Text

WITHDRAWN = "withdrawn"
"""The answer of a task that was taken back."""

Written = Callable[[Transaction, Steps], None]


class Errands:
    """Who waits for which answer; the tasks themselves are in the journal."""

    def __init__(self) -> None:
        self._answers: dict[str, asyncio.Future[str]] = {}

    def expect(self, task_id: str) -> None:
        """Keep the answer to this task until somebody waits for it."""
        self._answers[task_id] = asyncio.get_running_loop().create_future()

    async def wait(self, task_id: str) -> str:
        """Return the answer's code when it is there."""
        future = self._answers.get(task_id)
        return await asyncio.shield(future) if future is not None else WITHDRAWN

    def wake(self, task_id: str, answer: str) -> None:
        """Tell who waits; nobody need."""
        future = self._answers.pop(task_id, None)
        if future is not None and not future.done():
            future.set_result(answer)


def ask(
    task_id: str,
    kind: TaskKind,
    text: Text,
    answers: tuple[Answer, ...],
    piece_id: str,
    session_id: str,
    *,
    needs_scan: bool,
) -> Written:
    """Return what writes this task into the journal."""

    def write(tx: Transaction, _steps: Steps) -> None:
        task = Task(
            task_id=task_id,
            kind=kind,
            text=text,
            answers=answers,
            asked_at=tx.now,
            piece_id=piece_id,
            session_id=session_id,
            needs_scan=needs_scan,
        )
        save_task(tx, task)

    return write


def take_back(task_id: str) -> Written:
    """Return what closes this task unanswered."""

    def write(tx: Transaction, _steps: Steps) -> None:
        task = load_task(tx, task_id)
        if task is not None:
            close_task(tx, task, WITHDRAWN)

    return write
