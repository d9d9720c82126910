"""Every table of the relay, for SQLite and PostgreSQL alike. Rooms read and write only through their own store.py."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

from wire.values import format_time, parse_time

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """An aware UTC time as 24 characters of RFC 3339: sorts as text, reads the same on both databases."""

    impl = String(24)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """To the database."""
        return None if value is None else format_time(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From the database."""
        return None if value is None else parse_time(value)


def _id(name: str, *args: Any, **options: Any) -> Column[str]:
    return Column(name, String(64), *args, **options)


def _key(name: str) -> Column[str]:
    return Column(name, String(64), primary_key=True)


def _sha256(name: str, **options: Any) -> Column[str]:
    return Column(name, String(64), **options)


def _minor(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger, nullable=False, **options)


def _moment(name: str, *, nullable: bool = True, **options: Any) -> Column[datetime]:
    return Column(name, Moment, nullable=nullable, **options)


def _text(name: str, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, default=default, server_default=default)


def _flag(name: str, *, default: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=False, default=default)


account = Table(
    "account", metadata,
    _key("account_id"), Column("email", String(254), nullable=False, unique=True), _text("nickname"),
    _text("password_hash"), _text("language", "en"), _flag("is_operator"), _flag("is_closed"),
    _moment("created_at", nullable=False),
)  # fmt: skip
sign_in = Table(
    "sign_in", metadata,
    _sha256("token_sha256", primary_key=True), _id("account_id", ForeignKey("account.account_id"), nullable=False,
    index=True),
    _text("csrf"), _moment("created_at", nullable=False), _moment("expires_until", nullable=False),
)  # fmt: skip
sign_in_attempt = Table(
    "sign_in_attempt", metadata,
    Column("key", String(300), primary_key=True), Column("failures", Integer, nullable=False),
    _moment("blocked_until"), _moment("last_at", nullable=False),
)  # fmt: skip
saved_address = Table(
    "saved_address", metadata,
    _key("address_id"), _id("account_id", ForeignKey("account.account_id"), nullable=False, index=True),
    Column("address", JSON, nullable=False),
)  # fmt: skip
merchant = Table(
    "merchant", metadata,
    _key("merchant_id"), _text("name_en"), _text("name_zh"), _text("state", "pending"), _text("reason"),
    _text("contact"), _moment("applied_at", nullable=False), _moment("decided_at"), _id("decided_by"),
)  # fmt: skip
member = Table(
    "member", metadata,
    _id("merchant_id", ForeignKey("merchant.merchant_id")), _id("account_id", ForeignKey("account.account_id")),
    _text("role", "owner"), PrimaryKeyConstraint("merchant_id", "account_id"),
)  # fmt: skip
invitation = Table(
    "invitation", metadata,
    _key("invitation_id"), _id("merchant_id", ForeignKey("merchant.merchant_id"), nullable=False, index=True),
    Column("email", String(254), nullable=False), _text("role"), _sha256("token_sha256", nullable=False, unique=True),
    _id("invited_by", nullable=False), _moment("created_at", nullable=False), _moment("until", nullable=False),
    _moment("accepted_at"), _moment("withdrawn_at"),
)  # fmt: skip

