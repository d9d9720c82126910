"""What people see of group orders: how far one is, who pays what, what is one's own. Never whose account it is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay import muting
from cloud_relay.accounts import addresses
from cloud_relay.catalog import reading as catalog
from cloud_relay.escrow.providers.base import Method
from cloud_relay.groups import chat, pledging, rules, store
from cloud_relay.groups.rules import GroupState, Place
from cloud_relay.groups.store import Group
from cloud_relay.orders import placing, reservations, words
from cloud_relay.orders.reading import methods_json
from cloud_relay.orders.rules import MONEY_HELD, OrderState
from cloud_relay.orders.trade import Trade
from cloud_relay.pickup import points
from cloud_relay.promotions import words as promotion_words
from cloud_relay.refusals import RefusedError
from cloud_relay.shipping import rules as shipping
from cloud_relay.shipping import service as costs
from wire.codec import to_json
from wire.plan import Address
from wire.promotions import Brought, PromotionKind, missing, savings
from wire.values import format_time

GROUPS_SHOWN = 50
GOODS_SHOWN = 24
"""A page for choosing; who knows what they want comes from its own page."""
HAS_PAID = MONEY_HELD | {OrderState.RELEASED}
"""Where a pledge's money still counts."""

STATE_TEXTS: dict[str, dict[str, str]] = {
    GroupState.OPEN: words.both("Open", "进行中"),
    GroupState.SUCCEEDED: words.both("Complete", "已成团"),
    GroupState.FAILED: words.both("Not complete", "未成团"),
}


def read_group(
    connection: Connection, group_id: str, account_id: str, now: datetime, *, is_operator: bool = False
) -> dict[str, Any]:
    """Return a group order for one person: who only holds its link sees how far it is, members who pays what."""
    group = store.load(connection, group_id)
    if group is None:
        raise catalog.missing()
    own = store.find_member(connection, group_id, account_id)
    is_member = own is not None and own["state"] == store.JOINED
    pledges, people = store.pledges(connection, group_id), store.members(connection, group_id)
    found = {**_told(connection, group, pledges, now), "people": len(people), "is_member": is_member}
    may_read = is_member or is_operator
    return found | {
        "is_full": len(people) >= rules.MEMBERS_MAX,
        "is_own_shop": store.is_of_merchant(connection, group.merchant_id, [account_id]),
        "members": _members(connection, group, people, pledges, account_id) if may_read else [],
        "pledges": [_own(group, one) for one in pledges if is_member and one["account_id"] == account_id],
        "messages": chat.read(connection, group_id, account_id, is_operator=is_operator) if may_read else [],
        "goods": goods_of(connection, group.shop_id, group.terms.listing_ids, now) if _is_open(group, now) else [],
    }


def _is_open(group: Group, now: datetime) -> bool:
    return rules.is_open(group.state, group.close_until, now)


def _told(connection: Connection, group: Group, pledges: Sequence[RowMapping], now: datetime) -> dict[str, Any]:
    """Return what everybody with the link may know."""
    paid = [one for one in pledges if one["state"] == pledging.COUNTED]
    lacks = missing(group.terms, pledging.brought(paid))
    plain = ("group_id", "shop_id", "listing_id", "place", "state", "end_reason", "saving_minor", "suggestion_id")
    return {
        **{name: getattr(group, name) for name in plain},
        "promotion": {"promotion_id": group.promotion_id, "kind": group.terms.kind.value,
                      "title": to_json(group.terms.title), "line": promotion_words.line(group.terms)},
        "shop_name": store.shop_name(connection, group.shop_id), "currency": group.terms.currency,
        "close_until": format_time(group.close_until),
        "ended_at": format_time(group.ended_at) if group.ended_at else None,
        "is_open": _is_open(group, now), "state_text": STATE_TEXTS[group.state],
        "missing": {"minor": lacks.minor, "pieces": lacks.pieces, "people": lacks.people},
        "so_far": so_far(group, paid),
    }  # fmt: skip


def so_far(group: Group, paid: Sequence[RowMapping]) -> dict[str, int]:
    """Return how much of what the promotion counts is paid, and how much it asks for."""
    items = pledging.brought(list(paid))
    if group.terms.kind is PromotionKind.SPEND_OVER:
        return {"has": sum(item.price_minor for item in items), "needs": group.terms.threshold_minor}
    if group.terms.kind is PromotionKind.N_FOR:
        return {"has": len(items), "needs": group.terms.count}
    return {"has": len({item.person for item in items}), "needs": group.terms.count}


def _members(
    connection: Connection, group: Group, people: Sequence[RowMapping], pledges: Sequence[RowMapping], account_id: str
) -> list[dict[str, Any]]:
    """Return each member's part: pieces paid, their usual price, what they cost less, and what they come to."""
    muted = muting.muted_by(connection, account_id)
    counted = [one for one in pledges if OrderState(one["state"]) in HAS_PAID]
    saves = _savings(group, counted)
    found = []
    for person in people:
        own = [one for one in counted if one["member_id"] == person["member_id"]]
        usual, saving = sum(one["usual_minor"] for one in own), sum(saves[one["order_id"]] for one in own)
        found.append({
            "member_id": person["member_id"], "nickname": person["nickname"],
            "is_own": person["account_id"] == account_id, "is_muted": person["account_id"] in muted,
            "is_starter": person["account_id"] == group.started_by, "pieces": len(own), "usual_minor": usual,
            "saving_minor": saving, "share_minor": usual - saving,
        })  # fmt: skip
    return found


