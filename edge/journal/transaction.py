"""What work inside the writer thread sees: rows by key, every change bound into the chain."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from edge.journal.chain import next_mark, row_digest, spell
from edge.journal.rows import Mark
from edge.journal.schema import BOUND
from wire.values import format_time

Row = dict[str, Any]


class Transaction:
    """One transaction. `mark` is the chain's head as it will be, `last_report` the newest report's number.

    `touched` are the tables changed; `at` and `now` its one time; `wants_checkpoint` empties the log after the commit.
    """

    def __init__(self, db: Database, mark: Mark, last_report: int, shop_id: str, now: Callable[[], datetime]) -> None:
        self.mark = mark
        self.last_report = last_report
        self.shop_id = shop_id
        self.now = now()
        self.at = format_time(self.now)
        self.touched: set[str] = set()
        self.wants_checkpoint = False
        self._db = db

    def get(self, table: str, key: Any) -> Row | None:
        """Return the row with this key, or None."""
        rows = self.select(table, f"{BOUND[table]} = ?", (key,))
        return rows[0] if rows else None

    def select(self, table: str, where: str = "1", parameters: tuple[Any, ...] = (), tail: str = "") -> list[Row]:
        """Return rows; `where` and `tail` (order, limit) are written by us, values only travel in `parameters`."""
        cursor = self._db.execute(f"select * from {table} where {where} {tail}", parameters)  # noqa: S608 our own words
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]

    def put(self, table: str, row: Row, kind: str, **facts: Any) -> None:
        """Write a whole row (new or instead of the one with its key) and its chain entry of this kind."""
        names, places = ", ".join(row), ", ".join("?" * len(row))
        self._db.execute(f"insert or replace into {table} ({names}) values ({places})", tuple(row.values()))  # noqa: S608  # our own names
        self.note(kind, table=table, key=row[BOUND[table]], row=row_digest(row), **facts)
        self.touched.add(table)

    def remove(self, table: str, keys: list[Any], kind: str) -> None:
        """Remove rows by their keys, with one chain entry for all."""
        if not keys:
            return
        places = ", ".join("?" * len(keys))
        self._db.execute(f"delete from {table} where {BOUND[table]} in ({places})", tuple(keys))  # noqa: S608  # our own names
        self.note(kind, table=table, gone=keys)
        self.touched.add(table)

    def note(self, kind: str, **facts: Any) -> None:
        """Append a chain entry: what happened, by ids and digests only; no address and no secret ever stands here."""
        entry = spell({"at": self.at, **facts})
        self.mark = next_mark(self.mark, kind, entry)
        self._db.execute(
            "insert into chain (sequence, kind, entry, hash) values (?, ?, ?, ?)",
            (self.mark.sequence, kind, entry, self.mark.hash),
        )

    def run(self, sql: str, parameters: tuple[Any, ...] = (), touched: str = "") -> list[tuple[Any, ...]]:
        """Run one statement on an unbound table (`acks`) or a count; returns its rows."""
        if touched:
            self.touched.add(touched)
        return list(self._db.execute(sql, parameters).fetchall())
