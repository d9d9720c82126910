"""Transactions in threads, waking after commits, time that never goes back, migrations."""

import asyncio
import sqlite3
import threading
from datetime import UTC, datetime, timedelta

import pytest
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import event, insert, inspect, select, text
from sqlalchemy.exc import OperationalError

from cloud_relay import db
from cloud_relay.app import _store_mark, _stored_mark
from cloud_relay.clock import RelayClock
from cloud_relay.db import Database, DatabaseBusyError, after_commit, wake
from cloud_relay.grouping import GROUP_MAX
from cloud_relay.migrations import FOLDER, NEWEST, migrate, stored_revisions
from cloud_relay.orders import timers
from cloud_relay.tables import high_water, metadata

AT = datetime(2030, 1, 1, tzinfo=UTC)


def put(connection, name, at=AT):
    connection.execute(insert(high_water).values(name=name, at=at))


async def names(database):
    return await database.read(lambda c: sorted(c.scalars(select(high_water.c.name))))


@pytest.mark.both_stores
async def test_a_use_case_is_one_transaction(database):
    def half(connection):
        put(connection, "a")
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        await database.run(half)
    assert await names(database) == []
    await database.run(put, "b")
    assert await names(database) == ["b"]


@pytest.mark.both_stores
@pytest.mark.parametrize("road", ["run", "run_in_line"])
async def test_writers_wait_for_each_other_and_lose_nothing(database, road):
    await database.run(put, "count")

    def raise_it(connection):
        at = connection.scalar(select(high_water.c.at))
        connection.execute(high_water.update().values(at=at + timedelta(seconds=1)))

    other = Database(database.url)
    await asyncio.gather(*(getattr(one, road)(raise_it) for one in (database, other) for _ in range(40)))
    other.close()
    assert await database.read(lambda c: c.scalar(select(high_water.c.at))) == AT + timedelta(seconds=80)


@pytest.mark.both_stores
async def test_who_meets_another_process_in_the_line_is_run_again(database):
    await database.run(put, "count")
    other, tries = Database(database.url), []

    def raise_it(connection):
        at = connection.scalar(select(high_water.c.at))
        tries.append(at)
        if len(tries) == 1 and not database.is_sqlite:  # SQLite lets nobody write beside an open writer
            other.run_now(lambda c: c.execute(high_water.update().values(at=at + timedelta(seconds=1))))
        connection.execute(high_water.update().values(at=at + timedelta(seconds=1)))

    assert await held_up(database, lambda _: None, raise_it, raise_it) == [None, None]
    other.close()
    met = 0 if database.is_sqlite else 1
    assert await database.read(lambda c: c.scalar(select(high_water.c.at))) == AT + timedelta(seconds=2 + met)


async def held_up(database, on_commit, *works):
    """Run `works` that all wait while the writer is busy, and `on_commit` before each commit; return their outcomes."""
    is_begun, may_end = threading.Event(), threading.Event()

    def keep_busy(_connection):
        is_begun.set()
        assert may_end.wait(10)

    busy = asyncio.create_task(database.run_in_line(keep_busy))
    await asyncio.to_thread(is_begun.wait, 10)
    waiting = [asyncio.create_task(database.run_in_line(work)) for work in works]
    await asyncio.sleep(0)
    event.listen(database.engine, "commit", on_commit)
    may_end.set()
    await busy
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    event.remove(database.engine, "commit", on_commit)
    return outcomes


@pytest.mark.both_stores
async def test_those_who_wait_share_a_commit_and_each_has_its_own_fate(database):
    heard = []
    database.listen("pages", lambda: heard.append("pages"))

    def fail(connection):
        put(connection, "lost")
        wake(connection, "pages")
        raise ValueError("my own")

    def twice(connection):
        put(connection, "a")

    def call(connection):
        put(connection, "c")
        wake(connection, "pages")
        after_commit(connection, lambda: heard.append("call"))
        return 7

    works = [lambda c: put(c, "a"), fail, twice, call]
    commits = []
    outcomes = await held_up(database, commits.append, *works)
    assert len(commits) == 2, "the busy one's and the group's"
    assert [type(outcome).__name__ for outcome in outcomes] == ["NoneType", "ValueError", "IntegrityError", "int"]
    assert await names(database) == ["a", "c"]
    assert heard == ["call", "pages"]