def _savings(group: Group, counted: Sequence[RowMapping]) -> dict[str, int]:
    """Return by order what it costs less: as promised once the group is complete, else what is certain already."""
    if group.state != GroupState.OPEN:
        return {one["order_id"]: one["saving_minor"] for one in counted}
    if group.terms.kind is PromotionKind.GROUP_PRICE:
        return {one["order_id"]: one["usual_minor"] - one["price_minor"] for one in counted}
    each = savings(group.terms, pledging.brought(list(counted)))
    return {one["order_id"]: saving for one, saving in zip(counted, each, strict=True)}


def _own(group: Group, one: RowMapping) -> dict[str, Any]:
    state = OrderState(one["state"])
    plain = ("order_id", "listing_id", "usual_minor", "saving_minor", "back_minor", "total_minor", "state")
    return {
        **{name: one[name] for name in plain}, "currency": group.terms.currency,
        "title": words.both(one["title_en"], one["title_zh"]), "state_text": words.STATE_TEXTS[state],
        "state_class": words.STATE_CLASSES.get(state, "offline"),
        "can_leave": group.state == GroupState.OPEN and state in pledging.WAITING,
    }  # fmt: skip


def goods_of(connection: Connection, shop_id: str, listing_ids: Sequence[str], now: datetime) -> list[dict[str, Any]]:
    """Return what a promotion is about and is on show, as cards show it."""
    return catalog.hits(connection, store.offered(connection, shop_id, listing_ids, GOODS_SHOWN), now)


def groups_of(connection: Connection, account_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return the groups that somebody is in, the open ones first."""
    found = []
    for group in store.groups_of(connection, account_id, GROUPS_SHOWN):
        pledges = store.pledges(connection, group.group_id)
        people = len(store.members(connection, group.group_id))
        mine = sum(one["account_id"] == account_id and OrderState(one["state"]) in HAS_PAID for one in pledges)
        found.append({**_told(connection, group, pledges, now), "people": people, "own_pieces": mine})
    return found


def read_pledge(
    connection: Connection, group_id: str, account_id: str, listing_id: str, variant_id: str, trade: Trade,
    methods: Sequence[Method], now: datetime, *, country: str = "CN", postal_code: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Return what a shopper sees before pledging: what is paid now, and what of it comes back when.

    RefusedError for a group that is over and for goods that cannot be had in it.
    """
    group = store.load(connection, group_id)
    if group is None or group.place != Place.ONLINE:
        raise catalog.missing()
    if not _is_open(group, now):
        raise RefusedError("group_over", "This group is closed; start another one", "此拼单已结束，请另开一单")
    goods = catalog.read_listing(connection, listing_id, frozenset(), now)
    usual_sale: Any = reservations.sale_of(connection, listing_id, now, variant_id)
    usual = usual_sale.price_minor
    sale = placing.at_price(usual_sale, rules.agreed_minor(group.terms, usual))
    paid = [one for one in store.pledges(connection, group_id) if one["state"] == pledging.COUNTED]
    own = store.find_member(connection, group_id, account_id)
    new = Brought(person=own["member_id"] if own else "", listing_id=listing_id, price_minor=usual)
    saving, is_certain = rules.estimate(group.terms, pledging.brought(paid), new)
    return {
        "group_id": group_id, "listing_id": listing_id, "variant_id": variant_id, "title": goods["title"],
        "shop_name": goods["shop"]["name"], "picture": goods["picture"], "variants": goods["variants"],
        "in_stock": goods["in_stock"], "currency": group.terms.currency, "usual_minor": usual,
        "price_minor": sale.price_minor, "saving_minor": saving, "is_certain": is_certain,
        "back_minor": saving if group.terms.kind is not PromotionKind.GROUP_PRICE else 0,
        "close_until": format_time(group.close_until), "quantity": 1, "more_parcel_ids": [],
        "line": promotion_words.line(group.terms), "photo_window_s": trade.settings.photo_window_s,
        "release_after_s": trade.settings.release_after_s,
        "payment_methods": methods_json(tuple(methods), group.terms.currency),
        "addresses": addresses.list_addresses(connection, account_id),
        **_costs(connection, sale, country, postal_code),
    }  # fmt: skip


def styles_of(connection: Connection, listing_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return the styles of a listing that is on show."""
    styles: list[dict[str, Any]] = catalog.read_listing(connection, listing_id, frozenset(), now)["variants"]
    return styles


def _costs(connection: Connection, sale: Any, country: str, postal_code: str) -> dict[str, Any]:
    where = Address(name="", lines=(), postal_code=postal_code, city="", country=country)
    collected = costs.cost_of(connection, sale, where, is_collected=True)
    try:
        cost, not_sent = costs.cost_of(connection, sale, where), None
    except RefusedError as refused:
        cost, not_sent = shipping.Cost(shipping_minor=0), {"en": refused.text_en, "zh": refused.text_zh}
    return {
        "not_sent": not_sent, "shipping_minor": cost.shipping_minor, "zone": {"en": cost.zone_en, "zh": cost.zone_zh},
        "goods_tax_minor": cost.tax_minor, "goods_tax_ppm": cost.tax_ppm, "is_tax_on_top": cost.is_tax_on_top,
        "collected_tax_minor": collected.tax_minor, "collected_tax_ppm": collected.tax_ppm,
        "total_minor": cost.total_minor(sale.price_minor), "pickup_points": points.of_shop(connection, sale.shop_id),
        "collected_total_minor": collected.total_minor(sale.price_minor),
    }  # fmt: skip
