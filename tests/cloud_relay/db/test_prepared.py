"""What the quick connection answers is what SQLAlchemy answers: rows, types, counts, defaults, errors."""

from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError, StatementError

from cloud_relay import prepared
from cloud_relay.prepared import QuickConnection
from cloud_relay.tables.columns import Moment

AT = datetime(2030, 1, 1, tzinfo=UTC)
thing = Table(
    "thing", MetaData(), Column("key", String(20), primary_key=True), Column("count", Integer, default=7),
    Column("is_new", Boolean, nullable=False, default=True), Column("data", JSON), Column("at", Moment),
    CheckConstraint("key <> 'b' OR count < 100"),
)  # fmt: skip
made = Table(
    "made", thing.metadata, Column("key", String(20), primary_key=True), Column("at", Moment, default=lambda: AT)
)
ADD, ADD_MADE = insert(thing), insert(made)
ONE = select(thing).where(thing.c.key == bindparam("key"))
TWICE = select(thing.c.key, (thing.c.count * 2).label("twice"), thing.c.at.label("moment")).order_by(thing.c.key)
RAISE = (
    update(thing)
    .where(thing.c.key == bindparam("which"))
    .values(count=thing.c.count + 1)
    .returning(thing.c.count, thing.c.data)
)
SET = update(thing).where(thing.c.key == bindparam("which"))
AMONG = (
    select(thing.c.key)
    .where(thing.c.key.in_(bindparam("keys", expanding=True)), thing.c.count <= bindparam("most"))
    .where(thing.c.at.in_(bindparam("moments", expanding=True)), thing.c.is_new)
    .order_by(thing.c.key)
)
UNLESS_THERE = sqlite.insert(thing).on_conflict_do_nothing()
DROP = delete(thing).where(thing.c.key == bindparam("which"))
COUNT = select(func.count()).select_from(thing)
ROW = {"key": "a", "data": {"b": [1, None]}, "at": AT}


@pytest.fixture
def quick():
    engine = create_engine("sqlite://")
    with QuickConnection(engine) as connection, connection.begin():
        thing.metadata.create_all(connection)
        yield connection
    engine.dispose()


@pytest.fixture
def runs(monkeypatch):
    """Count what goes the quick way, from a fresh memory."""
    seen, run = [], QuickConnection._run
    monkeypatch.setattr(prepared, "_plans", WeakKeyDictionary())

    def count(self, plan, given):
        seen.append(plan.text)
        return run(self, plan, given)

    monkeypatch.setattr(QuickConnection, "_run", count)
    return seen


def test_rows_are_as_sqlalchemy_makes_them(quick, runs):
    quick.execute(ADD, ROW)
    asked = [quick.execute(ONE, {"key": "a"}) for _ in range(4)]
    rows = [one.one() for one in asked]
    assert len(runs) == 2
    assert rows[0] == rows[3]
    assert (rows[3].at, rows[3].is_new, rows[3].data) == (AT, True, {"b": [1, None]})
    assert dict(quick.execute(ONE, {"key": "a"}).mappings().one()) == {**ROW, "count": 7, "is_new": True}
    assert quick.execute(ONE, {"key": "b"}).one_or_none() is None
    assert [tuple(row) for row in (quick.execute(TWICE).one() for _ in range(3))] == [("a", 14, AT)] * 3
    assert [quick.scalar(COUNT) for _ in range(3)] == [1, 1, 1]
    assert [quick.scalars(TWICE).all() for _ in range(3)] == [["a"]] * 3


def test_changes_count_and_return(quick, runs):
    for key in "abc":
        assert quick.execute(ADD, {**ROW, "key": key}).rowcount == 1
    assert [quick.execute(RAISE, {"which": "a"}).one() for _ in range(3)] == [(n, {"b": [1, None]}) for n in (8, 9, 10)]
    assert [quick.execute(SET, {"which": who, "count": 1}).rowcount for who in ("a", "b", "x", "x")] == [1, 1, 0, 0]
    assert [quick.execute(UNLESS_THERE, {**ROW, "key": key}).rowcount for key in ("c", "c", "d", "d")] == [0, 0, 1, 0]
    assert [quick.execute(DROP, {"which": key}).rowcount for key in ("a", "b", "c", "c")] == [1, 1, 1, 0]
    assert len(runs) >= 8


