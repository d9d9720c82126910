"""Accounts, merchants, their members and how they sign in."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, PrimaryKeyConstraint, String, Table

from cloud_relay.tables.columns import flag, id_, key, metadata, moment, sha256, text

account = Table(
    "account", metadata,
    key("account_id"), Column("email", String(254), nullable=False, unique=True), text("nickname"),
    text("password_hash"), text("language", "en"), flag("is_operator"), flag("is_closed"),
    moment("created_at", nullable=False),
)  # fmt: skip

sign_in = Table(
    "sign_in", metadata,
    sha256("token_sha256", primary_key=True), id_("account_id", ForeignKey("account.account_id"), nullable=False,
    index=True),
    text("csrf"), moment("created_at", nullable=False), moment("expires_until", nullable=False),
)  # fmt: skip

sign_in_attempt = Table(
    "sign_in_attempt", metadata,
    Column("key", String(300), primary_key=True), Column("failures", Integer, nullable=False),
    moment("blocked_until"), moment("last_at", nullable=False),
)  # fmt: skip

saved_address = Table(
    "saved_address", metadata,
    key("address_id"), id_("account_id", ForeignKey("account.account_id"), nullable=False, index=True),
    Column("address", JSON, nullable=False), text("title"), flag("is_default"), moment("deleted_at"),
)  # fmt: skip

merchant = Table(
    "merchant", metadata,
    key("merchant_id"), text("name_en"), text("name_zh"), text("state", "pending"), text("reason"),
    text("contact"), moment("applied_at", nullable=False), moment("decided_at"), id_("decided_by"),
    moment("state_until", index=True),
)  # fmt: skip

member = Table(
    "member", metadata,
    id_("merchant_id", ForeignKey("merchant.merchant_id")), id_("account_id", ForeignKey("account.account_id")),
    text("role", "owner"), text("pin_hash"), PrimaryKeyConstraint("merchant_id", "account_id"),
)  # fmt: skip

invitation = Table(
    "invitation", metadata,
    key("invitation_id"), id_("merchant_id", ForeignKey("merchant.merchant_id"), nullable=False, index=True),
    Column("email", String(254), nullable=False), text("role"), sha256("token_sha256", nullable=False, unique=True),
    id_("invited_by", nullable=False), moment("created_at", nullable=False), moment("until", nullable=False),
    moment("accepted_at"), moment("withdrawn_at"),
)  # fmt: skip
