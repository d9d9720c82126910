"""Orders that come back."""

from sqlalchemy import ForeignKey, Table

from cloud_relay.tables.columns import id_, metadata, moment, text

order_return = Table(
    "order_return", metadata,
    id_("order_id", ForeignKey("orders.order_id"), primary_key=True), id_("return_id", nullable=False, unique=True),
    id_("dispute_id", nullable=False), text("state", "asked"), text("reason"), text("answer_reason"),
    id_("answered_by"), moment("asked_at", nullable=False), moment("answered_at"), moment("arrived_at"),
)  # fmt: skip
