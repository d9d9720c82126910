"""What a shopper does about a payment that is pending: the account and reference of a transfer, or where to go on."""

from typing import Any

from sqlalchemy import Connection

from cloud_relay.escrow import payments
from cloud_relay.escrow.bank.references import grouped
from cloud_relay.escrow.payments import Payment
from cloud_relay.escrow.providers.base import HowToPay, ProviderUnknownError
from cloud_relay.relay import Relay
from cloud_relay.web.qr import picture_of


def _pending(connection: Connection, order_id: str) -> Payment | None:
    charges = [one for one in payments.of_order(connection, order_id) if one.kind == payments.CHARGE]
    return charges[-1] if charges and charges[-1].state == payments.STARTED else None


async def how_to_pay(relay: Relay, order_id: str) -> dict[str, Any] | None:
    """Return what the page of an unpaid order shows beside the countdown, or None when there is nothing to do."""
    paid = await relay.db.read(_pending, order_id)
    provider = relay.trading.providers.get(paid.provider) if paid else None
    if paid is None or provider is None:
        return None
    try:
        how = await provider.how_to_pay(paid.provider_id, paid.provider_reference)
    except ProviderUnknownError:
        return None  # the page says that the payment is being checked, and asks again when it is looked at again
    return None if how is None else shown(how)


def shown(how: HowToPay) -> dict[str, Any]:
    """Return it as the template shows it: codes in groups of four, the QR code as a picture."""
    return {
        "url": how.url, "holder": how.holder, "iban": how.iban, "iban_shown": grouped(how.iban), "bic": how.bic,
        "bank_name": how.bank_name, "reference": how.reference, "reference_shown": grouped(how.reference),
        "amount_minor": how.amount_minor, "currency": how.currency,
        "code": picture_of(how.code_text, "utf-8") if how.code_text else "",
    }  # fmt: skip