def test_several_rows_go_at_once_and_a_default_that_is_called_stays_with_sqlalchemy(quick, runs):
    for first in range(0, 9, 3):
        quick.execute(ADD, [{**ROW, "key": str(first + place)} for place in range(3)])
        quick.execute(ADD_MADE, {"key": str(first)})
    assert len(runs) == 1
    assert quick.scalar(COUNT) == 9
    assert set(quick.scalars(select(made.c.at))) == {AT}


def test_lists_become_as_many_marks_as_they_are_long(quick, runs):
    for place in range(9):
        quick.execute(ADD, {**ROW, "key": str(place)})
    before = len(runs)
    for keys in (["8", "x", "0"], ["3"], ("3", "3", "1"), ["0"] * 99 + ["1"], ["0"] * 100 + ["1"], []):
        found = quick.execute(AMONG, {"most": 7, "keys": keys, "moments": [AT, AT]}).scalars().all()
        assert found == sorted(set(keys) - {"x"})
    assert len(runs) - before == 4  # two of them are left to SQLAlchemy after a look at their length
    assert quick.scalars(AMONG, {"most": 6, "keys": ["1"], "moments": [AT]}).all() == []


def test_other_columns_are_another_plan(quick):
    for place in range(3):
        quick.execute(ADD, {"key": f"a{place}", "count": place})
        quick.execute(ADD, {"key": f"b{place}", "at": AT, "is_new": False})
    for place in range(3):
        quick.execute(SET, {"which": f"a{place}", "is_new": False})
        quick.execute(SET, {"which": f"a{place}", "count": None, "at": AT + timedelta(hours=1)})
    rows = {row.key: tuple(row)[1:] for row in quick.execute(select(thing))}
    assert rows == {
        **{f"a{n}": (None, False, None, AT + timedelta(hours=1)) for n in range(3)},
        **{f"b{n}": (7, False, None, AT) for n in range(3)},
    }


def test_errors_are_sqlalchemys_and_a_failed_update_of_several_is_not_done_twice(quick):
    for key in "abc":
        quick.execute(ADD, {**ROW, "key": key})
    for _ in range(3):
        with pytest.raises(IntegrityError):
            quick.execute(ADD, ROW)
        with pytest.raises(StatementError):
            quick.execute(ADD, {**ROW, "key": "z", "at": "yesterday"})
        with pytest.raises(StatementError):
            quick.execute(ONE, {"wrong": "a"})
        with pytest.raises(StatementError):
            quick.execute(ADD, [{"key": "x", "at": AT}, {"key": "y"}])
    assert quick.scalar(COUNT) == 3
    more = update(thing).where(thing.c.key == bindparam("which")).values(count=thing.c.count + bindparam("more"))
    for _ in range(3):
        quick.execute(more, [{"which": "a", "more": 1}, {"which": "b", "more": 1}])
    assert quick.execute(ONE, {"key": "a"}).one()[1] == 10
    with pytest.raises(IntegrityError):
        quick.execute(more, [{"which": "a", "more": 1}, {"which": "b", "more": 999}])
    assert quick.execute(ONE, {"key": "a"}).one()[1] == 11


def test_who_listens_hears_every_statement(quick, runs):
    heard = []
    event.listen(quick.engine, "before_cursor_execute", lambda *args: heard.append(args[2]))
    for _ in range(4):
        quick.execute(ONE, {"key": "a"})
    assert len(heard) == 4
    assert not runs


def test_what_is_made_for_one_call_is_forgotten(quick):
    before = len(prepared._plans)
    for place in range(20):
        quick.execute(select(thing.c.key).where(thing.c.key == str(place))).all()
    assert len(prepared._plans) <= before + 1


VALUES = st.fixed_dictionaries({
    "count": st.none() | st.integers(-(2**63), 2**63 - 1), "is_new": st.booleans(),
    "data": st.lists(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), max_size=3) | st.none(),
    "at": st.none() | st.integers(0, 2**40).map(lambda ms: AT + timedelta(milliseconds=ms)),
})  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=5))
def test_whatever_is_written_reads_the_same_both_ways(rows):
    engine = create_engine("sqlite://")
    with QuickConnection(engine) as connection, connection.begin():
        thing.metadata.create_all(connection)
        for _ in range(3):
            for place, row in enumerate(rows):
                connection.execute(ADD, {"key": str(place), **row})
            quickly = [connection.execute(ONE, {"key": str(place)}).mappings().one() for place in range(len(rows))]
            plainly = [
                Connection.execute(connection, ONE, {"key": str(place)}).mappings().one() for place in range(len(rows))
            ]
            assert [dict(row) for row in quickly] == [dict(row) for row in plainly]
            connection.execute(delete(thing))
    engine.dispose()
