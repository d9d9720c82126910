"""What the technician reads in the journal: orders, one parcel's story, intents without an outcome. Reads only."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

Run = Callable[..., list[tuple[Any, ...]]]
"""Runs one select: `run(sql, parameters)` returns its rows."""

HIDDEN = frozenset({"to", "sender_lines", "address", "link", "courier_link", "token"})
"""Keys whose values stay in the journal: addresses are for labels, and the courier's link is shown once."""


class JournalAbsentError(Exception):
    """There is no journal in this data directory, or it can't be read."""


def orders(run: Run, limit: int = 50) -> list[dict[str, Any]]:
    """Return parcels, those in work first, then the newest: parcel_id, piece_id, stage, is_open, changed_at."""
    names = ("parcel_id", "piece_id", "stage", "is_open", "changed_at")
    columns = ", ".join(names)
    rows = run(f"select {columns} from parcels order by is_open desc, changed_at desc limit ?", (limit,))  # noqa: S608  # our own names
    return [dict(zip(names, row, strict=True)) for row in rows]


def story(run: Run, parcel_id: str) -> list[dict[str, Any]]:
    """Return every chain entry that names this parcel, oldest first; LookupError when there is none."""
    lines = _entries(run, _names_of(run, parcel_id))
    if not lines:
        raise LookupError(f"the journal knows no parcel {parcel_id}")
    return lines


def order(run: Run, order_id: str) -> list[dict[str, Any]]:
    """Return every chain entry of every parcel of this order, oldest first; LookupError when there is none."""
    found = run("select parcel_id from parcels where json_extract(body, '$.order_id') = ?", (order_id,))
    lines = _entries(run, {order_id}.union(*(_names_of(run, parcel_id) for (parcel_id,) in found)))
    if not lines:
        raise LookupError(f"the journal knows no order {order_id}")
    return lines


def _names_of(run: Run, parcel_id: str) -> set[str]:
    """Return the parcel's id and those of its labels, intents, tasks and pictures."""
    keys = {parcel_id}
    for table, key in (("labels", "serial"), ("intents", "intent_id"), ("tasks", "task_id"), ("pictures", "sha256")):
        found = run(f"select {key} from {table} where parcel_id = ?", (parcel_id,))  # noqa: S608  # our own names
        keys |= {value for (value,) in found}
    return keys


def _entries(run: Run, keys: set[str]) -> list[dict[str, Any]]:
    lines = []
    for sequence, kind, entry in run("select sequence, kind, entry from chain order by sequence", ()):
        facts = json.loads(entry)
        if keys & {value for value in facts.values() if isinstance(value, str)}:
            facts.pop("row", None)
            lines.append({"sequence": sequence, "what": kind, **_shown(facts)})
    return lines


def open_intents(run: Run) -> list[dict[str, Any]]:
    """Return what a device was told to do and nobody knows whether it did."""
    names = ("intent_id", "parcel_id", "act", "device", "at")
    columns = ", ".join(names)
    rows = run(f"select {columns} from intents where outcome in ('', 'unknown') order by at", ())  # noqa: S608  # ours
    return [dict(zip(names, row, strict=True)) for row in rows]


def summary(run: Run) -> dict[str, Any]:
    """Return counts: entries, commands not finally answered, reports not confirmed, parcels in work."""
    counts = {
        "entries": "select coalesce(max(sequence), 0) from chain",
        "commands_open": "select count(*) from commands where answered_at is null",
        "reports_unconfirmed": "select count(*) from reports",
        "acks_unsent": "select count(*) from acks where is_sent = 0",
        "parcels_open": "select count(*) from parcels where is_open = 1",
        "plan_version": "select coalesce(max(version), 0) from plans",
    }
    return {name: run(sql, ())[0][0] for name, sql in counts.items()}


def _shown(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key not in HIDDEN}


def read_file(path: Path, look: Callable[[Run], Any]) -> Any:
    """Look into the journal of a daemon that does not run, without writing; raises JournalAbsentError."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return look(lambda sql, parameters: connection.execute(sql, parameters).fetchall())
    except sqlite3.Error as error:
        raise JournalAbsentError(f"{path}: {error}") from None
