"""The shop's memory: SQLite, one writer, every row bound into a hash chain. It comes before every act."""

from edge.journal.errors import JournalDamagedError, JournalFailedError, JournalLockedError
from edge.journal.journal import Journal
from edge.journal.rows import AckDecision, Mark, PendingAck, Receipt, UnsentReport

__all__ = [
    "AckDecision",
    "Journal",
    "JournalDamagedError",
    "JournalFailedError",
    "JournalLockedError",
    "Mark",
    "PendingAck",
    "Receipt",
    "UnsentReport",
]
