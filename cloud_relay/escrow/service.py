"""Held money of one order: hold, refund, release, dispute, charge-back. Each in the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from cloud_relay.escrow import ledger, payments, rules
from cloud_relay.escrow.ledger import Transfer
from cloud_relay.escrow.payments import Intent, Payment
from cloud_relay.escrow.rules import LedgerError, Posting


def hold(connection: Connection, paid: Payment, now: datetime) -> None:
    """Post a charge that succeeded: from the provider into the order's escrow."""
    line = Posting(rules.psp(paid.provider), rules.escrow(paid.order_id), paid.amount_minor)
    reference = f"hold:{paid.payment_id}"
    ledger.post(connection, reference, "hold", [line], now, currency=paid.currency, order_id=paid.order_id)


def book_fee(connection: Connection, paid: Payment, fee_minor: int, now: datetime) -> None:
    """Post what the provider kept of a charge for itself: the market bears it, never the order."""
    if fee_minor > 0:
        line = Posting(rules.LOSS, rules.psp(paid.provider), fee_minor)
        reference = f"provider_fee:{paid.provider_id}"
        ledger.post(connection, reference, "provider_fee", [line], now, currency=paid.currency, order_id=paid.order_id)


def held_minor(connection: Connection, order_id: str, currency: str) -> int:
    """Return what the order's escrow holds beyond what is already promised back."""
    held = ledger.balance(connection, rules.escrow(order_id), currency)
    return held - payments.pending_refunds(connection, order_id)


def start_refund(connection: Connection, order_id: str, currency: str, amount_minor: int, now: datetime) -> str:
    """Promise `amount_minor` of the held money back to the shopper; it leaves the escrow when the provider confirms.

    Return the refund's payment id, nothing when there is nothing to give back. Raises LedgerError when the order does
    not hold that much, whoever asks.
    """
    if amount_minor <= 0:
        return ""
    if amount_minor > held_minor(connection, order_id, currency):
        raise LedgerError(f"order {order_id}: refund of {amount_minor} is more than it holds")
    return _start_refund(connection, payments.of_order(connection, order_id), amount_minor, now)


def start_whole_refunds(connection: Connection, currencies: Mapping[str, str], now: datetime) -> None:
    """As `start_refund`, of all that these orders still hold, each in its currency."""
    balances = ledger.balances_of(connection, [rules.escrow(order_id) for order_id in currencies])
    intents = []
    for order_id, all_of_order in payments.of_orders(connection, currencies).items():
        held = balances.get((rules.escrow(order_id), currencies[order_id]), 0) - payments.promised_back(all_of_order)
        if held > 0:
            intents.append(_refund_of(_charge_to_refund(all_of_order, held), held))
    payments.start_all(connection, intents, now)


def _start_refund(connection: Connection, all_of_order: list[Payment], amount_minor: int, now: datetime) -> str:
    charge = _charge_to_refund(all_of_order, amount_minor)
    return payments.start_all(connection, [_refund_of(charge, amount_minor)], now)[0]


def _charge_to_refund(all_of_order: list[Payment], amount_minor: int) -> Payment:
    """Return the charge of which so much is left to go back; LedgerError when none has."""
    left = {one.payment_id: one.amount_minor for one in all_of_order if one.kind == payments.CHARGE}
    for one in all_of_order:
        if one.kind == payments.REFUND and one.charge_id is not None:
            left[one.charge_id] -= one.amount_minor
    for one in all_of_order:
        if one.kind == payments.CHARGE and one.state == payments.SUCCEEDED and left[one.payment_id] >= amount_minor:
            return one
    order_ids = ", ".join({one.order_id: None for one in all_of_order})
    raise LedgerError(f"order {order_ids}: no charge of it has {amount_minor} left that could go back")


