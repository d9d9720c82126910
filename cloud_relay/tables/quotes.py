"""What shoppers ask for, which merchants were told, and what these answered."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, LargeBinary, PrimaryKeyConstraint, String, Table

from cloud_relay.tables.columns import flag, id_, key, metadata, minor, moment, text

quote_request = Table(
    "quote_request", metadata,
    key("quote_request_id"), id_("account_id", ForeignKey("account.account_id"), nullable=False, index=True),
    text("title"), text("detail"), minor("budget_minor"), Column("currency", String(3), nullable=False),
    Column("country", String(2), nullable=False), flag("is_sealed"), text("state", "open"),
    moment("open_until", nullable=False, index=True), moment("created_at", nullable=False), moment("ended_at"),
    moment("told_end_at"), id_("accepted_quote_id"), CheckConstraint("budget_minor > 0", name="budget"),
)  # fmt: skip

quote_match = Table(
    "quote_match", metadata,
    id_("quote_request_id", ForeignKey("quote_request.quote_request_id")), id_("merchant_id", index=True),
    Column("shared_words", Integer, nullable=False), moment("told_at", nullable=False),
    PrimaryKeyConstraint("quote_request_id", "merchant_id"),
)  # fmt: skip

quote = Table(
    "quote", metadata,
    key("quote_id"), id_("quote_request_id", ForeignKey("quote_request.quote_request_id"), nullable=False, index=True),
    id_("merchant_id", ForeignKey("merchant.merchant_id"), nullable=False, index=True), id_("shop_id", nullable=False),
    id_("account_id", nullable=False), id_("listing_id", ForeignKey("listing.listing_id"), nullable=False),
    id_("variant_id"), id_("piece_id"), Column("quantity", Integer, nullable=False), minor("price_minor"),
    Column("currency", String(3), nullable=False), text("note"), moment("quoted_until", nullable=False),
    moment("created_at", nullable=False), moment("withdrawn_at"), CheckConstraint("price_minor > 0", name="price"),
    CheckConstraint("quantity > 0", name="quantity"),
)  # fmt: skip

quote_attachment = Table(
    "quote_attachment", metadata,
    key("attachment_id"),
    id_("quote_request_id", ForeignKey("quote_request.quote_request_id"), nullable=False, index=True),
    id_("quote_id", ForeignKey("quote.quote_id"), index=True), text("kind"), text("media_type"),
    Column("content_sealed", LargeBinary, nullable=False), Column("size_bytes", Integer, nullable=False),
    moment("added_at", nullable=False),
)  # fmt: skip
