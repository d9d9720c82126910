"""Who is in a shop now, and what they hold in their hands."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, PrimaryKeyConstraint, Table, UniqueConstraint

from cloud_relay.tables.columns import flag, id_, metadata, moment, text

visit = Table(
    "visit", metadata,
    id_("account_id", ForeignKey("account.account_id")), id_("shop_id", ForeignKey("shop.shop_id"), index=True),
    id_("person_id", nullable=False), text("nickname"), flag("is_visible"), moment("came_at", nullable=False),
    moment("present_until", nullable=False, index=True), PrimaryKeyConstraint("account_id", "shop_id"),
    UniqueConstraint("person_id"),
)  # fmt: skip

in_hand = Table(
    "in_hand", metadata,
    id_("account_id", nullable=False), id_("shop_id", nullable=False),
    id_("listing_id", ForeignKey("listing.listing_id")), id_("variant_id", default=""),
    Column("quantity", Integer, nullable=False), moment("taken_at", nullable=False),
    PrimaryKeyConstraint("account_id", "shop_id", "listing_id", "variant_id"),
    CheckConstraint("quantity > 0", name="quantity"),
)  # fmt: skip
