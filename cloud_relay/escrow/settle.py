"""What became of a payment: one function for the provider's answer, its webhook and our asking again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from cloud_relay.escrow import payments, service
from cloud_relay.escrow.payments import CHARGE, FAILED, REFUND, STARTED, SUCCEEDED, Payment
from cloud_relay.escrow.providers.base import Outcome, OutcomeState
from cloud_relay.groups import closing
from cloud_relay.notices import service as notices
from cloud_relay.notices.service import Letter
from cloud_relay.orders import steps, store
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent
from cloud_relay.orders.trade import Trade
from cloud_relay.web.amounts import money
from cloud_relay.web.pages import page_events

REFUND_RETRY_S_MAX = 3600.0


def settle(connection: Connection, payment_id: str, outcome: Outcome, now: datetime, trade: Trade) -> str:
    """Apply a provider's word on a payment, however often and in whatever order it comes; return the payment's state.

    Success after failure counts (money was taken); nothing counts after success. An answer about another amount or
    currency changes nothing but is told to the operators.
    """
    paid = payments.load(connection, payment_id)
    if paid is not None:
        return _settle_one(connection, paid, outcome, now, trade)
    parts = payments.parts_of(connection, payment_id)
    if not parts:
        raise LookupError(f"payment {payment_id}: is not ours")
    return _settle_joint(connection, parts, outcome, now, trade)


def settle_all(connection: Connection, said: Sequence[tuple[str, Outcome]], now: datetime, trade: Trade) -> None:
    """As `settle`, of several (payment, outcome): refunds that arrived in as few statements as one alone takes."""
    found = payments.load_all(connection, [payment_id for payment_id, _ in said])
    done: dict[str, Payment] = {}
    changed: set[str] = set()
    for payment_id, outcome in said:
        paid = payments.load(connection, payment_id) if payment_id in changed else found.get(payment_id)
        if payment_id in done or (paid is not None and paid.state == SUCCEEDED):
            continue  # nothing counts after success
        if paid is not None and _is_arrived_refund(paid, outcome):
            done[payment_id] = _named(paid, outcome)
        else:
            settle(connection, payment_id, outcome, now, trade)
            changed.add(payment_id)
    _give_back(connection, list(done.values()), now)


def _is_arrived_refund(paid: Payment, outcome: Outcome) -> bool:
    """Whether an answer means nothing but that the money of a refund is back."""
    is_its_money = (outcome.amount_minor, outcome.currency) == (paid.amount_minor, paid.currency)
    return paid.kind == REFUND and is_its_money and outcome.state is OutcomeState.SUCCEEDED


def _named(paid: Payment, outcome: Outcome) -> Payment:
    return replace(paid, provider_reference=outcome.provider_reference or paid.provider_reference)


def _settle_joint(connection: Connection, parts: list[Payment], outcome: Outcome, now: datetime, trade: Trade) -> str:
    """Share one answer out over the orders that it pays for: each gets exactly its own part, or nobody anything."""
    total, currency = sum(one.amount_minor for one in parts), parts[0].currency
    is_odd = (outcome.amount_minor, outcome.currency) != (total, currency)
    if is_odd and outcome.state is not OutcomeState.PENDING and parts[0].state != SUCCEEDED:
        _odd(connection, parts[0], f"{outcome.amount_minor} {outcome.currency}", now)
        return parts[0].state
    shares = [
        replace(outcome, amount_minor=one.amount_minor, currency=currency, fee_minor=0 if place else outcome.fee_minor)
        for place, one in enumerate(parts)
    ]
    states = [
        _settle_one(connection, one, share, now, trade, is_told=one is parts[0])
        for one, share in zip(parts, shares, strict=True)
    ]
    return states[0]


def _settle_one(
    connection: Connection, paid: Payment, outcome: Outcome, now: datetime, trade: Trade, *, is_told: bool = True
) -> str:
    if outcome.state is OutcomeState.PENDING and paid.state == STARTED and not paid.provider_reference:
        payments.name(connection, paid.payment_id, outcome.provider_reference)
    if outcome.state is OutcomeState.PENDING or paid.state == SUCCEEDED:
        return paid.state
    if (outcome.amount_minor, outcome.currency) != (paid.amount_minor, paid.currency):
        _odd(connection, paid, f"{outcome.amount_minor} {outcome.currency}", now)
        return paid.state
    if outcome.state is OutcomeState.SUCCEEDED:
        return _succeed(connection, paid, outcome, now, trade)
    return _fail(connection, paid, outcome, now, trade, is_told=is_told) if paid.state == STARTED else paid.state


def _succeed(connection: Connection, paid: Payment, outcome: Outcome, now: datetime, trade: Trade) -> str:
    if paid.kind == REFUND:
        _give_back(connection, [_named(paid, outcome)], now)
        return SUCCEEDED
    payments.save_succeeded(connection, {paid.payment_id: _named(paid, outcome).provider_reference}, now)
    service.hold(connection, paid, now)
    service.book_fee(connection, paid, outcome.fee_minor, now)
    happening = Happening(event=OrderEvent.PAYMENT_SUCCEEDED, actor="provider", payment_id=paid.payment_id)
    placed = steps.apply(connection, paid.order_id, happening, now, trade)
    if placed.group_id is not None:
        closing.reach(connection, placed.group_id, now, trade)
    return SUCCEEDED


def _give_back(connection: Connection, refunds: list[Payment], now: datetime) -> None:
    """Post refunds that arrived, and tell each shopper."""
    if not refunds:
        return
    payments.save_succeeded(connection, {one.payment_id: one.provider_reference for one in refunds}, now)
    service.refunded(connection, refunds, now)
    found = {one.order_id: one for one in store.load_all(connection, {one.order_id: None for one in refunds})}
    letters = []
    for paid in refunds:
        order, amount = found[paid.order_id], money(paid.amount_minor, paid.currency)
        values = {"title_en": order.title_en, "title_zh": order.title_zh, "amount": amount}
        letters.append(Letter(order.account_id, "refund_done", f"/orders/{order.order_id}", values))
    page_events(connection, notices.write_all(connection, letters, now), now)
    store.add_events(connection, [
        (one.order_id, found[one.order_id].parcel_id, "refunded", {"amount_minor": one.amount_minor}, "provider")
        for one in refunds
    ], now)  # fmt: skip


def _fail(
    connection: Connection, paid: Payment, outcome: Outcome, now: datetime, trade: Trade, *, is_told: bool
) -> str:
    if paid.kind == CHARGE:
        payments.save(connection, paid.payment_id, FAILED, now, reason=outcome.reason)
        happening = Happening(event=OrderEvent.PAYMENT_FAILED, actor="provider", reason=outcome.reason, is_told=is_told)
        steps.apply(connection, paid.order_id, happening, now, trade)
        return FAILED
    # What was promised back stays promised: it is tried again, and after the first failure a person knows of it.
    if paid.attempts <= 1:
        values = {"order_id": paid.order_id, "reason": outcome.reason}
        notices.notify(connection, notices.operators(connection), "refund_stuck", "/operator", now, **values)
    again_at = now + timedelta(seconds=min(REFUND_RETRY_S_MAX, 10.0 * 2**paid.attempts))
    payments.save(connection, paid.payment_id, STARTED, now, reason=outcome.reason, next_try_at=again_at)
    return STARTED


def _odd(connection: Connection, paid: Payment, reason: str, now: datetime) -> None:
    values = {"payment_id": paid.payment_id, "reason": reason}
    notices.notify(connection, notices.operators(connection), "payment_odd", "/operator", now, **values)
