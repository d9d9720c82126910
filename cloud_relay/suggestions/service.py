"""Use cases of suggestions: hear that something changed, look for who could order together, tell them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from cloud_relay.db import wake
from cloud_relay.notices import service as notices
from cloud_relay.suggestions import index, rules, store, wanting
from cloud_relay.suggestions.finding import Finder, Nearby, Proposal
from cloud_relay.suggestions.rules import Cause
from cloud_relay.suggestions.wanting import Reason
from cloud_relay.web.pages import page_events
from wire.values import format_time, new_id

WAKES = "suggestions"
"""Who looks for suggestions listens for this (timers.work)."""


def purchased(connection: Connection, _purchase_id: str, account_id: str, now: datetime) -> None:
    """Have suggestions looked for after a purchase; runs in the sale's own transaction, so it only writes it down."""
    ask(connection, account_id, Cause.PURCHASE, now)


def changed(connection: Connection, account_id: str, now: datetime) -> None:
    """Have suggestions looked for after somebody's wishes, area or consent changed; others find them at once."""
    if wanting.is_consenting(connection, account_id):
        index.index_wants(connection, account_id, wanting.reasons_of(connection, [account_id], now)[account_id])
        ask(connection, account_id, Cause.RECORD, now)


def ask(connection: Connection, account_id: str, cause: Cause, now: datetime) -> None:
    """Have suggestions looked for soon; nothing is written down of who says no to them."""
    if wanting.is_consenting(connection, account_id):
        store.ask(connection, [account_id], cause.value, now)
        wake(connection, WAKES)


def promotion_changed(connection: Connection, _promotion_id: str, _now: datetime) -> None:
    """Have the index of promotions put right soon: its version tells what is out of date."""
    wake(connection, WAKES)


def look_for(connection: Connection, account_id: str, cause: Cause, now: datetime) -> list[str]:
    """Look for suggestions to one shopper and send the best, up to what is left of their week; return their ids.

    The index says of them what is true now, whatever comes of it.
    """
    if not wanting.is_consenting(connection, account_id):
        index.forget_wants(connection, account_id)
        return []
    reasons = wanting.reasons_of(connection, [account_id], now)[account_id]
    index.index_wants(connection, account_id, reasons)
    left = rules.WEEKLY_MAX - store.sent_to(connection, account_id, now)
    if left <= 0 or not reasons:
        return []
    proposals = islice(Finder(connection, account_id, reasons, now).proposals(), left)
    return _send(connection, list(proposals), cause, now)


def _send(connection: Connection, proposals: Sequence[Proposal], cause: Cause, now: datetime) -> list[str]:
    """Write all of them, and the notices and page events of everybody, in as few statements as there are tables."""
    suggestions: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    events: list[tuple[str, str, dict[str, Any]]] = []
    for proposal in proposals:
        row, members = _rows(proposal, cause, now)
        suggestions.append(row)
        people += members
        promised = proposal.row
        title = {"title_en": promised["title_en"] or promised["title_zh"],
                 "title_zh": promised["title_zh"] or promised["title_en"]}  # fmt: skip
        to = [(one["account_id"], "suggestion") for one in members]
        values = {"count": str(len(members)), **title}
        events += notices.write(connection, to, link(row["suggestion_id"]), now, values)
        events += _events(row["suggestion_id"], (one["account_id"] for one in members))
    if suggestions:
        store.insert_suggestions(connection, suggestions, people)
        page_events(connection, events, now)
    return [row["suggestion_id"] for row in suggestions]


def _rows(proposal: Proposal, cause: Cause, now: datetime) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a suggestion and those to whom it goes, as their tables have them."""
    suggestion_id = new_id("sug")
    row, found = proposal.row, proposal.found
    wanted_until = [max(one.wanted_until for one in some) for some in proposal.reasons.values()]
    people: list[dict[str, Any]] = [
        {"suggestion_id": suggestion_id, "account_id": one.account_id, "person_id": new_id("sgp"),
         "nickname": proposal.nicknames[one.account_id], "state": store.SENT, "listing_id": one.pick.listing_id,
         "price_minor": one.pick.price_minor, "saving_minor": saving, "sent_at": now,
         "reasons": told(proposal.near, proposal.reasons[one.account_id], one.pick.listing_id)}
        for one, saving in zip(found.people, found.savings_minor, strict=True)
    ]  # fmt: skip
    suggestion = {
        "suggestion_id": suggestion_id, "promotion_id": row["promotion_id"], "shop_id": row["shop_id"],
        "state": rules.State.OPEN.value, "cause": cause.value, "saving_minor": found.saving_minor,
        "currency": row["currency"], "created_at": now,
        "open_until": rules.closing(now, row["until_at"], wanted_until),
    }  # fmt: skip
    return suggestion, people


def link(suggestion_id: str) -> str:
    """Return the page of a suggestion."""
    return f"/together/suggestions/{suggestion_id}"


def told(near: Nearby, reasons: tuple[Reason, ...], listing_id: str) -> dict[str, Any]:
    """Return why somebody is asked, as data: what stands in their own wishes and purchases, and where that holds.

    `source_id` says which wish or purchase it is; it is shown to nobody.
    """
    first = reasons[0]
    place = {"point": {"en": first.point_en, "zh": first.point_zh}} if near.is_point else {"area": first.area_text}
    wants = [
        {"kind": one.want.kind, "source_id": one.want.source_id, "is_same": one.want.listing_id == listing_id,
         "title": {"en": one.title_en, "zh": one.title_zh}, "category": rules.category_of_key(one.want.goods_key),
         "at": format_time(one.at), "until": format_time(one.wanted_until)}
        for one in reasons
    ]  # fmt: skip
    return {"near": place, "wants": wants}


def tell(connection: Connection, suggestion_id: str, account_ids: Iterable[str], now: datetime) -> None:
    """Have these people's open pages look again."""
    page_events(connection, _events(suggestion_id, account_ids), now)


def _events(suggestion_id: str, account_ids: Iterable[str]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(f"account:{one}", "suggestion", {"suggestion_id": suggestion_id}) for one in account_ids]