def refund_payment(connection: Connection, payment_id: str, now: datetime) -> None:
    """Promise one whole charge back: it came twice, or too late."""
    charge = payments.load(connection, payment_id)
    if charge is None or charge.state != payments.SUCCEEDED or charge.kind != payments.CHARGE:
        raise LedgerError(f"payment {payment_id}: only a charge that succeeded can go back")
    payments.start_all(connection, [_refund_of(charge, charge.amount_minor)], now)


def _refund_of(charge: Payment, amount_minor: int) -> Intent:
    return Intent(
        kind=payments.REFUND, order_id=charge.order_id, amount_minor=amount_minor, currency=charge.currency,
        provider=charge.provider, method=charge.method, charge_id=charge.payment_id,
    )  # fmt: skip


def refunded(connection: Connection, refunds: Sequence[Payment], now: datetime) -> None:
    """Post refunds that the provider confirmed: each out of its order's own escrow, never another's."""
    ledger.post_all(connection, [
        Transfer(
            f"refund:{one.payment_id}", "refund",
            [Posting(rules.escrow(one.order_id), rules.psp(one.provider), one.amount_minor)], one.currency,
            one.order_id,
        )
        for one in refunds
    ], now)  # fmt: skip


def release(
    connection: Connection, order_id: str, now: datetime,
    *, currency: str, merchant_id: str, market: str, commission_ppm: int, tax_ppm: int,
) -> int:  # fmt: skip
    """Post all that the order still holds to the merchant, less the market's commission; return the merchant's part."""
    held = held_minor(connection, order_id, currency)
    to_merchant, commission, levy = rules.release_parts(held, commission_ppm, tax_ppm)
    source = rules.escrow(order_id)
    lines = [
        Posting(source, rules.payable(merchant_id), to_merchant),
        Posting(source, rules.fees(market), commission),
        Posting(source, rules.tax(market), levy),
    ]
    ledger.post(
        connection, rules.release_reference(order_id), "release", lines, now, currency=currency, order_id=order_id
    )
    return to_merchant


def set_aside(connection: Connection, dispute_id: str, order_id: str, currency: str, now: datetime) -> None:
    """Move the held money out of every timer's reach while it is disputed."""
    amount = held_minor(connection, order_id, currency)
    line = Posting(rules.escrow(order_id), rules.dispute(order_id), amount)
    ledger.post(connection, f"dispute:{dispute_id}", "dispute", [line], now, currency=currency, order_id=order_id)


def bring_back(connection: Connection, dispute_id: str, order_id: str, currency: str, now: datetime) -> None:
    """Move disputed money back into escrow: the dispute ended and the order's own rules go on."""
    amount = ledger.balance(connection, rules.dispute(order_id), currency)
    line = Posting(rules.dispute(order_id), rules.escrow(order_id), amount)
    reference = f"dispute_ended:{dispute_id}"
    ledger.post(connection, reference, "dispute_ended", [line], now, currency=currency, order_id=order_id)


def is_charged_back(connection: Connection, taken: Payment) -> bool:
    """Return whether the bank took this charge back already."""
    return ledger.is_posted(connection, rules.charge_back_reference(taken.payment_id))


def charge_back(connection: Connection, taken: Payment, merchant_id: str, now: datetime) -> None:
    """Post that the bank took a charge back: from the hold, then the merchant, then its reserve, then a loss."""
    provider, left, lines = rules.psp(taken.provider), taken.amount_minor, []
    sources = (rules.payable(merchant_id), rules.reserve(merchant_id))
    amounts = [(rules.escrow(taken.order_id), held_minor(connection, taken.order_id, taken.currency))]
    amounts += [(source, ledger.balance(connection, source, taken.currency)) for source in sources]
    for source, amount in amounts:
        part = max(0, min(left, amount))
        lines.append(Posting(source, provider, part))
        left -= part
    lines.append(Posting(rules.LOSS, provider, left))
    reference = rules.charge_back_reference(taken.payment_id)
    ledger.post(connection, reference, "charge_back", lines, now, currency=taken.currency, order_id=taken.order_id)
