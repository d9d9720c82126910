"""Seals: the digests of all rows at one point of the chain, so that opening proves the days since and not the years."""

import hashlib
import json

from sqlite_utils import Database

from edge.journal.chain import START, ChainReading, next_mark, row_digest, spell
from edge.journal.errors import JournalDamagedError
from edge.journal.rows import Mark
from edge.journal.schema import BOUND
from edge.journal.transaction import Transaction

SEAL_EVERY = 20_000
"""Entries after which a new seal pays: proving that many takes about a third of a second."""

KEPT_ENTRIES = 200_000
"""Entries before the seal that stay readable as the story of old parcels: some weeks of a busy shop."""


def seal(tx: Transaction) -> bool:
    """Seal the chain when it has grown enough; drops entries that are older than KEPT_ENTRIES before the last seal."""
    tx.wants_checkpoint = True
    last = tx.run("select coalesce(max(sequence), 0) from chain where kind = 'seal'")[0][0]
    if tx.mark.sequence - last < SEAL_EVERY:
        return False
    digests = []
    for table, key in BOUND.items():
        digests += [(table, spell(row[key]), row_digest(row)) for row in tx.select(table)]
    digests.sort()
    tx.run("delete from sealed")
    for place in digests:
        tx.run("insert into sealed (name, key, digest) values (?, ?, ?)", place)
    tx.note("seal", digest=_digest(digests), last_report=tx.last_report)
    tx.run("delete from chain where sequence < ?", (last - KEPT_ENTRIES,))
    return True


def _digest(digests: list[tuple[str, str, str]]) -> str:
    return hashlib.sha256("\n".join("\t".join(part) for part in digests).encode()).hexdigest()


def begin_reading(db: Database) -> ChainReading:
    """Return a reading that starts at the newest seal, or at the beginning where there is none.

    Raises JournalDamagedError when the sealed digests are not those that the seal names.
    """
    reading = ChainReading()
    newest = db.execute("select sequence, entry, hash from chain where kind = 'seal' order by sequence desc limit 1")
    found = newest.fetchone()
    if found is None:
        return reading
    sequence, entry, written = found
    before = db.execute("select sequence, hash from chain where sequence = ?", (sequence - 1,)).fetchone()
    start = Mark(sequence=before[0], hash=before[1]) if before else START
    if next_mark(start, "seal", entry).hash != written:
        raise JournalDamagedError(f"journal: the chain breaks at entry {sequence}; call the technician")
    facts = json.loads(entry)
    digests = list(db.execute("select name, key, digest from sealed order by name, key, digest"))
    if _digest(digests) != facts["digest"]:
        raise JournalDamagedError(f"journal: the seal at entry {sequence} does not fit; call the technician")
    reading.start(start, facts["last_report"])
    for name, key, digest in digests:
        reading.rows.setdefault(name, {})[json.loads(key)] = digest
    return reading
