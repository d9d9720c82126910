"""What the order's page shows of the carrier: the booking, its words, and with whom it may be booked."""

from typing import Any

from sqlalchemy import Connection

from cloud_relay.carriers import service
from cloud_relay.carriers.base import Carriers
from cloud_relay.carriers.manual import ManualCarrier
from cloud_relay.orders.rules import AT_SHOP
from cloud_relay.parcels.tracking import STEP_WORDS
from wire.codec import to_json


def carrier_part(
    connection: Connection, carriers: Carriers, order: dict[str, Any], *, for_merchant: bool
) -> dict[str, Any]:
    """Return the template's values; a shopper sees a carrier only when one carries the parcel."""
    found = service.shown(connection, order["parcel_id"], for_merchant=for_merchant)
    bookable = [one for name, one in carriers.by_name.items() if name != ManualCarrier.name]
    is_at_shop = order["state"] in AT_SHOP and not order["pickup"]
    shows = found["booking"] is not None or (for_merchant and is_at_shop)
    return {
        "carrier": found if shows else None,
        "carrier_titles": {name: to_json(one.title) for name, one in carriers.by_name.items()},
        "carrier_choices": [{"name": one.name, "title": to_json(one.title)} for one in bookable] if is_at_shop else [],
        "step_words": {step: {"en": en, "zh": zh} for step, (en, zh) in STEP_WORDS.items()},
    }  # fmt: skip
