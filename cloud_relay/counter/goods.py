"""What the shop plan says for the till: listings with their prices now and to come, and who may sign in there."""

from sqlalchemy import Connection, select

from cloud_relay.tables import account, announcement, listing, member
from wire.plan import ListingPlan, Text, TillMember, TimedPrice
from wire.values import format_time

SOLD_HERE = ("published", "draft", "withdrawn")
"""Listings of any state may lie on the shelf; the page of a draft is hidden online only."""


PRICES_MAX = 200
"""Newest prices for a time of one shop that its plan carries; older ones are over."""


def till_of(
    connection: Connection, shop_id: str, merchant_id: str
) -> tuple[tuple[ListingPlan, ...], tuple[TillMember, ...]]:
    """Return the listings and members of a shop's till; no listing while nobody has a PIN: the plan stays small."""
    members = members_of(connection, merchant_id)
    return (listings_of(connection, shop_id) if members else ()), members


def listings_of(connection: Connection, shop_id: str) -> tuple[ListingPlan, ...]:
    """Return a shop's listings as the till must know them."""
    own = listing.c
    query = select(
        own.listing_id, own.title_en, own.title_zh, own.sku, own.gtin, own.price_minor, own.currency
    ).where(own.shop_id == shop_id, own.state.in_(SOLD_HERE)).order_by(own.listing_id)  # fmt: skip
    prices = _prices(connection, shop_id)
    return tuple(
        ListingPlan(
            listing_id=row.listing_id, title=Text(en=row.title_en, zh=row.title_zh), price_minor=row.price_minor,
            currency=row.currency, sku=row.sku, gtin=row.gtin, prices=prices.get(row.listing_id, ()),
        )
        for row in connection.execute(query)
    )  # fmt: skip


def _prices(connection: Connection, shop_id: str) -> dict[str, tuple[TimedPrice, ...]]:
    """Return the prices for a time of a shop's listings; what is over does nothing."""
    own = announcement.c
    where = (
        own.shop_id == shop_id,
        own.listing_id.is_not(None),
        own.price_minor.is_not(None),
        own.deleted_at.is_(None),
    )
    query = select(own.listing_id, own.price_minor, own.shown_from, own.shown_until).where(*where)
    query = query.order_by(own.shown_from.desc(), own.announcement_id).limit(PRICES_MAX)
    found: dict[str, tuple[TimedPrice, ...]] = {}
    for row in connection.execute(query):
        one = TimedPrice(
            price_minor=row.price_minor, from_at=format_time(row.shown_from), until_at=format_time(row.shown_until)
        )
        found[row.listing_id] = (*found.get(row.listing_id, ()), one)
    return found


def members_of(connection: Connection, merchant_id: str) -> tuple[TillMember, ...]:
    """Return the members who have a PIN; no address of theirs leaves the relay."""
    query = (
        select(member.c.account_id, member.c.role, member.c.pin_hash, account.c.nickname)
        .join(account, account.c.account_id == member.c.account_id)
        .where(member.c.merchant_id == merchant_id, member.c.pin_hash != "", account.c.is_closed.is_(False))
        .order_by(account.c.nickname, member.c.account_id)
    )
    return tuple(
        TillMember(account_id=row.account_id, name=row.nickname, role=row.role, pin_hash=row.pin_hash)
        for row in connection.execute(query)
    )
