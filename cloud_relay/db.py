"""The relay's database: one use case is one transaction in a worker thread; after the commit listeners are woken."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, Insert, Table, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError

from cloud_relay.grouping import Group, Job, Ran, run_group

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4
"""Reader threads on SQLite: WAL readers never block the writer, and more than the cores' double only waits."""
POSTGRES_THREADS = 8
BUSY_TIMEOUT_MS = 10_000
"""How long SQLite waits for another process's write (the CLI beside a running relay)."""
RETRIES_MAX = 12
BUSY_S = 1.0
"""Pause of who keeps trying: longer than any transaction here takes."""
SERIALIZATION_STATES = frozenset({"40001", "40P01"})
"""PostgreSQL: serialization_failure and deadlock_detected; the manual (13.2.3) tells to run the transaction again."""


class DatabaseBusyError(RuntimeError):
    """The database could not commit because of others, again and again; the caller answers 503 and tries later."""


async def keep_trying(attempt: Callable[[], Awaitable[T]]) -> T:
    """Return what `attempt` returns, however long the database is busy: for who has nobody to answer "later".

    An attempt that met DatabaseBusyError has written nothing, or what may be written again.
    """
    while True:
        try:
            return await attempt()
        except DatabaseBusyError as error:
            log.warning("%s", error)
            await asyncio.sleep(BUSY_S)


