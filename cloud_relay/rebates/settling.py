"""A settlement: what settled commissions put into the pot, whom the pot pays, and the proof. One transaction, once."""

import re
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay import put_back
from cloud_relay.escrow import dues, ledger
from cloud_relay.escrow import rules as money
from cloud_relay.escrow.rules import Posting
from cloud_relay.notices import service as notices
from cloud_relay.rebates import joining, rules, store, tickets
from cloud_relay.rebates.rules import Rebate
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event

FEEDS_MAX, TICKETS_MAX = 500, 200
"""What one settlement takes on; the rest waits in the same order for the next. It keeps the transaction short."""
CLOCK = "clock"
"""Who ran a settlement that no person asked for; days are its names alone."""
OF_THE_CLOCK = re.compile(r"\d{4}-\d\d-\d\d")


def settle(connection: Connection, market: str, currency: str, name: str, ran_by: str, now: datetime) -> dict[str, Any]:
    """Settle one queue under a name that works once: run again, it moves nothing and tells what it did then.

    RefusedError: the market's switch is off; the relay was put back from a backup and what it settled since is not
    known to it; a day's name by hand, which would take that day's settlement away.
    """
    store.lock_books(connection)
    batch_id = f"{market}/{currency}/{name}"
    done = store.find_batch(connection, batch_id)
    if done is not None:
        return shown(done)
    _check_may(connection, market, name, ran_by)
    queue = tickets.open_queue(connection, market, currency)
    fed, is_cut = _feed(connection, market, currency, batch_id, now)
    joined = [] if is_cut else _line_up(connection, market, currency, queue["last_no"], now)
    before = ledger.balance(connection, money.pot(market), currency)
    line = tickets.line(connection, market, currency, TICKETS_MAX)
    paid = rules.share_out(before, line)
    owners = _pay(connection, market, currency, batch_id, paid, now)
    left = {one.ticket_id: one.cap_minor - one.paid_minor for one in line}
    tickets.count_queue(
        connection, market, currency, last_no=queue["last_no"] + len(joined),
        tickets=len(joined) - sum(one.amount_minor == left[one.ticket_id] for one in paid),
        open_minor=sum(one["cap_minor"] for one in joined) - sum(one.amount_minor for one in paid),
    )  # fmt: skip
    row = _proved(connection, market, currency, name, fed, before, paid, now) | {
        "batch_id": batch_id, "ran_by": ran_by, "has_more": is_cut or TICKETS_MAX in (len(joined), len(paid)),
    }  # fmt: skip
    lines = [
        {"batch_id": batch_id, "line": place, "ticket_id": one.ticket_id, "queue_no": one.queue_no,
         "amount_minor": one.amount_minor}
        for place, one in enumerate(paid, 1)
    ]  # fmt: skip
    store.insert_batch(connection, row, lines)
    for account_id in sorted(tickets.owing_accounts(connection, market, currency, owners)):
        joining.take_back(connection, market, currency, account_id, batch_id, now)
    notices.notify(connection, sorted(owners), "rebate_paid", "/account/rebates", now)
    page_event(connection, f"rebates:{market}", "queue_changed", {"market": market}, now)
    return shown(row)


def _check_may(connection: Connection, market: str, name: str, ran_by: str) -> None:
    if not store.terms_of(connection, market).is_on:
        raise RefusedError("rebates_off", "Rebates are switched off in this market", "该市场未开启返利")
    if put_back.is_marked(connection):
        raise RefusedError(
            "put_back", "The relay was put back from a backup: say that all is reconciled first, then settle",
            "平台刚从备份恢复，请先确认对账完成，再进行结算",
        )  # fmt: skip
    if ran_by != CLOCK and OF_THE_CLOCK.match(name):
        raise RefusedError(
            "name_of_the_clock", "A name that begins with a date is the daily settlement's own; choose another",
            "以日期开头的名称留给每日结算，请换一个名称", 422,
        )  # fmt: skip


def _feed(connection: Connection, market: str, currency: str, batch_id: str, now: datetime) -> tuple[int, bool]:
    """Move the pot's share of every commission that is settled and rested; return how much, and whether more waits."""
    ripe: list[RowMapping] = []
    for merchant_id in store.feeding_merchants(connection, market, currency, now):
        owed = dues.owed_minor(connection, merchant_id, currency)
        owed_from = rules.oldest_owed(owed, store.counter_shares(connection, merchant_id, currency))
        more = FEEDS_MAX - len(ripe)
        ripe += store.ripe_feeds(connection, market, currency, merchant_id, now, owed_from, more)
        if len(ripe) == FEEDS_MAX:
            break
    amount: int = sum(one["amount_minor"] for one in ripe)
    if ripe:
        sources = [one["source"] for one in ripe]
        line = Posting(money.fees(market), money.pot(market), amount)
        ledger.post(connection, f"rebate_fed:{batch_id}", "rebate_fed", [line], now, currency=currency)
        store.mark_feeds(connection, sources, store.FED, batch_id)
        tickets.rest_tickets(connection, sources)
    return amount, len(ripe) == FEEDS_MAX


def _line_up(connection: Connection, market: str, currency: str, last_no: int, now: datetime) -> list[RowMapping]:
    """Give a number to each ticket whose own commission is in the pot and that has rested; return those tickets."""
    joined = tickets.rested_tickets(connection, market, currency, now, TICKETS_MAX)
    tickets.number_tickets(connection, {one["ticket_id"]: last_no + place for place, one in enumerate(joined, 1)})
    return joined


def _pay(
    connection: Connection, market: str, currency: str, batch_id: str, paid: list[Rebate], now: datetime
) -> set[str]:
    """Post what the pot pays, a line for each ticket; return who got something."""
    tickets.pay_tickets(connection, paid)
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
    queue, first = tickets.open_queue(connection, market, currency), tickets.line(connection, market, currency, 1)
    sent = sum(one.amount_minor for one in paid)
    facts = {
        "market": market, "currency": currency, "name": name, "batch_no": number, "fed_minor": fed,
        "refunds_minor": back, "pot_before_minor": before, "paid_minor": sent, "pot_minor": before - sent,
        "paid_tickets": len(paid), "tickets": queue["tickets"], "open_minor": queue["open_minor"],
        "first_no": first[0].queue_no if first else 0,
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
