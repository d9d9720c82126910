"""Parcels, labels, and what couriers record."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table

from cloud_relay.tables.columns import id_, key, metadata, moment, sha256, text

parcel = Table(
    "parcel", metadata,
    key("parcel_id"), id_("shop_id", nullable=False, index=True), id_("piece_id", nullable=False), id_("account_id",
    nullable=False),
    id_("order_id", index=True), text("state", "preparing"), text("held_reason"), Column("held_text", JSON),
    sha256("still_sha256"), sha256("packed_sha256"), sha256("photo_sha256"), text("sscc"),
    Column("label_no", Integer, nullable=False, default=0), text("label_serial"), sha256("courier_token_sha256"),
    moment("created_at", nullable=False), moment("changed_at", nullable=False), Index("ix_parcel_sscc", "sscc"),
)  # fmt: skip

label = Table(
    "label", metadata,
    Column("label_serial", String(64), primary_key=True), id_("parcel_id", nullable=False, index=True),
    Column("label_no", Integer, nullable=False), text("sscc"), text("state", "printed"), moment("changed_at",
    nullable=False),
)  # fmt: skip

tracking_event = Table(
    "tracking_event", metadata,
    key("event_id"), id_("parcel_id", nullable=False, index=True), sha256("content_sha256", nullable=False,
    unique=True),
    text("biz_step"), text("disposition"), text("place"), text("by"), text("label_serial"), moment("at",
    nullable=False),
    moment("recorded_at", nullable=False), Column("epcis", JSON, nullable=False), text("source"),
)  # fmt: skip
