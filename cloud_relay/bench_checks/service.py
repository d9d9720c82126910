"""Use cases of bench checks: take in cards and how far one is, say whether a shop is live, show what there is."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cloud_relay.accounts.roles import check_reach
from cloud_relay.bench_checks import rules, store
from cloud_relay.notices import service as notices
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.bench_card import BenchChecked, CheckMoved
from wire.codec import to_json
from wire.values import format_time


def take_card(connection: Connection, shop_id: str, card: BenchChecked, now: datetime) -> None:
    """Keep the card, judge anew whether the shop is live, and tell its people when that changed."""
    if not store.insert_card(connection, shop_id, rules.bounded(card), now):
        return
    standing = rules.stand(store.cards_of(connection, shop_id))
    store.forget_old(connection, shop_id)
    store.card_came(connection, shop_id, card.check_id)
    is_changed = store.set_live(connection, shop_id, standing.reason)
    data = {"shop_id": shop_id, "check_id": card.check_id, "is_passed": card.is_passed, "is_live": standing.is_live}
    page_event(connection, f"shop:{shop_id}", "bench_checked", data, now)
    if is_changed:
        _tell(connection, shop_id, standing, now)


def _tell(connection: Connection, shop_id: str, standing: rules.Standing, now: datetime) -> None:
    found = store.find_shop(connection, shop_id)
    members = notices.members_of(connection, found.merchant_id)
    values = {"title_en": found.name_en, "title_zh": found.name_zh}
    if standing.failed:
        first = standing.failed[0]
        values |= {"reason": first.hint.en or first.text.en, "reason_zh": first.hint.zh or first.text.zh}
    kind = "shop_live" if standing.is_live else "shop_not_live"
    notices.notify(connection, members, kind, f"/merchant/shops/{shop_id}", now, **values)


def require_live(connection: Connection, shop_id: str) -> None:
    """Raise RefusedError `shop_not_live` unless the shop may be looked at and ordered from."""
    found = store.find_shop(connection, shop_id)
    if found is not None and not found.is_live:
        raise rules.refusal(found.live_reason)


def read_checks(
    connection: Connection, shop_id: str, merchant_ids: frozenset[str], now: datetime, *, is_operator: bool = False
) -> dict[str, Any]:
    """Return whether the shop is live, why not, what fails, the check that runs, the newest card and a line of each."""
    found = store.find_shop(connection, shop_id)
    if found is None or not (is_operator or found.merchant_id in merchant_ids):
        raise RefusedError("not_found", "Not found", "没有找到", 404)
    cards = store.cards_of(connection, shop_id)
    text_en, text_zh = rules.WHY.get(found.live_reason, ("", ""))
    return {
        "shop_id": shop_id,
        "is_live": found.is_live,
        "reason": found.live_reason,
        "text": {"en": text_en, "zh": text_zh},
        "failed": [to_json(step) for step in rules.stand(cards).failed],
        "running": read_progress(connection, shop_id, now),
        "card": to_json(cards[0]) if cards else None,
        "cards": [_line(card) for card in cards],
    }


def require_own(connection: Connection, shop_id: str, merchant_ids: Iterable[str]) -> None:
    """Raise RefusedError unless the shop is one of these merchants' (404), or where the role is in the way (403)."""
    found = store.find_shop(connection, shop_id)
    if found is None or not check_reach(merchant_ids, found.merchant_id):
        raise RefusedError("not_found", "Not found", "没有找到", 404)


def require_reachable(connection: Connection, shop_id: str) -> None:
    """Raise RefusedError when the shop's box is away, or its machines must rest until the operator has looked."""
    link = store.find_link(connection, shop_id)
    if link is not None and link.quarantine_reason:
        raise RefusedError(
            "shop_stopped",
            "The box's journal went back in time: nothing may move there until the operator has looked",
            "主机日志倒退，运营检查之前不能进行实物操作",
        )
    if link is None or not link.is_online:
        raise RefusedError(
            "shop_offline",
            "The shop's box is offline, so nothing can be checked now. Look at its power and network, then try again",
            "店铺主机离线，现在无法自检。请检查电源和网络后重试",
        )


def take_progress(connection: Connection, shop_id: str, moved: CheckMoved, now: datetime) -> None:
    """Keep how far a check is, if it is news, and tell the merchant's open pages."""
    known, found = store.find_progress(connection, shop_id), store.find_shop(connection, shop_id)
    if found is None:
        return
    if known is not None and not rules.is_newer(moved, known.check_id, known.started_at, known.stage, known.number):
        return
    store.put_progress(connection, shop_id, moved, now)
    data = {"shop_id": shop_id, "check_id": moved.check_id, "stage": moved.stage}
    page_event(connection, f"merchant:{found.merchant_id}", "check_moved", data, now)


def read_progress(connection: Connection, shop_id: str, now: datetime) -> dict[str, Any] | None:
    """Return how far the check is that runs at this shop (its stage, steps, what is awaited and asked), or None."""
    known = store.find_progress(connection, shop_id)
    if known is None or known.stage == "over" or now - known.told_at > rules.PROGRESS_LIFE:
        return None
    return {**known.told, "stage": known.stage}


def _line(card: BenchChecked) -> dict[str, Any]:
    return {
        "check_id": card.check_id,
        "occasion": card.occasion,
        "is_passed": card.is_passed,
        "is_whole": card.is_whole,
        "ended_at": format_time(card.ended_at),
        "failed": [step.step for step in card.steps if step.result == "failed"],
    }
