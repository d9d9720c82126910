"""Viewing: sessions, passes, questions, companions and complaints, bookings, colour cards."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table, UniqueConstraint

from cloud_relay.tables.columns import flag, id_, key, metadata, moment, sha256, text

viewing_session = Table(
    "viewing_session", metadata,
    key("session_id"), id_("account_id", index=True), id_("shop_id", ForeignKey("shop.shop_id"), nullable=False,
    index=True),
    id_("piece_id", nullable=False), text("camera"), text("state", "asked"), Column("answer", JSON, nullable=False),
    flag("may_steer"), moment("created_at", nullable=False), moment("changed_at", nullable=False),
    moment("ended_at"),
    text("end_reason"),
)  # fmt: skip

viewing_pass = Table(
    "viewing_pass", metadata,
    sha256("pass_sha256", primary_key=True), id_("session_id", ForeignKey("viewing_session.session_id"),
    nullable=False),
    moment("expires_until", nullable=False), moment("used_at"), id_("stream_id", index=True),
)  # fmt: skip

viewing_question = Table(
    "viewing_question", metadata,
    key("question_id"), id_("session_id", nullable=False, index=True), text("kind"), text("text"), text("answer"),
    moment("asked_at", nullable=False), moment("answered_at"),
)  # fmt: skip

viewing_companion = Table(
    "viewing_companion", metadata,
    key("companion_id"), id_("together_id", nullable=False, index=True), id_("session_id", nullable=False, index=True),
    text("nickname"), moment("joined_at", nullable=False), moment("left_at"),
    Column("offered_turn_no", Integer, nullable=False, default=0), text("offered_by"),
)  # fmt: skip

viewing_complaint = Table(
    "viewing_complaint", metadata,
    key("complaint_id"), id_("together_id", nullable=False), id_("said_id", nullable=False), text("text"),
    text("nickname"), id_("account_id"), id_("by_companion_id", nullable=False), text("by_nickname"),
    id_("by_account_id"), moment("made_at", nullable=False), moment("closed_at", index=True),
    UniqueConstraint("said_id", "by_companion_id"),
)  # fmt: skip

spot_colour = Table(
    "spot_colour", metadata,
    Column("spot_key", String(200), primary_key=True), id_("shop_id", ForeignKey("shop.shop_id"), nullable=False),
    Column("patches", JSON, nullable=False), id_("account_id"), moment("taken_at", nullable=False),
)  # fmt: skip

viewing_booking = Table(
    "viewing_booking", metadata,
    key("booking_id"), id_("account_id", ForeignKey("account.account_id"), nullable=False, index=True),
    id_("shop_id", nullable=False, index=True), id_("piece_id", nullable=False), text("camera"),
    text("state", "booked"), moment("starts_at", nullable=False), moment("ends_at", nullable=False),
    Column("place_key", String(200), unique=True), moment("created_at", nullable=False), moment("reminded_at"),
)  # fmt: skip

handoff = Table(
    "handoff", metadata,
    key("handoff_id"), sha256("link_sha256", nullable=False, unique=True), text("purpose"), id_("account_id"),
    id_("subject"), sha256("screen_sha256"), sha256("phone_sha256"), moment("created_at", nullable=False),
    moment("expires_until", nullable=False, index=True), moment("used_at"),
)  # fmt: skip
