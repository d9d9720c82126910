"""Where things lie in shops as these report it, pick-up points, and what waits there to be collected."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, PrimaryKeyConstraint, String, Table

from cloud_relay.tables.columns import flag, id_, key, metadata, moment, text

shop_location = Table(
    "shop_location", metadata,
    id_("shop_id", ForeignKey("shop.shop_id")), Column("location", String(60)),
    Column("version", Integer, nullable=False), Column("pieces", JSON, nullable=False),
    Column("away", JSON, nullable=False), text("reason"), moment("changed_at", nullable=False),
    PrimaryKeyConstraint("shop_id", "location"),
)  # fmt: skip

pickup_point = Table(
    "pickup_point", metadata,
    key("point_id"), id_("shop_id", ForeignKey("shop.shop_id"), nullable=False, index=True), text("name_en"),
    text("name_zh"), Column("address", JSON, nullable=False), text("hours_en"), text("hours_zh"), flag("is_default"),
    moment("created_at", nullable=False), moment("deleted_at"),
)  # fmt: skip

pickup = Table(
    "pickup", metadata,
    id_("order_id", ForeignKey("orders.order_id"), primary_key=True), id_("shop_id", nullable=False),
    id_("point_id", ForeignKey("pickup_point.point_id"), nullable=False), text("name_en"), text("name_zh"),
    text("hours_en"), text("hours_zh"), Column("address", JSON, nullable=False), text("code"),
    text("state", "waiting"), moment("ready_at"), moment("collect_until"),
    Column("reminders", Integer, nullable=False, default=0), moment("next_at", index=True), moment("ended_at"),
)  # fmt: skip
