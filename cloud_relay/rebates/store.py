"""Rebates in SQL: switches, accounts, feeds of the pot, tickets in line, settlements, withdrawals."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, case, func, insert, select, update

from cloud_relay.rebates.rules import Place, Rebate, Terms
from cloud_relay.tables import (
    account,
    counter_refund,
    counter_sale,
    member,
    payout,
    posting,
    rebate_account,
    rebate_batch,
    rebate_feed,
    rebate_payment,
    rebate_switch,
    rebate_ticket,
    rebate_withdrawal,
)

WAITING, FULL, REFUNDED = "waiting", "full", "refunded"
"""A ticket in line; paid up to its cap; of a purchase that was given back: it left the line."""
FED, DROPPED, RETURNED = "fed", "dropped", "returned"
"""A feed that is in the pot; that never got there, or was taken out again, because its sale was given back."""
FAILED = "failed"

_TERMS = tuple(Terms.__dataclass_fields__)
_open_minor = rebate_ticket.c.cap_minor - rebate_ticket.c.paid_minor


def newest_switch(connection: Connection, market: str) -> RowMapping | None:
    """Return what an operator decided last of this market, None when nobody ever did."""
    query = select(rebate_switch).where(rebate_switch.c.market == market)
    return connection.execute(query.order_by(rebate_switch.c.switch_no.desc()).limit(1)).mappings().one_or_none()


def switches(connection: Connection, market: str, limit: int) -> list[RowMapping]:
    """Return the decisions of a market, newest first."""
    query = select(rebate_switch).where(rebate_switch.c.market == market)
    return list(connection.execute(query.order_by(rebate_switch.c.switch_no.desc()).limit(limit)).mappings())


def terms_of(connection: Connection, market: str) -> Terms:
    """Return a market's terms; off where no operator ever switched it on."""
    row = newest_switch(connection, market)
    return Terms() if row is None else Terms(**{name: row[name] for name in _TERMS})


def markets(connection: Connection) -> list[str]:
    """Return the markets of which anything was ever decided."""
    return list(connection.scalars(select(rebate_switch.c.market).distinct().order_by(rebate_switch.c.market)))


def is_on_anywhere(connection: Connection) -> bool:
    """Tell whether any market's queue is on."""
    return any(terms_of(connection, market).is_on for market in markets(connection))


def insert_switch(connection: Connection, row: dict[str, Any]) -> None:
    """Write a decision; earlier ones stay."""
    connection.execute(insert(rebate_switch).values(row))


def find_account(connection: Connection, account_id: str) -> RowMapping | None:
    """Return somebody's rebate account."""
    query = select(rebate_account).where(rebate_account.c.account_id == account_id)
    return connection.execute(query).mappings().one_or_none()


def open_account(connection: Connection, account_id: str, opened_by: str, now: datetime) -> None:
    """Open a rebate account, unless there is one."""
    if find_account(connection, account_id) is None:
        row = {"account_id": account_id, "opened_by": opened_by, "opened_at": now}
        connection.execute(insert(rebate_account).values(row))


def nickname_of(connection: Connection, account_id: str) -> str:
    """Return what somebody is called."""
    return connection.scalar(select(account.c.nickname).where(account.c.account_id == account_id)) or ""


def is_member(connection: Connection, account_id: str, merchant_id: str) -> bool:
    """Tell whether somebody works for a merchant."""
    where = (member.c.account_id == account_id, member.c.merchant_id == merchant_id)
    return connection.execute(select(member.c.role).where(*where)).first() is not None


def commission_of(connection: Connection, reference: str, fees: str) -> int:
    """Return the commission that a transfer really posted to a market's fees, minor units."""
    query = select(posting.c.credit, posting.c.amount_minor).where(posting.c.reference == reference)
    return sum(int(row.amount_minor) for row in connection.execute(query) if row.credit == fees)


