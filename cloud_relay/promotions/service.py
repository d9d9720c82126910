"""Use cases: publish now or later, change until it begins, end, delete, restore. One function, one transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.accounts.roles import check_reach
from cloud_relay.catalog import service as catalog
from cloud_relay.catalog.plan import promotions_left_out, replace_plan
from cloud_relay.catalog.reading import missing
from cloud_relay.promotions import hooks, reading, rules, store
from cloud_relay.promotions.rules import PromotionState
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.values import BadValueError, format_time, new_id, parse_time

PROMOTIONS_MAX = 200
"""Of one merchant, deleted ones too, on the page."""

CHANGEABLE = frozenset(
    {"title_en", "title_zh", "listing_ids", *rules.ALL_FIGURES, "is_online", "is_at_counter", "from_at", "until_at"}
)  # fmt: skip
"""The kind and the shop of a promotion stay: another kind is another promotion."""


def publish(
    connection: Connection, merchant_ids: frozenset[str], account_id: str, values: dict[str, Any], url: str,
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Write a promotion of a shop; it counts from `from_at` (now when left out or past) to `until_at`.

    `url` is the relay's own, for the shop plan that goes out with it.
    """
    own_shop = catalog.own_shop(connection, values["shop_id"], merchant_ids)
    row = _timed(rules.clean(values), now)
    row["from_at"] = max(row.get("from_at") or now, now)
    _check(connection, row)
    _require_few(connection, row["shop_id"])
    fixed = {
        "promotion_id": new_id("pro"), "merchant_id": own_shop["merchant_id"], "currency": own_shop["currency"],
        "created_at": now, "account_id": account_id, "begun_at": now if row["from_at"] <= now else None,
    }  # fmt: skip
    store.insert_promotion(connection, {**row, **fixed})
    return _told(connection, fixed["promotion_id"], url, now)


