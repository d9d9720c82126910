"""What shoppers see of announcements. Reads only."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.announcements import store
from wire.values import format_time

ON_HOME_MAX, ON_PAGE_MAX = 3, 6
"""A page is for goods: more words than these are read by nobody."""


def on_home(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """Return the newest of all shops."""
    return [_shown(row) for row in store.shown(connection, now, ON_HOME_MAX)]


def of_shop(connection: Connection, shop_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return what a shop and its listings announce now."""
    return [_shown(row) for row in store.shown(connection, now, ON_PAGE_MAX, shop_ids=[shop_id])]


def of_listing(connection: Connection, shop_id: str, listing_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return what stands at a listing now: its own and its shop's."""
    rows = store.shown(connection, now, ON_PAGE_MAX, shop_ids=[shop_id], listing_id=listing_id)
    return [_shown(row) for row in rows]


def _shown(row: RowMapping) -> dict[str, Any]:
    return {
        "announcement_id": row["announcement_id"], "shop_id": row["shop_id"], "listing_id": row["listing_id"],
        "shop_name": {"en": row["name_en"], "zh": row["name_zh"]},
        "title": {"en": row["title_en"], "zh": row["title_zh"]}, "text": {"en": row["text_en"], "zh": row["text_zh"]},
        "price_minor": row["price_minor"], "shown_until": format_time(row["shown_until"]),
    }  # fmt: skip
