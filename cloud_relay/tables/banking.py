"""Money by bank transfer: what is expected and sent, what statements say, payment files; where merchants are paid."""

from sqlalchemy import Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, String, Table

from cloud_relay.tables.columns import id_, key, metadata, minor, moment, sha256, text

bank_transfer = Table(
    "bank_transfer", metadata,
    key("payment_id"), text("kind"), text("state", "waiting"), id_("order_id"), id_("merchant_id"), id_("charge_id"),
    Column("reference", String(35), nullable=False, unique=True), minor("amount_minor"),
    Column("currency", String(3), nullable=False), text("holder"), text("iban"), text("bic"), text("reason"),
    id_("entry_id"), id_("file_id", index=True), moment("wait_until"), moment("created_at", nullable=False),
    moment("changed_at", nullable=False), Index("ix_bank_transfer_state", "kind", "state"),
)  # fmt: skip

bank_statement = Table(
    "bank_statement", metadata,
    key("statement_id"), text("name"), text("iban"), Column("entries", Integer, nullable=False),
    Column("new_entries", Integer, nullable=False), moment("imported_at", nullable=False), id_("imported_by"),
)  # fmt: skip

bank_entry = Table(
    "bank_entry", metadata,
    key("entry_id"), sha256("content_sha256", nullable=False, unique=True), id_("statement_id", nullable=False),
    Column("booked_on", String(10), nullable=False), minor("amount_minor"), Column("currency", String(3),
    nullable=False),
    text("text"), text("name"), text("iban"), text("bank_reference"), text("end_to_end_id"), text("state"),
    id_("payment_id", index=True), minor("left_minor"), text("reason"), id_("decided_by"), moment("decided_at"),
    moment("imported_at", nullable=False), Index("ix_bank_entry_state", "state", "imported_at"),
)  # fmt: skip

bank_file = Table(
    "bank_file", metadata,
    key("file_id"), Column("content", LargeBinary, nullable=False), Column("transfers", Integer, nullable=False),
    minor("amount_minor"), Column("currency", String(3), nullable=False), text("state", "made"),
    moment("made_at", nullable=False), id_("made_by"), text("reason"),
)  # fmt: skip

payout_account = Table(
    "payout_account", metadata,
    id_("merchant_id"), Column("provider", String(40)), text("holder"), text("account"), text("bic"),
    moment("changed_at", nullable=False), id_("changed_by"), PrimaryKeyConstraint("merchant_id", "provider"),
)  # fmt: skip
