"""A parcel, its labels and its intents as the journal keeps them."""

import dataclasses
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from edge.flows.fulfilment import FINAL, ON_BENCH, Effect, Stage
from edge.journal.transaction import Transaction
from wire.codec import from_json
from wire.plan import LabelContent


@dataclass(slots=True, kw_only=True)
class Parcel:
    """One parcel at this shop. `line_no` counts parcels in order of arrival.

    `label` is the newest LabelContent ordered (as JSON; gone once purged), `label_no` its number; labels up to
    `retired_no` are void by the shopper's objection. `serial` is the label that exists or is being made now.
    `act_until` is the relay time after which no machine may start for it. Hashes name pictures.
    `stays`: the attendant chose not to put it aside, and is not asked again. `photo_answer`: what a shopper said of a
    photo that was taken by the box before this one, until the parcel is found. `is_code_shown`: the shopper who
    collects it has shown the right code.
    """

    parcel_id: str
    piece_id: str
    line_no: int
    stage: Stage = Stage.NEW
    session_id: str = ""
    order_id: str = ""
    label: dict[str, Any] | None = None
    label_no: int = 0
    retired_no: int = 0
    serial: str = ""
    job_no: int = 0
    act_until: str = ""
    still_sha256: str = ""
    photo_sha256: str = ""
    last_sha256: str = ""
    reason: str = ""
    scanned: str = ""
    objection: str = ""
    courier_sha256: str = ""
    since: str = ""
    was_retried: bool = False
    is_offline: bool = False
    stays: bool = False
    photo_answer: str = ""
    is_code_shown: bool = False

    @property
    def is_pickup(self) -> bool:
        """Whether the shopper collects it themselves."""
        return bool(self.label and self.label.get("pickup_sha256"))

    @property
    def is_paid(self) -> bool:
        """Whether a label that is not retired was ordered."""
        return self.label_no > self.retired_no

    @property
    def is_on_bench(self) -> bool:
        """Whether the bench belongs to this parcel."""
        return self.stage in ON_BENCH

    def content(self) -> LabelContent:
        """Return what the newest label shall say."""
        content: LabelContent = from_json(LabelContent, self.label)
        return content


DEVICE_OF = {
    Effect.TAKE_STILL: "viewing",
    Effect.TAKE_STILL_AT_BENCH: "camera",
    Effect.PACK: "packer",
    Effect.PRINT: "printer",
    Effect.APPLY: "labeller",
    Effect.READ_BACK: "camera",
    Effect.PHOTOGRAPH: "camera",
    Effect.SENSE_PACKER: "packer",
    Effect.SENSE_PRINTER: "printer",
    Effect.SENSE_PARCEL: "camera",
}
"""Which role of the bench an act uses, for whoever reads the journal."""


class LabelState(StrEnum):
    """INTENDED: given a serial, maybe on paper. VOID is final: destroyed, or proven never printed."""

    INTENDED = "intended"
    PRINTED = "printed"
    APPLIED = "applied"
    READ = "read"
    HANDED_OVER = "handed_over"
    VOID = "void"