def _ran(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what `fn` returns; its StopIteration as RuntimeError: no future carries one, and who waits never hears."""
    try:
        return fn(*args, **kwargs)
    except StopIteration as error:
        raise RuntimeError("a use case ended in StopIteration: give its next() a default") from error


def after_commit(connection: Connection, call: Callable[[], None]) -> None:
    """Have `call` run on the event loop when this transaction is committed; never if it is rolled back."""
    connection.info.setdefault("after_commit", []).append(call)


def wake(connection: Connection, name: str) -> None:
    """Wake who listens for `name` ("outbox", "pages" …) when this transaction is committed."""
    connection.info.setdefault("wakes", set()).add(name)


def insert_unless_there(table: Table, dialect: str) -> Insert:
    """Return an INSERT for `dialect` ("sqlite", "postgresql") that leaves alone a row whose key is there already."""
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite  # noqa: PLC0415  # see below

        return sqlite.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  # 20 ms that a relay on SQLite need not load

    return postgresql.insert(table).on_conflict_do_nothing()


def _prepare_sqlite(engine: Engine, begin: str, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # the driver's own BEGIN is deferred and comes too late; ours is sent below
        for pragma in pragmas:
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


class Database:
    """One database by URL: SQLite (one writer thread, WAL, synchronous=FULL) or PostgreSQL (SERIALIZABLE, retried)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self.info: dict[str, Any] = {}
        """What every writing connection carries in its `info` (see outbox.ISSUE_AT_ONCE)."""
        if self.is_sqlite:
            self.engine = create_engine(url, connect_args={"check_same_thread": False}, pool_size=2)
            self._read_engine = create_engine(url, connect_args={"check_same_thread": False}, pool_size=READERS)
            pragmas = ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON")
            _prepare_sqlite(self.engine, "BEGIN IMMEDIATE", pragmas)
            _prepare_sqlite(self._read_engine, "BEGIN", (*pragmas[2:], "query_only=ON"))
        else:
            self.engine = create_engine(url, isolation_level="SERIALIZABLE", pool_size=POSTGRES_THREADS)
            only = {"postgresql_readonly": True}
            self._read_engine = create_engine(
                url, isolation_level="REPEATABLE READ", pool_size=POSTGRES_THREADS, execution_options=only
            )
        writers = 1 if self.is_sqlite else POSTGRES_THREADS
        self._group = Group()
        self._writer = ThreadPoolExecutor(writers, thread_name_prefix="db-write")
        self._line = self._writer if self.is_sqlite else ThreadPoolExecutor(1, thread_name_prefix="db-line")
        self._reader = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")

    def listen(self, name: str, call: Callable[[], None]) -> None:
        """Have `call` run on the event loop after every commit that woke `name`."""
        self._listeners.setdefault(name, []).append(call)

    def forget(self, name: str, call: Callable[[], None]) -> None:
        """Undo `listen`."""
        self._listeners[name].remove(call)

    async def run(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(connection, …)` as one transaction in the writer thread; commit, wake listeners, return its answer.

        What `fn` raises rolls all of it back and is raised here. `fn` may run more than once, so it has no effect
        outside the connection. On SQLite those who wait at the same moment share a commit (see grouping).
        """
        if self.is_sqlite:
            return await self.run_in_line(fn, *args, **kwargs)
        return await self._wait_for(
            lambda connection: _ran(fn, connection, *args, **kwargs),
            lambda job: self._writer.submit(self._write_one, job),
        )

    async def keep_running(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `run`, however long the database is busy: for what works by the clock and has nobody to answer "later".

        What is not one transaction, or must know the time of each attempt, is for `keep_trying`.
        """
        return await keep_trying(lambda: self.run(fn, *args, **kwargs))

    async def run_in_line(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `run`, one after the other and with shared commits on PostgreSQL too.

        For what the clock and the providers set off by the thousand: at the same moment such work reads and writes the
        same pages, and serializable transactions that meet there end one another again and again.
        """
        return await self._wait_for(lambda connection: _ran(fn, connection, *args, **kwargs), self._join_group)

    def _join_group(self, job: Job) -> None:
        self._group.add(job)
        self._line.submit(self._write_group)

    async def _wait_for(self, work: Callable[[Connection], T], start: Callable[[Job], object]) -> T:
        """Have `start` begin a job of this work; wake whom its commit woke, then return its answer."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[T] = loop.create_future()

        def tell(answer: T, calls: list[Callable[[], None]], error: BaseException | None) -> None:
            try:
                for call in calls:  # here, and not where it is waited: who stopped waiting has committed all the same
                    call()
            except Exception as failed:  # noqa: BLE001  # raised again where the caller waits
                error = failed
            if waiting.cancelled():
                return
            if error is not None:
                waiting.set_exception(error)
            else:
                waiting.set_result(answer)

        start(Job(work, lambda *outcome: loop.call_soon_threadsafe(tell, *outcome)))
        return await waiting

    def _write_group(self) -> None:
        jobs = self._group.take()
        if len(jobs) > 1:
            try:
                ran = self._commit_group(jobs)
            except Exception as error:  # noqa: BLE001  # a lost connection is told in many ways, and all must be told
                log.info("a shared commit failed: %s", error)
                ran = None  # nothing of it was kept; one after the other each finds out by itself
            if ran is not None:
                for one in ran:
                    one.job.done(one.answer, self._calls(one.wakes, one.calls), one.error)
                return
        for job in jobs:
            self._write_one(job)

    def _write_one(self, job: Job) -> None:
        try:
            answer, calls = self._transact(job.work, (), {})
        except Exception as error:  # noqa: BLE001  # raised again where the caller waits
            job.done(None, [], error)
        else:
            job.done(answer, calls, None)

    def _commit_group(self, jobs: list[Job]) -> list[Ran]:
        with self.engine.connect() as connection, connection.begin():
            ran = run_group(connection, jobs, self.info)
            for one in ran:  # PostgreSQL goes on after a savepoint, but who met another writer is to be run again
                if isinstance(one.error, DBAPIError) and self._is_worth_repeating(one.error):
                    raise one.error
            return ran

    async def read(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(connection, …)` on one consistent snapshot in a reader thread; it must not write."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reader, lambda: self.read_now(fn, *args, **kwargs))

    def run_now(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `run`, in this thread: for the command line and for tests."""
        answer, calls = self._transact(fn, args, kwargs)
        for call in calls:
            call()
        return answer

    def read_now(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `read`, in this thread."""
        with self._read_engine.connect() as connection, connection.begin():
            return _ran(fn, connection, *args, **kwargs)

    def _transact(
        self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[T, list[Callable[[], None]]]:
        for attempt in range(RETRIES_MAX):
            try:
                return self._attempt(fn, args, kwargs)
            except DBAPIError as error:
                if not self._is_worth_repeating(error):
                    raise
            time.sleep(random.uniform(0, 0.002 * 2**attempt))  # noqa: S311  # spreads competitors, keeps no secret
        raise DatabaseBusyError(f"database: {RETRIES_MAX} attempts met other writers each time; try again")

    def _attempt(
        self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[T, list[Callable[[], None]]]:
        with self.engine.connect() as connection:
            connection.info.clear()
            connection.info.update(self.info)
            with connection.begin():
                answer = fn(connection, *args, **kwargs)
            return answer, self._calls(connection.info.pop("wakes", set()), connection.info.pop("after_commit", []))

    def _calls(self, wakes: set[str], calls: list[Callable[[], None]]) -> list[Callable[[], None]]:
        """Return what is to be called on the event loop after a commit that woke `wakes` and wants `calls`."""
        return [*calls, *(call for name in wakes for call in self._listeners.get(name, ()))]

    def _is_worth_repeating(self, error: DBAPIError) -> bool:
        if self.is_sqlite:
            return isinstance(error, OperationalError) and "locked" in str(error.orig)
        return getattr(error.orig, "sqlstate", None) in SERIALIZATION_STATES

    def violations(self) -> list[dict[str, Any]]:
        """Return the rows of the `violations` view, which must be none; empty before the view exists."""

        def look(connection: Connection) -> list[dict[str, Any]]:
            if "violations" not in inspect(connection).get_view_names():
                return []
            return [dict(row) for row in connection.execute(text("SELECT * FROM violations")).mappings()]

        return self.read_now(look)

    def close(self) -> None:
        """Let running transactions end, then close every connection."""
        self._writer.shutdown(wait=True)
        self._line.shutdown(wait=True)
        self._reader.shutdown(wait=True)
        self.engine.dispose()
        self._read_engine.dispose()
