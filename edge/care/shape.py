"""The shape of a journal: how much of what, which steps, and never whose."""

import json
from typing import Any

from edge.care.words import Sieve
from edge.journal.schema import BOUND
from edge.journal_view import Run, summary

NEWEST = 500
"""Entries of the chain that show how the box came to where it is: some fifteen parcels' worth."""

GROUPS = {
    "parcels_by_stage": ("parcels", "stage"),
    "labels_by_state": ("labels", "state"),
    "commands_by_type": ("commands", "type"),
    "commands_by_state": ("commands", "state"),
    "reports_by_type": ("reports", "type"),
    "intents_by_act": ("intents", "act"),
    "intents_by_outcome": ("intents", "outcome"),
    "tasks_by_kind": ("tasks", "kind"),
    "pictures_by_state": ("pictures", "state"),
}


def of_journal(run: Run, sieve: Sieve) -> dict[str, Any]:
    """Return counts by table, stage, type and state, acts in doubt, and the newest entries without their contents."""
    shape: dict[str, Any] = {
        "schema": run("pragma user_version", ())[0][0],
        "rows": {table: run(f"select count(*) from {table}", ())[0][0] for table in ("chain", *BOUND)},  # noqa: S608  # our own names
        "summary": summary(run),
    }
    for name, (table, column) in GROUPS.items():
        rows = run(f"select {column}, count(*) from {table} group by {column} order by {column}", ())  # noqa: S608  # our own names
        shape[name] = _counted(rows, sieve)
    doubt = run("select act, device, at from intents where outcome in ('', 'unknown') order by at", ())
    shape["acts_in_doubt"] = [sieve.value(list(row)) for row in doubt]
    newest = run("select sequence, kind, entry from chain order by sequence desc limit ?", (NEWEST,))
    shape["newest"] = [_entry(sieve, *row) for row in reversed(newest)]
    return shape


def _counted(rows: list[tuple[Any, ...]], sieve: Sieve) -> dict[str, int]:
    counted: dict[str, int] = {}
    for value, count in rows:
        name = sieve.text(str(value)) or "(none)"
        counted[name] = counted.get(name, 0) + count
    return counted


def _entry(sieve: Sieve, sequence: int, kind: str, text: str) -> dict[str, Any]:
    facts = json.loads(text)
    for name in ("row", "key", "gone", "digest"):
        facts.pop(name, None)
    return {"sequence": sequence, "what": sieve.text(kind), **sieve.facts(facts)}
