"""Prices, stock and state of many listings at once: previewed with their versions, applied all or none, undone once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.accounts.roles import check_reach
from cloud_relay.catalog import rules as catalog_rules
from cloud_relay.catalog import service as catalog
from cloud_relay.catalog import store as catalog_store
from cloud_relay.catalog.plan import replace_plan
from cloud_relay.catalog.reading import missing
from cloud_relay.publishing import bulk_rules, store
from cloud_relay.publishing.bulk_rules import Fate, Rule, What
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.values import new_id


def preview(
    connection: Connection, merchant_ids: frozenset[str], shop_id: str, listing_ids: Sequence[str], rule: Rule
) -> dict[str, Any]:
    """Return what would become of each chosen listing; nothing is written."""
    catalog.own_shop(connection, shop_id, merchant_ids)
    _check(rule, listing_ids)
    rows, fates = _fates(connection, shop_id, listing_ids, rule)
    lines = [
        {
            "listing_id": row["listing_id"], "title": {"en": row["title_en"], "zh": row["title_zh"]},
            "sku": row["sku"], "version": row["version"], "field": one.field, "before": one.before,
            "after": one.after, "fault": {"en": one.en, "zh": one.zh} if one.is_refused else None,
        }
        for row, one in zip(rows, fates, strict=True)
    ]  # fmt: skip
    return {
        "shop_id": shop_id, "what": rule.what, "amount": rule.amount, "lines": lines,
        "faults": sum(one.is_refused for one in fates),
    }  # fmt: skip


def _check(rule: Rule, listing_ids: Sequence[str]) -> None:
    if not listing_ids:
        raise RefusedError("nothing_chosen", "Choose at least one listing", "请至少选择一件货品", 422)
    if len(listing_ids) > bulk_rules.LISTINGS_MAX:
        most = bulk_rules.LISTINGS_MAX
        raise RefusedError(
            "too_many_listings", f"At most {most:,} at once: others wait while it is written",
            f"一次最多 {most:,} 件：写入时其他操作需等待", 422,
        )  # fmt: skip
    is_percent = rule.what is What.PRICE_PERCENT
    if is_percent and not bulk_rules.PERCENT_MIN <= rule.amount <= bulk_rules.PERCENT_MAX:
        span = f"{bulk_rules.PERCENT_MIN} % – +{bulk_rules.PERCENT_MAX} %"
        raise RefusedError("bad_percent", f"Percent: {span}", f"百分比范围：{span}", 422)


def _fates(
    connection: Connection, shop_id: str, listing_ids: Sequence[str], rule: Rule
) -> tuple[list[RowMapping], list[Fate]]:
    ids = list(dict.fromkeys(listing_ids))
    rows = store.listings_in(connection, shop_id, ids)
    if len(rows) != len(ids):
        raise missing()
    differences, houses = store.differences_of(connection, ids), store.in_house(connection, ids)
    return rows, [
        bulk_rules.fate_of(rule, dict(row), differences.get(row["listing_id"], ()), houses.get(row["listing_id"], 0))
        for row in rows
    ]


def apply(
    connection: Connection, merchant_ids: frozenset[str], account_id: str, shop_id: str,
    versions: dict[str, int], rule: Rule, resolver_url: str, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Change the chosen listings as previewed at these versions; all or none."""
    catalog.own_shop(connection, shop_id, merchant_ids)
    _check(rule, list(versions))
    rows, fates = _fates(connection, shop_id, list(versions), rule)
    refused = [row["listing_id"] for row, one in zip(rows, fates, strict=True) if one.is_refused]
    if refused:
        raise RefusedError(
            "bulk_faults", f"{len(refused)} listings do not allow it; look at the preview again",
            f"有 {len(refused)} 件不允许此更改，请重新预览", listing_ids=refused[:50],
        )  # fmt: skip
    changed = []
    for row, one in zip(rows, fates, strict=True):
        if one.before != one.after:
            changed.append(_write(connection, row, one.field, one.before, one.after, versions[row["listing_id"]], now))
    change_id = new_id("blk")
    values = {
        "change_id": change_id, "shop_id": shop_id, "account_id": account_id, "what": rule.what.value,
        "rows": changed, "row_count": len(changed), "at": now,
    }  # fmt: skip
    if changed:
        store.insert_bulk(connection, values)
        _tell(connection, shop_id, resolver_url, now)
    return {"change_id": change_id if changed else "", "shop_id": shop_id, "changed": len(changed)}


def _write(
    connection: Connection, row: RowMapping, field: str, before: Any, after: Any, version: int, now: datetime
) -> dict[str, Any]:
    values = {field: after}
    if field == "state":
        step = "publish" if after == "published" else "withdraw"
        values["state"] = after if after == "draft" else catalog_rules.step_listing(row["state"], step)
        if after == "published" and row["published_at"] is None:
            values["published_at"] = now
    if not catalog_store.update_listing(connection, row["listing_id"], values, version):
        raise catalog.stale()
    return {"listing_id": row["listing_id"], "field": field, "before": before, "after": after}


def undo(
    connection: Connection, merchant_ids: frozenset[str], change_id: str, resolver_url: str, now: datetime
) -> dict[str, Any]:
    """Put the old values back, once; refused when one of them was changed or promised since."""
    change = store.find_bulk(connection, change_id)
    if change is None:
        raise missing()
    shop = catalog_store.find_shop(connection, change["shop_id"])
    if shop is None or not check_reach(merchant_ids, shop["merchant_id"]):
        raise missing()
    catalog.own_shop(connection, change["shop_id"], merchant_ids)
    if not store.mark_undone(connection, change_id, now):
        raise RefusedError("undone_already", "This was undone already", "该变动已撤销")
    ids = [one["listing_id"] for one in change["rows"]]
    rows = {row["listing_id"]: row for row in store.listings_in(connection, change["shop_id"], ids)}
    houses = store.in_house(connection, ids)
    for one in change["rows"]:
        _put_back(connection, rows.get(one["listing_id"]), one, houses.get(one["listing_id"], 0), now)
    _tell(connection, change["shop_id"], resolver_url, now)
    return {"change_id": change_id, "shop_id": change["shop_id"], "changed": len(ids)}


def _put_back(
    connection: Connection, row: RowMapping | None, one: dict[str, Any], in_house: int, now: datetime
) -> None:
    if row is None or row[one["field"]] != one["after"]:
        raise RefusedError(
            "changed_since", "Some of these listings were changed since: nothing was put back",
            "其中有货品之后被修改，未做任何撤销",
        )  # fmt: skip
    if one["field"] == "on_hand" and one["before"] < max(row["reserved"], in_house):
        raise RefusedError("promised", "Some of it is promised to shoppers by now", "其中一部分已被预订")
    if one["field"] == "state":
        catalog_store.update_listing(connection, row["listing_id"], {"state": one["before"]}, row["version"])
        return
    _write(connection, row, one["field"], one["after"], one["before"], row["version"], now)


def _tell(connection: Connection, shop_id: str, resolver_url: str, now: datetime) -> None:
    replace_plan(connection, shop_id, resolver_url, now)
    page_event(connection, f"shop:{shop_id}", "listing_changed", {"shop_id": shop_id}, now)
