"""What somebody is shown of their suggestions: their own reasons and price, of the others their number alone.

Who accepted is shown by nickname, as in the group order that they are in then.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.catalog.reading import missing
from cloud_relay.promotions import words
from cloud_relay.promotions.reading import terms
from cloud_relay.promotions.store import find as find_promotion
from cloud_relay.suggestions import rules, sentences, store
from cloud_relay.suggestions.rules import State
from wire.values import format_time

SHOWN_MAX = 20


def open_of(connection: Connection, account_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return the suggestions that somebody can answer or accepted, while they last; the newest first."""
    return [
        of_one(connection, account_id, suggestion_id, now)
        for suggestion_id in store.own_open(connection, account_id, now, SHOWN_MAX)
    ]


def of_one(connection: Connection, account_id: str, suggestion_id: str, now: datetime) -> dict[str, Any]:
    """Return one suggestion as this person sees it; RefusedError (404) for who is not asked by it."""
    found = store.find(connection, suggestion_id)
    people = store.people_of(connection, suggestion_id) if found is not None else []
    own = next((one for one in people if one["account_id"] == account_id), None)
    if found is None or own is None:
        raise missing()
    state = _state(found, now)
    left = [one for one in people if one["state"] != store.DECLINED or one is own]
    is_in = own["state"] == store.ACCEPTED
    names = [one["nickname"] for one in left if one is not own and one["state"] == store.ACCEPTED]
    promotion = find_promotion(connection, found["promotion_id"])
    return {
        "suggestion_id": suggestion_id, "state": state, "answer": own["state"],
        "title": {"en": found["title_en"] or found["title_zh"], "zh": found["title_zh"] or found["title_en"]},
        "line": words.line(terms(promotion)) if promotion is not None else {"en": "", "zh": ""},
        "shop": {"shop_id": found["shop_id"], "name": {"en": found["name_en"], "zh": found["name_zh"]}},
        "listing": {"listing_id": own["listing_id"], "title": {"en": own["title_en"], "zh": own["title_zh"]}},
        "price_minor": own["price_minor"], "saving_minor": own["saving_minor"],
        "pays_minor": own["price_minor"] - own["saving_minor"], "currency": found["currency"], "people": len(left),
        "accepted": sorted(names), "group_id": found["group_id"] if is_in else None,
        "open_until": format_time(found["open_until"]), "created_at": format_time(found["created_at"]),
        "why": [sentences.why(want) for want in own["reasons"]["wants"]],
        "others": sentences.others(own["reasons"]["near"], len(left) - 1),
        "promise": sentences.promise(len(left), own["price_minor"], own["saving_minor"], found["currency"]),
    }  # fmt: skip


def _state(found: RowMapping, now: datetime) -> str:
    """Return where a suggestion is at `now`, whether or not a worker has looked since."""
    if found["state"] != State.OPEN:
        return str(found["state"])
    if found["is_withdrawn"]:
        return State.OFF.value
    return State.OPEN.value if rules.is_open(found["state"], found["open_until"], now) else State.OVER.value
