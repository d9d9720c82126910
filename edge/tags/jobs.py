"""Printings of tags as the journal keeps them: the intent before each tag, what lies at the printer, how far it is."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from edge.flows.tag_printing import FINAL, Event, Stage, step
from edge.journal.outbox import append_report
from edge.journal.transaction import Transaction
from edge.reasons import sentence_for
from wire.codec import from_json, to_json
from wire.tags import TagFace, TagsPrinted, TagsState
from wire.values import format_time, parse_time

TAGS_MAX = 100
"""In one printing: ten minutes of a slow printer. More are printed as sheets."""

OPEN_MAX = 20
"""Printings that may wait; somebody who presses more often has a wish that no roll fulfils."""

HALTED = frozenset({"stopped", "deadline_passed"})
"""Reasons with which a printing was stopped; each has its sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One printing. `printed` tags came out, and `at_mouth` of them hang at the printer still.

    `wants_stop`: somebody asked to print no more. After `until` (relay time) no tag is begun.
    """

    job_id: str
    tags: tuple[TagFace, ...]
    until: datetime
    stage: Stage = Stage.WAITING
    printed: int = 0
    total: int = 0
    at_mouth: int = 0
    reason: str = ""
    wants_stop: bool = False

    @property
    def tag(self) -> TagFace:
        """The tag that is printed now or next."""
        return self.tags[self.printed]

    @property
    def must_clear(self) -> bool:
        """Whether paper of it may hang at the printer, so that no robot may go there."""
        return self.at_mouth > 0 or self.stage in (Stage.PRINTING, Stage.IN_DOUBT)


def load(tx: Transaction, job_id: str) -> Job | None:
    """Return a printing, or None when this shop never heard of it."""
    row = tx.get("tag_jobs", job_id)
    return _job(row) if row else None


def open_jobs(tx: Transaction) -> list[Job]:
    """Return printings that are not at their end or whose tags were not taken yet, oldest first."""
    return [_job(row) for row in tx.select("tag_jobs", "is_open = 1", (), "order by asked_at, rowid")]


def _job(row: dict[str, Any]) -> Job:
    return Job(
        job_id=row["job_id"], tags=from_json(tuple[TagFace, ...], json.loads(row["tags"])),
        until=parse_time(row["until"]), stage=Stage(row["stage"]), printed=row["printed"], total=row["total"],
        at_mouth=row["at_mouth"], reason=row["reason"], wants_stop=bool(row["wants_stop"]),
    )  # fmt: skip


def begin(tx: Transaction, job_id: str, tags: tuple[TagFace, ...], until: datetime) -> None:
    """Take a new printing in and tell of it."""
    job = Job(job_id=job_id, tags=tags, until=until, total=len(tags))
    _save(tx, job, "tags_asked", tx.at)
    tell(tx, job)


def feed(tx: Transaction, job_id: str, event: Event, reason: str = "") -> Job:
    """Take one event; raises IllegalStepError before anything is written. The last tag's end is found here."""
    before = load(tx, job_id)
    assert before is not None, f"printing {job_id} was never asked for"
    came_out = event is Event.PRINTED
    if came_out and before.printed + 1 == before.total:
        event = Event.LAST_PRINTED
    stage, _ = step(before.stage, event)
    after = replace(
        before, stage=stage, reason=reason, printed=before.printed + came_out, at_mouth=before.at_mouth + came_out
    )
    save(tx, after, event.value)
    if stage is not Stage.PRINTING:
        tell(tx, after)
    return after


def begin_next(tx: Transaction, job_id: str) -> bool:
    """Write the intent to print the next tag; False, and nothing is written, when somebody asked to print no more."""
    job = load(tx, job_id)
    if job is None or job.wants_stop:
        return False
    feed(tx, job_id, Event.BEGIN)
    return True


def save(tx: Transaction, job: Job, kind: str) -> None:
    """Store a printing as it stands; one at its end keeps its counts and forgets its tags."""
    row = tx.get("tag_jobs", job.job_id)
    assert row is not None, f"printing {job.job_id} was never asked for"
    _save(tx, job, f"tags_{kind}", row["asked_at"])


def _save(tx: Transaction, job: Job, kind: str, asked_at: str) -> None:
    is_over = job.stage in FINAL
    tags = [] if is_over else to_json(job.tags)
    row = {
        "job_id": job.job_id, "stage": job.stage.value, "is_open": int(not is_over or job.at_mouth > 0),
        "printed": job.printed, "total": job.total, "at_mouth": job.at_mouth, "reason": job.reason,
        "wants_stop": int(job.wants_stop), "until": format_time(job.until),
        "tags": json.dumps(tags, ensure_ascii=False, separators=(",", ":")), "asked_at": asked_at,
    }  # fmt: skip
    tx.put("tag_jobs", row, kind, stage=job.stage.value, printed=job.printed)


_STATES = {
    Stage.PRINTING: TagsState.PRINTING,
    Stage.BLOCKED: TagsState.HELD,
    Stage.IN_DOUBT: TagsState.IN_DOUBT,
    Stage.DONE: TagsState.DONE,
    Stage.STOPPED: TagsState.STOPPED,
}


def state_of(job: Job) -> TagsState:
    """Return where a printing is, in the words of the wire."""
    if job.stage is Stage.WAITING:
        return TagsState.PRINTING if job.printed else TagsState.WAITING
    return _STATES[job.stage]


def tell(tx: Transaction, job: Job) -> None:
    """Report how far a printing is."""
    report = TagsPrinted(
        job_id=job.job_id, state=state_of(job), printed=job.printed, total=job.total, at=tx.now, reason=job.reason,
        text=sentence_for(job.reason),
    )  # fmt: skip
    append_report(tx, report)
