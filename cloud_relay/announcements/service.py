"""Use cases: publish now or later, change, end, delete, undo. One function, one transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.accounts.roles import check_reach
from cloud_relay.announcements import rules, store
from cloud_relay.catalog import service as catalog
from cloud_relay.catalog.plan import require_room
from cloud_relay.catalog.reading import missing
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.values import BadValueError, format_time, new_id, parse_time

ANNOUNCEMENTS_MAX = 200
"""Of one merchant, deleted ones too, on the page."""

PLAIN = ("announcement_id", "shop_id", "listing_id", "price_minor", "version")


def publish(
    connection: Connection, merchant_ids: frozenset[str], account_id: str, values: dict[str, Any], now: datetime
) -> dict[str, Any]:
    """Write an announcement of a shop or listing, shown from `shown_from` (now when left out) to `shown_until`."""
    own_shop = catalog.own_shop(connection, values["shop_id"], merchant_ids)
    row = _timed(rules.clean_texts(values), now)
    row["shown_from"] = row.get("shown_from") or now
    rules.check(row, _usual_price(connection, merchant_ids, row))
    announcement_id = new_id("ann")
    fixed = {
        "announcement_id": announcement_id, "merchant_id": own_shop["merchant_id"], "created_at": now,
        "account_id": account_id,
    }  # fmt: skip
    store.insert_announcement(connection, {**row, **fixed})
    return _told(connection, announcement_id, now)


def change(
    connection: Connection, merchant_ids: frozenset[str], announcement_id: str, changes: dict[str, Any], now: datetime
) -> dict[str, Any]:
    """Change what it says, its price or its times, as seen at `version`."""
    before = own(connection, merchant_ids, announcement_id)
    version = changes.pop("version", None)
    values = _timed(rules.clean_texts(changes), now)
    merged = {**before, **values}
    rules.check(merged, _usual_price(connection, merchant_ids, merged))
    if not store.change(connection, announcement_id, values, version):
        raise RefusedError(
            "stale_version", "Somebody changed this meanwhile; please look again", "内容已被他人修改，请刷新后重试"
        )
    return _told(connection, announcement_id, now)


def end(connection: Connection, merchant_ids: frozenset[str], announcement_id: str, now: datetime) -> dict[str, Any]:
    """Stop showing it now; one that has not begun is deleted instead."""
    before = own(connection, merchant_ids, announcement_id)
    if before["shown_from"] >= now:
        return delete(connection, merchant_ids, announcement_id, now)
    if before["shown_until"] > now:
        store.change(connection, announcement_id, {"shown_until": now})
    return _told(connection, announcement_id, now)


def delete(connection: Connection, merchant_ids: frozenset[str], announcement_id: str, now: datetime) -> dict[str, Any]:
    """Take it off every page; `restore` undoes it."""
    own(connection, merchant_ids, announcement_id)
    store.change(connection, announcement_id, {"deleted_at": now})
    return _told(connection, announcement_id, now)


def restore(
    connection: Connection, merchant_ids: frozenset[str], announcement_id: str, now: datetime
) -> dict[str, Any]:
    """Undo a deletion: it is as it was, shown if its time has not passed."""
    own(connection, merchant_ids, announcement_id)
    store.change(connection, announcement_id, {"deleted_at": None})
    return _told(connection, announcement_id, now)


def own(connection: Connection, merchant_ids: frozenset[str], announcement_id: str) -> RowMapping:
    """Return an announcement of a merchant within reach; RefusedError otherwise."""
    row = store.find(connection, announcement_id)
    if row is None or not check_reach(merchant_ids, row["merchant_id"]):
        raise missing()
    return row


def of_merchant(connection: Connection, merchant_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return a merchant's announcements for their own page."""
    rows = store.of_merchant(connection, merchant_id, ANNOUNCEMENTS_MAX)
    return [
        {
            **_shown(row, now),
            "shop_name": {"en": row["name_en"], "zh": row["name_zh"]},
            "listing_title": {"en": row["listing_en"], "zh": row["listing_zh"]} if row["listing_id"] else None,
            "usual_price_minor": row["usual_price_minor"], "currency": row["currency"],
        }
        for row in rows
    ]  # fmt: skip


def _timed(values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the values with their times read; what would be over already is refused."""
    timed = dict(values)
    for name in ("shown_from", "shown_until"):
        if isinstance(timed.get(name), str):
            timed[name] = parse_time(timed[name])
    if timed.get("shown_until") is not None and timed["shown_until"] <= now:
        raise BadValueError("shown_until: is over already / 结束时间已过")
    return timed


def _usual_price(connection: Connection, merchant_ids: frozenset[str], values: dict[str, Any]) -> int | None:
    listing_id = values.get("listing_id")
    if not listing_id:
        return None
    row = catalog.own_listing(connection, listing_id, merchant_ids)
    if row["shop_id"] != values["shop_id"]:
        raise BadValueError("listing_id: stands in another shop / 货品不在该店铺")
    return int(row["price_minor"])


def _shown(row: RowMapping, now: datetime) -> dict[str, Any]:
    return {
        **{name: row[name] for name in PLAIN},
        "title": {"en": row["title_en"], "zh": row["title_zh"]},
        "text": {"en": row["text_en"], "zh": row["text_zh"]},
        "shown_from": format_time(row["shown_from"]), "shown_until": format_time(row["shown_until"]),
        "state": rules.state_of(row["shown_from"], row["shown_until"], row["deleted_at"], now),
    }  # fmt: skip


def _told(connection: Connection, announcement_id: str, now: datetime) -> dict[str, Any]:
    row = store.find(connection, announcement_id)
    assert row is not None
    if row["price_minor"] is not None and row["deleted_at"] is None and row["shown_until"] > now:
        require_room(connection, row["shop_id"])  # its price must reach the till
    data = {"announcement_id": announcement_id}
    page_event(connection, f"shop:{row['shop_id']}", "announcement_changed", data, now)
    page_event(connection, f"merchant:{row['merchant_id']}", "announcement_changed", data, now)
    return _shown(row, now)