shop = Table(
    "shop", metadata,
    _key("shop_id"), _id("merchant_id", ForeignKey("merchant.merchant_id"), nullable=False, index=True),
    _text("name_en"), _text("name_zh"), _text("story_en"), _text("story_zh"), _text("time_zone", "UTC"),
    Column("hours", JSON, nullable=False), Column("cameras", JSON, nullable=False),
    Column("sender_lines", JSON, nullable=False), _text("pack_when", "confirmed"), _text("gs1_prefix"),
    _text("country"), _text("market"), Column("currency", String(3), nullable=False),
    Column("turn_s", Float, nullable=False, default=180.0), _flag("is_relay_only"), _flag("is_spin_on"),
    _flag("is_closed"),
    Column("plan_version", Integer, nullable=False, default=0), Column("plan_applied", Integer, nullable=False,
    default=0),
    _minor("shipping_minor", default=0), Column("next_sscc", BigInteger, nullable=False, default=1),
    _flag("is_live"), _text("live_reason", "never_checked"),
    Column("holidays", JSON, nullable=False, default=list, server_default="[]"),
)  # fmt: skip
listing = Table(
    "listing", metadata,
    _key("listing_id"), _id("shop_id", ForeignKey("shop.shop_id"), nullable=False, index=True),
    _text("title_en"), _text("title_zh"), _text("description_en"), _text("description_zh"), _text("sku"), _text("gtin"),
    _minor("price_minor"), Column("currency", String(3), nullable=False), Column("weight_g", Integer, nullable=False,
    default=0),
    _text("state", "draft"), _text("search_text"), Column("attributes", JSON, nullable=False),
    Column("on_hand", Integer, nullable=False, default=0), Column("reserved", Integer, nullable=False, default=0),
    Column("version", Integer, nullable=False, default=1), _moment("created_at", nullable=False),
    _moment("published_at"),
    CheckConstraint("on_hand >= 0", name="on_hand"), CheckConstraint("reserved >= 0", name="reserved"),
    CheckConstraint("on_hand >= reserved", name="promise"), CheckConstraint("price_minor >= 0", name="price"),
)  # fmt: skip
piece = Table(
    "piece", metadata,
    _key("piece_id"), _id("listing_id", ForeignKey("listing.listing_id"), nullable=False, index=True),
    _id("shop_id", ForeignKey("shop.shop_id"), nullable=False), Column("code", String(40), nullable=False),
    _text("serial"),
    _text("state", "free"), _text("location"), Column("spot", JSON), Column("version", Integer, nullable=False,
    default=1),
    UniqueConstraint("shop_id", "code"),
)  # fmt: skip
picture = Table(
    "picture", metadata,
    _sha256("picture_sha256", primary_key=True), _id("owner_id", nullable=False), _text("kind"), _text("media_type"),
    Column("size_bytes", Integer, nullable=False), Column("width_px", Integer, nullable=False, default=0),
    Column("height_px", Integer, nullable=False, default=0), _id("parcel_id", index=True), _sha256("previous_sha256"),
    _text("signature"), _moment("taken_at"), _moment("stored_at"), _sha256("upload_token_sha256", unique=True),
    _moment("upload_until"),
)  # fmt: skip
listing_picture = Table(
    "listing_picture", metadata,
    _id("listing_id", ForeignKey("listing.listing_id")), Column("place", Integer), _sha256("picture_sha256",
    nullable=False),
    PrimaryKeyConstraint("listing_id", "place"),
)  # fmt: skip
piece_view = Table(
    "piece_view", metadata,
    _id("piece_id", ForeignKey("piece.piece_id")), Column("view_no", Integer),
    Column("angle_deg", Float, nullable=False),
    _sha256("picture_sha256", nullable=False, index=True), _moment("taken_at", nullable=False),
    PrimaryKeyConstraint("piece_id", "view_no"),
)  # fmt: skip
stock_change = Table(
    "stock_change", metadata,
    _key("change_id"), _id("listing_id", ForeignKey("listing.listing_id"), nullable=False, index=True),
    _id("shop_id", nullable=False, index=True), _text("kind"), Column("difference", Integer, nullable=False),
    Column("on_hand", Integer, nullable=False), _text("reason"), Column("pieces", JSON, nullable=False),
    _id("account_id", nullable=False), _moment("at", nullable=False), _moment("undone_at"),
)  # fmt: skip
announcement = Table(
    "announcement", metadata,
    _key("announcement_id"), _id("merchant_id", ForeignKey("merchant.merchant_id"), nullable=False, index=True),
    _id("shop_id", ForeignKey("shop.shop_id"), nullable=False, index=True),
    _id("listing_id", ForeignKey("listing.listing_id")), _text("title_en"), _text("title_zh"), _text("text_en"),
    _text("text_zh"), Column("price_minor", BigInteger), _moment("shown_from", nullable=False),
    _moment("shown_until", nullable=False), _moment("created_at", nullable=False), _moment("deleted_at"),
    _id("account_id", nullable=False), Column("version", Integer, nullable=False, default=1),
    CheckConstraint("price_minor > 0", name="price"), CheckConstraint("shown_until > shown_from", name="time"),
    Index("ix_announcement_price", "listing_id", "shown_from"),
)  # fmt: skip

