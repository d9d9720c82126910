"""Orders and the money that is held for them."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
)

from cloud_relay.tables.columns import flag, id_, key, metadata, minor, moment, sha256, text

reservation = Table(
    "reservation", metadata,
    key("parcel_id"), id_("piece_id", ForeignKey("piece.piece_id"), nullable=False), id_("listing_id", nullable=False),
    id_("account_id", nullable=False, index=True), id_("session_id"), text("state", "active"),
    moment("until", nullable=False), Column("extensions", Integer, nullable=False, default=0),
    moment("created_at", nullable=False), id_("with_parcel_id", index=True),
    Index("ix_reservation_due", "state", "until"),
)  # fmt: skip

orders = Table(
    "orders", metadata,
    key("order_id"), id_("account_id", nullable=False, index=True), id_("shop_id", nullable=False, index=True),
    id_("merchant_id", nullable=False, index=True), text("market"), text("state", "unpaid"), minor("price_minor"),
    minor("shipping_minor"), minor("total_minor"), Column("currency", String(3), nullable=False),
    text("payment_method"),
    text("payment_provider"), Column("address", JSON, nullable=False), sha256("address_sha256"),
    moment("delivery_from"), moment("delivery_until"), Column("photo_window_s", Integer, nullable=False),
    Column("release_after_s", Integer, nullable=False), Column("commission_ppm", Integer, nullable=False),
    Column("objections", Integer, nullable=False, default=0), moment("placed_at", nullable=False),
    moment("pay_until"),
    moment("paid_at"), moment("photo_until"), moment("handed_over_at"), moment("delivered_at"),
    moment("release_at"),
    moment("ended_at"), text("end_reason"), Column("version", Integer, nullable=False, default=1),
    text("trace"), Column("tax_ppm", Integer, nullable=False, default=0), moment("due_at"),
    minor("goods_tax_minor", default=0, server_default="0"),
    Column("goods_tax_ppm", Integer, nullable=False, default=0, server_default="0"), flag("is_tax_on_top"),
    id_("basket_id", index=True), id_("quote_id", index=True),
    Index("ix_orders_due", "due_at"),
)  # fmt: skip

order_line = Table(
    "order_line", metadata,
    id_("order_id", ForeignKey("orders.order_id")), Column("line", Integer), id_("listing_id", nullable=False),
    id_("piece_id", nullable=False), id_("parcel_id", nullable=False, index=True), text("title_en"), text("title_zh"),
    minor("price_minor"), Column("quantity", Integer, nullable=False, default=1), id_("variant_id"),
    PrimaryKeyConstraint("order_id", "line"),
)  # fmt: skip

order_event = Table(
    "order_event", metadata,
    Column("event_no", Integer, primary_key=True, autoincrement=True), id_("order_id", index=True), id_("parcel_id",
    index=True),
    text("kind"), Column("detail", JSON, nullable=False), text("actor"), moment("at", nullable=False),
)  # fmt: skip

dispute = Table(
    "dispute", metadata,
    key("dispute_id"), id_("order_id", nullable=False, index=True), text("state", "open"), text("reason"),
    moment("opened_at", nullable=False), text("ruling"), text("ruling_reason"), id_("ruled_by"), moment("ruled_at"),
    text("resume_state"), Column("timers_left", JSON, nullable=False), moment("rule_until"),
)  # fmt: skip

transfer = Table(
    "transfer", metadata,
    Column("reference", String(200), primary_key=True), text("kind"), id_("order_id", index=True),
    moment("created_at", nullable=False), Column("sealed_in", Integer, index=True),
)  # fmt: skip

posting = Table(
    "posting", metadata,
    Column("reference", String(200), ForeignKey("transfer.reference")), Column("line", Integer),
    Column("debit", String(200), nullable=False, index=True), Column("credit", String(200), nullable=False, index=True),
    minor("amount_minor"), Column("currency", String(3), nullable=False), PrimaryKeyConstraint("reference", "line"),
    CheckConstraint("amount_minor > 0", name="amount"), CheckConstraint("debit <> credit", name="sides"),
)  # fmt: skip

seal = Table(
    "seal", metadata,
    Column("seal_no", Integer, primary_key=True), sha256("seal_sha256", nullable=False),
    Column("transfers", Integer, nullable=False), moment("sealed_at", nullable=False),
)  # fmt: skip

payment = Table(
    "payment", metadata,
    key("payment_id"), id_("order_id", nullable=False, index=True), text("provider"), text("provider_reference"),
    text("state", "started"), minor("amount_minor"), Column("currency", String(3), nullable=False), text("method"),
    text("reason"), moment("started_at", nullable=False), moment("changed_at", nullable=False), text("kind",
    "charge"),
    id_("charge_id"), Column("attempts", Integer, nullable=False, default=0), moment("next_try_at", index=True),
    id_("joint_id", index=True),
)  # fmt: skip

provider_event = Table(
    "provider_event", metadata,
    Column("provider", String(40)), Column("event_id", String(120)), text("type"), Column("body", LargeBinary,
    nullable=False),
    moment("received_at", nullable=False), moment("applied_at"), PrimaryKeyConstraint("provider", "event_id"),
)  # fmt: skip

payout = Table(
    "payout", metadata,
    key("payout_id"), id_("merchant_id", nullable=False, index=True), minor("amount_minor"),
    Column("currency", String(3), nullable=False), text("state", "started"), moment("started_at", nullable=False),
    id_("shopper_id"), text("market"),
    moment("changed_at", nullable=False), text("provider_reference"), text("provider"), text("reason"),
    Column("attempts", Integer, nullable=False, default=0), moment("next_try_at", index=True),
)  # fmt: skip
