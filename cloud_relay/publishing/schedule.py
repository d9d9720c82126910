"""When a listing goes on show and off by itself."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.accounts.rules import MerchantState
from cloud_relay.catalog import rules as catalog_rules
from cloud_relay.catalog import service as catalog
from cloud_relay.catalog import store as catalog_store
from cloud_relay.catalog.reading import missing
from cloud_relay.notices import service as notices
from cloud_relay.publishing import store
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.values import format_time

AHEAD_MAX = timedelta(days=2 * 365)
"""A later day is a slip of the hand."""


def set_times(
    connection: Connection, merchant_ids: frozenset[str], account_id: str, listing_id: str,
    publish_at: datetime | None, withdraw_at: datetime | None, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Plan when a listing goes on show, off, or both; the former plan is replaced."""
    row = catalog.own_listing(connection, listing_id, merchant_ids)
    times = [one for one in (publish_at, withdraw_at) if one is not None]
    if not times:
        raise RefusedError("times_missing", "Choose when it goes on show, or off", "请选择上架或下架时间", 422)
    if min(times) <= now or max(times) > now + AHEAD_MAX:
        raise RefusedError(
            "times_past", "Choose a time that lies ahead, within two years", "请选择两年内的未来时间", 422
        )
    if publish_at and withdraw_at and withdraw_at <= publish_at:
        raise RefusedError("times_order", "It must go off after it went on", "下架时间须晚于上架时间", 422)
    if withdraw_at and not publish_at and row["state"] == "draft":
        raise RefusedError("listing_state", "A draft is not on show: publish it, or plan that too", "草稿尚未上架", 409)
    values = {
        "listing_id": listing_id, "account_id": account_id, "publish_at": publish_at, "withdraw_at": withdraw_at,
        "next_at": min(times), "fault": "",
    }  # fmt: skip
    store.write_schedule(connection, values)
    _tell(connection, row["shop_id"], listing_id, now)
    return shown(store.find_schedule(connection, listing_id), listing_id)


def clear(connection: Connection, merchant_ids: frozenset[str], listing_id: str, now: datetime) -> dict[str, Any]:
    """Forget what was planned; the listing stays as it is."""
    row = catalog.own_listing(connection, listing_id, merchant_ids)
    if not store.delete_schedule(connection, listing_id):
        raise missing()
    _tell(connection, row["shop_id"], listing_id, now)
    return shown(None, listing_id)


def shown(row: RowMapping | None, listing_id: str) -> dict[str, Any]:
    """Return a plan for a page; no times where there is none."""
    publish_at, withdraw_at = (None, None) if row is None else (row["publish_at"], row["withdraw_at"])
    return {
        "listing_id": listing_id, "publish_at": format_time(publish_at) if publish_at else None,
        "withdraw_at": format_time(withdraw_at) if withdraw_at else None,
    }  # fmt: skip


def do_due(connection: Connection, now: datetime) -> int:
    """Publish and withdraw what is due; return how many listings moved. Late ones move once, to where they belong."""
    moved = 0
    for row in store.due(connection, now):
        is_off = row["withdraw_at"] is not None and row["withdraw_at"] <= now
        step = "withdraw" if is_off or row["publish_at"] is None else "publish"
        left = None if is_off or row["withdraw_at"] is None else row["withdraw_at"]
        changed = {"publish_at": None, "withdraw_at": left, "next_at": left}
        if not store.move_schedule(connection, row["listing_id"], row["next_at"], changed):
            continue
        if left is None:
            store.delete_schedule(connection, row["listing_id"])
        moved += _move(connection, row, step, now)
    return moved


def _move(connection: Connection, row: RowMapping, step: str, now: datetime) -> bool:
    """Take one step of a listing; who planned it is told when it cannot be."""
    shop = catalog_store.find_shop(connection, row["shop_id"])
    listing = catalog_store.find_listing(connection, row["listing_id"])
    if shop is None or listing is None or (listing["state"] == "draft" and step == "withdraw"):
        return False
    if step == "publish" and shop["merchant_state"] != MerchantState.VERIFIED:
        words = {
            "title_en": listing["title_en"], "title_zh": listing["title_zh"], "reason": "the merchant is not verified",
            "reason_zh": "商户未通过认证",
        }  # fmt: skip
        link = f"/merchant/listings/{row['listing_id']}"
        notices.notify(connection, [row["account_id"]], "schedule_stuck", link, now, **words)
        return False
    values: dict[str, Any] = {"state": catalog_rules.step_listing(listing["state"], step)}
    if step == "publish" and listing["published_at"] is None:
        values["published_at"] = now
    catalog_store.update_listing(connection, row["listing_id"], values)
    _tell(connection, row["shop_id"], row["listing_id"], now)
    return True


def _tell(connection: Connection, shop_id: str, listing_id: str, now: datetime) -> None:
    page_event(connection, f"shop:{shop_id}", "listing_changed", {"listing_id": listing_id}, now)
