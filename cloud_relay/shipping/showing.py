"""What pages show of shipping and tax before anything is paid."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from cloud_relay.refusals import RefusedError
from cloud_relay.shipping.rules import Cost
from cloud_relay.shipping.service import cost_of
from wire.plan import Address


def costs_json(
    connection: Connection, sale: Any, quantity: int, country: str, postal_code: str, collected_at: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return what comes to the price of so many pieces, each a parcel of its own, and the totals to pay.

    `not_sent` says why nothing of it can go to this destination; the totals are then those of the goods alone.
    """
    together, nowhere = sale.price_minor * quantity, Address(name="", lines=(), postal_code="", city="", country="")
    target, not_sent = replace(nowhere, country=country, postal_code=postal_code), None
    try:
        cost = cost_of(connection, sale, target, together_minor=together)
    except RefusedError as error:
        cost, not_sent = Cost(shipping_minor=0), {"en": error.text_en, "zh": error.text_zh}
    collected = cost
    if collected_at:
        own = collected_at[0]["address"]
        there = replace(nowhere, country=own["country"], postal_code=own["postal_code"])
        collected = cost_of(connection, sale, there, together_minor=together, is_collected=True)
    return {
        "shipping_minor": cost.shipping_minor, "total_minor": cost.total_minor(sale.price_minor) * quantity,
        "goods_tax_minor": cost.tax_minor, "goods_tax_ppm": cost.tax_ppm, "is_tax_on_top": cost.is_tax_on_top,
        "zone": {"en": cost.zone_en, "zh": cost.zone_zh}, "not_sent": not_sent,
        "collected_tax_minor": collected.tax_minor, "collected_tax_ppm": collected.tax_ppm,
        "collected_total_minor": collected.total_minor(sale.price_minor) * quantity,
    }  # fmt: skip
