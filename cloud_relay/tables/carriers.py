"""Bookings with carriers, and what the carriers say of them in their own words."""

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, PrimaryKeyConstraint, String, Table

from cloud_relay.tables.columns import flag, id_, key, metadata, moment, text

carrier_shipment = Table(
    "carrier_shipment", metadata,
    key("shipment_id"), id_("parcel_id", nullable=False, index=True), text("carrier"), text("state", "booking"),
    Column("tracking_no", String(64), nullable=False, default="", server_default="", index=True), text("tracking_url"),
    Column("label", LargeBinary), text("label_media_type"), text("reason"),
    Column("attempts", Integer, nullable=False, default=0), moment("next_try_at", index=True),
    moment("trying_since"),  # a try to book that runs; empty while nobody asks the carrier
    moment("created_at", nullable=False), moment("changed_at", nullable=False), id_("booked_by"),
)  # fmt: skip

carrier_word = Table(
    "carrier_word", metadata,
    id_("shipment_id", ForeignKey("carrier_shipment.shipment_id")), Column("raw", String(80)),
    Column("written", String(40)), moment("at", nullable=False),
    text("text"), text("place"), text("step"), moment("received_at", nullable=False), moment("applied_at"),
    flag("is_zone_known", default=True),  # otherwise `at` is what the carrier's clock showed, wherever that hangs
    PrimaryKeyConstraint("shipment_id", "raw", "written"),
)  # fmt: skip
