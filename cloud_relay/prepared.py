"""A connection that keeps what SQLAlchemy works out anew at each call: a statement that comes again goes straight on.

Half of what the relay does with SQLite is not SQLite's work: for each statement SQLAlchemy looks its text up, makes a
context, orders the parameters and describes the rows. All of that is the same each time for a statement that a room
made once, so it is kept here from the second time on. Whatever is unusual (defaults that are called, long lists,
statements made per call, listeners) goes SQLAlchemy's own way, and so does what fails: its errors are the known ones.
"""

import functools
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Dialect, Insert, Select, UpdateBase
from sqlalchemy.engine import CursorResult, IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.types import TypeEngine

Processor = Callable[[Any], Any]
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
LIST_MAX = 100
"""Longer lists SQLAlchemy writes out; each length is a text of its own, and SQLite keeps a hundred of those ready."""
SHAPES_MAX = 64
"""Sets of columns that one statement is remembered with; an INSERT or UPDATE without columns takes them from a call."""


class QuickResult(IteratorResult[Any]):
    """The rows of a statement, or how many it changed."""

    rowcount = -1


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement with one set of parameters: its text, how they are put in, how the rows are read."""

    text: str
    inputs: tuple[tuple[str, Any, Processor | None], ...]
    """(name, value if the call brings none, what makes SQLite's value of it), in the text's order."""
    keys: tuple[str, ...]
    outputs: tuple[tuple[int, Processor], ...]
    """(place in the row, what makes our value of SQLite's)."""
    described: SimpleResultMetaData
    is_for_many: bool
    """Whether one call may bring several sets of values: an INSERT that returns nothing. What was done of several
    UPDATEs before one fails would be done twice."""
    lists: tuple[str, ...]
    """Names of the values that are lists: each becomes as many marks in the text as it is long."""

    def text_for(self, given: Mapping[str, Any]) -> str:
        """Return the text for one call; ValueError for a list that SQLAlchemy writes in a way of its own."""
        text = self.text
        for name in self.lists:
            length = len(given[name])
            if not 0 < length <= LIST_MAX:
                raise ValueError(f"{name}: {length} values")
            text = text.replace(f"__[POSTCOMPILE_{name}]", ", ".join("?" * length))
        return text

    def fill(self, given: Mapping[str, Any]) -> Sequence[Any]:
        """Return SQLite's values for one call."""
        if self.lists:
            return [
                part if make is None else make(part)
                for name, value, make in self.inputs
                for part in (given[name] if name in self.lists else (given.get(name, value),))
            ]
        return [
            given.get(name, value) if make is None else make(given.get(name, value))
            for name, value, make in self.inputs
        ]

    def read(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return our values of SQLite's rows."""
        if not self.outputs:
            return rows
        read = [list(row) for row in rows]
        for row in read:
            for place, make in self.outputs:
                row[place] = make(row[place])
        return [tuple(row) for row in read]


_plans: WeakKeyDictionary[Any, dict[tuple[str, ...], Plan | None]] = WeakKeyDictionary()
"""For each statement that came once, by names of parameters; None: goes SQLAlchemy's way for ever."""


class QuickConnection(Connection):
    """SQLAlchemy's connection to SQLite, quicker for what comes again; no other database speaks as the plans do."""

    def execute(self, statement: Any, parameters: Parameters = None, *, execution_options: Any = None) -> Any:
        """As SQLAlchemy's; `parameters` of a list with one entry are one call."""
        shapes = _plans.get(statement)
        if shapes is None:
            if execution_options is None and isinstance(statement, Select | UpdateBase):
                return self._watch(statement, parameters)
            return super().execute(statement, parameters, execution_options=execution_options)
        if type(parameters) is dict:
            shape = tuple(parameters)
        elif isinstance(parameters, list) and parameters:
            shape = tuple(parameters[0])
            if len(parameters) == 1:
                parameters = parameters[0]
        elif parameters is None:
            shape = ()
        else:
            return super().execute(statement, parameters, execution_options=execution_options)
        plan = shapes.get(shape)
        if plan is not None and execution_options is None and self._is_plain():
            cursor = self._run(plan, parameters)
            if cursor is not None:
                return _result(plan, cursor)
        elif shape not in shapes and len(shapes) < SHAPES_MAX:
            result = super().execute(statement, parameters)
            shapes[shape] = _plan(self.dialect, statement, shape, result)
            return result
        return super().execute(statement, parameters, execution_options=execution_options)

    def scalar(self, statement: Any, parameters: Any = None, *, execution_options: Any = None) -> Any:
        """As SQLAlchemy's."""
        return self.execute(statement, parameters, execution_options=execution_options).scalar()

    def scalars(self, statement: Any, parameters: Any = None, *, execution_options: Any = None) -> Any:
        """As SQLAlchemy's."""
        return self.execute(statement, parameters, execution_options=execution_options).scalars()

    def _is_plain(self) -> bool:
        """Whether a transaction is open and nobody listens to statements."""
        listening = self.engine.dispatch
        return self.in_transaction() and not (listening.before_cursor_execute or listening.before_execute)

    def _run(self, plan: Plan, given: Any) -> sqlite3.Cursor | None:
        """Return the cursor of a call; None for what SQLAlchemy must do, or will say how it fails."""
        try:
            if type(given) is list:
                if not plan.is_for_many or any(one.keys() != given[0].keys() for one in given):
                    return None
                cursor: sqlite3.Cursor = self._raw.executemany(plan.text, [plan.fill(one) for one in given])
            else:
                text = plan.text_for(given) if plan.lists else plan.text
                cursor = self._raw.execute(text, plan.fill(given or {}))
        except Exception:  # noqa: BLE001  # whatever it is, callers know it in SQLAlchemy's wrapping
            return None
        return cursor

    @functools.cached_property
    def _raw(self) -> Any:
        return self.connection.driver_connection

    def _watch(self, statement: Any, parameters: Any) -> CursorResult[Any]:
        """Run a statement that nobody saw before."""
        result = super().execute(statement, parameters)
        _plans[statement] = {}
        return result


def _result(plan: Plan, cursor: sqlite3.Cursor) -> QuickResult:
    result = QuickResult(plan.described, iter(plan.read(cursor.fetchall()) if plan.keys else ()))
    result.rowcount = cursor.rowcount
    return result


def _plan(dialect: Dialect, statement: Any, shape: tuple[str, ...], result: CursorResult[Any]) -> Plan | None:
    """Return how to run a statement that was just run by SQLAlchemy; None for what is better left to it."""
    if statement.get_execution_options():
        return None
    compiled = statement.compile(dialect=dialect, column_keys=list(shape) or None)
    lists = tuple(bind.key for bind in compiled.post_compile_params)
    is_odd = compiled.literal_execute_params or compiled.positiontup is None
    if is_odd or any(name not in shape or f"(__[POSTCOMPILE_{name}])" not in compiled.string for name in lists):
        return None
    preset = _preset(compiled)
    if preset is None:
        return None
    inputs: list[tuple[str, Any, Processor | None]] = []
    for name in compiled.positiontup:
        bind = compiled.binds[name]
        if bind.callable is not None:
            return None
        make: Processor | None = bind.type.dialect_impl(dialect).bind_processor(dialect)
        inputs.append((name, preset.get(name, bind.value), make))
    if any(compiled.binds[name].required and name not in shape and name not in preset for name, *_ in inputs):
        return None
    keys: tuple[str, ...] = tuple(result.keys()) if result.returns_rows else ()
    types = _types(statement) if keys else []
    if len(types) != len(keys):
        return None
    outputs = [(place, _reader(type_, dialect)) for place, type_ in enumerate(types)]
    return Plan(
        text=compiled.string,
        inputs=tuple(inputs),
        keys=keys,
        outputs=tuple((place, make) for place, make in outputs if make is not None),
        described=SimpleResultMetaData(keys),
        is_for_many=isinstance(statement, Insert) and not keys and not lists,
        lists=lists,
    )


def _preset(compiled: Any) -> dict[str, Any] | None:
    """Return the columns' own first values that a call does not bring; None when one of them must be worked out."""
    preset = {}
    for column in (*compiled.insert_prefetch, *compiled.update_prefetch):
        own = column.default if column in compiled.insert_prefetch else column.onupdate
        if own is None or not own.is_scalar:
            return None
        preset[column.key] = own.arg
    return preset


def _types(statement: Any) -> list[TypeEngine[Any]]:
    """Return the types of a statement's rows, in their order."""
    if isinstance(statement, Select):
        return [column.type for column in statement.selected_columns]
    return [described["type"] for described in statement.returning_column_descriptions]


def _reader(type_: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    return type_.dialect_impl(dialect).result_processor(dialect, None)
