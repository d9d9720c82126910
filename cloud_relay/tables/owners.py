"""Asking somebody who bought the same: who was listed to whom for a day, and what two of them write to each other."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from cloud_relay.tables.columns import flag, id_, key, metadata, moment, text

owner_list = Table(
    "owner_list", metadata,
    key("list_id"), id_("account_id", ForeignKey("account.account_id"), nullable=False),
    id_("listing_id", ForeignKey("listing.listing_id"), nullable=False), Column("days", Integer, nullable=False),
    moment("asked_at", nullable=False), moment("list_until", nullable=False, index=True),
    UniqueConstraint("account_id", "listing_id", "days", "list_until"),
)  # fmt: skip

listed_owner = Table(
    "listed_owner", metadata,
    key("owner_id"), id_("list_id", ForeignKey("owner_list.list_id"), nullable=False, index=True),
    id_("account_id", ForeignKey("account.account_id"), nullable=False, index=True),
    Column("place", Integer, nullable=False), text("nickname_en"), text("nickname_zh"),
)  # fmt: skip

# owner_id points to no row: lists are forgotten when their day is over, talks go on
owner_talk = Table(
    "owner_talk", metadata,
    key("talk_id"), id_("owner_id", nullable=False, unique=True),
    id_("asker_id", ForeignKey("account.account_id"), nullable=False),
    id_("asked_id", ForeignKey("account.account_id"), nullable=False),
    id_("listing_id", ForeignKey("listing.listing_id"), nullable=False), text("state", "asked"),
    flag("is_heard", default=True), text("asker_nickname_en"), text("asker_nickname_zh"), text("asked_nickname_en"),
    text("asked_nickname_zh"), moment("asked_at", nullable=False), moment("asker_told_at"), moment("asked_told_at"),
    moment("ended_at"), Index("ix_owner_talk_asker", "asker_id", "asked_at"),
    Index("ix_owner_talk_asked", "asked_id", "asked_at"),
)  # fmt: skip

owner_message = Table(
    "owner_message", metadata,
    key("message_id"), id_("talk_id", ForeignKey("owner_talk.talk_id"), nullable=False, index=True),
    Column("number", Integer, nullable=False), flag("is_from_asker"), text("text"),
    moment("sent_at", nullable=False), moment("reported_at", index=True),
    text("report_reason"), moment("closed_at"), UniqueConstraint("talk_id", "number"),
)  # fmt: skip