def posted_minor(connection: Connection, reference: str) -> int:
    """Return all that a transfer moved, minor units."""
    query = select(func.sum(posting.c.amount_minor)).where(posting.c.reference == reference)
    return int(connection.scalar(query) or 0)


def insert_feed(connection: Connection, row: dict[str, Any]) -> None:
    """Remember what a settled commission will put into the pot."""
    connection.execute(insert(rebate_feed).values(row))


def find_feed(connection: Connection, source: str) -> RowMapping | None:
    """Return the feed of one sale."""
    query = select(rebate_feed).where(rebate_feed.c.source == source)
    return connection.execute(query).mappings().one_or_none()


def countable_feeds(connection: Connection, market: str, currency: str, now: datetime, limit: int) -> list[RowMapping]:
    """Return the feeds that rested long enough, oldest first."""
    query = select(rebate_feed.c.source, rebate_feed.c.sale_id, rebate_feed.c.amount_minor)
    query = query.where(*_countable(market, currency, now)).order_by(rebate_feed.c.countable_at, rebate_feed.c.source)
    return list(connection.execute(query.limit(limit)).mappings())


def feeding_counters(connection: Connection, market: str, currency: str, now: datetime) -> list[str]:
    """Return the merchants of whose counter sales a feed rested long enough."""
    query = select(rebate_feed.c.merchant_id).where(*_countable(market, currency, now))
    return sorted(connection.scalars(query.where(rebate_feed.c.sale_id.is_not(None)).distinct()))


