"""Passes a shopper's wish on to the catalog: pages on television, PC and phone and the API all come by here."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from cloud_relay.catalog import reading
from cloud_relay.intake.rules import SearchWish, suggestions
from cloud_relay.tables import listing, merchant, shop

TITLES_MAX = 500
"""Newest titles that suggestions are made of."""


def pass_on(connection: Connection, wish: SearchWish, now: datetime) -> dict[str, Any]:
    """Return what was found for a wish, with the words as they were understood."""
    return {**reading.search(connection, wish.query, wish.page, now), "query": wish.query}


def words_on_show(connection: Connection, language: str) -> list[str]:
    """Return the words that a shopper without a keyboard chooses from: what published listings are called."""
    title = listing.c.title_zh if language == "zh" else listing.c.title_en
    query = (
        select(title)
        .join(shop, shop.c.shop_id == listing.c.shop_id)
        .join(merchant, merchant.c.merchant_id == shop.c.merchant_id)
        .where(listing.c.state == "published", shop.c.is_closed.is_(False), merchant.c.state == "verified")
        .order_by(listing.c.published_at.desc())
        .limit(TITLES_MAX)
    )
    return suggestions(connection.scalars(query), language)


def find(connection: Connection, wish: SearchWish, language: str, now: datetime) -> dict[str, Any]:
    """Return a page's worth: what was found, and what else there is to choose."""
    return {**pass_on(connection, wish, now), "suggestions": words_on_show(connection, language)}
