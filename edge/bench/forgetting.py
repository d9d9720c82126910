"""What the shop forgets: addresses and words of people, some days after their parcel's end."""

from datetime import timedelta

from edge.bench.parcel import Parcel, load, save
from edge.journal.transaction import Transaction
from edge.pictures import KEPT_DAYS
from wire.values import format_time

BATCH = 200
"""Rows of one transaction: forgetting never keeps an order waiting for long."""


def forget(tx: Transaction) -> int:
    """Forget what ended KEPT_DAYS ago; returns how many rows changed or went (call again until none does).

    Stays: that there was a parcel, its labels' serials (a void one must stay void), hashes of pictures, the chain.
    """
    before = format_time(tx.now - timedelta(days=KEPT_DAYS))
    return sum(
        (
            _forget_addresses(tx, before),
            _forget_commands(tx, before),
            _drop(tx, "tasks", "task_id", "is_open = 0 and asked_at < ?", before),
            _drop(tx, "intents", "intent_id", "outcome <> '' and outcome_at < ?", before),
            _drop(tx, "tracking", "event_id", "at < ?", before),
            _drop(tx, "carries", "parcel_id", "is_open = 0 and at < ?", before),
        )
    )


def _forget_addresses(tx: Transaction, before: str) -> int:
    where = 'is_open = 0 and changed_at < ? and (body like \'%"label":{%\' or body not like \'%"objection":""%\')'
    rows = tx.select("parcels", where, (before,), f"limit {BATCH}")
    for row in rows:
        parcel = load(tx, row["parcel_id"])
        if isinstance(parcel, Parcel):
            parcel.label, parcel.objection = None, ""
            save(tx, parcel, "forgotten")
    return len(rows)


def _forget_commands(tx: Transaction, before: str) -> int:
    where = "signed is not null and answered_at < ?"
    rows = tx.select("commands", where, (before,), f"limit {BATCH}")
    for row in rows:
        tx.put("commands", {**row, "signed": None}, "forgotten")
    return len(rows)


def _drop(tx: Transaction, table: str, key: str, where: str, before: str) -> int:
    keys = [row[key] for row in tx.select(table, where, (before,), f"limit {BATCH}")]
    tx.remove(table, keys, "forgotten")
    return len(keys)
