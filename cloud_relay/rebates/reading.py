"""What people see of the rebate queue: a shopper their own tickets, everybody the pot, the line and the settlements."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.escrow import ledger
from cloud_relay.escrow import rules as money
from cloud_relay.rebates import settling, store, switching, tickets, withdrawing
from wire.values import format_time

TICKETS_SHOWN = 100
LINE_SHOWN = 100
BATCHES_SHOWN = 31
"""A month of daily settlements."""
SWITCHES_SHOWN = 20


def of_shopper(connection: Connection, account_id: str, now: datetime) -> dict[str, Any]:
    """Return a shopper's rebate account: what it holds, each ticket with its place now, withdrawals."""
    opened = store.find_account(connection, account_id)
    own = tickets.tickets_of(connection, account_id, TICKETS_SHOWN)
    queues = tickets.queues_of(connection, account_id)
    ahead = _ahead(connection, [one for one in own if one["state"] == tickets.WAITING])
    return {
        "opened_at": format_time(opened["opened_at"]) if opened else None,
        "balances": [_balance(connection, account_id, *queue, now) for queue in queues],
        "tickets": [_ticket(one, ahead.get(one["ticket_id"]), now) for one in own],
        "withdrawals": [
            withdrawing.shown(one) | {"payout_state": one["payout_state"] or "", "reason": one["reason"] or "",
                                      "is_waiting": one["state"] == withdrawing.ASKED and one["until"] > now}
            for one in store.withdrawals_of(connection, account_id, TICKETS_SHOWN)
        ],
    }  # fmt: skip


def _balance(connection: Connection, account_id: str, market: str, currency: str, now: datetime) -> dict[str, Any]:
    terms = store.terms_of(connection, market)
    held = ledger.balance(connection, money.rebate(market, account_id), currency)
    gone = store.withdrawn_since(connection, account_id, market, currency, now - withdrawing.DAY)
    owing = tickets.owing_tickets(connection, market, currency, account_id)
    return {
        "market": market, "currency": currency, "amount_minor": held,
        "most_minor": max(0, min(held, terms.withdraw_day_minor - gone)),
        "least_minor": min(held, terms.withdraw_min_minor),
        "owed_minor": sum(one["paid_minor"] - one["returned_minor"] for one in owing),
    }  # fmt: skip


def _ahead(connection: Connection, waiting: list[RowMapping]) -> dict[str, tuple[int, int]]:
    """Return (tickets before it, what they could still get) of each ticket in line; each line is read once."""
    found: dict[str, tuple[int, int]] = {}
    reached: dict[tuple[str, str], tuple[int, int, int]] = {}
    for one in sorted(waiting, key=lambda row: row["queue_no"]):
        queue, number = (one["market"], one["currency"]), one["queue_no"]
        first, before, still = reached.get(queue, (0, 0, 0))
        more, more_minor = tickets.between(connection, *queue, first, number)
        found[one["ticket_id"]] = (before + more, still + more_minor)
        reached[queue] = (number, before + more, still + more_minor)
    return found


def _ticket(row: RowMapping, ahead: tuple[int, int] | None, now: datetime) -> dict[str, Any]:
    """Return one ticket; its place counts those in line before it and itself, 0 when it is not in line.

    `is_coming`: it gets its number when it has rested and its own commission is in the pot.
    """
    plain = ("market", "currency", "queue_no", "price_minor", "cap_minor", "paid_minor", "returned_minor", "state")
    return {name: row[name] for name in plain} | {
        "joined_at": format_time(row["joined_at"]), "payable_at": format_time(row["payable_at"]),
        "is_resting": row["payable_at"] > now, "is_coming": row["state"] in (tickets.UNFED, tickets.RESTING),
        "place": ahead[0] + 1 if ahead else 0,
        "ahead_minor": ahead[1] if ahead else 0, "link": _link(row["source"]),
    }  # fmt: skip


def _link(source: str) -> str:
    """Return the page of the purchase that a ticket is for."""
    is_at_counter, name = money.source_of(source)
    return f"/r/{name}" if is_at_counter else f"/orders/{name}"


def of_market(connection: Connection, market: str) -> dict[str, Any] | None:
    """Return what everybody may see of a market, without a name of any shopper; None where nothing was decided."""
    decided = store.switches(connection, market, SWITCHES_SHOWN)
    if not decided:
        return None
    return {
        "market": market, "is_on": decided[0]["is_on"], "terms": switching.shown(decided[0]),
        "decisions": [switching.shown(one) for one in decided],
        "queues": [_queue(connection, market, one) for one in store.currencies(connection, market)],
    }  # fmt: skip


def _queue(connection: Connection, market: str, currency: str) -> dict[str, Any]:
    """Return a line and its pot as the newest settlement left it: what comes back by refunds counts with the next."""
    sums, line = tickets.find_queue(connection, market, currency), line_of(connection, market, currency, 0)["line"]
    batches = store.newest_batches(connection, market, currency, BATCHES_SHOWN)
    return {
        "currency": currency, "pot_minor": batches[0]["pot_minor"] if batches else 0,
        "tickets": sums["tickets"] if sums else 0, "open_minor": sums["open_minor"] if sums else 0,
        "first_no": line[0]["queue_no"] if line else 0, "line": line,
        "batches": [_batch(one) for one in batches],
    }  # fmt: skip


def line_of(connection: Connection, market: str, currency: str, after: int) -> dict[str, Any]:
    """Return a part of the line behind a number: each ticket's number, its most, and what it got so far."""
    found = tickets.line(connection, market, currency, LINE_SHOWN, after)
    line = [{"queue_no": one.queue_no, "cap_minor": one.cap_minor, "paid_minor": one.paid_minor} for one in found]
    return {"line": line, "next_after": found[-1].queue_no if len(found) == LINE_SHOWN else None}


def proof_of(connection: Connection, market: str, currency: str, name: str) -> dict[str, Any] | None:
    """Return one settlement with every payment in its order, so that anybody can make its hash again."""
    row = store.find_batch(connection, f"{market}/{currency}/{name}")
    if row is None:
        return None
    paid = store.payments_of(connection, row["batch_id"], settling.TICKETS_MAX)
    return _batch(row) | {"lines": [[one["queue_no"], one["amount_minor"]] for one in paid]}


def _batch(row: RowMapping) -> dict[str, Any]:
    return settling.shown(row) | {"ran_at": format_time(row["ran_at"])}
