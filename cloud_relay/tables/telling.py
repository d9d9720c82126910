"""What people are told, and how."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, PrimaryKeyConstraint, String, Table, UniqueConstraint

from cloud_relay.tables.columns import flag, id_, key, metadata, moment, sha256, text

notice = Table(
    "notice", metadata,
    key("notice_id"), id_("account_id", nullable=False, index=True), text("kind"), text("text_en"), text("text_zh"),
    text("link"), moment("created_at", nullable=False), moment("read_at"), moment("planned_at", index=True),
)  # fmt: skip

notice_choice = Table(
    "notice_choice", metadata,
    id_("account_id", ForeignKey("account.account_id")), Column("topic", String(20)), flag("by_push", default=True),
    flag("by_mail", default=True), PrimaryKeyConstraint("account_id", "topic"),
)  # fmt: skip

notice_reader = Table(
    "notice_reader", metadata,
    key("account_id"), Column("mail_key", String(64), nullable=False, unique=True),
)  # fmt: skip

push_place = Table(
    "push_place", metadata,
    key("push_id"), id_("account_id", ForeignKey("account.account_id"), nullable=False, index=True),
    sha256("endpoint_sha256", nullable=False, unique=True), text("endpoint"), text("p256dh"), text("auth"),
    text("language", "en"), moment("created_at", nullable=False),
)  # fmt: skip

notice_delivery = Table(
    "notice_delivery", metadata,
    key("delivery_id"), id_("notice_id", nullable=False), id_("account_id", nullable=False), text("way"),
    id_("push_id", nullable=False, default=""), text("state", "waiting"),
    Column("attempts", Integer, nullable=False, default=0), moment("next_try_at", nullable=False, index=True),
    moment("ended_at"), text("reason"), UniqueConstraint("notice_id", "way", "push_id"),
)  # fmt: skip

invitation_delivery = Table(
    "invitation_delivery", metadata,
    key("invitation_id"), text("link"), text("language", "en"), text("state", "waiting"),
    Column("attempts", Integer, nullable=False, default=0), moment("next_try_at", nullable=False, index=True),
    moment("ended_at"), text("reason"),
)  # fmt: skip

page_event = Table(
    "page_event", metadata,
    Column("event_no", Integer, primary_key=True, autoincrement=True), Column("channel", String(80), nullable=False,
    index=True),
    text("kind"), Column("data", JSON, nullable=False), moment("created_at", nullable=False),
    sqlite_autoincrement=True,
)  # fmt: skip
