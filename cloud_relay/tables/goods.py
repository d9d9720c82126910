"""Shops, what they list, the pieces, their pictures and stock."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from cloud_relay.tables.columns import flag, id_, key, metadata, minor, moment, sha256, text

shop = Table(
    "shop", metadata,
    key("shop_id"), id_("merchant_id", ForeignKey("merchant.merchant_id"), nullable=False, index=True),
    text("name_en"), text("name_zh"), text("story_en"), text("story_zh"), text("time_zone", "UTC"),
    Column("hours", JSON, nullable=False), Column("cameras", JSON, nullable=False),
    Column("sender_lines", JSON, nullable=False), text("pack_when", "confirmed"), text("gs1_prefix"),
    text("country"), text("market"), Column("currency", String(3), nullable=False),
    Column("turn_s", Float, nullable=False, default=180.0), flag("is_relay_only"), flag("is_spin_on"),
    flag("is_closed"),
    Column("plan_version", Integer, nullable=False, default=0), Column("plan_applied", Integer, nullable=False,
    default=0),
    minor("shipping_minor", default=0), Column("next_sscc", BigInteger, nullable=False, default=1),
    flag("is_live"), text("live_reason", "never_checked"),
    Column("holidays", JSON, nullable=False, default=list, server_default="[]"),
)  # fmt: skip

listing = Table(
    "listing", metadata,
    key("listing_id"), id_("shop_id", ForeignKey("shop.shop_id"), nullable=False, index=True),
    text("title_en"), text("title_zh"), text("description_en"), text("description_zh"), text("sku"), text("gtin"),
    minor("price_minor"), Column("currency", String(3), nullable=False), Column("weight_g", Integer, nullable=False,
    default=0),
    text("state", "draft"), text("search_title"), text("search_text"), Column("attributes", JSON, nullable=False),
    Column("on_hand", Integer, nullable=False, default=0), Column("reserved", Integer, nullable=False, default=0),
    Column("version", Integer, nullable=False, default=1), moment("created_at", nullable=False),
    moment("published_at"), Column("axes", JSON, nullable=False, default=list, server_default="[]"),
    CheckConstraint("on_hand >= 0", name="on_hand"), CheckConstraint("reserved >= 0", name="reserved"),
    CheckConstraint("on_hand >= reserved", name="promise"), CheckConstraint("price_minor >= 0", name="price"),
)  # fmt: skip

variant = Table(
    "variant", metadata,
    key("variant_id"), id_("listing_id", ForeignKey("listing.listing_id"), nullable=False, index=True),
    Column("place", Integer, nullable=False), Column("choices", JSON, nullable=False),
    minor("price_difference_minor", default=0), text("sku"), text("gtin"), flag("is_offered", default=True),
)  # fmt: skip

piece = Table(
    "piece", metadata,
    key("piece_id"), id_("listing_id", ForeignKey("listing.listing_id"), nullable=False, index=True),
    id_("shop_id", ForeignKey("shop.shop_id"), nullable=False), Column("code", String(40), nullable=False),
    text("serial"),
    text("state", "free"), text("location"), Column("spot", JSON), Column("version", Integer, nullable=False,
    default=1), id_("variant_id", ForeignKey("variant.variant_id"), index=True),
    UniqueConstraint("shop_id", "code"),
)  # fmt: skip

tag = Table(
    "tag", metadata,
    key("tag_id"), id_("shop_id", ForeignKey("shop.shop_id"), nullable=False, index=True), text("kind"),
    id_("sheet_id", nullable=False, index=True), Column("place", Integer, nullable=False),
    id_("listing_id", ForeignKey("listing.listing_id")), id_("variant_id"), text("location"),
    text("state", "active"), moment("made_at", nullable=False), moment("voided_at"), id_("account_id", nullable=False),
)  # fmt: skip

tag_print = Table(
    "tag_print", metadata,
    key("job_id"), id_("shop_id", ForeignKey("shop.shop_id"), nullable=False), id_("sheet_id", nullable=False),
    id_("account_id", nullable=False), text("state", "asked"), Column("printed", Integer, nullable=False, default=0),
    Column("total", Integer, nullable=False), text("reason"), text("text_en"), text("text_zh"),
    moment("asked_at", nullable=False), moment("changed_at", nullable=False),
    Index("ix_tag_print_sheet", "sheet_id", "asked_at"),
)  # fmt: skip

picture = Table(
    "picture", metadata,
    sha256("picture_sha256", primary_key=True), id_("owner_id", nullable=False), text("kind"), text("media_type"),
    Column("size_bytes", Integer, nullable=False), Column("width_px", Integer, nullable=False, default=0),
    Column("height_px", Integer, nullable=False, default=0), id_("parcel_id", index=True), sha256("previous_sha256"),
    text("signature"), moment("taken_at"), moment("stored_at"), sha256("upload_token_sha256", unique=True),
    moment("upload_until"),
)  # fmt: skip

listing_picture = Table(
    "listing_picture", metadata,
    id_("listing_id", ForeignKey("listing.listing_id")), Column("place", Integer), sha256("picture_sha256",
    nullable=False),
    PrimaryKeyConstraint("listing_id", "place"),
)  # fmt: skip

piece_view = Table(
    "piece_view", metadata,
    id_("piece_id", ForeignKey("piece.piece_id")), Column("view_no", Integer),
    Column("angle_deg", Float, nullable=False),
    sha256("picture_sha256", nullable=False, index=True), moment("taken_at", nullable=False), text("face"),
    PrimaryKeyConstraint("piece_id", "view_no"),
)  # fmt: skip

stock_change = Table(
    "stock_change", metadata,
    key("change_id"), id_("listing_id", ForeignKey("listing.listing_id"), nullable=False, index=True),
    id_("shop_id", nullable=False, index=True), text("kind"), Column("difference", Integer, nullable=False),
    Column("on_hand", Integer, nullable=False), text("reason"), Column("pieces", JSON, nullable=False),
    id_("account_id", nullable=False), moment("at", nullable=False), moment("undone_at"),
)  # fmt: skip

announcement = Table(
    "announcement", metadata,
    key("announcement_id"), id_("merchant_id", ForeignKey("merchant.merchant_id"), nullable=False, index=True),
    id_("shop_id", ForeignKey("shop.shop_id"), nullable=False, index=True),
    id_("listing_id", ForeignKey("listing.listing_id")), text("title_en"), text("title_zh"), text("text_en"),
    text("text_zh"), Column("price_minor", BigInteger), moment("shown_from", nullable=False),
    moment("shown_until", nullable=False), moment("created_at", nullable=False), moment("deleted_at"),
    id_("account_id", nullable=False), Column("version", Integer, nullable=False, default=1),
    CheckConstraint("price_minor > 0", name="price"), CheckConstraint("shown_until > shown_from", name="time"),
    Index("ix_announcement_price", "listing_id", "shown_from"),
)  # fmt: skip
