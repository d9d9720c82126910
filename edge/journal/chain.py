"""The hash chain: each entry carries the hash of all before it, and the digest of the row it wrote. Pure."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from edge.journal.errors import JournalDamagedError
from edge.journal.rows import Mark

START = Mark(sequence=0, hash="0" * 64)
"""The mark of an empty journal."""


def row_digest(row: dict[str, Any]) -> str:
    """Return the SHA-256 of a row's columns in a fixed spelling; bytes stand by their own digest."""
    plain = {
        name: hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else value for name, value in row.items()
    }
    return hashlib.sha256(spell(plain).encode()).hexdigest()


def spell(value: Any) -> str:
    """Return the one JSON spelling of a value: sorted keys, no spaces, no escapes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def next_mark(before: Mark, kind: str, entry: str) -> Mark:
    """Return the mark after one more entry."""
    sequence = before.sequence + 1
    text = f"{before.hash}\n{sequence}\n{kind}\n{entry}"
    return Mark(sequence=sequence, hash=hashlib.sha256(text.encode()).hexdigest())


class ChainReading:
    """Walks a chain once: proves each hash, and remembers the newest digest of every bound row.

    `last_report` is the highest number ever given to a report, also when that report is confirmed and gone.
    """

    def __init__(self) -> None:
        self.mark = START
        self.rows: dict[str, dict[Any, str]] = {}
        self.last_report = 0

    def start(self, before: Mark, last_report: int) -> None:
        """Begin in mid-chain, behind an entry that a seal vouches for."""
        self.mark, self.last_report = before, last_report

    def walk(self, entries: Iterable[tuple[int, str, str, str]], seen: Mark | None = None) -> None:
        """Take (sequence, kind, entry, hash) in order; `seen` is a mark that must lie on the chain.

        Raises JournalDamagedError naming the entry where it breaks, or saying that the journal went back in time.
        """
        for sequence, kind, entry, written in entries:
            mark = next_mark(self.mark, kind, entry)
            if (sequence, written) != (mark.sequence, mark.hash):
                raise JournalDamagedError(f"journal: the chain breaks at entry {mark.sequence}; call the technician")
            self.mark = mark
            self._take(json.loads(entry))
            if seen is not None and seen.sequence == sequence and seen.hash != written:
                raise JournalDamagedError(
                    f"journal: entry {sequence} is not the one this box wrote; call the technician"
                )
        if seen is not None and seen.sequence > self.mark.sequence:
            raise JournalDamagedError(
                f"journal: ends at entry {self.mark.sequence}, but {seen.sequence} were written: an old copy, or "
                "entries are lost; nothing will move until the technician decides"
            )

    def _take(self, entry: dict[str, Any]) -> None:
        table = entry.get("table")
        if table is None:
            return
        rows = self.rows.setdefault(table, {})
        if "row" in entry:
            rows[entry["key"]] = entry["row"]
            if table == "reports":
                self.last_report = max(self.last_report, entry["key"])
        for key in entry.get("gone", ()):
            rows.pop(key, None)

    def compare(self, table: str, key: str, stored: Iterable[dict[str, Any]]) -> None:
        """Hold the stored rows of one table against the chain; raise JournalDamagedError for the first that differs."""
        expected = dict(self.rows.get(table, {}))
        for row in stored:
            if expected.pop(row[key], None) != row_digest(row):
                raise JournalDamagedError(f"journal: {table} {row[key]!r} was changed outside; call the technician")
        if expected:
            lost = next(iter(expected))
            raise JournalDamagedError(f"journal: {table} {lost!r} is missing; call the technician")