@pytest.mark.both_stores
async def test_a_group_is_bounded(database):
    commits, count = [], GROUP_MAX + 1
    works = [lambda c, n=n: put(c, f"{n:02}") for n in range(count)]
    assert await held_up(database, commits.append, *works) == [None] * count
    assert len(commits) == 3, "the busy one's, a full group's, the last one's"
    assert len(await names(database)) == count


@pytest.mark.both_stores
async def test_a_group_whose_commit_fails_is_run_again_one_by_one(database):
    commits = []

    def break_second(connection):
        commits.append(connection)
        if len(commits) == 2:
            raise OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))

    outcomes = await held_up(database, break_second, lambda c: put(c, "a"), lambda c: put(c, "b"))
    assert outcomes == [None, None]
    assert len(commits) == 4
    assert await names(database) == ["a", "b"]


@pytest.mark.both_stores
@pytest.mark.parametrize("is_last_word", [False, True])
async def test_a_connection_lost_in_a_shared_commit_is_told_to_everybody_or_to_nobody(database, is_last_word):
    other, cut = Database(database.url), []

    def lose(connection):
        put(connection, "lost")
        if not cut and not database.is_sqlite:  # SQLite is a file
            cut.append(connection.scalar(text("SELECT pg_backend_pid()")))
            other.run_now(lambda c: c.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": cut[0]}))
        return None if is_last_word else connection.scalar(text("SELECT 1"))

    async with asyncio.timeout(30):
        outcomes = await held_up(database, lambda _: None, lambda c: put(c, "a"), lose, lambda c: put(c, "b"))
        other.close()
        assert outcomes == [None, None if is_last_word else 1, None], "the second time all was well"
        assert await names(database) == ["a", "b", "lost"]


@pytest.mark.both_stores
@pytest.mark.parametrize("road", ["run", "run_in_line", "read"])
async def test_no_error_of_a_use_case_keeps_its_caller_waiting(database, road):
    def find(connection):
        return next(iter(connection.execute(select(high_water.c.name))))

    async with asyncio.timeout(30):
        with pytest.raises(RuntimeError, match="StopIteration"):
            await getattr(database, road)(find)


@pytest.mark.both_stores
@pytest.mark.parametrize("road", ["run", "run_in_line"])
async def test_who_stops_waiting_keeps_no_listener_asleep(database, road, eventually):
    is_begun, may_end, heard = threading.Event(), threading.Event(), []
    database.listen("pages", lambda: heard.append("pages"))

    def work(connection):
        wake(connection, "pages")
        after_commit(connection, lambda: heard.append("call"))
        is_begun.set()
        assert may_end.wait(10)

    task = asyncio.create_task(getattr(database, road)(work))
    await asyncio.to_thread(is_begun.wait, 10)
    task.cancel()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: heard == ["call", "pages"])


