"""Use cases of a visit: come by a scanned tag, take and put back, be seen, ask the others, leave."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.catalog.reading import missing
from cloud_relay.groups import service as groups
from cloud_relay.notices import service as notices
from cloud_relay.on_site import reading, rules, store
from cloud_relay.promotions import store as promotions
from cloud_relay.records import consent
from cloud_relay.records.uses import Use
from cloud_relay.refusals import RefusedError
from cloud_relay.showroom import service as showroom
from cloud_relay.web.pages import page_event
from wire.values import format_time, new_id


def come(connection: Connection, account_id: str, tag_id: str, now: datetime) -> dict[str, Any]:
    """Be in the shop of a tag from now on, and no more in any other; again it lasts longer from now.

    RefusedError for a tag that counts no more, and for the shop's own people.
    """
    tag = _tag(connection, tag_id, now)
    shop_id = tag["shop_id"]
    if store.works_for(connection, account_id, shop_id):
        raise RefusedError("own_shop", "You work for this shop; visits are for shoppers", "您是该店成员，无需到店登记")
    store.forget_over(connection, now)
    until = now + rules.VISIT
    if store.find(connection, account_id, shop_id, now):
        store.change(connection, account_id, shop_id, {"present_until": until})
    else:
        _leave_all(connection, account_id, now)
        store.insert_visit(connection, {
            "account_id": account_id, "shop_id": shop_id, "person_id": new_id("psn"), "is_visible": True,
            "nickname": store.nickname_of(connection, account_id), "came_at": now, "present_until": until,
        })  # fmt: skip
        tell(connection, account_id, shop_id, now)
    return {"shop_id": shop_id, "present_until": format_time(until)}


def _tag(connection: Connection, tag_id: str, now: datetime) -> dict[str, Any]:
    found = showroom.resolve(connection, tag_id, frozenset(), now)
    if found["state"] not in ("goods", "place"):
        raise RefusedError(
            "tag_void", "This tag counts no more; scan another one in the shop", "此标签已失效，请扫描店内其他标签"
        )
    return found


def take(connection: Connection, account_id: str, tag_id: str, count: int, now: datetime) -> dict[str, Any]:
    """Hold so many more of the goods of a scanned tag; to scan is to be there. RefusedError for a place's tag."""
    tag = _tag(connection, tag_id, now)
    if tag["state"] != "goods":
        raise RefusedError(
            "tag_of_place", "This tag is of a place; scan one of goods", "这是位置标签，请扫描货品标签", 422
        )
    came = come(connection, account_id, tag_id, now)
    place = (account_id, tag["shop_id"], tag["listing_id"], tag["variant_id"])
    _hold(connection, *place, store.quantity(connection, *place) + count, now)
    return came


def put_back(
    connection: Connection, account_id: str, shop_id: str, listing_id: str, variant_id: str, count: int, now: datetime
) -> dict[str, Any]:
    """Hold only so many of something that one holds already; 0: none."""
    _own(connection, account_id, shop_id, now)
    if not store.quantity(connection, account_id, shop_id, listing_id, variant_id):
        raise missing()
    _hold(connection, account_id, shop_id, listing_id, variant_id, count, now)
    return {"shop_id": shop_id, "listing_id": listing_id, "quantity": count}


def _hold(
    connection: Connection, account_id: str, shop_id: str, listing_id: str, variant_id: str, count: int, now: datetime
) -> None:
    store.hold(connection, account_id, shop_id, listing_id, variant_id, count, now)
    if store.count_held(connection, account_id, shop_id) > rules.PIECES_MAX:
        raise RefusedError(
            "hands_full", f"At most {rules.PIECES_MAX} pieces at a time; pay for these first",
            f"一次最多 {rules.PIECES_MAX} 件，请先结账",
        )  # fmt: skip
    tell(connection, account_id, shop_id, now)


def leave(connection: Connection, account_id: str, shop_id: str, now: datetime) -> dict[str, Any]:
    """Be there no more; what was in hand is forgotten. Left twice it is left."""
    if store.is_here(connection, account_id, shop_id, now):
        tell(connection, account_id, shop_id, now)
    store.forget(connection, account_id, shop_id)
    return {"shop_id": shop_id}


