"""Rebates in SQL: switches, accounts, feeds of the pot, settlements, withdrawals; the line stands in `tickets`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from cloud_relay.rebates.rules import Terms
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
    rebate_withdrawal,
)

UNSETTLED, FED, DROPPED, RETURNED = "waiting", "fed", "dropped", "returned"
"""A feed that waits for a settlement; that is in the pot; that never got there, or was taken out again, because its
sale was given back."""
FAILED = "failed"
PAGE = 500
"""Rows that are read, or bound, at once: SQLite binds 32,766 values at most, PostgreSQL 65,535."""

_TERMS = tuple(Terms.__dataclass_fields__)


def newest_switch(connection: Connection, market: str) -> RowMapping | None:
    """Return what an operator decided last of this market, None when nobody ever did."""
    return next(iter(switches(connection, market, 1)), None)


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
    own, later = rebate_switch.c, rebate_switch.alias().c
    is_newest = ~select(later.switch_id).where(later.market == own.market, later.switch_no > own.switch_no).exists()
    return bool(connection.scalar(select(select(own.switch_id).where(own.is_on, is_newest).exists())))


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


def feeding_merchants(connection: Connection, market: str, currency: str, now: datetime) -> list[str]:
    """Return the merchants of whose sales a feed rested long enough."""
    query = select(rebate_feed.c.merchant_id).where(*_countable(market, currency, now))
    return sorted(connection.scalars(query.distinct()))


def ripe_feeds(
    connection: Connection, market: str, currency: str, merchant_id: str, now: datetime,
    owed_from: tuple[datetime, str] | None, limit: int,
) -> list[RowMapping]:  # fmt: skip
    """Return a merchant's feeds that rested long enough, oldest first, without its counter sales from `owed_from` on.

    `owed_from` is the oldest sale whose share is still owed, as `counter_shares` names it.
    """
    own = rebate_feed.c
    query = select(own.source, own.amount_minor).where(*_countable(market, currency, now))
    query = query.where(own.merchant_id == merchant_id)
    if owed_from is not None:
        query = query.outerjoin(counter_sale, counter_sale.c.sale_id == own.sale_id)
        query = query.where(or_(own.sale_id.is_(None), _before(owed_from)))
    return list(connection.execute(query.order_by(own.countable_at, own.source).limit(limit)).mappings())


def _countable(market: str, currency: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    own = rebate_feed.c
    return own.state == UNSETTLED, own.market == market, own.currency == currency, own.countable_at <= now


def _before(sale: tuple[datetime, str]) -> ColumnElement[bool]:
    """Return the condition that a counter sale was taken before this one, as the relay's own clock says."""
    (taken_at, sale_id), own = sale, counter_sale.c
    return or_(own.taken_at < taken_at, and_(own.taken_at == taken_at, own.sale_id < sale_id))


def mark_feeds(connection: Connection, sources: list[str], state: str, batch_id: str | None = None) -> None:
    """Say what became of feeds."""
    values: dict[str, Any] = {"state": state} | ({"batch_id": batch_id} if batch_id else {})
    for start in range(0, len(sources), PAGE):
        part = rebate_feed.c.source.in_(sources[start : start + PAGE])
        connection.execute(update(rebate_feed).where(part).values(values))


def counter_shares(
    connection: Connection, merchant_id: str, currency: str
) -> Iterator[tuple[tuple[datetime, str], int]]:
    """Yield (when a sale was taken and its id, the market's share of it with its tax), newest first.

    Only a merchant's counter sales that were not given back. The share is what stood as due when the sale was taken.
    They are read in pages, because who asks stops when the sum that is owed is covered.
    """
    own = counter_sale.c
    query = (
        select(own.taken_at, own.sale_id, own.commission_minor + own.tax_minor)
        .outerjoin(counter_refund, counter_refund.c.sale_id == own.sale_id)
        .where(own.merchant_id == merchant_id, own.currency == currency, counter_refund.c.sale_id.is_(None))
        .order_by(own.taken_at.desc(), own.sale_id.desc())
        .limit(PAGE)
    )
    page = connection.execute(query).all()
    while page:
        yield from (((taken_at, sale_id), int(share)) for taken_at, sale_id, share in page)
        page = connection.execute(query.where(_before(page[-1][:2]))).all()


def lock_books(connection: Connection) -> None:
    """Have whoever would write to the ledger wait until this transaction ends; on SQLite they wait anyway.

    Called first, so that PostgreSQL takes its snapshot after it: a long transaction among many short ones that read
    and write the same leaves of an index would otherwise conflict with one of them each time (PostgreSQL 13.2.3).
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE posting IN SHARE ROW EXCLUSIVE MODE"))


def currencies(connection: Connection, market: str) -> list[str]:
    """Return the currencies in which a market has a queue, or something to feed a pot with; one look at each."""
    found, own = [""], rebate_feed.c
    while True:
        following = select(func.min(own.currency)).where(own.market == market, own.currency > found[-1])
        currency = connection.scalar(following)
        if currency is None:
            return found[1:]
        found.append(currency)


def find_batch(connection: Connection, batch_id: str) -> RowMapping | None:
    """Return a settlement that ran."""
    query = select(rebate_batch).where(rebate_batch.c.batch_id == batch_id)
    return connection.execute(query).mappings().one_or_none()


def newest_of_day(connection: Connection, market: str, currency: str, ran_by: str, day: str) -> RowMapping | None:
    """Return the newest settlement that `ran_by` named after a day."""
    own = rebate_batch.c
    is_named = or_(own.name == day, own.name.like(f"{day}.%"))
    query = select(rebate_batch).where(own.market == market, own.currency == currency, own.ran_by == ran_by, is_named)
    return connection.execute(query.order_by(own.batch_no.desc()).limit(1)).mappings().one_or_none()


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