viewing_session = Table(
    "viewing_session", metadata,
    _key("session_id"), _id("account_id", index=True), _id("shop_id", ForeignKey("shop.shop_id"), nullable=False,
    index=True),
    _id("piece_id", nullable=False), _text("camera"), _text("state", "asked"), Column("answer", JSON, nullable=False),
    _flag("may_steer"), _moment("created_at", nullable=False), _moment("changed_at", nullable=False),
    _moment("ended_at"),
    _text("end_reason"),
)  # fmt: skip
viewing_pass = Table(
    "viewing_pass", metadata,
    _sha256("pass_sha256", primary_key=True), _id("session_id", ForeignKey("viewing_session.session_id"),
    nullable=False),
    _moment("expires_until", nullable=False), _moment("used_at"), _id("stream_id", index=True),
)  # fmt: skip
viewing_question = Table(
    "viewing_question", metadata,
    _key("question_id"), _id("session_id", nullable=False, index=True), _text("kind"), _text("text"), _text("answer"),
    _moment("asked_at", nullable=False), _moment("answered_at"),
)  # fmt: skip
viewing_companion = Table(
    "viewing_companion", metadata,
    _key("companion_id"), _id("together_id", nullable=False, index=True), _id("session_id", nullable=False, index=True),
    _text("nickname"), _moment("joined_at", nullable=False), _moment("left_at"),
    Column("offered_turn_no", Integer, nullable=False, default=0), _text("offered_by"),
)  # fmt: skip

reservation = Table(
    "reservation", metadata,
    _key("parcel_id"), _id("piece_id", ForeignKey("piece.piece_id"), nullable=False), _id("listing_id", nullable=False),
    _id("account_id", nullable=False, index=True), _id("session_id"), _text("state", "active"),
    _moment("until", nullable=False), Column("extensions", Integer, nullable=False, default=0),
    _moment("created_at", nullable=False), Index("ix_reservation_due", "state", "until"),
)  # fmt: skip
orders = Table(
    "orders", metadata,
    _key("order_id"), _id("account_id", nullable=False, index=True), _id("shop_id", nullable=False, index=True),
    _id("merchant_id", nullable=False, index=True), _text("market"), _text("state", "unpaid"), _minor("price_minor"),
    _minor("shipping_minor"), _minor("total_minor"), Column("currency", String(3), nullable=False),
    _text("payment_method"),
    _text("payment_provider"), Column("address", JSON, nullable=False), _sha256("address_sha256"),
    _moment("delivery_from"), _moment("delivery_until"), Column("photo_window_s", Integer, nullable=False),
    Column("release_after_s", Integer, nullable=False), Column("commission_ppm", Integer, nullable=False),
    Column("objections", Integer, nullable=False, default=0), _moment("placed_at", nullable=False),
    _moment("pay_until"),
    _moment("paid_at"), _moment("photo_until"), _moment("handed_over_at"), _moment("delivered_at"),
    _moment("release_at"),
    _moment("ended_at"), _text("end_reason"), Column("version", Integer, nullable=False, default=1),
    _text("trace"), Column("tax_ppm", Integer, nullable=False, default=0), _moment("due_at"),
    Index("ix_orders_due", "due_at"),
)  # fmt: skip
order_line = Table(
    "order_line", metadata,
    _id("order_id", ForeignKey("orders.order_id")), Column("line", Integer), _id("listing_id", nullable=False),
    _id("piece_id", nullable=False), _id("parcel_id", nullable=False, index=True), _text("title_en"), _text("title_zh"),
    _minor("price_minor"), Column("quantity", Integer, nullable=False, default=1), PrimaryKeyConstraint("order_id",
    "line"),
)  # fmt: skip
order_event = Table(
    "order_event", metadata,
    Column("event_no", Integer, primary_key=True, autoincrement=True), _id("order_id", index=True), _id("parcel_id",
    index=True),
    _text("kind"), Column("detail", JSON, nullable=False), _text("actor"), _moment("at", nullable=False),
)  # fmt: skip
dispute = Table(
    "dispute", metadata,
    _key("dispute_id"), _id("order_id", nullable=False, index=True), _text("state", "open"), _text("reason"),
    _moment("opened_at", nullable=False), _text("ruling"), _text("ruling_reason"), _id("ruled_by"), _moment("ruled_at"),
    _text("resume_state"), Column("timers_left", JSON, nullable=False), _moment("rule_until"),
)  # fmt: skip