@pytest.mark.both_stores
@pytest.mark.parametrize("road", ["run", "run_in_line"])
async def test_what_is_called_after_a_commit_and_fails_is_raised_where_it_is_waited_for(database, road):
    def work(connection):
        put(connection, "a")
        after_commit(connection, lambda: 1 // 0)

    async with asyncio.timeout(30):
        with pytest.raises(ZeroDivisionError):
            await getattr(database, road)(work)
    assert await names(database) == ["a"]


@pytest.mark.both_stores
async def test_listeners_wake_after_the_commit_and_only_then(database):
    heard, here = [], threading.current_thread()
    database.listen("pages", lambda: heard.append((threading.current_thread(), "pages")))

    def work(connection, *, is_bad):
        put(connection, "a")
        wake(connection, "pages")
        wake(connection, "pages")
        after_commit(connection, lambda: heard.append((threading.current_thread(), "call")))
        if is_bad:
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  # our own, made above
        await database.run(work, is_bad=True)
    await database.run(lambda c: None)
    assert heard == []
    await database.run(work, is_bad=False)
    assert heard == [(here, "call"), (here, "pages")]


@pytest.mark.both_stores
async def test_readers_cannot_write(database):
    with pytest.raises(Exception, match=r"read.?only"):
        await database.read(put, "a")


@pytest.mark.sqlite_only("PostgreSQL waits for the disk unless its own settings say otherwise")
async def test_a_commit_is_on_the_disk(database):
    assert await database.run(lambda c: c.execute(text("PRAGMA synchronous")).scalar()) == 2
    assert await database.run(lambda c: c.execute(text("PRAGMA journal_mode")).scalar()) == "wal"
    assert await database.run(lambda c: c.execute(text("PRAGMA foreign_keys")).scalar()) == 1


def test_migrating_twice_changes_nothing_and_every_table_is_there(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'a b%.sqlite3'}")
    migrate(database)
    before = database.read_now(lambda c: c.execute(text("SELECT sql FROM sqlite_master ORDER BY name")).all())
    migrate(database)
    after = database.read_now(lambda c: c.execute(text("SELECT sql FROM sqlite_master ORDER BY name")).all())
    found = database.read_now(lambda c: set(inspect(c).get_table_names()))
    database.close()
    assert before == after
    assert set(metadata.tables) <= found


def test_time_never_goes_back():
    wall = [AT]
    clock = RelayClock(wall=lambda: wall[0])
    assert clock.now() == AT
    wall[0] = AT - timedelta(hours=1)
    assert clock.now() == AT
    wall[0] = AT + timedelta(seconds=1)
    assert clock.now() == wall[0]
    clock.follow(AT + timedelta(seconds=31))
    assert clock.now() == AT + timedelta(seconds=31)
    clock.raise_to(AT + timedelta(days=1))
    assert clock.now() == AT + timedelta(days=1)


@pytest.mark.both_stores
def test_time_does_not_go_back_over_a_restart(database):
    assert database.read_now(_stored_mark) is None
    database.run_now(_store_mark, AT)
    database.run_now(_store_mark, AT - timedelta(days=1))
    clock = RelayClock(database.read_now(_stored_mark), wall=lambda: AT - timedelta(minutes=10))
    assert clock.now() == AT


def test_the_newest_migration_is_the_one_that_alembic_ends_with(tmp_path):
    assert ScriptDirectory(FOLDER).get_heads() == [NEWEST]
    database = Database(f"sqlite:///{tmp_path / 'relay.sqlite3'}")
    assert stored_revisions(database) == []
    migrate(database)
    assert stored_revisions(database) == [NEWEST]
    database.close()


def test_a_database_that_is_behind_is_brought_up_to_date(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'relay.sqlite3'}")
    migrate(database)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(CommandError, match="0000"):  # no way leads from there: it was looked for
        migrate(database)
    database.close()


@pytest.mark.parametrize("fault", [DatabaseBusyError("busy"), ValueError("a bug")])
async def test_who_has_nobody_to_answer_tries_until_the_database_is_free(monkeypatch, fault):
    monkeypatch.setattr(db, "BUSY_S", 0.001)
    tried = []

    async def attempt():
        tried.append(1)
        if len(tried) < 3:
            raise fault
        return "done"

    if isinstance(fault, ValueError):
        with pytest.raises(ValueError, match="a bug"):
            await db.keep_trying(attempt)
        return
    assert (await db.keep_trying(attempt), len(tried)) == ("done", 3)


async def test_the_clock_of_orders_goes_on_when_the_database_was_busy(monkeypatch):
    monkeypatch.setattr(db, "BUSY_S", 0.001)
    looks, is_done = [], asyncio.Event()

    async def work_once(*_):
        looks.append(1)
        if len(looks) == 1:
            raise DatabaseBusyError("busy")
        is_done.set()
        return 0

    monkeypatch.setattr(timers, "work_once", work_once)
    task = asyncio.create_task(timers.run(None, None, None))
    async with asyncio.timeout(10):
        await is_done.wait()
    task.cancel()
    await asyncio.wait([task])