def change(
    connection: Connection, merchant_ids: frozenset[str], promotion_id: str, changes: dict[str, Any], url: str,
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Change a promotion that has not begun, as seen at `version`."""
    before = own(connection, merchant_ids, promotion_id)
    if _state(before, now) is not PromotionState.PLANNED:
        raise RefusedError(
            "has_begun", "It has begun: end it and publish another one; what shoppers were promised stays",
            "优惠已开始，请先结束再发布新的；已对买家作出的承诺不变",
        )  # fmt: skip
    version = changes.get("version")
    values = _timed(rules.clean({name: changes[name] for name in CHANGEABLE & changes.keys()}), now)
    if "from_at" in values:
        values["from_at"] = max(values["from_at"], now)
        values["begun_at"] = now if values["from_at"] <= now else None
    _check(connection, {**before, **values})
    if not store.change(connection, promotion_id, values, version):
        raise catalog.stale()
    return _told(connection, promotion_id, url, now)


def end(
    connection: Connection, merchant_ids: frozenset[str], promotion_id: str, url: str, now: datetime
) -> dict[str, Any]:
    """Let it count no more from now on; one that has not begun is deleted instead. Groups that run keep its terms."""
    before = own(connection, merchant_ids, promotion_id)
    state = _state(before, now)
    if state is PromotionState.PLANNED:
        return delete(connection, merchant_ids, promotion_id, url, now)
    if state is PromotionState.RUNNING:
        store.change(connection, promotion_id, {"ended_at": now})
    return _told(connection, promotion_id, url, now)


def delete(
    connection: Connection, merchant_ids: frozenset[str], promotion_id: str, url: str, now: datetime
) -> dict[str, Any]:
    """Take it off every page; `restore` undoes it. Groups that run keep its terms."""
    if own(connection, merchant_ids, promotion_id)["deleted_at"] is None:
        store.change(connection, promotion_id, {"deleted_at": now})
    return _told(connection, promotion_id, url, now)


def restore(
    connection: Connection, merchant_ids: frozenset[str], promotion_id: str, url: str, now: datetime
) -> dict[str, Any]:
    """Undo a deletion: it is as it was; while its time has not passed it must still be one that may stand."""
    before = own(connection, merchant_ids, promotion_id)
    if before["deleted_at"] is None:
        return shown_own(before, now)
    if before["ended_at"] is None and now < before["until_at"]:
        rules.check(dict(before), store.goods_of(connection, before["shop_id"], before["listing_ids"]))
        _require_few(connection, before["shop_id"])
    store.change(connection, promotion_id, {"deleted_at": None})
    return _told(connection, promotion_id, url, now)


def own(connection: Connection, merchant_ids: frozenset[str], promotion_id: str) -> RowMapping:
    """Return a promotion of a merchant within reach; RefusedError otherwise."""
    row = store.find(connection, promotion_id)
    if row is None or not check_reach(merchant_ids, row["merchant_id"]):
        raise missing()
    return row


def of_merchant(connection: Connection, merchant_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return a merchant's promotions for their own page."""
    rows = store.of_merchant(connection, merchant_id, PROMOTIONS_MAX)
    titles = store.titles_of(connection, {one for row in rows for one in row["listing_ids"]})
    return [
        {
            **shown_own(row, now), "shop_name": {"en": row["name_en"], "zh": row["name_zh"]},
            "listings": [titles[one] for one in row["listing_ids"] if one in titles],
        }
        for row in rows
    ]  # fmt: skip


def shown_own(row: RowMapping, now: datetime) -> dict[str, Any]:
    """Return a promotion as its merchant sees it: with its state and version."""
    ended = format_time(row["ended_at"]) if row["ended_at"] else None
    return {**reading.shown(row), "version": row["version"], "state": _state(row, now).value, "ended_at": ended}


def _state(row: RowMapping, now: datetime) -> PromotionState:
    return rules.state_of(row["from_at"], row["until_at"], row["ended_at"], row["deleted_at"], now)


def _timed(values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the values with their times read; what would be over already, or begins far ahead, is refused."""
    timed = dict(values)
    for name in ("from_at", "until_at"):
        if isinstance(timed.get(name), str):
            timed[name] = parse_time(timed[name], name)
    if timed.get("until_at") is not None and timed["until_at"] <= now:
        raise BadValueError("until_at: is over already / 结束时间已过")
    if timed.get("from_at") is not None and timed["from_at"] - now > rules.AHEAD_MAX:
        raise BadValueError(f"from_at: at most {rules.AHEAD_MAX.days} days ahead / 最多提前 {rules.AHEAD_MAX.days} 天")
    return timed


def _check(connection: Connection, row: dict[str, Any]) -> None:
    goods = store.goods_of(connection, row["shop_id"], row["listing_ids"])
    if len(goods) < len(row["listing_ids"]):
        raise RefusedError("other_goods", "Choose goods that this shop has published", "请选择本店已上架的货品", 422)
    rules.check(row, goods)


def _require_few(connection: Connection, shop_id: str) -> None:
    if len(store.open_of(connection, shop_id)) >= rules.OPEN_MAX:
        raise RefusedError(
            "too_many_promotions", f"At most {rules.OPEN_MAX} planned and running in one shop; end one first",
            f"一家店最多同时有 {rules.OPEN_MAX} 个优惠，请先结束一个",
        )  # fmt: skip


def _told(connection: Connection, promotion_id: str, url: str, now: datetime) -> dict[str, Any]:
    """Tell open pages, the shop's till and the rooms that work with promotions; return it as its merchant sees it."""
    row = store.find(connection, promotion_id)
    assert row is not None
    if row["is_at_counter"]:
        is_open = row["deleted_at"] is None and row["ended_at"] is None
        if is_open and promotions_left_out(connection, row["shop_id"]):
            raise RefusedError(
                "plan_too_large", "The shop's box cannot be told of one more; end another one, or name fewer goods",
                "门店设备已无法容纳更多优惠，请先结束一个或减少适用货品",
            )  # fmt: skip
        replace_plan(connection, row["shop_id"], url, now)
    for channel in (f"shop:{row['shop_id']}", f"merchant:{row['merchant_id']}"):
        page_event(connection, channel, "promotion_changed", {"promotion_id": promotion_id}, now)
    hooks.tell(connection, promotion_id, now)
    return shown_own(row, now)
