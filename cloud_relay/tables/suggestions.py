"""Suggestions to order together: to whom each went, why, what they answered; and the indexes that find them quickly."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from cloud_relay.tables.columns import id_, key, metadata, minor, moment, text

suggestion = Table(
    "suggestion", metadata,
    key("suggestion_id"), id_("promotion_id", ForeignKey("promotion.promotion_id"), nullable=False, index=True),
    id_("shop_id", nullable=False), text("state", "open"), text("cause"), minor("saving_minor"),
    Column("currency", String(3), nullable=False), id_("group_id", index=True), moment("created_at", nullable=False),
    moment("open_until", nullable=False), moment("ended_at"), Index("ix_suggestion_due", "state", "open_until"),
)  # fmt: skip

suggestion_person = Table(
    "suggestion_person", metadata,
    id_("suggestion_id", ForeignKey("suggestion.suggestion_id")),
    id_("account_id", ForeignKey("account.account_id")), id_("person_id", nullable=False),
    text("nickname"), text("state", "sent"), id_("listing_id", nullable=False), minor("price_minor"),
    minor("saving_minor"), Column("reasons", JSON, nullable=False), moment("sent_at", nullable=False),
    moment("answered_at"), PrimaryKeyConstraint("suggestion_id", "account_id"), UniqueConstraint("person_id"),
    Index("ix_suggestion_person_sent", "account_id", "sent_at"),
)  # fmt: skip

suggestion_want = Table(
    "suggestion_want", metadata,
    id_("account_id", ForeignKey("account.account_id")), Column("source_id", String(200)), text("kind"),
    Column("goods_key", String(80), nullable=False), id_("listing_id", nullable=False),
    Column("most_minor", BigInteger, nullable=False), Column("currency", String(3), nullable=False),
    Column("area", String(50), nullable=False), id_("point_id", nullable=False),
    moment("wanted_until", nullable=False), PrimaryKeyConstraint("account_id", "source_id"),
    Index("ix_suggestion_want_area", "area", "goods_key", "kind", "wanted_until"),
    Index("ix_suggestion_want_point", "point_id", "goods_key", "kind", "wanted_until"),
)  # fmt: skip
"""What consenting shoppers look for, out of their wishes and purchases: an index, never the truth."""

suggestion_good = Table(
    "suggestion_good", metadata,
    id_("promotion_id", ForeignKey("promotion.promotion_id")), id_("listing_id", ForeignKey("listing.listing_id")),
    Column("goods_key", String(80), nullable=False), PrimaryKeyConstraint("promotion_id", "listing_id"),
    Index("ix_suggestion_good_key", "goods_key", "promotion_id"),
)  # fmt: skip
"""The goods of each promotion that runs online: an index too."""

suggestion_promotion = Table(
    "suggestion_promotion", metadata,
    id_("promotion_id", ForeignKey("promotion.promotion_id"), primary_key=True),
    Column("version", Integer, nullable=False), moment("indexed_at", nullable=False),
)  # fmt: skip
"""Which promotions are in the index, as of which version."""

suggestion_due = Table(
    "suggestion_due", metadata,
    id_("account_id", ForeignKey("account.account_id"), primary_key=True), text("cause"),
    moment("asked_at", nullable=False, index=True),
)  # fmt: skip
"""Shoppers for whom suggestions are to be looked for, and since what."""
