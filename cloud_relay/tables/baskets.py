"""Baskets, what shipping costs and which tax is in a price, and the hours in which nobody is called."""

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Integer, String, Table

from cloud_relay.tables.columns import flag, id_, key, metadata, moment

basket_line = Table(
    "basket_line", metadata,
    key("line_id"), id_("account_id", ForeignKey("account.account_id"), nullable=False, index=True),
    id_("listing_id", ForeignKey("listing.listing_id"), nullable=False), id_("variant_id"),
    Column("quantity", Integer, nullable=False), moment("added_at", nullable=False), moment("removed_at"),
    id_("basket_id", index=True), CheckConstraint("quantity > 0", name="quantity"),
)  # fmt: skip

shipping_terms = Table(
    "shipping_terms", metadata,
    id_("shop_id", ForeignKey("shop.shop_id"), primary_key=True), flag("is_used", default=True),
    Column("terms", JSON, nullable=False), Column("version", Integer, nullable=False, default=1),
    moment("changed_at", nullable=False),
)  # fmt: skip

notice_quiet = Table(
    "notice_quiet", metadata,
    id_("account_id", ForeignKey("account.account_id"), primary_key=True),
    Column("quiet_from", String(5), nullable=False), Column("quiet_until", String(5), nullable=False),
    Column("time_zone", String(64), nullable=False),
)  # fmt: skip