transfer = Table(
    "transfer", metadata,
    Column("reference", String(200), primary_key=True), _text("kind"), _id("order_id", index=True),
    _moment("created_at", nullable=False), Column("sealed_in", Integer, index=True),
)  # fmt: skip
posting = Table(
    "posting", metadata,
    Column("reference", String(200), ForeignKey("transfer.reference")), Column("line", Integer),
    Column("debit", String(200), nullable=False, index=True), Column("credit", String(200), nullable=False, index=True),
    _minor("amount_minor"), Column("currency", String(3), nullable=False), PrimaryKeyConstraint("reference", "line"),
    CheckConstraint("amount_minor > 0", name="amount"), CheckConstraint("debit <> credit", name="sides"),
)  # fmt: skip
seal = Table(
    "seal", metadata,
    Column("seal_no", Integer, primary_key=True), _sha256("seal_sha256", nullable=False),
    Column("transfers", Integer, nullable=False), _moment("sealed_at", nullable=False),
)  # fmt: skip
payment = Table(
    "payment", metadata,
    _key("payment_id"), _id("order_id", nullable=False, index=True), _text("provider"), _text("provider_reference"),
    _text("state", "started"), _minor("amount_minor"), Column("currency", String(3), nullable=False), _text("method"),
    _text("reason"), _moment("started_at", nullable=False), _moment("changed_at", nullable=False), _text("kind",
    "charge"),
    _id("charge_id"), Column("attempts", Integer, nullable=False, default=0), _moment("next_try_at", index=True),
)  # fmt: skip
provider_event = Table(
    "provider_event", metadata,
    Column("provider", String(40)), Column("event_id", String(120)), _text("type"), Column("body", LargeBinary,
    nullable=False),
    _moment("received_at", nullable=False), _moment("applied_at"), PrimaryKeyConstraint("provider", "event_id"),
)  # fmt: skip
payout = Table(
    "payout", metadata,
    _key("payout_id"), _id("merchant_id", nullable=False, index=True), _minor("amount_minor"),
    Column("currency", String(3), nullable=False), _text("state", "started"), _moment("started_at", nullable=False),
    _moment("changed_at", nullable=False), _text("provider_reference"), _text("provider"), _text("reason"),
    Column("attempts", Integer, nullable=False, default=0), _moment("next_try_at", index=True),
)  # fmt: skip

parcel = Table(
    "parcel", metadata,
    _key("parcel_id"), _id("shop_id", nullable=False, index=True), _id("piece_id", nullable=False), _id("account_id",
    nullable=False),
    _id("order_id", index=True), _text("state", "preparing"), _text("held_reason"), Column("held_text", JSON),
    _sha256("still_sha256"), _sha256("packed_sha256"), _sha256("photo_sha256"), _text("sscc"),
    Column("label_no", Integer, nullable=False, default=0), _text("label_serial"), _sha256("courier_token_sha256"),
    _moment("created_at", nullable=False), _moment("changed_at", nullable=False), Index("ix_parcel_sscc", "sscc"),
)  # fmt: skip
label = Table(
    "label", metadata,
    Column("label_serial", String(64), primary_key=True), _id("parcel_id", nullable=False, index=True),
    Column("label_no", Integer, nullable=False), _text("sscc"), _text("state", "printed"), _moment("changed_at",
    nullable=False),
)  # fmt: skip
tracking_event = Table(
    "tracking_event", metadata,
    _key("event_id"), _id("parcel_id", nullable=False, index=True), _sha256("content_sha256", nullable=False,
    unique=True),
    _text("biz_step"), _text("disposition"), _text("place"), _text("by"), _text("label_serial"), _moment("at",
    nullable=False),
    _moment("recorded_at", nullable=False), Column("epcis", JSON, nullable=False), _text("source"),
)  # fmt: skip

