"""A sale to somebody unknown becomes a shopper's own: its receipt carries a code that only they hold."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from cloud_relay.accounts.service import missing
from cloud_relay.counter import service, store
from cloud_relay.escrow import rules as money
from cloud_relay.rebates import joining as rebates
from cloud_relay.records import purchases
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event

CLAIM_DAYS = 30
"""A receipt that lies about longer is more likely found than kept."""


def receipt_of(connection: Connection, sale_id: str, account_id: str | None, now: datetime) -> dict[str, Any]:
    """Return what a receipt's code shows: shop, day and sum to whoever holds it; its state for this person.

    The id of a sale is 130 random bits that stand on its receipt: who knows it holds the receipt.
    """
    sale = store.sale_by_id(connection, sale_id)
    if sale is None:
        raise missing()
    lines, given_back = store.lines_of(connection, [sale_id]), store.refunds_of(connection, [sale_id])
    state = "free"
    if sale["shopper_id"]:
        state = "mine" if sale["shopper_id"] == account_id else "taken"
    elif sale_id in given_back:
        state = "given_back"
    elif sale["taken_at"] + timedelta(days=CLAIM_DAYS) <= now:
        state = "late"
    if state == "taken":  # what somebody else bought is nobody's business
        return {"state": state, "sale": None}
    return {"state": state, "sale": service.shown(sale, lines.get(sale_id, []), given_back)}


def claim(connection: Connection, sale_id: str, account_id: str, now: datetime) -> dict[str, Any]:
    """Make a sale the shopper's own; again it is the same. RefusedError: somebody else's, given back, or too late."""
    found = receipt_of(connection, sale_id, account_id, now)
    if found["state"] in REFUSALS:
        raise RefusedError(f"sale_{found['state']}", *REFUSALS[found["state"]])
    if found["state"] == "free":
        if not store.name_shopper(connection, sale_id, account_id):
            raise RefusedError("sale_taken", *REFUSALS["taken"])
        source, total = money.counter_reference(sale_id), found["sale"]["total_minor"]
        rebates.sale_claimed(connection, source, account_id, total, now)
        purchases.sold_at_counter(connection, sale_id, now)
        page_event(connection, f"account:{account_id}", "counter_sold", {"sale_id": sale_id}, now)
    return {"sale_id": sale_id, "state": "mine"}


REFUSALS = {
    "taken": ("This purchase stands with an account already", "此单已保存到其他账户"),
    "given_back": ("This purchase was given back", "此单已退款"),
    "late": (f"A receipt can be kept for {CLAIM_DAYS} days", f"小票须在 {CLAIM_DAYS} 天内保存"),
}
