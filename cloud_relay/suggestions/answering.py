"""What people do with a suggestion: accept, decline, or take back their yes to all of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.catalog.reading import missing
from cloud_relay.groups import service as groups
from cloud_relay.promotions.reading import terms
from cloud_relay.promotions.store import find as find_promotion
from cloud_relay.refusals import RefusedError
from cloud_relay.suggestions import index, rules, store
from cloud_relay.suggestions.rules import Event, State
from cloud_relay.suggestions.service import tell
from wire.promotions import Brought, savings

Answer = dict[str, Any]


def accept(connection: Connection, account_id: str, suggestion_id: str, now: datetime) -> Answer:
    """Accept a suggestion: the first to do so begins its group order, the others come into it. Again it is the same.

    RefusedError when it is over, was declined, or the group says no.
    """
    found, people, own = _own(connection, account_id, suggestion_id)
    if own["state"] == store.ACCEPTED and found["group_id"]:
        return _shown(suggestion_id, store.ACCEPTED, found["group_id"])
    _require_open(found, own, now)
    group_id = found["group_id"]
    if group_id is None:
        group_id = groups.start(
            connection, account_id, found["promotion_id"], own["listing_id"], now, suggestion_id=suggestion_id
        )
        if not store.set_group(connection, suggestion_id, group_id):
            raise RuntimeError(f"suggestion {suggestion_id}: a group began under a running transaction")
    else:
        groups.join(connection, account_id, group_id, now)
    _answer(connection, suggestion_id, account_id, store.ACCEPTED, people, now, has_group=True)
    return _shown(suggestion_id, store.ACCEPTED, group_id)


def decline(connection: Connection, account_id: str, suggestion_id: str, now: datetime) -> Answer:
    """Decline a suggestion; nobody is told who did. Where too few are left for it to hold, it ends for all."""
    found, people, own = _own(connection, account_id, suggestion_id)
    if own["state"] == store.DECLINED:
        return _shown(suggestion_id, store.DECLINED, None)
    if own["state"] == store.ACCEPTED:
        raise RefusedError(
            "already_accepted", "You have accepted this; leave the group order instead", "您已接受，请到拼单中退出"
        )
    _require_open(found, own, now)
    left = [one for one in people if one["account_id"] != account_id and one["state"] != store.DECLINED]
    _answer(connection, suggestion_id, account_id, store.DECLINED, people, now, has_group=found["group_id"] is not None)
    if found["group_id"] is None and not _still_holds(connection, found, left):
        end(connection, suggestion_id, Event.TOO_FEW, now)
    return _shown(suggestion_id, store.DECLINED, None)


def _own(
    connection: Connection, account_id: str, suggestion_id: str
) -> tuple[RowMapping, list[RowMapping], RowMapping]:  # fmt: skip
    found = store.find(connection, suggestion_id)
    people = store.people_of(connection, suggestion_id) if found is not None else []
    own = next((one for one in people if one["account_id"] == account_id), None)
    if found is None or own is None:
        raise missing()
    return found, people, own


def _require_open(found: RowMapping, own: RowMapping, now: datetime) -> None:
    if own["state"] == store.DECLINED:
        raise RefusedError(
            "already_declined", "You have declined this; start a group order of your own from the shop's page",
            "您已谢绝此建议，可从店铺页面自行发起拼单",
        )  # fmt: skip
    if found["state"] == State.OFF or found["is_withdrawn"]:
        raise RefusedError(
            "suggestion_off", "This suggestion does not hold any more; start a group order of your own if you like",
            "此建议已失效，如有需要可自行发起拼单",
        )  # fmt: skip
    if not rules.is_open(found["state"], found["open_until"], now):
        raise RefusedError(
            "suggestion_over", "The time of this suggestion is over; start a group order of your own if you like",
            "此建议已到期，如有需要可自行发起拼单",
        )  # fmt: skip


def _answer(
    connection: Connection, suggestion_id: str, account_id: str, state: str, people: Sequence[RowMapping],
    now: datetime, *, has_group: bool,
) -> None:  # fmt: skip
    store.answer(connection, suggestion_id, account_id, state, now)
    others = [one for one in people if one["account_id"] != account_id]
    tell(connection, suggestion_id, [one["account_id"] for one in people], now)
    if has_group and all(one["state"] != store.SENT for one in others):
        end(connection, suggestion_id, Event.ALL_ANSWERED, now)


def _still_holds(connection: Connection, found: RowMapping, left: Sequence[RowMapping]) -> bool:
    """Tell whether those who are left save at least what they were told, and write what it is now."""
    promotion = find_promotion(connection, found["promotion_id"])
    if promotion is None or len(left) < rules.PEOPLE_MIN:
        return False
    brought = [
        Brought(person=one["account_id"], listing_id=one["listing_id"], price_minor=one["price_minor"]) for one in left
    ]
    each = savings(terms(promotion), brought)
    if any(saving < one["saving_minor"] for saving, one in zip(each, left, strict=True)):
        return False
    by_account = {one["account_id"]: saving for saving, one in zip(each, left, strict=True)}
    store.save_savings(connection, found["suggestion_id"], by_account)
    return True


def end(connection: Connection, suggestion_id: str, event: Event, now: datetime) -> None:
    """End an open suggestion and have the pages of its people say so."""
    if store.end(connection, suggestion_id, rules.step(State.OPEN, event).value, now):
        tell(connection, suggestion_id, [one["account_id"] for one in store.people_of(connection, suggestion_id)], now)


def forget(connection: Connection, account_id: str, now: datetime) -> None:
    """Forget all that was kept of somebody for suggestions, when they take their yes back; harmless when repeated.

    What was proposed with them and has no group yet ends for the others too: it was true with them alone.
    """
    index.forget_wants(connection, account_id)
    for found in store.open_with(connection, account_id):
        if found["group_id"] is None:
            end(connection, found["suggestion_id"], Event.TOO_FEW, now)
        else:
            people = store.people_of(connection, found["suggestion_id"])
            tell(connection, found["suggestion_id"], [one["account_id"] for one in people], now)
    store.erase_person(connection, account_id)


def _shown(suggestion_id: str, state: str, group_id: str | None) -> Answer:
    return {"suggestion_id": suggestion_id, "state": state, "group_id": group_id}
