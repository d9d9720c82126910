"""The one thread that touches the journal's file: runs work in order and commits what waits together."""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from edge.journal.chain import START, ChainReading
from edge.journal.errors import JournalDamagedError, JournalError, JournalFailedError, JournalLockedError
from edge.journal.rows import Mark
from edge.journal.schema import BOUND, LATER, SCHEMA_VERSION, TABLES, TOLD
from edge.journal.sealing import begin_reading
from edge.journal.transaction import Transaction

GROUP_MAX = 64
"""Most pieces of work that share one commit: one sync serves them all, and none waits for more than that many."""

MARK_BYTES = 86
"""20 digits, a space, 64 hex digits and a line feed: rewritten in place, within one sector, so never half new."""


@dataclass(slots=True)
class _Job:
    work: Callable[[Transaction], Any]
    future: asyncio.Future[Any]
    is_write: bool
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Owns the file, its lock and its mark. Everything but `submit` and `mark` happens in its thread.

    After any error of SQLite or of the disk nothing more is done: each later call raises JournalFailedError.
    """

    def __init__(
        self,
        path: Path,
        shop_id: str,
        now: Callable[[], datetime],
        on_commit: Callable[[int], None],
        on_touched: Callable[[set[str]], None],
    ) -> None:
        self.mark: Mark = START
        self._path, self._shop_id, self._now = path, shop_id, now
        self._on_commit, self._on_touched = on_commit, on_touched
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._failure: str = ""
        self._last_report = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop

    async def open(self) -> None:
        """Start the thread; returns when the chain is proved, raises what `_open` raised."""
        self._loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._live, args=(opened,), name="journal", daemon=True)
        self._thread.start()
        await opened

    async def close(self) -> None:
        """Finish what is queued and end the thread."""
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)

    def submit(self, work: Callable[[Transaction], Any], *, is_write: bool) -> "asyncio.Future[Any]":
        """Queue work; the future holds its result once it is durable."""
        if self._failure:
            raise JournalFailedError(self._failure)
        if self._thread is None or not self._thread.is_alive():
            raise JournalFailedError("journal: is not open")
        job = _Job(work, self._loop.create_future(), is_write)
        self._queue.put(job)
        if self._failure:  # it failed between the first look and now, and may have emptied the queue before
            _settle(job.future, None, JournalFailedError(self._failure))
        return job.future

    def _live(self, opened: "asyncio.Future[None]") -> None:
        """The thread's life. What ends it reaches whoever waits, bug or not, after the file and its lock are let go."""
        jobs: list[_Job] = []
        try:
            with contextlib.ExitStack() as stack:
                db, mark_file = self._open(stack)
                self._loop.call_soon_threadsafe(_settle, opened, None, None)
                while (job := self._queue.get()) is not None:
                    jobs = self._waiting_with(job) if job.is_write else [job]
                    self._do(db, mark_file, jobs)
        except Exception as error:  # noqa: BLE001 the border of the thread
            self._fail(jobs, error)
            self._loop.call_soon_threadsafe(_settle, opened, None, self._named(error))

    def _named(self, error: Exception) -> Exception:
        if isinstance(error, JournalError) or not isinstance(error, (sqlite3.Error, OSError)):
            return error
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            return JournalDamagedError(f"{self._path}: is no sound SQLite file ({error}); call the technician")
        return JournalFailedError(f"{self._path}: {error}; make room or mend the disk, then start again")

    def _open(self, stack: contextlib.ExitStack) -> tuple[Database, int]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = stack.enter_context(self._path.with_suffix(".lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalLockedError(f"{self._path}: another process works with this journal; end that one") from None
        mark_file = os.open(self._path.with_suffix(".mark"), os.O_RDWR | os.O_CREAT, 0o600)
        stack.callback(os.close, mark_file)
        seen = _read_mark(mark_file)
        if seen.sequence and not self._path.exists():
            raise JournalDamagedError(f"{self._path}: is gone, but {seen.sequence} entries were written")
        connection = sqlite3.connect(self._path, isolation_level=None)
        stack.callback(connection.close)
        self._path.chmod(0o600)
        try:
            db = _prepared(connection)
            reading = _prove(db, seen)
        except (ValueError, TypeError, LookupError) as error:  # damaged bytes that no longer parse
            raise JournalDamagedError(f"{self._path}: cannot be read ({error}); call the technician") from error
        self.mark, self._last_report = reading.mark, reading.last_report
        _write_mark(mark_file, self.mark)
        return db, mark_file

    def _waiting_with(self, first: _Job) -> list[_Job]:
        jobs = [first]
        while len(jobs) < GROUP_MAX and not self._queue.empty():
            job = self._queue.get()
            if job is None:
                self._queue.put(None)
                break
            jobs.append(job)
        return jobs

    def _do(self, db: Database, mark_file: int, jobs: list[_Job]) -> None:
        touched: set[str] = set()
        wants_checkpoint = False
        mark, last_report = self.mark, self._last_report
        with db.atomic() if len(jobs) > 1 else contextlib.nullcontext():
            for job in jobs:
                transaction = Transaction(db, mark, last_report, self._shop_id, self._now)
                if self._work(db, job, transaction):
                    mark, last_report = transaction.mark, transaction.last_report
                    touched |= transaction.touched
                    wants_checkpoint |= transaction.wants_checkpoint
        self._last_report = last_report
        if mark is not self.mark:
            self.mark = mark
            self._on_commit(mark.sequence)
            _write_mark(mark_file, mark)
        if wants_checkpoint:
            db.execute("pragma wal_checkpoint(truncate)").fetchall()
        self._loop.call_soon_threadsafe(self._tell, jobs, touched)

    def _work(self, db: Database, job: _Job, transaction: Transaction) -> bool:
        """Run one job, in a savepoint if it shares the commit; True when it stands. Its own errors go to its caller."""
        try:
            with db.atomic() if job.is_write else contextlib.nullcontext():
                job.result = job.work(transaction)
        except (sqlite3.Error, OSError):
            raise
        except Exception as error:  # noqa: BLE001 whatever the work raises belongs to its caller, in the other thread
            job.error = error
            return False
        return True

    def _tell(self, jobs: list[_Job], touched: set[str]) -> None:
        for job in jobs:
            _settle(job.future, job.result, job.error)
        if touched:
            self._on_touched(touched)

    def _fail(self, jobs: list[_Job], error: Exception) -> None:
        self._failure = f"{self._path}: {error}; what was being written may or may not be stored: start again"
        while not self._queue.empty():
            job = self._queue.get()
            if job is not None:
                jobs.append(job)
        for job in jobs:
            self._loop.call_soon_threadsafe(_settle, job.future, None, JournalFailedError(self._failure))


def _settle(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


def _prepared(connection: sqlite3.Connection) -> Database:
    db = Database(connection)
    db.enable_wal()
    for pragma in ("synchronous = full", "foreign_keys = on", "secure_delete = on", "busy_timeout = 0"):
        db.execute(f"pragma {pragma}")
    version = db.execute("pragma user_version").fetchone()[0]
    if version == 0:
        with db.atomic():
            for statement in TABLES.split(";\n"):
                if statement.strip():
                    db.execute(statement)
            db.execute(f"pragma user_version = {SCHEMA_VERSION}")
    elif version > SCHEMA_VERSION:
        raise JournalDamagedError(f"journal: written by a newer Vitrine (schema {version}); install that one again")
    for statement in (TOLD, *LATER.split(";\n")):  # journals of the first release have no such tables
        if statement.strip():
            db.execute(statement)
    return db


def _prove(db: Database, seen: Mark) -> ChainReading:
    """Prove chain, rows and acknowledgements. Raises JournalDamagedError."""
    reading = begin_reading(db)
    entries = "select sequence, kind, entry, hash from chain where sequence > ? order by sequence"
    reading.walk(db.execute(entries, (reading.mark.sequence,)), seen if seen.sequence else None)
    for table, key in BOUND.items():
        cursor = db.execute(f"select * from {table}")  # noqa: S608 our own table names
        names = [column[0] for column in cursor.description]
        reading.compare(table, key, (dict(zip(names, values, strict=True)) for values in cursor))
    for command_id, payload, sha256 in db.execute("select command_id, payload, sha256 from acks"):
        if hashlib.sha256(payload).hexdigest() != sha256:
            raise JournalDamagedError(f"journal: the answer to {command_id} was changed outside; call the technician")
    return reading


def _read_mark(mark_file: int) -> Mark:
    text = os.pread(mark_file, MARK_BYTES, 0).decode("ascii", "replace")
    if not text.strip("\0 \n"):
        return START
    number, _, digest = text.strip().partition(" ")
    if not number.isdigit() or len(digest) != 64:
        raise JournalDamagedError("journal: its mark file is unreadable; call the technician")
    return Mark(sequence=int(number), hash=digest)


def _write_mark(mark_file: int, mark: Mark) -> None:
    os.pwrite(mark_file, f"{mark.sequence:020d} {mark.hash}\n".encode(), 0)
