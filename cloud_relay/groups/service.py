"""Use cases of a group order: begin, come in, say at the counter that it is paid. One function, one transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from cloud_relay.catalog.reading import missing
from cloud_relay.groups import rules, store, telling
from cloud_relay.groups.rules import GroupEvent, GroupState, Place
from cloud_relay.groups.store import Group
from cloud_relay.promotions import reading as promotions
from cloud_relay.refusals import RefusedError
from wire.codec import to_json
from wire.promotions import Promotion
from wire.values import new_id


def start(
    connection: Connection, account_id: str, promotion_id: str, listing_id: str, now: datetime,
    *, suggestion_id: str = "", close_after_s: int = rules.CLOSE_S,
) -> str:  # fmt: skip
    """Begin a group order on goods of a promotion and be its first member; return the group id.

    RefusedError for a promotion that does not run online now, goods that are not of it, the shop's own people, or who
    is in too many groups already.
    """
    row = _require_running(connection, promotion_id, "is_online", now)
    terms = promotions.terms(row)
    is_of_it = not terms.listing_ids or listing_id in terms.listing_ids
    if not is_of_it or not store.is_offered(connection, row["shop_id"], listing_id):
        raise not_of_promotion()
    close_until = rules.closing(now, close_after_s, row["until_at"])
    _require_may_join(connection, row["merchant_id"], account_id)
    group = _open(
        connection, row, terms, now, place=Place.ONLINE, close_until=close_until, started_by=account_id,
        listing_id=listing_id, suggestion_id=suggestion_id or None,
    )  # fmt: skip
    _add_members(connection, group, [account_id], now)
    return group


def join(connection: Connection, account_id: str, group_id: str, now: datetime) -> str:
    """Come into an open group order by its id and return one's member id; again it is the same one.

    RefusedError for a group that is over or full, or the shop's own people.
    """
    group = require_open(connection, group_id, now)
    if group.place == Place.ON_SITE:
        raise RefusedError(
            "at_the_shop_only", "This group buys at the shop's counter: scan a tag there to come in",
            "此拼单在店内柜台结算，请到店扫码加入",
        )  # fmt: skip
    own = store.find_member(connection, group_id, account_id)
    if own is not None and own["state"] == store.JOINED:
        return str(own["member_id"])
    _require_may_join(connection, group.merchant_id, account_id)
    others = store.members(connection, group_id)
    if len(others) >= rules.MEMBERS_MAX:
        raise RefusedError(
            "group_full", f"This group is full: {rules.MEMBERS_MAX} are in it. Start another one",
            f"此拼单已满 {rules.MEMBERS_MAX} 人，请另开一单",
        )  # fmt: skip
    member_id = _come_back(connection, own, now) if own else _add_members(connection, group_id, [account_id], now)[0]
    nickname = store.nicknames(connection, [account_id]).get(account_id, "")
    telling.notify(connection, group, "group_joined", now, but=[account_id], nickname=nickname)
    telling.tell(connection, group_id, "members", now)
    return member_id


def start_on_site(connection: Connection, promotion_id: str, account_ids: Sequence[str], now: datetime) -> str:
    """Begin a group of shoppers who are in the shop and pay there together; nobody pledges; return the group id."""
    row = _require_running(connection, promotion_id, "is_at_counter", now)
    people = list(dict.fromkeys(account_ids))
    if not 1 <= len(people) <= rules.MEMBERS_MAX:
        raise RefusedError("bad_group", f"1 to {rules.MEMBERS_MAX} people", f"须为 1 至 {rules.MEMBERS_MAX} 人", 422)
    for one in people:
        _require_may_join(connection, row["merchant_id"], one)
    group_id = _open(
        connection, row, promotions.terms(row), now, place=Place.ON_SITE, started_by=people[0],
        close_until=min(now + timedelta(seconds=rules.ON_SITE_S), row["until_at"]),
    )  # fmt: skip
    _add_members(connection, group_id, people, now)
    return group_id


def paid_at_counter(
    connection: Connection, joint_id: str, promotion_id: str, account_ids: Sequence[str], now: datetime
) -> str | None:
    """Take the till's word that these shoppers have all paid their shares of a joint sale.

    Their on-site group of that promotion has succeeded once every member is among them; return its id, or None when
    there is none or somebody of it is missing. Told again it changes nothing.
    """
    paid = frozenset(account_ids)
    for group in store.on_site_groups(connection, promotion_id, paid):
        everybody = {one["account_id"] for one in store.members(connection, group.group_id)}
        state = rules.step(GroupState(group.state), GroupEvent.PAID_AT_COUNTER)
        if group.joint_id == joint_id:
            return group.group_id
        if state == group.state or not everybody <= paid:
            continue
        values: dict[str, Any] = {"ended_at": now, "end_reason": GroupEvent.PAID_AT_COUNTER, "joint_id": joint_id}
        store.save(connection, group, state=state, **values)
        telling.notify(connection, group, "group_complete", now)
        telling.tell(connection, group.group_id, "ended", now, state=state.value)
        return group.group_id
    return None


def require_open(connection: Connection, group_id: str, now: datetime) -> Group:
    """Return a group that still takes members and money; RefusedError for one that is over or never was."""
    group = store.load(connection, group_id)
    if group is None:
        raise missing()
    if not rules.is_open(group.state, group.close_until, now):
        raise over()
    return group


def not_of_promotion() -> RefusedError:
    """Return the refusal for goods that the promotion is not about, or that are not on show."""
    return RefusedError(
        "not_of_promotion", "This promotion is not for these goods; choose one of its goods",
        "此活动不适用于该商品，请选择活动内的商品", 422,
    )  # fmt: skip


def over() -> RefusedError:
    """Return the refusal for a group that is complete or whose time is over."""
    return RefusedError(
        "group_over", "This group is closed: it is complete, or its time is over. Start another one",
        "此拼单已结束：已成团或已到期，请另开一单",
    )  # fmt: skip


def _require_running(connection: Connection, promotion_id: str, where: str, now: datetime) -> Any:
    row = store.find_promotion(connection, promotion_id)
    if row is None or row["deleted_at"] is not None or not row[where]:
        raise missing()
    if row["ended_at"] is not None or not row["from_at"] <= now < row["until_at"]:
        raise RefusedError(
            "promotion_over", "This promotion does not run now; see what the shop offers today",
            "此活动目前未进行，请查看店铺今日优惠",
        )  # fmt: skip
    return row


def _require_may_join(connection: Connection, merchant_id: str, account_id: str) -> None:
    if store.is_of_merchant(connection, merchant_id, [account_id]):
        raise RefusedError(
            "own_shop", "You work for this shop, so you cannot be in its group orders", "您是该店成员，不能参加本店拼单"
        )
    if store.count_open(connection, account_id) >= rules.OPEN_GROUPS_MAX:
        raise RefusedError(
            "too_many_groups", f"You are in {rules.OPEN_GROUPS_MAX} open groups; leave one first",
            f"您已在 {rules.OPEN_GROUPS_MAX} 个进行中的拼单里，请先退出一个",
        )  # fmt: skip


def _open(connection: Connection, row: Any, terms: Promotion, now: datetime, *, place: Place, **values: Any) -> str:
    group_id = new_id("grp")
    plain = {name: row[name] for name in ("promotion_id", "shop_id", "merchant_id")}
    fixed = {"group_id": group_id, "terms": to_json(terms), "place": place.value, "state": GroupState.OPEN.value}
    store.insert_group(connection, {**plain, **fixed, "started_at": now, **values})
    return group_id


def _add_members(connection: Connection, group_id: str, account_ids: Sequence[str], now: datetime) -> list[str]:
    names, member_ids = store.nicknames(connection, account_ids), []
    for account_id in account_ids:
        if account_id not in names:
            raise missing()
        member_ids.append(new_id("mem"))
        store.insert_member(connection, {
            "member_id": member_ids[-1], "group_id": group_id, "account_id": account_id, "joined_at": now,
            "nickname": names[account_id], "state": store.JOINED,
        })  # fmt: skip
    return member_ids


def _come_back(connection: Connection, own: Any, now: datetime) -> str:
    store.save_member(connection, own["member_id"], state=store.JOINED, joined_at=now, left_at=None)
    return str(own["member_id"])
