"""What a sale does to the rebate queue, in the sale's own transaction: a ticket, which leaves when it is given back."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.escrow import ledger
from cloud_relay.escrow import rules as money
from cloud_relay.escrow.rules import Posting
from cloud_relay.rebates import rules, store, tickets
from cloud_relay.rebates.rules import Terms
from cloud_relay.web.pages import page_event
from wire.values import new_id


def sale_settled(
    connection: Connection, source: str, now: datetime,
    *, market: str, currency: str, merchant_id: str, price_minor: int, account_id: str | None, sale_id: str = "",
) -> None:  # fmt: skip
    """Take a sale whose commission the transfer `source` posted: its feed and its shopper's ticket, both for later.

    The ticket comes in line when the feed is in the pot: nobody is paid for a commission that is only owed. Nothing
    happens while the market's switch is off, or where the sale feeds nothing: who gives nothing to the pot gets nothing
    out of it. A merchant's own people get no ticket on its sales.
    """
    terms = store.terms_of(connection, market)
    if not terms.is_on:
        return
    commission = store.commission_of(connection, source, money.fees(market))
    amount = rules.feed_minor(commission, terms.feed_ppm)
    if amount == 0:
        return
    feed = {
        "source": source, "market": market, "currency": currency, "merchant_id": merchant_id,
        "sale_id": sale_id or None, "commission_minor": commission, "amount_minor": amount,
        "countable_at": now + timedelta(seconds=terms.wait_s),
    }  # fmt: skip
    store.insert_feed(connection, feed)
    if account_id is not None:
        _join(connection, feed, account_id, price_minor, terms, now)


def order_settled(
    connection: Connection, order_id: str, now: datetime,
    *, market: str, currency: str, merchant_id: str, account_id: str, beside_goods_minor: int,
) -> None:  # fmt: skip
    """Take an order whose money was released just now; its price is what was released less postage and tax on top.

    So what a ruling gave back to the shopper before counts for no rebate.
    """
    if store.terms_of(connection, market).is_on:
        source = money.release_reference(order_id)
        price = max(0, store.posted_minor(connection, source) - beside_goods_minor)
        sale_settled(
            connection, source, now, market=market, currency=currency, merchant_id=merchant_id, price_minor=price,
            account_id=account_id,
        )  # fmt: skip


def sale_claimed(connection: Connection, source: str, account_id: str, price_minor: int, now: datetime) -> None:
    """Give a ticket to who bought at a counter as nobody and says later by the receipt who it was; it rests from now.

    Nothing happens for a sale that fed nothing or was given back, nor while the market's switch is off.
    """
    feed = store.find_feed(connection, source)
    if feed is None or feed["state"] in (store.DROPPED, store.RETURNED):
        return
    terms = store.terms_of(connection, feed["market"])
    if terms.is_on:
        _join(connection, feed, account_id, price_minor, terms, now)


def _join(
    connection: Connection, feed: Mapping[Any, Any], account_id: str, price_minor: int, terms: Terms, now: datetime
) -> None:
    market, cap = feed["market"], rules.cap_minor(price_minor, terms.cap_ppm)
    if cap == 0 or store.is_member(connection, account_id, feed["merchant_id"]):
        return
    store.open_account(connection, account_id, "counter" if feed["sale_id"] else "order", now)
    tickets.insert_ticket(connection, {
        "ticket_id": new_id("tkt"), "market": market, "currency": feed["currency"], "account_id": account_id,
        "source": feed["source"], "price_minor": price_minor, "cap_minor": cap, "paid_minor": 0, "returned_minor": 0,
        "state": tickets.RESTING if feed.get("state") == store.FED else tickets.UNFED, "joined_at": now,
        "payable_at": now + timedelta(seconds=terms.wait_s),
    })  # fmt: skip
    _tell(connection, market, account_id, now)


def sale_given_back(connection: Connection, source: str, now: datetime, *, is_commission_back: bool) -> None:
    """Take a sale's ticket out of the line; what was paid on it comes back as far as its rebate account holds it.

    The rest is kept back from that shopper's next rebates. `is_commission_back`: the market's share is undone as well,
    so that its part leaves the pot first; what the pot paid out already is the market's own loss.
    """
    ticket = tickets.find_ticket(connection, source)
    if ticket is not None and tickets.leave_line(connection, ticket["ticket_id"], now):
        take_back(connection, ticket["market"], ticket["currency"], ticket["account_id"], f"left:{source}", now)
        _tell(connection, ticket["market"], ticket["account_id"], now)
        page_event(connection, f"rebates:{ticket['market']}", "queue_changed", {"market": ticket["market"]}, now)
    feed = store.find_feed(connection, source)
    if is_commission_back and feed is not None:
        _take_out(connection, feed, now)


def _take_out(connection: Connection, feed: RowMapping, now: datetime) -> None:
    if feed["state"] == store.UNSETTLED:
        store.mark_feeds(connection, [feed["source"]], store.DROPPED)
    if feed["state"] != store.FED:
        return
    market, currency, amount = feed["market"], feed["currency"], feed["amount_minor"]
    pot, fees = money.pot(market), money.fees(market)
    from_pot = min(amount, ledger.balance(connection, pot, currency))
    lines = [Posting(pot, fees, from_pot), Posting(money.LOSS, fees, amount - from_pot)]
    ledger.post(connection, f"rebate_unfed:{feed['source']}", "rebate_unfed", lines, now, currency=currency)
    store.mark_feeds(connection, [feed["source"]], store.RETURNED)


def take_back(connection: Connection, market: str, currency: str, account_id: str, why: str, now: datetime) -> int:
    """Put what a shopper owes for refunded tickets from their rebate account into the pot; return how much that was."""
    whole, own = 0, money.rebate(market, account_id)
    for ticket in tickets.owing_tickets(connection, market, currency, account_id):
        owed = ticket["paid_minor"] - ticket["returned_minor"]
        amount = rules.take_back(owed, ledger.balance(connection, own, currency))
        if amount == 0:
            break
        reference = f"rebate_back:{ticket['ticket_id']}:{why}"
        line = Posting(own, money.pot(market), amount)
        ledger.post(connection, reference, "rebate_back", [line], now, currency=currency)
        tickets.give_back(connection, ticket["ticket_id"], amount)
        whole += amount
    return whole


def _tell(connection: Connection, market: str, account_id: str, now: datetime) -> None:
    page_event(connection, f"account:{account_id}", "rebate", {"market": market}, now)
