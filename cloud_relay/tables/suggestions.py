"""Suggestions to order together: to whom each went, why, and what they answered."""

from sqlalchemy import JSON, Column, ForeignKey, Index, PrimaryKeyConstraint, String, Table, UniqueConstraint

from cloud_relay.tables.columns import id_, key, metadata, minor, moment, text

suggestion = Table(
    "suggestion", metadata,
    key("suggestion_id"), id_("promotion_id", ForeignKey("promotion.promotion_id"), nullable=False, index=True),
    id_("shop_id", nullable=False), text("state", "open"), text("cause"), minor("saving_minor"),
    Column("currency", String(3), nullable=False), id_("group_id", index=True), moment("created_at", nullable=False),
    moment("open_until", nullable=False), moment("ended_at"), Index("ix_suggestion_due", "state", "open_until"),
)  # fmt: skip

suggestion_person = Table(
    "suggestion_person", metadata,
    id_("suggestion_id", ForeignKey("suggestion.suggestion_id")),
    id_("account_id", ForeignKey("account.account_id"), index=True), id_("person_id", nullable=False),
    text("nickname"), text("state", "sent"), id_("listing_id", nullable=False), minor("price_minor"),
    minor("saving_minor"), Column("reasons", JSON, nullable=False), moment("answered_at"),
    PrimaryKeyConstraint("suggestion_id", "account_id"), UniqueConstraint("person_id"),
)  # fmt: skip
