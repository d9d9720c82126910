"""What was sold at shops' counters, and listings written there."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table

from cloud_relay.tables.columns import flag, id_, key, metadata, minor, moment, sha256, text

counter_sale = Table(
    "counter_sale", metadata,
    key("sale_id"), id_("shop_id", ForeignKey("shop.shop_id"), nullable=False),
    id_("merchant_id", nullable=False), id_("shopper_id", index=True), id_("account_id", nullable=False, default=""),
    Column("receipt_no", Integer, nullable=False), text("paid_by"), minor("total_minor"), minor("commission_minor"),
    minor("tax_minor"), Column("currency", String(3), nullable=False), text("terminal_id"),
    Column("trace_no", Integer, nullable=False, default=0),
    Column("terminal_receipt_no", Integer, nullable=False, default=0), text("card_name"), text("how_known"),
    moment("sold_at", nullable=False), moment("taken_at", nullable=False),
    id_("joint_id", nullable=False, default="", index=True), Column("joint_count", Integer, nullable=False, default=0),
    id_("promotion_id", nullable=False, default=""), text("promotion_outcome"),
    Index("ix_counter_sale_merchant", "merchant_id", "sold_at"), Index("ix_counter_sale_shop", "shop_id", "receipt_no"),
    Index("ix_counter_sale_taken", "merchant_id", "taken_at"),
)  # fmt: skip

counter_line = Table(
    "counter_line", metadata,
    id_("sale_id", ForeignKey("counter_sale.sale_id")), Column("line", Integer), id_("listing_id", nullable=False),
    id_("piece_id", nullable=False, default=""), text("title_en"), text("title_zh"), minor("price_minor"),
    minor("usual_minor"), Column("quantity", Integer, nullable=False), text("outcome"),
    CheckConstraint("usual_minor >= price_minor", name="saving"), PrimaryKeyConstraint("sale_id", "line"),
)  # fmt: skip

counter_refund = Table(
    "counter_refund", metadata,
    key("refund_id"), id_("sale_id", ForeignKey("counter_sale.sale_id"), nullable=False, unique=True),
    id_("shop_id", ForeignKey("shop.shop_id"), nullable=False), id_("account_id", nullable=False, default=""),
    Column("receipt_no", Integer, nullable=False), text("paid_by"), flag("is_restocked"), text("terminal_id"),
    Column("trace_no", Integer, nullable=False, default=0),
    Column("terminal_receipt_no", Integer, nullable=False, default=0), text("how_known"),
    moment("refunded_at", nullable=False), moment("taken_at", nullable=False),
)  # fmt: skip

counter_draft = Table(
    "counter_draft", metadata,
    key("draft_id"), id_("shop_id", nullable=False), id_("listing_id", nullable=False),
    sha256("picture_sha256", index=True), moment("taken_at", nullable=False),
)  # fmt: skip
