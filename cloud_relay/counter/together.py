"""Counter sales of shoppers who bought together: their promotion, their group, and how such goods are shown."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.counter import rules, store
from cloud_relay.groups import service as groups
from cloud_relay.notices import service as notices


def promotion_outcome(connection: Connection, shop_id: str, promotion_id: str) -> str:
    """Return what is wrong with the promotion that a till took off, "" for nothing."""
    is_well = not promotion_id or store.has_promotion(connection, shop_id, promotion_id)
    return "" if is_well else rules.PROMOTION_UNKNOWN


def share_paid(connection: Connection, sale: Mapping[str, Any], now: datetime) -> None:
    """Follow a sale that a promotion made cheaper: tell of a wrong one; its group has succeeded once all have paid."""
    if sale["promotion_outcome"]:
        members = notices.members_of(connection, sale["merchant_id"])
        notices.notify(
            connection, members, "counter_promotion_unknown", "/merchant/counter", now, receipt_no=sale["receipt_no"]
        )
    elif sale["joint_id"] and sale["promotion_id"]:
        shares = store.shares_of(connection, sale["shop_id"], sale["joint_id"])
        if len(shares) != sale["joint_count"] or any(share["refund_id"] for share in shares):
            return
        people = sorted({share["shopper_id"] for share in shares if share["shopper_id"]})
        groups.paid_at_counter(connection, sale["joint_id"], sale["promotion_id"], people, now)


def goods(lines: Iterable[RowMapping]) -> list[dict[str, Any]]:
    """Return a sale's goods for people: what was taken apart because its pieces save differently is one row again."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for line in lines:
        title = {"en": line["title_en"], "zh": line["title_zh"]}
        key = (line["listing_id"], line["piece_id"], line["usual_minor"], line["outcome"], *title.values())
        row = found.setdefault(key, {"title": title, "outcome": line["outcome"], "quantity": 0})
        row["quantity"] += line["quantity"]
    return list(found.values())
