"""Group orders: who is in, what each of them pledged, what they say to each other."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from cloud_relay.tables.columns import id_, key, metadata, minor, moment, text

group_order = Table(
    "group_order", metadata,
    key("group_id"), id_("promotion_id", ForeignKey("promotion.promotion_id"), nullable=False, index=True),
    id_("shop_id", nullable=False), id_("merchant_id", nullable=False), id_("listing_id"),
    Column("terms", JSON, nullable=False), text("place", "online"), text("state", "open"),
    id_("started_by", nullable=False), id_("suggestion_id", index=True), moment("started_at", nullable=False),
    moment("close_until", nullable=False), moment("ended_at"), text("end_reason"), minor("saving_minor", default=0),
    id_("joint_id"), moment("warned_at"),
    Column("version", Integer, nullable=False, default=1), Index("ix_group_order_due", "state", "close_until"),
    CheckConstraint("saving_minor >= 0", name="saving"),
)  # fmt: skip

group_member = Table(
    "group_member", metadata,
    key("member_id"), id_("group_id", ForeignKey("group_order.group_id"), nullable=False),
    id_("account_id", ForeignKey("account.account_id"), nullable=False, index=True), text("nickname"),
    text("state", "joined"), moment("joined_at", nullable=False), moment("left_at"),
    UniqueConstraint("group_id", "account_id"),
)  # fmt: skip

pledge = Table(
    "pledge", metadata,
    id_("order_id", ForeignKey("orders.order_id"), primary_key=True),
    id_("group_id", ForeignKey("group_order.group_id"), nullable=False, index=True),
    id_("member_id", ForeignKey("group_member.member_id"), nullable=False), id_("listing_id", nullable=False),
    minor("usual_minor"), minor("saving_minor", default=0), minor("back_minor", default=0), id_("refund_id"),
    moment("pledged_at", nullable=False),
    CheckConstraint("saving_minor >= 0 AND saving_minor < usual_minor", name="saving"),
)  # fmt: skip

group_message = Table(
    "group_message", metadata,
    key("message_id"), id_("group_id", ForeignKey("group_order.group_id"), nullable=False, index=True),
    id_("member_id", ForeignKey("group_member.member_id"), nullable=False), text("kind", "said"),
    text("text"), moment("sent_at", nullable=False), moment("reported_at"), id_("reported_by"), text("report_reason"),
)  # fmt: skip

person_mute = Table(
    "person_mute", metadata,
    key("mute_id"), id_("account_id", ForeignKey("account.account_id"), nullable=False),
    id_("muted_id", ForeignKey("account.account_id"), nullable=False, index=True), text("nickname"),
    moment("muted_at", nullable=False), UniqueConstraint("account_id", "muted_id", "nickname"),
)  # fmt: skip
