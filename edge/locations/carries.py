"""What the sorter is asked to carry, as the journal keeps it: one row for each parcel that it fetches a piece for."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from drivers.sorter import parse_location
from edge.flows.carrying import FINAL, Event, Stage, step
from edge.journal.outbox import append_report
from edge.journal.shop import set_place
from edge.journal.transaction import Transaction
from edge.locations import shelves
from wire.reports import PieceCarried

JOB_COUNTER = "sorter_job"

MOVED_NOTHING = frozenset({"nothing_there", "place_taken", "no_such_location"})
"""Reasons with which a job ended and moved nothing, so that another try is another job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """One carrying; `job_no` is the number by which the machine knows it, `reason` why it is held."""

    parcel_id: str
    piece_id: str
    location: str
    job_no: int
    stage: Stage = Stage.WANTED
    reason: str = ""


def load(tx: Transaction, parcel_id: str) -> Carry | None:
    """Return the carrying for a parcel."""
    found = tx.select("carries", "parcel_id = ?", (parcel_id,))
    return _carry(found[0]) if found else None


def open_carries(tx: Transaction) -> list[Carry]:
    """Return what is not at its end, oldest first."""
    return [_carry(row) for row in tx.select("carries", "is_open = 1", (), "order by at, parcel_id")]


def _carry(row: dict[str, object]) -> Carry:
    names = Carry.__dataclass_fields__
    values = {name: value for name, value in row.items() if name in names}
    return Carry(**{**values, "stage": Stage(str(row["stage"]))})  # type: ignore[arg-type]  # a row of our own table


def want(tx: Transaction, parcel_id: str, piece_id: str, random_bytes: Callable[[int], bytes]) -> Carry | None:
    """Have the sorter fetch the piece; None when it lies where no machine can take it, or not alone."""
    location = shelves.lies_alone(tx, piece_id)
    if parse_location(location) is None or load(tx, parcel_id) is not None:
        return None
    carry = Carry(parcel_id=parcel_id, piece_id=piece_id, location=location, job_no=next_job_no(tx, random_bytes))
    _save(tx, carry)
    return carry


def feed(
    tx: Transaction, parcel_id: str, event: Event, reason: str, random_bytes: Callable[[int], bytes], by: str = ""
) -> Carry:
    """Take one event; raises IllegalStepError before anything is written."""
    before = load(tx, parcel_id)
    assert before is not None, f"parcel {parcel_id} was never to be carried"
    stage, _ = step(before.stage, event)
    job_no = before.job_no
    if event is Event.AGAIN and before.reason in MOVED_NOTHING:
        job_no = next_job_no(tx, random_bytes)
    after = Carry(
        parcel_id=parcel_id, piece_id=before.piece_id, location=before.location, job_no=job_no, stage=stage,
        reason=reason,
    )  # fmt: skip
    _save(tx, after)
    if stage is Stage.CARRIED:
        _arrived(tx, after, by)
    return after


def end(tx: Transaction, parcel_id: str) -> None:
    """Nobody needs to fetch this parcel's piece any more. A machine at work ends its job, and that is still told."""
    carry = load(tx, parcel_id)
    if carry is not None and carry.stage not in (*FINAL, Stage.CARRYING):
        stage, _ = step(carry.stage, Event.WITHDRAW)
        _save(tx, Carry(**{**asdict(carry), "stage": stage, "reason": ""}))


def _arrived(tx: Transaction, carry: Carry, by: str) -> None:
    place = tx.get("places", carry.piece_id)
    if place is None or place["place"] in ("spot", ""):
        set_place(tx, carry.piece_id, "bench")
    shelves.leave(tx, carry.piece_id)
    report = PieceCarried(parcel_id=carry.parcel_id, at=tx.now, location=carry.location, place="bench", by=by)
    append_report(tx, report)


def _save(tx: Transaction, carry: Carry) -> None:
    row = {**asdict(carry), "stage": carry.stage.value, "is_open": int(carry.stage not in FINAL), "at": tx.at}
    tx.put("carries", row, "carry", stage=carry.stage.value, job_no=carry.job_no)


def next_job_no(tx: Transaction, random_bytes: Callable[[int], bytes]) -> int:
    """Return the next number; the first one is chance, so that a new journal does not meet the machine's last job."""
    row = tx.get("counters", JOB_COUNTER)
    before = row["value"] if row else int.from_bytes(random_bytes(2), "big")
    job_no: int = before % 0xFFFF + 1
    tx.put("counters", {"name": JOB_COUNTER, "value": job_no, "until_at": ""}, "counted", value=job_no)
    return job_no