def _countable(market: str, currency: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    own = rebate_feed.c
    return own.state == WAITING, own.market == market, own.currency == currency, own.countable_at <= now


def mark_feeds(connection: Connection, sources: list[str], state: str, batch_id: str | None = None) -> None:
    """Say what became of feeds."""
    values: dict[str, Any] = {"state": state} | ({"batch_id": batch_id} if batch_id else {})
    for start in range(0, len(sources), 500):  # SQLite binds 32,766 values at most, PostgreSQL 65,535
        part = rebate_feed.c.source.in_(sources[start : start + 500])
        connection.execute(update(rebate_feed).where(part).values(values))


def counter_shares(connection: Connection, merchant_id: str, currency: str) -> list[tuple[str, int]]:
    """Return (sale, the market's share of it with its tax) of a merchant's counter sales not given back, newest first.

    The share is what stood as due when the sale was taken.
    """
    own = counter_sale.c
    query = (
        select(own.sale_id, own.commission_minor + own.tax_minor)
        .outerjoin(counter_refund, counter_refund.c.sale_id == own.sale_id)
        .where(own.merchant_id == merchant_id, own.currency == currency, counter_refund.c.sale_id.is_(None))
        .order_by(own.taken_at.desc(), own.sale_id.desc())
    )
    return [(row[0], int(row[1])) for row in connection.execute(query)]


def next_no(connection: Connection, market: str, currency: str) -> int:
    """Return the number of the next ticket in this line; two at once conflict, and one of them is repeated."""
    where = (rebate_ticket.c.market == market, rebate_ticket.c.currency == currency)
    return int(connection.scalar(select(func.max(rebate_ticket.c.queue_no)).where(*where)) or 0) + 1


def insert_ticket(connection: Connection, row: dict[str, Any]) -> None:
    """Put a ticket at the end of the line."""
    connection.execute(insert(rebate_ticket).values(row))


def find_ticket(connection: Connection, source: str) -> RowMapping | None:
    """Return the ticket of one sale."""
    query = select(rebate_ticket).where(rebate_ticket.c.source == source)
    return connection.execute(query).mappings().one_or_none()


def line(connection: Connection, market: str, currency: str, limit: int, after: int = 0) -> list[Place]:
    """Return the tickets in line, first come first, behind number `after`."""
    own = rebate_ticket.c
    where = (own.state == WAITING, own.market == market, own.currency == currency, own.queue_no > after)
    query = select(own.ticket_id, own.account_id, own.queue_no, own.cap_minor, own.paid_minor, own.payable_at).where(
        *where
    )
    return [Place(**row) for row in connection.execute(query.order_by(own.queue_no).limit(limit)).mappings()]


def line_sums(connection: Connection, market: str, currency: str) -> tuple[int, int, int]:
    """Return (tickets in line, what they could still get at most, the first number)."""
    own = rebate_ticket.c
    query = select(
        func.count(), func.coalesce(func.sum(_open_minor), 0), func.coalesce(func.min(own.queue_no), 0)
    ).where(own.state == WAITING, own.market == market, own.currency == currency)
    tickets, still, first = connection.execute(query).one()
    return int(tickets), int(still), int(first)


def between(connection: Connection, market: str, currency: str, first_no: int, last_no: int) -> tuple[int, int]:
    """Return (tickets in line, what they could still get) of the numbers from first up to, but without, last."""
    own = rebate_ticket.c
    query = select(func.count(), func.coalesce(func.sum(_open_minor), 0)).where(
        own.state == WAITING, own.market == market, own.currency == currency,
        own.queue_no >= first_no, own.queue_no < last_no,
    )  # fmt: skip
    tickets, still = connection.execute(query).one()
    return int(tickets), int(still)


def pay_tickets(connection: Connection, paid: Sequence[Rebate]) -> None:
    """Add to what tickets were paid; at its cap a ticket leaves the line. LookupError when one is not in line."""
    own = rebate_ticket.c
    whole = own.paid_minor + bindparam("more")
    where = (own.ticket_id == bindparam("key"), own.state == WAITING, whole <= own.cap_minor)
    change = update(rebate_ticket).where(*where)
    change = change.values(paid_minor=whole, state=case((whole >= own.cap_minor, FULL), else_=own.state))
    if paid:
        rows = [{"key": one.ticket_id, "more": one.amount_minor} for one in paid]
        if connection.execute(change, rows).rowcount != len(paid):
            raise LookupError("tickets: one is not in line, or would pass its cap")


def leave_line(connection: Connection, ticket_id: str, now: datetime) -> bool:
    """Take a ticket out for ever; False when it was out already."""
    own = rebate_ticket.c
    where = (own.ticket_id == ticket_id, own.state != REFUNDED)
    return connection.execute(update(rebate_ticket).where(*where).values(state=REFUNDED, left_at=now)).rowcount == 1


def owing_tickets(connection: Connection, market: str, currency: str, account_id: str) -> list[RowMapping]:
    """Return somebody's refunded tickets that were paid and not given back whole, oldest first."""
    own = rebate_ticket.c
    where = (
        own.account_id == account_id, own.market == market, own.currency == currency, own.state == REFUNDED,
        own.paid_minor > own.returned_minor,
    )  # fmt: skip
    return list(connection.execute(select(rebate_ticket).where(*where).order_by(own.queue_no)).mappings())


def owing_accounts(connection: Connection, market: str, currency: str) -> set[str]:
    """Return who has a refunded ticket that was paid and not given back whole."""
    own = rebate_ticket.c
    query = select(own.account_id).where(
        own.state == REFUNDED, own.market == market, own.currency == currency, own.paid_minor > own.returned_minor
    )
    return set(connection.scalars(query.distinct()))


def give_back(connection: Connection, ticket_id: str, amount_minor: int) -> None:
    """Note that so much more of a refunded ticket was given back."""
    own = rebate_ticket.c
    values = {"returned_minor": own.returned_minor + amount_minor}
    connection.execute(update(rebate_ticket).where(own.ticket_id == ticket_id).values(values))


def tickets_of(connection: Connection, account_id: str, limit: int) -> list[RowMapping]:
    """Return somebody's tickets: those in line first, then the newest."""
    own = rebate_ticket.c
    query = select(rebate_ticket).where(own.account_id == account_id)
    order = (case((own.state == WAITING, 0), else_=1), own.joined_at.desc(), own.queue_no.desc())
    return list(connection.execute(query.order_by(*order).limit(limit)).mappings())


def currencies(connection: Connection, market: str) -> list[str]:
    """Return the currencies in which a market has a queue or something to feed a pot with."""
    found: set[str] = set()
    for table in (rebate_ticket, rebate_feed):
        found |= set(connection.scalars(select(table.c.currency).where(table.c.market == market).distinct()))
    return sorted(found)


def find_batch(connection: Connection, batch_id: str) -> RowMapping | None:
    """Return a settlement that ran."""
    query = select(rebate_batch).where(rebate_batch.c.batch_id == batch_id)
    return connection.execute(query).mappings().one_or_none()


def newest_batches(connection: Connection, market: str, currency: str, limit: int) -> list[RowMapping]:
    """Return a queue's settlements, newest first."""
    own = rebate_batch.c
    query = select(rebate_batch).where(own.market == market, own.currency == currency)
    return list(connection.execute(query.order_by(own.batch_no.desc()).limit(limit)).mappings())


def insert_batch(connection: Connection, row: dict[str, Any], payments: list[dict[str, Any]]) -> None:
    """Write a settlement with what it paid."""
    connection.execute(insert(rebate_batch).values(row))
    if payments:
        connection.execute(insert(rebate_payment), payments)


def payments_of(connection: Connection, batch_id: str, limit: int) -> list[RowMapping]:
    """Return what a settlement paid, in its order; numbers, nobody's account."""
    own = rebate_payment.c
    query = select(own.queue_no, own.amount_minor).where(own.batch_id == batch_id)
    return list(connection.execute(query.order_by(own.line).limit(limit)).mappings())


def insert_withdrawal(connection: Connection, row: dict[str, Any]) -> None:
    """Write a withdrawal that was asked for."""
    connection.execute(insert(rebate_withdrawal).values(row))


def find_withdrawal(connection: Connection, account_id: str, withdrawal_id: str) -> RowMapping | None:
    """Return somebody's withdrawal."""
    own = rebate_withdrawal.c
    query = select(rebate_withdrawal).where(own.withdrawal_id == withdrawal_id, own.account_id == account_id)
    return connection.execute(query).mappings().one_or_none()


def move_withdrawal(connection: Connection, withdrawal_id: str, values: dict[str, Any]) -> bool:
    """Change a withdrawal that waits for its second step; False when it does not wait any more."""
    own = rebate_withdrawal.c
    where = (own.withdrawal_id == withdrawal_id, own.state == "asked")
    return connection.execute(update(rebate_withdrawal).where(*where).values(values)).rowcount == 1


def replace_asked(connection: Connection, account_id: str) -> None:
    """Give up whatever somebody asked for before and did not confirm: one waits at a time."""
    own = rebate_withdrawal.c
    where = (own.account_id == account_id, own.state == "asked")
    connection.execute(update(rebate_withdrawal).where(*where).values(state="given_up"))


def withdrawn_since(connection: Connection, account_id: str, market: str, currency: str, since: datetime) -> int:
    """Return what somebody withdrew since then; what came back because it failed does not count."""
    own = rebate_withdrawal.c
    where = (
        own.account_id == account_id, own.market == market, own.currency == currency, own.confirmed_at > since,
        payout.c.state != FAILED,
    )  # fmt: skip
    query = select(func.coalesce(func.sum(own.amount_minor), 0)).join(payout, payout.c.payout_id == own.payout_id)
    return int(connection.scalar(query.where(*where)) or 0)


def withdrawals_of(connection: Connection, account_id: str, limit: int) -> list[RowMapping]:
    """Return somebody's withdrawals with what became of the payment, newest first."""
    own = rebate_withdrawal.c
    query = (
        select(rebate_withdrawal, payout.c.state.label("payout_state"), payout.c.reason)
        .outerjoin(payout, payout.c.payout_id == own.payout_id)
        .where(own.account_id == account_id, own.state != "given_up")
        .order_by(own.asked_at.desc(), own.withdrawal_id)
        .limit(limit)
    )
    return list(connection.execute(query).mappings())
