"""What many ask for at the same moment is done in one transaction by one call: a statement for all, not for each."""

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from cloud_relay.db import Database, DatabaseBusyError

T = TypeVar("T")
R = TypeVar("R")

MOST = 100
"""More in one transaction would have the first wait for the last."""


class Waiting(Generic[T, R]):
    """One thing that is asked for, until it is done or refused."""

    def __init__(self, thing: T) -> None:
        self.thing, self.is_done = thing, False
        self._answers: list[R] = []
        self._error: Exception | None = None

    def end(self, *answers: R, error: Exception | None = None) -> None:
        """Note what became of it."""
        self.is_done, self._answers, self._error = True, [*answers], error

    @property
    def answer(self) -> R:
        """What its owner is told; raises what was raised."""
        if self._error is not None:
            raise self._error
        return self._answers[0]


class Batches(Generic[T, R]):
    """Takes things in turn; those that come while a transaction runs are the next one's.

    `work(connection, things)` answers in their order. When it raises nothing of it is kept, and each is tried by
    itself, so that one that cannot be done stops nobody; a busy database is told to all at once. What is done twice
    must change nothing the second time: whoever stops waiting does not know whether theirs was done.
    """

    def __init__(self, db: Database, work: Callable[[Connection, list[T]], list[R]]) -> None:
        self._db, self._work = db, work
        self._waiting: list[Waiting[T, R]] = []
        self._turn = asyncio.Lock()

    async def do(self, thing: T) -> R:
        """Do a thing, with what else waits; return its own answer."""
        own: Waiting[T, R] = Waiting(thing)
        self._waiting.append(own)
        try:
            async with self._turn:
                while not own.is_done:
                    await self._do_next()
        finally:
            if own in self._waiting:
                self._waiting.remove(own)
        return own.answer

    async def _do_next(self) -> None:
        taken = self._waiting[:MOST]
        try:
            await self._do_all(taken)
        except DatabaseBusyError as error:  # it was tried long enough: the others would only wait as long again
            for one in taken:
                if not one.is_done:
                    one.end(error=error)
        self._waiting = [one for one in self._waiting if not one.is_done]

    async def _do_all(self, taken: list[Waiting[T, R]]) -> None:
        try:
            answers: list[Any] = await self._db.run_in_line(self._work, [one.thing for one in taken])
        except DatabaseBusyError:
            raise
        except Exception as error:  # noqa: BLE001  # raised again where the one that it is about is waited for
            if len(taken) == 1:
                taken[0].end(error=error)
            else:
                await self._do_each(taken)
        else:
            for one, answer in zip(taken, answers, strict=True):
                one.end(answer)

    async def _do_each(self, taken: list[Waiting[T, R]]) -> None:
        for one in taken:
            try:
                one.end(*await self._db.run_in_line(self._work, [one.thing]))
            except DatabaseBusyError:
                raise
            except Exception as error:  # noqa: BLE001  # as above
                one.end(error=error)
