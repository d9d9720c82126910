"""What stands together about one shopper: purchases as they happen, registration data, consent for each use, wishes."""

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table

from cloud_relay.tables.columns import flag, id_, key, metadata, minor, moment, text

purchase = Table(
    "purchase", metadata,
    Column("purchase_id", String(200), primary_key=True), id_("account_id", nullable=False),
    id_("listing_id", nullable=False), id_("piece_id", nullable=False, default=""), id_("shop_id", nullable=False),
    id_("merchant_id", nullable=False), text("title_en"), text("title_zh"), text("category"),
    Column("quantity", Integer, nullable=False, default=1), minor("price_minor"),
    Column("currency", String(3), nullable=False), text("how"), id_("order_id", index=True),
    id_("sale_id", index=True), moment("bought_at", nullable=False), moment("given_back_at"),
    Index("ix_purchase_account", "account_id", "bought_at"), Index("ix_purchase_listing", "listing_id", "bought_at"),
)  # fmt: skip

shopper_profile = Table(
    "shopper_profile", metadata,
    id_("account_id", ForeignKey("account.account_id"), primary_key=True), Column("country", String(2)),
    text("area"), moment("changed_at", nullable=False),
)  # fmt: skip

consent = Table(
    "consent", metadata,
    id_("account_id", ForeignKey("account.account_id")), Column("use", String(30)), flag("is_given"),
    moment("changed_at", nullable=False), PrimaryKeyConstraint("account_id", "use"),
)  # fmt: skip

wish = Table(
    "wish", metadata,
    key("wish_id"), id_("account_id", ForeignKey("account.account_id"), nullable=False, index=True), text("category"),
    id_("listing_id"), minor("budget_minor"), Column("currency", String(3), nullable=False), id_("pickup_point_id"),
    moment("wished_until", nullable=False), moment("created_at", nullable=False), moment("deleted_at"),
)  # fmt: skip