notice = Table(
    "notice", metadata,
    _key("notice_id"), _id("account_id", nullable=False, index=True), _text("kind"), _text("text_en"), _text("text_zh"),
    _text("link"), _moment("created_at", nullable=False), _moment("read_at"), _moment("planned_at", index=True),
)  # fmt: skip
notice_choice = Table(
    "notice_choice", metadata,
    _id("account_id", ForeignKey("account.account_id")), Column("topic", String(20)), _flag("by_push", default=True),
    _flag("by_mail", default=True), PrimaryKeyConstraint("account_id", "topic"),
)  # fmt: skip
notice_reader = Table(
    "notice_reader", metadata,
    _key("account_id"), Column("mail_key", String(64), nullable=False, unique=True),
)  # fmt: skip
push_place = Table(
    "push_place", metadata,
    _key("push_id"), _id("account_id", ForeignKey("account.account_id"), nullable=False, index=True),
    _sha256("endpoint_sha256", nullable=False, unique=True), _text("endpoint"), _text("p256dh"), _text("auth"),
    _text("language", "en"), _moment("created_at", nullable=False),
)  # fmt: skip
notice_delivery = Table(
    "notice_delivery", metadata,
    _key("delivery_id"), _id("notice_id", nullable=False), _id("account_id", nullable=False), _text("way"),
    _id("push_id", nullable=False, default=""), _text("state", "waiting"),
    Column("attempts", Integer, nullable=False, default=0), _moment("next_try_at", nullable=False, index=True),
    _moment("ended_at"), _text("reason"), UniqueConstraint("notice_id", "way", "push_id"),
)  # fmt: skip
viewing_booking = Table(
    "viewing_booking", metadata,
    _key("booking_id"), _id("account_id", ForeignKey("account.account_id"), nullable=False, index=True),
    _id("shop_id", nullable=False, index=True), _id("piece_id", nullable=False), _text("camera"),
    _text("state", "booked"), _moment("starts_at", nullable=False), _moment("ends_at", nullable=False),
    Column("place_key", String(200), unique=True), _moment("created_at", nullable=False), _moment("reminded_at"),
)  # fmt: skip
handoff = Table(
    "handoff", metadata,
    _key("handoff_id"), _sha256("link_sha256", nullable=False, unique=True), _text("purpose"), _id("account_id"),
    _id("subject"), _sha256("screen_sha256"), _sha256("phone_sha256"), _moment("created_at", nullable=False),
    _moment("expires_until", nullable=False, index=True), _moment("used_at"),
)  # fmt: skip
page_event = Table(
    "page_event", metadata,
    Column("event_no", Integer, primary_key=True, autoincrement=True), Column("channel", String(80), nullable=False,
    index=True),
    _text("kind"), Column("data", JSON, nullable=False), _moment("created_at", nullable=False),
    sqlite_autoincrement=True,
)  # fmt: skip
idempotency_key = Table(
    "idempotency_key", metadata,
    Column("principal", String(80)), Column("key", String(120)), _sha256("request_sha256", nullable=False),
    Column("status", Integer), Column("response", JSON), _moment("created_at", nullable=False),
    PrimaryKeyConstraint("principal", "key"),
)  # fmt: skip

shop_command = Table(
    "shop_command", metadata,
    _key("command_id"), _id("shop_id", nullable=False), Column("sequence", Integer), _text("type"), _text("subject"),
    Column("data", JSON, nullable=False), Column("payload", LargeBinary), Column("deadline_s", Float),
    _moment("created_at", nullable=False), _moment("issued_at"), _moment("sent_at"), _text("ack_state"),
    Column("ack", JSON), _moment("acked_at"), _text("trace"), UniqueConstraint("shop_id", "sequence"),
    Index("ix_shop_command_open", "shop_id", "ack_state", "created_at"),
)  # fmt: skip
shop_link = Table(
    "shop_link", metadata,
    _key("shop_id"), _text("lease_owner"), _moment("lease_until"), Column("next_sequence", Integer, nullable=False,
    default=1),
    Column("report_sequence", Integer, nullable=False, default=0), Column("journal_sequence", BigInteger,
    nullable=False, default=0),
    _sha256("journal_hash"), _flag("is_online"), _text("session"), Column("presence", JSON), _moment("seen_at"),
    _text("quarantine_reason"), Column("clock_offset_s", Float), _moment("clock_at"),
)  # fmt: skip
shop_report = Table(
    "shop_report", metadata,
    _id("shop_id"), Column("sequence", Integer), _id("report_id", nullable=False), _text("type"), Column("data",
    JSON, nullable=False),
    _moment("at", nullable=False), _moment("received_at", nullable=False), PrimaryKeyConstraint("shop_id", "sequence"),
)  # fmt: skip
device_state = Table(
    "device_state", metadata,
    _id("shop_id"), Column("device", String(64)), Column("state", JSON, nullable=False), _moment("changed_at",
    nullable=False),
    PrimaryKeyConstraint("shop_id", "device"),
)  # fmt: skip
claim_code = Table(
    "claim_code", metadata,
    _sha256("code_sha256", primary_key=True), _id("shop_id", nullable=False, index=True), _moment("expires_until",
    nullable=False),
    _moment("used_at"), _text("box_code"),
)  # fmt: skip
shop_certificate = Table(
    "shop_certificate", metadata,
    Column("serial", String(64), primary_key=True), _id("shop_id", nullable=False, index=True), _text("public_key_pem"),
    _moment("issued_at", nullable=False), _moment("expires_until", nullable=False), _moment("revoked_at"),
)  # fmt: skip
bench_check = Table(
    "bench_check", metadata,
    _key("check_id"), _id("shop_id", nullable=False), _text("occasion"), _flag("is_passed"), _flag("is_whole"),
    _moment("ended_at", nullable=False), _moment("received_at", nullable=False), Column("card", JSON, nullable=False),
    Index("ix_bench_check_shop", "shop_id", "received_at"),
)  # fmt: skip
high_water = Table("high_water", metadata, Column("name", String(40), primary_key=True), _moment("at", nullable=False))
