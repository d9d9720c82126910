"""Passes a shopper's wish on to the catalog: pages on television, PC and phone and the API all come by here."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cloud_relay.catalog import reading, search_store
from cloud_relay.intake.rules import SearchWish, suggestions

TITLES_MAX = 500
"""Newest titles that suggestions are made of."""


def pass_on(connection: Connection, wish: SearchWish, now: datetime) -> dict[str, Any]:
    """Return what was found for a wish, with the words as they were understood."""
    return {**reading.search(connection, wish.query, wish.page, now), "query": wish.query}


def words_on_show(connection: Connection, language: str) -> list[str]:
    """Return the words that a shopper without a keyboard chooses from: what published listings are called."""
    return suggestions(search_store.newest_titles(connection, language, TITLES_MAX), language)


def find(connection: Connection, wish: SearchWish, language: str, now: datetime) -> dict[str, Any]:
    """Return a page's worth: what was found, and what else there is to choose."""
    return {**pass_on(connection, wish, now), "suggestions": words_on_show(connection, language)}
