"""Merchants' applications with sealed details and documents, who read them, verdicts, and payouts for two people."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, LargeBinary, String, Table

from cloud_relay.tables.columns import id_, key, metadata, minor, moment, sha256, text

application = Table(
    "application", metadata,
    key("application_id"), id_("merchant_id", ForeignKey("merchant.merchant_id"), nullable=False, index=True),
    text("state", "draft"), text("kind"), text("country"), Column("details_sealed", LargeBinary),
    sha256("number_mark", index=True), text("number_end"), moment("created_at", nullable=False),
    moment("submitted_at"), moment("decided_at"), moment("drop_at", index=True), id_("account_id", nullable=False),
    Column("version", Integer, nullable=False, default=1),
)  # fmt: skip

application_document = Table(
    "application_document", metadata,
    key("document_id"), id_("application_id", ForeignKey("application.application_id"), nullable=False, index=True),
    text("kind"), Column("content_sealed", LargeBinary, nullable=False), Column("size_bytes", Integer, nullable=False),
    sha256("document_sha256", nullable=False), moment("added_at", nullable=False),
)  # fmt: skip

document_reading = Table(
    "document_reading", metadata,
    Column("reading_no", Integer, primary_key=True, autoincrement=True), id_("document_id", nullable=False),
    id_("application_id", nullable=False, index=True), id_("account_id", nullable=False), moment("at", nullable=False),
)  # fmt: skip

verdict = Table(
    "verdict", metadata,
    key("verdict_id"), id_("merchant_id", ForeignKey("merchant.merchant_id"), nullable=False, index=True),
    id_("application_id", index=True), text("state"), text("reason"), Column("evidence", JSON, nullable=False),
    id_("decided_by"), moment("decided_at", nullable=False), moment("until", index=True),
    Column("reminders", Integer, nullable=False, default=0),
)  # fmt: skip

payout_approval = Table(
    "payout_approval", metadata,
    key("approval_id"), id_("merchant_id", ForeignKey("merchant.merchant_id"), nullable=False, index=True),
    minor("amount_minor"), Column("currency", String(3), nullable=False), text("state", "asked"),
    id_("asked_by", nullable=False), moment("asked_at", nullable=False), moment("until", nullable=False),
    id_("decided_by"), moment("decided_at"), text("reason"), id_("payout_id"),
)  # fmt: skip
