"""Shoppers' questions to the attendant: shown until answered or too old; they outlive a restart in the journal."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.clock import Clock
from edge.journal import Journal, inbox, outbox
from edge.journal.transaction import Transaction
from wire.commands import AskAttendant
from wire.envelope import Envelope
from wire.plan import Text
from wire.reports import AckState, QuestionAnswered
from wire.values import clean_text

ANSWER_LENGTH_MAX = 300

KINDS = {
    "open_it": Text(en="Please open it", zh="请打开看看"),
    "measure_it": Text(en="Please measure it", zh="请量一下尺寸"),
    "show_inside": Text(en="Please show the inside", zh="请看看里面"),
    "text": Text(en="Asks", zh="提问"),
}


class QuestionGoneError(Exception):
    """The question is answered already, or too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question; `text` is what the shopper typed, already clean, and may be empty for the ready-made kinds."""

    command_id: str
    question_id: str
    session_id: str
    kind: str
    text: str
    asked_at: datetime
    until: datetime


class Questions:
    """The open questions, oldest first."""

    def __init__(self, journal: Journal, clock: Clock, on_change: Callable[[], None]) -> None:
        self._journal = journal
        self._clock = clock
        self._on_change = on_change
        self._open: dict[str, Question] = {}

    def open(self) -> list[Question]:
        """Return the questions that wait for an answer."""
        return list(self._open.values())

    async def handle(self, envelope: Envelope, command: AskAttendant) -> None:
        """Show a question; its command is answered when the attendant answered, or when it has grown too old."""
        deadline_s = envelope.deadline_s or AskAttendant.DEADLINE_S
        question = Question(
            command_id=envelope.id,
            question_id=command.question_id,
            session_id=command.session_id,
            kind=command.kind,
            text=command.text[:ANSWER_LENGTH_MAX],
            asked_at=envelope.time,
            until=envelope.time + timedelta(seconds=deadline_s),
        )
        if question.until <= self._clock.now():
            await self._journal.answer(envelope.id, AckState.STALE, "nobody_answered")
            return
        self._open[question.question_id] = question
        self._on_change()

    async def answer(self, question_id: str, text: str) -> None:
        """Send the attendant's words; raises QuestionGoneError, or BadValueError for words that may not stand."""
        words = clean_text(text, "answer", ANSWER_LENGTH_MAX, lines=5)
        question = self._open.pop(question_id, None)
        if question is None:
            raise QuestionGoneError(question_id)
        report = QuestionAnswered(session_id=question.session_id, question_id=question_id, answer=words)

        def record(tx: Transaction) -> None:
            outbox.append_report(tx, report)
            inbox.answer(tx, question.command_id, AckState.DONE)

        await self._journal.write(record)
        self._on_change()

    async def run(self) -> None:
        """Take down what has grown too old; ends only by cancellation."""
        while True:
            await asyncio.sleep(5.0)
            now = self._clock.now()
            for question in [part for part in self.open() if part.until <= now]:
                if self._open.pop(question.question_id, None) is not None:
                    await self._journal.answer(question.command_id, AckState.STALE, "nobody_answered")
                    self._on_change()
