"""What the shop has not applied yet: the plan in force there beside the newest one, in words."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from cloud_relay.catalog.plan import build_plan
from cloud_relay.tables import shop, shop_command
from wire.codec import to_json

FIELDS: dict[str, tuple[str, str]] = {
    "shop_name": ("the shop's name", "店名"),
    "merchant_name": ("the merchant's name", "商户名称"),
    "time_zone": ("the time zone", "时区"),
    "hours": ("opening hours", "营业时间"),
    "holidays": ("holidays", "假期"),
    "pack_when": ("when a piece is packed", "打包时机"),
    "resolver_url": ("where codes lead", "二维码地址"),
    "sender_lines": ("the sender on labels", "标签寄件人"),
    "cameras": ("viewing cameras", "看货镜头"),
    "listings": ("goods and prices at the till", "收银台的货品和价格"),
    "till_members": ("who may sign in at the till", "可登录收银台的成员"),
    "currency": ("the currency", "币种"),
    "places": ("tags of places", "位置标签"),
    "promotions": ("what is cheaper together", "多人优惠"),
    "turn_s": ("the length of a turn", "每轮时长"),
    "is_spin_on": ("photographing idle pieces all round", "空闲时环拍货品"),
    "is_relay_only": ("pictures through the relay only", "画面仅经平台转发"),
}
"""Parts of a shop plan, as a merchant calls them."""

PIECES_NAMED = 6
"""More codes in one sentence are not read."""

PLANS_SEARCHED = 50
"""A shop that is further behind is simply told the whole plan."""


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what differs between two plans (as JSON), one sentence each. Pure."""
    found = [
        {"en": f"{en} changed", "zh": f"{zh}有变动"}
        for name, (en, zh) in FIELDS.items()
        if before.get(name) != after.get(name)
    ]
    old, new = ({one["piece_id"]: one for one in plan.get("pieces", ())} for plan in (before, after))
    groups = (
        ("new pieces", "新增单件", [new[key]["code"] for key in new if key not in old]),
        ("pieces taken out", "移出单件", [old[key]["code"] for key in old if key not in new]),
        (
            "pieces with another place, view or name", "位置、画面或名称有变的单件",
            [new[key]["code"] for key in new if key in old and new[key] != old[key]],
        ),
    )  # fmt: skip
    for en, zh, codes in groups:
        if codes:
            named = ", ".join(sorted(codes)[:PIECES_NAMED]) + (" …" if len(codes) > PIECES_NAMED else "")
            found.append({"en": f"{en}: {named}", "zh": f"{zh}：{named}"})
    return found


def waiting(connection: Connection, shop_id: str, resolver_url: str) -> list[dict[str, str]]:
    """Return what the shop will learn with the newest plan; empty when it is in force there."""
    row = connection.execute(
        select(shop.c.plan_version, shop.c.plan_applied).where(shop.c.shop_id == shop_id)
    ).one_or_none()
    if row is None or row.plan_applied >= row.plan_version:
        return []
    sent = select(shop_command.c.data).where(shop_command.c.shop_id == shop_id, shop_command.c.type == "ReplacePlan")
    newest = connection.scalars(sent.order_by(shop_command.c.command_id.desc()).limit(PLANS_SEARCHED))
    plans = [data["plan"] for data in newest if data["plan"]["version"] == row.plan_applied]
    after: dict[str, Any] = to_json(build_plan(connection, shop_id, resolver_url))
    if not plans:
        return [{"en": "the whole plan", "zh": "整份方案"}]
    return changes(plans[0], after)
