"""What shops offer to those who buy together (wire.promotions)."""

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table

from cloud_relay.tables.columns import flag, id_, key, metadata, minor, moment, text

promotion = Table(
    "promotion", metadata,
    key("promotion_id"), id_("shop_id", ForeignKey("shop.shop_id"), nullable=False),
    id_("merchant_id", ForeignKey("merchant.merchant_id"), nullable=False, index=True), text("kind"), text("title_en"),
    text("title_zh"), Column("listing_ids", JSON, nullable=False), minor("threshold_minor", default=0),
    minor("saving_minor", default=0), Column("count", Integer, nullable=False, default=0),
    minor("price_minor", default=0), Column("currency", String(3), nullable=False),
    flag("is_online", default=True), flag("is_at_counter", default=True), moment("from_at", nullable=False),
    moment("until_at", nullable=False), moment("created_at", nullable=False), moment("begun_at"),
    moment("ended_at"), moment("deleted_at"), id_("account_id", nullable=False),
    Column("version", Integer, nullable=False, default=1),
    Index("ix_promotion_shop", "shop_id", "until_at"),
    CheckConstraint("from_at < until_at", name="times"),
)  # fmt: skip