def show(connection: Connection, account_id: str, shop_id: str, now: datetime, *, is_visible: bool) -> dict[str, Any]:
    """Be seen by the others there, or not, for this visit. To be seen is the consent that it needs, given here."""
    _own(connection, account_id, shop_id, now)
    tell(connection, account_id, shop_id, now)
    if is_visible:
        consent.give(connection, account_id, Use.ON_SITE, now)
    store.change(connection, account_id, shop_id, {"is_visible": is_visible})
    tell(connection, account_id, shop_id, now)
    return {"shop_id": shop_id, "is_visible": is_visible}


def ask(
    connection: Connection, account_id: str, shop_id: str, promotion_id: str, person_ids: Sequence[str], now: datetime
) -> dict[str, Any]:
    """Begin a group at the counter with the people whom the page proposed; each of them is told, and may leave it.

    RefusedError when who is there, or what they hold, is not what the page showed.
    """
    own = _own(connection, account_id, shop_id, now)
    row = next(iter(promotions.running(connection, now, shop_id=shop_id, promotion_id=promotion_id)), None)
    if row is None or not row["is_at_counter"]:
        raise RefusedError(
            "promotion_over", "This promotion is over; look what runs now", "该优惠已结束，请查看当前优惠"
        )
    found = reading.look(connection, own, now)
    proposed = found.proposal(row)
    if not proposed or {one.person_id for one in proposed[1:]} != set(person_ids):
        raise RefusedError(
            "others_changed",
            "Somebody came, left or holds something else now; look again",
            "在场的人或其货品有变，请再看一眼",
        )
    account_ids = [account_id, *(found.account_ids[one.person_id] for one in proposed[1:])]
    group_id = groups.start_on_site(connection, promotion_id, account_ids, now)
    _tell_asked(connection, own, row, group_id, account_ids[1:], now)
    return {"group_id": group_id}


def _tell_asked(
    connection: Connection, own: RowMapping, row: RowMapping, group_id: str, others: Sequence[str], now: datetime
) -> None:
    title = {"title_en": row["title_en"] or row["title_zh"], "title_zh": row["title_zh"] or row["title_en"]}
    link = f"/here/{own['shop_id']}"
    notices.notify(connection, others, "asked_on_site", link, now, nickname=own["nickname"], **title)
    for one in (own["account_id"], *others):
        page_event(connection, f"account:{one}", "on_site", {"group_id": group_id}, now)
    page_event(connection, f"here:{own['shop_id']}", "here", {}, now)


def consent_changed(connection: Connection, account_id: str, now: datetime) -> None:
    """Tell the others' pages that somebody there said yes or took it back; reading shows or hides them already."""
    for row in store.of_account(connection, account_id):
        if row["is_visible"] and row["present_until"] > now:
            page_event(connection, f"here:{row['shop_id']}", "here", {}, now)


def purchased(connection: Connection, purchase_id: str, account_id: str, now: datetime) -> None:
    """Take out of somebody's hands what they paid for at the counter during this visit."""
    bought = store.counter_purchase(connection, purchase_id)
    own = store.find(connection, account_id, bought["shop_id"], now) if bought else None
    if bought is None or own is None or bought["bought_at"] < own["came_at"]:
        return
    left = bought["quantity"]
    for row in store.held(connection, own["shop_id"], [account_id], now):
        if row["listing_id"] == bought["listing_id"] and left:
            paid = min(left, row["quantity"])
            what = (account_id, own["shop_id"], row["listing_id"], row["variant_id"])
            store.hold(connection, *what, row["quantity"] - paid, now)
            left -= paid
    tell(connection, account_id, own["shop_id"], now)


def tell(connection: Connection, account_id: str, shop_id: str, now: datetime) -> None:
    """Tell one's own pages of a change, and those of the others there when they may see one."""
    page_event(connection, f"account:{account_id}", "on_site", {}, now)
    row = store.find(connection, account_id, shop_id, now)
    if row is not None and row["is_visible"] and consent.has(connection, account_id, Use.ON_SITE):
        page_event(connection, f"here:{shop_id}", "here", {}, now)


def _leave_all(connection: Connection, account_id: str, now: datetime) -> None:
    for row in store.of_account(connection, account_id):
        tell(connection, account_id, row["shop_id"], now)
    store.forget(connection, account_id)


def _own(connection: Connection, account_id: str, shop_id: str, now: datetime) -> RowMapping:
    row = store.find(connection, account_id, shop_id, now)
    if row is None:
        raise RefusedError(
            "not_here", "You are not in this shop now, or two hours have passed: scan a tag there",
            "您目前不在店内，或已超过两小时，请扫描店内标签",
        )  # fmt: skip
    return row
