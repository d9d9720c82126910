"""The line in SQL: its sums, and each ticket from the purchase to its cap or its end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, case, func, insert, select, update

from cloud_relay.rebates.rules import Place, Rebate
from cloud_relay.rebates.store import PAGE
from cloud_relay.tables import rebate_queue, rebate_ticket

UNFED, RESTING = "unfed", "resting"
"""A ticket that is not in line yet: its own commission is not in the pot; that is, and the ticket rests still."""
WAITING, FULL, REFUNDED = "waiting", "full", "refunded"
"""A ticket in line; paid up to its cap; of a purchase that was given back: it left the line."""
HOPING = (UNFED, RESTING, WAITING)
"""Tickets that may still be paid something."""

_open_minor = rebate_ticket.c.cap_minor - rebate_ticket.c.paid_minor


def find_queue(connection: Connection, market: str, currency: str) -> RowMapping | None:
    """Return a line's sums and its last number; None before its first settlement."""
    own = rebate_queue.c
    query = select(rebate_queue).where(own.market == market, own.currency == currency)
    return connection.execute(query).mappings().one_or_none()


def open_queue(connection: Connection, market: str, currency: str) -> RowMapping:
    """Return a line's sums and its last number; made with nothing in it where there was none."""
    found = find_queue(connection, market, currency)
    if found is None:
        row = {"market": market, "currency": currency, "last_no": 0, "tickets": 0, "open_minor": 0}
        connection.execute(insert(rebate_queue).values(row))
        found = find_queue(connection, market, currency)
    assert found is not None
    return found


def count_queue(
    connection: Connection, market: str, currency: str, *, tickets: int, open_minor: int, last_no: int | None = None
) -> None:
    """Add to a line's sums; a `last_no` is the newest number that was given."""
    own = rebate_queue.c
    values: dict[str, Any] = {"tickets": own.tickets + tickets, "open_minor": own.open_minor + open_minor}
    values |= {"last_no": last_no} if last_no is not None else {}
    where = (own.market == market, own.currency == currency)
    connection.execute(update(rebate_queue).where(*where).values(values))


def rest_tickets(connection: Connection, sources: list[str]) -> None:
    """Note that the commissions of these sales are in the pot: their tickets wait for nothing but their rest."""
    own = rebate_ticket.c
    for start in range(0, len(sources), PAGE):
        where = (own.source.in_(sources[start : start + PAGE]), own.state == UNFED)
        connection.execute(update(rebate_ticket).where(*where).values(state=RESTING))


def rested_tickets(connection: Connection, market: str, currency: str, now: datetime, limit: int) -> list[RowMapping]:
    """Return the tickets that may be put in line now, in the order of their purchases."""
    own = rebate_ticket.c
    where = (own.state == RESTING, own.market == market, own.currency == currency, own.payable_at <= now)
    query = select(own.ticket_id, own.cap_minor).where(*where).order_by(own.joined_at, own.source)
    return list(connection.execute(query.limit(limit)).mappings())


def number_tickets(connection: Connection, numbers: dict[str, int]) -> None:
    """Put tickets in line, each under its number."""
    own = rebate_ticket.c
    change = update(rebate_ticket).where(own.ticket_id == bindparam("key"), own.state == RESTING)
    if numbers:
        rows = [{"key": ticket_id, "number": number} for ticket_id, number in numbers.items()]
        connection.execute(change.values(state=WAITING, queue_no=bindparam("number")), rows)


def insert_ticket(connection: Connection, row: dict[str, Any]) -> None:
    """Write a ticket; it has no number yet."""
    connection.execute(insert(rebate_ticket).values(row))


def find_ticket(connection: Connection, source: str) -> RowMapping | None:
    """Return the ticket of one sale."""
    query = select(rebate_ticket).where(rebate_ticket.c.source == source)
    return connection.execute(query).mappings().one_or_none()


def line(connection: Connection, market: str, currency: str, limit: int, after: int = 0) -> list[Place]:
    """Return the tickets in line, first come first, behind number `after`."""
    own = rebate_ticket.c
    where = (own.state == WAITING, own.market == market, own.currency == currency, own.queue_no > after)
    query = select(own.ticket_id, own.account_id, own.queue_no, own.cap_minor, own.paid_minor).where(*where)
    return [Place(**row) for row in connection.execute(query.order_by(own.queue_no).limit(limit)).mappings()]


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
    query = select(rebate_ticket).where(own.ticket_id == ticket_id, own.state != REFUNDED)
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        return False
    connection.execute(update(rebate_ticket).where(own.ticket_id == ticket_id).values(state=REFUNDED, left_at=now))
    if found["state"] == WAITING:
        still = found["cap_minor"] - found["paid_minor"]
        count_queue(connection, found["market"], found["currency"], tickets=-1, open_minor=-still)
    return True


def owing_tickets(connection: Connection, market: str, currency: str, account_id: str) -> list[RowMapping]:
    """Return somebody's refunded tickets that were paid and not given back whole, oldest first."""
    own = rebate_ticket.c
    where = (
        own.account_id == account_id, own.market == market, own.currency == currency, own.state == REFUNDED,
        own.paid_minor > own.returned_minor,
    )  # fmt: skip
    return list(connection.execute(select(rebate_ticket).where(*where).order_by(own.queue_no)).mappings())


def owing_accounts(connection: Connection, market: str, currency: str, among: set[str]) -> set[str]:
    """Return who among these (at most PAGE) has a refunded ticket that was paid and not given back whole."""
    own = rebate_ticket.c
    query = select(own.account_id).where(
        own.account_id.in_(among), own.state == REFUNDED, own.market == market, own.currency == currency,
        own.paid_minor > own.returned_minor,
    )  # fmt: skip
    return set(connection.scalars(query.distinct()))


def give_back(connection: Connection, ticket_id: str, amount_minor: int) -> None:
    """Note that so much more of a refunded ticket was given back."""
    own = rebate_ticket.c
    values = {"returned_minor": own.returned_minor + amount_minor}
    connection.execute(update(rebate_ticket).where(own.ticket_id == ticket_id).values(values))


def tickets_of(connection: Connection, account_id: str, limit: int) -> list[RowMapping]:
    """Return somebody's tickets: those in line first, then those that come in line, then the newest."""
    own = rebate_ticket.c
    query = select(rebate_ticket).where(own.account_id == account_id)
    order = (case((own.state == WAITING, 0), (own.state.in_(HOPING), 1), else_=2), own.joined_at.desc(), own.source)
    return list(connection.execute(query.order_by(*order).limit(limit)).mappings())


def queues_of(connection: Connection, account_id: str) -> list[tuple[str, str]]:
    """Return (market, currency) of every line in which somebody ever had a ticket."""
    own = rebate_ticket.c
    query = select(own.market, own.currency).where(own.account_id == account_id).distinct()
    return sorted((row.market, row.currency) for row in connection.execute(query))
