"""What a shopper sees of their own record."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from cloud_relay.records import consent, store
from cloud_relay.tables import shop
from wire.values import format_time

SHOWN = 500
"""Purchases on one page, the newest; the whole record is in the document to keep."""
DAYS_MAX = 3650


def purchases_of(connection: Connection, account_id: str, since: datetime | None) -> dict[str, Any]:
    """Return what a shopper bought since then, the newest first, each with its shop and the page of its order."""
    rows = store.purchases_of(connection, account_id, since, SHOWN)
    query = select(shop.c.shop_id, shop.c.name_en, shop.c.name_zh)
    named = connection.execute(query.where(shop.c.shop_id.in_({row["shop_id"] for row in rows})))
    names = {row.shop_id: {"en": row.name_en, "zh": row.name_zh} for row in named}
    plain = ("purchase_id", "listing_id", "shop_id", "category", "quantity", "price_minor", "currency", "how")
    return {
        "purchases": [
            {name: row[name] for name in plain} | {
                "title": {"en": row["title_en"], "zh": row["title_zh"]},
                "shop_name": names.get(row["shop_id"], {"en": "", "zh": ""}),
                "bought_at": format_time(row["bought_at"]),
                "given_back_at": format_time(row["given_back_at"]) if row["given_back_at"] else None,
                "link": f"/orders/{row['order_id']}" if row["order_id"] else f"/r/{row['sale_id']}",
            }
            for row in rows
        ]
    }  # fmt: skip


def consent_of(connection: Connection, account_id: str) -> dict[str, Any]:
    """Return for each use whether the shopper says yes, and since when."""
    given = consent.of(connection, account_id)
    return {
        "uses": [
            {"use": use.value, "is_given": since is not None, "since": format_time(since) if since else None}
            for use, since in given.items()
        ]
    }
