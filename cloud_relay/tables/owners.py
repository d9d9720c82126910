"""Asking somebody who bought the same: who was asked, and what the two write to each other."""

from sqlalchemy import Column, ForeignKey, Integer, Table

from cloud_relay.tables.columns import flag, id_, key, metadata, moment, text

owner_list = Table(
    "owner_list", metadata,
    key("list_id"), id_("account_id", ForeignKey("account.account_id"), nullable=False, index=True),
    id_("listing_id", ForeignKey("listing.listing_id"), nullable=False), Column("days", Integer, nullable=False),
    moment("asked_at", nullable=False), moment("list_until", nullable=False),
)  # fmt: skip

listed_owner = Table(
    "listed_owner", metadata,
    key("owner_id"), id_("list_id", ForeignKey("owner_list.list_id"), nullable=False, index=True),
    id_("account_id", ForeignKey("account.account_id"), nullable=False, index=True), text("nickname"),
)  # fmt: skip

owner_talk = Table(
    "owner_talk", metadata,
    key("talk_id"), id_("owner_id", ForeignKey("listed_owner.owner_id"), nullable=False, unique=True),
    id_("asker_id", nullable=False, index=True), id_("asked_id", nullable=False, index=True),
    id_("listing_id", nullable=False), text("state", "asked"), text("asker_nickname"), text("asked_nickname"),
    moment("asked_at", nullable=False), moment("ended_at"),
)  # fmt: skip

owner_message = Table(
    "owner_message", metadata,
    key("message_id"), id_("talk_id", ForeignKey("owner_talk.talk_id"), nullable=False, index=True),
    flag("is_from_asker"), text("text"), moment("sent_at", nullable=False), moment("reported_at"),
    text("report_reason"),
)  # fmt: skip
