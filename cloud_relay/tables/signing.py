"""What shoppers signed for."""

from sqlalchemy import Column, ForeignKey, String, Table

from cloud_relay.tables.columns import id_, metadata, moment, text

order_signature = Table(
    "order_signature", metadata,
    id_("order_id", ForeignKey("orders.order_id"), primary_key=True), id_("account_id", nullable=False),
    Column("way", String(10), nullable=False), text("path"), text("name"), moment("signed_at", nullable=False),
)  # fmt: skip
