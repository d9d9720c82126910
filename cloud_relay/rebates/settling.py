"""A settlement: what settled commissions put into the pot, whom the pot pays, and the proof. One transaction, once."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.escrow import dues, ledger
from cloud_relay.escrow import rules as money
from cloud_relay.escrow.rules import Posting
from cloud_relay.notices import service as notices
from cloud_relay.rebates import joining, rules, store
from cloud_relay.rebates.rules import Rebate
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event

FEEDS_MAX = 5000
TICKETS_MAX = 1000
"""What one settlement takes on; the rest waits in the same order for the next. It keeps the transaction short."""


def settle(connection: Connection, market: str, currency: str, name: str, ran_by: str, now: datetime) -> dict[str, Any]:
    """Settle one queue under a name that works once: run again, it moves nothing and tells what it did then.

    RefusedError while the market's switch is off.
    """
    batch_id = f"{market}/{currency}/{name}"
    done = store.find_batch(connection, batch_id)
    if done is not None:
        return shown(done)
    if not store.terms_of(connection, market).is_on:
        raise RefusedError("rebates_off", "Rebates are switched off in this market", "该市场未开启返利")
    fed = _feed(connection, market, currency, batch_id, now)
    before = ledger.balance(connection, money.pot(market), currency)
    paid = rules.share_out(before, store.line(connection, market, currency, TICKETS_MAX), now)
    owners = _pay(connection, market, currency, batch_id, paid, now)
    row = _proved(connection, market, currency, name, fed, before, paid, now) | {"batch_id": batch_id, "ran_by": ran_by}
    lines = [
        {"batch_id": batch_id, "line": place, "ticket_id": one.ticket_id, "queue_no": one.queue_no,
         "amount_minor": one.amount_minor}
        for place, one in enumerate(paid, 1)
    ]  # fmt: skip
    store.insert_batch(connection, row, lines)
    for account_id in sorted(owners & store.owing_accounts(connection, market, currency)):
        joining.take_back(connection, market, currency, account_id, batch_id, now)
    notices.notify(connection, sorted(owners), "rebate_paid", "/account/rebates", now)
    page_event(connection, f"rebates:{market}", "queue_changed", {"market": market}, now)
    return shown(row)


def _feed(connection: Connection, market: str, currency: str, batch_id: str, now: datetime) -> int:
    """Move the pot's share of every commission that is settled and rested; return how much."""
    owed_sales = _owed_sales(connection, market, currency, now)
    feeds = store.countable_feeds(connection, market, currency, now, FEEDS_MAX + len(owed_sales))
    ripe = [one for one in feeds if one["sale_id"] not in owed_sales][:FEEDS_MAX]
    amount: int = sum(one["amount_minor"] for one in ripe)
    if amount:
        line = Posting(money.fees(market), money.pot(market), amount)
        ledger.post(connection, f"rebate_fed:{batch_id}", "rebate_fed", [line], now, currency=currency)
        store.mark_feeds(connection, [one["source"] for one in ripe], store.FED, batch_id)
    return amount


def _owed_sales(connection: Connection, market: str, currency: str, now: datetime) -> set[str]:
    """Return the counter sales of which the merchant still owes the market's share: nothing of them is settled."""
    found: set[str] = set()
    for merchant_id in store.feeding_counters(connection, market, currency, now):
        owed = dues.owed_minor(connection, merchant_id, currency)
        if owed:
            sales = store.counter_shares(connection, merchant_id, currency)
            count = rules.unsettled(owed, (share for _, share in sales))
            found |= {sale_id for sale_id, _ in sales[:count]}
    return found


def _pay(
    connection: Connection, market: str, currency: str, batch_id: str, paid: list[Rebate], now: datetime
) -> set[str]:
    """Post what the pot pays, a line for each ticket; return who got something."""
    store.pay_tickets(connection, paid)
    lines = [Posting(money.pot(market), money.rebate(market, one.account_id), one.amount_minor) for one in paid]
    if lines:
        ledger.post(connection, f"rebate_paid:{batch_id}", "rebate_paid", lines, now, currency=currency)
    return {one.account_id for one in paid}


def _proved(
    connection: Connection, market: str, currency: str, name: str, fed: int, before: int, paid: list[Rebate],
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Return the settlement's figures with their hash, chained to the settlement before."""
    newest = store.newest_batches(connection, market, currency, 1)
    previous, number = (newest[0]["proof_sha256"], newest[0]["batch_no"] + 1) if newest else ("0" * 64, 1)
    back = before - fed - (newest[0]["pot_minor"] if newest else 0)
    tickets, still, first = store.line_sums(connection, market, currency)
    sent = sum(one.amount_minor for one in paid)
    facts = {
        "market": market, "currency": currency, "name": name, "batch_no": number, "fed_minor": fed,
        "refunds_minor": back, "pot_before_minor": before, "paid_minor": sent, "pot_minor": before - sent,
        "paid_tickets": len(paid), "tickets": tickets, "open_minor": still, "first_no": first,
    }  # fmt: skip
    sha256 = rules.proof_sha256(previous, facts, paid)
    return {**facts, "previous_sha256": previous, "proof_sha256": sha256, "ran_at": now}


def shown(row: RowMapping | dict[str, Any]) -> dict[str, Any]:
    """Return a settlement as everybody may see it: numbers and hashes, nobody's account."""
    plain = (
        "market", "currency", "name", "batch_no", "fed_minor", "refunds_minor", "pot_before_minor", "paid_minor",
        "pot_minor", "paid_tickets", "tickets", "open_minor", "first_no", "previous_sha256", "proof_sha256", "ran_at",
    )  # fmt: skip
    return {name: row[name] for name in plain}
