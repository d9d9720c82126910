"""Reports: numbered and enveloped in the transaction that makes them true, kept until the relay confirmed them."""

from edge.journal.rows import UnsentReport
from edge.journal.transaction import Transaction
from wire.envelope import Envelope, encode_envelope
from wire.reports import Report, encode_report


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
    """Forget reports up to this number: the relay has them."""
    keys = [key for (key,) in tx.run("select sequence from reports where sequence <= ?", (up_to,))]
    tx.remove("reports", keys, "confirmed")
