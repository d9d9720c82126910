"""Goods brought in as a table, changes of many listings at once, and when a listing goes on show and off."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, Table

from cloud_relay.tables.columns import flag, id_, key, metadata, moment, text

goods_import = Table(
    "goods_import", metadata,
    key("import_id"), id_("shop_id", ForeignKey("shop.shop_id"), nullable=False, index=True),
    id_("account_id", nullable=False), text("file_name"), text("encoding"), text("state", "read"),
    Column("row_count", Integer, nullable=False, default=0), Column("rows", JSON, nullable=False),
    Column("faults", JSON, nullable=False), Column("fault_count", Integer, nullable=False, default=0),
    moment("created_at", nullable=False), moment("confirmed_at"), moment("undone_at"), flag("is_published"),
    moment("drop_at", index=True),
)  # fmt: skip

bulk_change = Table(
    "bulk_change", metadata,
    key("change_id"), id_("shop_id", ForeignKey("shop.shop_id"), nullable=False, index=True),
    id_("account_id", nullable=False), text("what"), Column("rows", JSON, nullable=False),
    Column("row_count", Integer, nullable=False, default=0), moment("at", nullable=False), moment("undone_at"),
)  # fmt: skip

listing_schedule = Table(
    "listing_schedule", metadata,
    id_("listing_id", ForeignKey("listing.listing_id"), primary_key=True), id_("account_id", nullable=False),
    moment("publish_at"), moment("withdraw_at"), moment("next_at", index=True), text("fault"),
)  # fmt: skip
