"""What shopper and merchant write to each other about an order."""

from sqlalchemy import Column, ForeignKey, PrimaryKeyConstraint, String, Table

from cloud_relay.tables.columns import flag, id_, key, metadata, moment, text

order_message = Table(
    "order_message", metadata,
    key("message_id"), id_("order_id", ForeignKey("orders.order_id"), nullable=False, index=True),
    id_("account_id", nullable=False), flag("is_from_merchant"), text("text"), moment("sent_at", nullable=False),
    moment("reported_at"), id_("reported_by"), text("report_reason"),
)  # fmt: skip

message_telling = Table(
    "message_telling", metadata,
    id_("order_id", ForeignKey("orders.order_id")), Column("side", String(10)), moment("told_at", nullable=False),
    PrimaryKeyConstraint("order_id", "side"),
)  # fmt: skip
