"""Reports: numbered and enveloped in the transaction that makes them true, kept until the relay confirmed them."""

from datetime import timedelta

from edge.journal.rows import UnsentReport
from edge.journal.schema import TOLD_DAYS
from edge.journal.transaction import Transaction
from wire.envelope import Envelope, decode_envelope, encode_envelope
from wire.reports import Report, encode_report
from wire.values import format_time


def append_report(tx: Transaction, report: Report) -> int:
    """Store a durable report; returns its sequence number."""
    sequence = tx.last_report + 1
    tx.last_report = sequence
    subject = getattr(report, "parcel_id", "")
    envelope = Envelope(
        id=f"{tx.shop_id}-r{sequence}",
        source=f"/shops/{tx.shop_id}",
        type=type(report).__name__,
        time=tx.now,
        shop_id=tx.shop_id,
        data=encode_report(report),
        subject=subject,
        sequence=sequence,
    )
    row = {"sequence": sequence, "type": envelope.type, "payload": encode_envelope(envelope)}
    tx.put("reports", row, "reported", type=envelope.type, subject=subject)
    return sequence


def unsent_reports(tx: Transaction, after: int, limit: int) -> list[UnsentReport]:
    """Return unconfirmed reports over `after`, oldest first."""
    rows = tx.select("reports", "sequence > ?", (after,), f"order by sequence limit {int(limit)}")
    return [UnsentReport(sequence=row["sequence"], payload=row["payload"]) for row in rows]


def confirm_reports(tx: Transaction, up_to: int) -> None:
    """Put reports up to this number away: the relay has them. Those above it that were put away are sent again.

    The relay's number falls only when it was put back from a backup. A report that it knows after all changes nothing.
    """
    known = tx.run("select sequence, payload from reports where sequence <= ?", (up_to,))
    for sequence, payload in known:
        tx.run("insert or replace into told values (?, ?, ?)", (sequence, payload, tx.at))
    tx.remove("reports", [sequence for sequence, _ in known], "confirmed")
    forgotten = tx.run("select sequence, payload from told where sequence > ? order by sequence", (up_to,))
    for sequence, payload in forgotten:
        row = {"sequence": sequence, "type": decode_envelope(payload).type, "payload": payload}
        tx.put("reports", row, "told_again", type=row["type"])
    tx.run("delete from told where sequence > ?", (up_to,))
    tx.run("delete from told where told_at < ?", (format_time(tx.now - timedelta(days=TOLD_DAYS)),))
