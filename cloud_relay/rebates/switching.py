"""The switch of a market's rebate queue: off until an operator puts their name to it; every decision stays written."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.rebates import rules, store
from cloud_relay.rebates.rules import Terms
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.values import clean_text, format_time, new_id

REASON_MAX = 300
"""Two sentences: who allowed it, and by what rule of the country."""


def decide(
    connection: Connection, market: str, terms: Terms, reason: str, operator_id: str, now: datetime
) -> dict[str, Any]:
    """Switch a market's queue on or off and state its terms; RefusedError for terms outside the rule, or no reason.

    Tickets in line keep the cap that they came with.
    """
    rules.check_terms(terms)
    if not reason.strip():
        raise RefusedError("reason_missing", "Say why, and who allowed it", "请写明理由和依据", 422)
    name = store.nickname_of(connection, operator_id).strip()
    if not name:
        raise RefusedError(
            "nameless", "Your name stands beside this decision: give yourself one in your account first",
            "此决定须署名公示：请先在账户中填写您的名字", 422,
        )  # fmt: skip
    newest = store.newest_switch(connection, market)
    row = {
        "switch_id": new_id("swi"), "market": market, **asdict(terms), "operator_id": operator_id,
        "operator_name": name, "decided_at": now,
        "reason": clean_text(reason, "reason", REASON_MAX), "switch_no": newest["switch_no"] + 1 if newest else 1,
    }  # fmt: skip
    store.insert_switch(connection, row)
    for channel in ("operator", f"rebates:{market}"):
        page_event(connection, channel, "rebate_switch", {"market": market, "is_on": terms.is_on}, now)
    return shown(row)


def shown(row: RowMapping | dict[str, Any]) -> dict[str, Any]:
    """Return a decision as everybody may see it: what, why, when, and by which operator's name."""
    plain = ("market", "is_on", "feed_ppm", "cap_ppm", "wait_s", "withdraw_min_minor", "withdraw_day_minor", "reason")
    named = {"operator": row["operator_name"], "decided_at": format_time(row["decided_at"])}
    return {**{name: row[name] for name in plain}, **named}