@dataclass(slots=True, kw_only=True)
class LabelRow:
    """One label that was, or may have been, printed: `url` is its large code, `label_no` the relay's number."""

    serial: str
    parcel_id: str
    state: LabelState
    label_no: int
    url: str
    sscc: str = ""
    goods_code: str = ""
    merchant_code: str = ""
    is_reported: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An act that is going to be done; `outcome` is empty until it ended."""

    intent_id: str
    parcel_id: str
    act: Effect
    detail: dict[str, Any] = field(default_factory=dict)


def load(tx: Transaction, parcel_id: str) -> Parcel | None:
    """Return the parcel, or None when this shop never heard of it."""
    row = tx.get("parcels", parcel_id)
    return _parcel(row) if row else None


def open_parcels(tx: Transaction) -> list[Parcel]:
    """Return every parcel that is not at its end, in order of arrival."""
    return [_parcel(row) for row in tx.select("parcels", "is_open = 1", (), "order by line_no")]


def _parcel(row: dict[str, Any]) -> Parcel:
    body = json.loads(row["body"])
    fixed = {"parcel_id": row["parcel_id"], "piece_id": row["piece_id"], "line_no": row["line_no"]}
    return Parcel(**fixed, stage=Stage(row["stage"]), **body)


def new_parcel(tx: Transaction, parcel_id: str, piece_id: str, first_job_no: int) -> Parcel:
    """Return a parcel that is not stored yet. Job numbers follow each other from a random first one.

    A fresh journal beside a machine that remembers its last job must not meet that number again.
    """
    newest = tx.select("parcels", tail="order by line_no desc limit 1")
    line_no = newest[0]["line_no"] + 1 if newest else 1
    job_no = json.loads(newest[0]["body"])["job_no"] % 0xFFFF + 1 if newest else first_job_no
    return Parcel(parcel_id=parcel_id, piece_id=piece_id, line_no=line_no, job_no=job_no, since=tx.at)


def save(tx: Transaction, parcel: Parcel, kind: str, **facts: Any) -> None:
    """Store the parcel as it stands."""
    body = dataclasses.asdict(parcel)
    fixed = {name: body.pop(name) for name in ("parcel_id", "piece_id", "line_no", "stage")}
    row = {
        "parcel_id": fixed["parcel_id"],
        "piece_id": fixed["piece_id"],
        "stage": parcel.stage.value,
        "line_no": fixed["line_no"],
        "is_open": int(parcel.stage not in FINAL),
        "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        "changed_at": tx.at,
    }
    tx.put("parcels", row, kind, stage=parcel.stage.value, **facts)


def load_label(tx: Transaction, serial: str) -> LabelRow | None:
    """Return the label with this serial."""
    row = tx.get("labels", serial)
    if row is None:
        return None
    body = json.loads(row["body"])
    state = LabelState(row["state"])
    return LabelRow(serial=serial, parcel_id=row["parcel_id"], state=state, sscc=row["sscc"], **body)


def find_label(tx: Transaction, sscc: str) -> LabelRow | None:
    """Return the newest label with this SSCC that is not void, or a void one if there is no other."""
    found = [load_label(tx, row["serial"]) for row in tx.select("labels", "sscc = ?", (sscc,))]
    labels = [label for label in found if label is not None]
    return min(labels, key=lambda label: label.state is LabelState.VOID, default=None)


def save_label(tx: Transaction, label: LabelRow, kind: str) -> None:
    """Store the label as it stands."""
    body = dataclasses.asdict(label)
    for name in ("serial", "parcel_id", "state", "sscc"):
        del body[name]
    row = {
        "serial": label.serial,
        "parcel_id": label.parcel_id,
        "state": label.state.value,
        "sscc": label.sscc,
        "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
    }
    tx.put("labels", row, kind, parcel_id=label.parcel_id, state=label.state.value)


def save_intent(tx: Transaction, intent: Intent) -> None:
    """Write an intent; the act may begin once this is committed."""
    row = {
        "intent_id": intent.intent_id,
        "parcel_id": intent.parcel_id,
        "act": intent.act.value,
        "device": DEVICE_OF[intent.act],
        "at": tx.at,
        "detail": json.dumps(intent.detail, separators=(",", ":")),
        "outcome": "",
        "outcome_at": None,
    }
    tx.put("intents", row, "intent", act=intent.act.value, parcel_id=intent.parcel_id)


def settle_intent(tx: Transaction, intent_id: str, outcome: str) -> bool:
    """Write what came of an intent; False when that was written before (then nothing changes)."""
    row = tx.get("intents", intent_id)
    if row is None or row["outcome"]:
        return False
    tx.put("intents", {**row, "outcome": outcome, "outcome_at": tx.at}, "outcome", outcome=outcome)
    return True


def open_intents(tx: Transaction, parcel_id: str = "") -> list[Intent]:
    """Return intents without an outcome, oldest first; of one parcel if it is named."""
    where, parameters = ("outcome = ''", ()) if not parcel_id else ("outcome = '' and parcel_id = ?", (parcel_id,))
    return [
        Intent(
            intent_id=row["intent_id"],
            parcel_id=row["parcel_id"],
            act=Effect(row["act"]),
            detail=json.loads(row["detail"]),
        )
        for row in tx.select("intents", where, parameters, "order by at, intent_id")
    ]


def copy_no(tx: Transaction, label: LabelRow) -> int:
    """Return the how-manieth printing of its label number this label is."""
    of_parcel = [load_label(tx, row["serial"]) for row in tx.select("labels", "parcel_id = ?", (label.parcel_id,))]
    return sum(part is not None and part.label_no == label.label_no for part in of_parcel)
