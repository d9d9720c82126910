"""Promotions as the other rooms and the pages read them. Reads only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.promotions import store, words
from wire.promotions import Promotion, PromotionKind
from wire.text import Text
from wire.values import format_time

ON_PAGE_MAX = 6
"""What ends first; a page is for goods."""


def terms(row: RowMapping) -> Promotion:
    """Return a row of table `promotion` as the wire and every arithmetic know it."""
    plain = ("promotion_id", "currency", "threshold_minor", "saving_minor", "count", "price_minor")
    return Promotion(
        **{name: row[name] for name in plain}, kind=PromotionKind(row["kind"]), listing_ids=tuple(row["listing_ids"]),
        title=Text(en=row["title_en"], zh=row["title_zh"]), from_at=format_time(row["from_at"]),
        until_at=format_time(row["until_at"]),
    )  # fmt: skip


def current(
    connection: Connection, now: datetime, *, shop_id: str = "", listing_id: str = "", is_online: bool | None = None,
    is_at_counter: bool | None = None,
) -> list[Promotion]:  # fmt: skip
    """Return what runs at `now`, what ends first before the others: of a shop, of a listing, or of all shops.

    `is_online` and `is_at_counter` keep those that count there (or do not); None keeps both.
    """
    return [terms(row) for row in _rows(connection, now, shop_id, listing_id, is_online, is_at_counter)]


def find_current(connection: Connection, promotion_id: str, now: datetime) -> RowMapping | None:
    """Return the row of a promotion that runs at `now`, or None; `terms(row)` is what a group freezes."""
    return next(iter(store.running(connection, now, promotion_id=promotion_id)), None)


def on_page(connection: Connection, now: datetime, *, shop_id: str = "", listing_id: str = "") -> list[dict[str, Any]]:
    """Return what a shop's or a listing's page says now, one line each."""
    return [shown(row) for row in _rows(connection, now, shop_id, listing_id, None, None)[:ON_PAGE_MAX]]


def for_plan(connection: Connection, shop_id: str) -> tuple[Promotion, ...]:
    """Return what the shop's till must know: planned and running at the counter, what begins first before the others.

    Those to come stand in it with their times, so that each begins and ends there to the second, internet or not.
    """
    return tuple(terms(row) for row in store.open_of(connection, shop_id) if row["is_at_counter"])


def shown(row: RowMapping) -> dict[str, Any]:
    """Return a promotion as everybody may see it."""
    plain = (
        "promotion_id", "shop_id", "kind", "threshold_minor", "saving_minor", "count", "price_minor", "currency",
        "is_online", "is_at_counter",
    )  # fmt: skip
    return {
        **{name: row[name] for name in plain}, "listing_ids": list(row["listing_ids"]),
        "title": {"en": row["title_en"], "zh": row["title_zh"]}, "line": words.line(terms(row)),
        "from_at": format_time(row["from_at"]), "until_at": format_time(row["until_at"]),
    }  # fmt: skip


def _rows(
    connection: Connection, now: datetime, shop_id: str, listing_id: str, is_online: bool | None,
    is_at_counter: bool | None,
) -> Sequence[RowMapping]:  # fmt: skip
    if listing_id:
        shop_id = store.shop_of_listing(connection, listing_id) or "-"
    return [
        row
        for row in store.running(connection, now, shop_id=shop_id)
        if is_online in (None, row["is_online"]) and is_at_counter in (None, row["is_at_counter"])
        if not listing_id or not row["listing_ids"] or listing_id in row["listing_ids"]
    ]
