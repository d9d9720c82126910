"""What is shown of a listing's variants: name, price, how many there are now. Pure over rows that were read."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import RowMapping

from cloud_relay.catalog import variant_rules

FREE, RESERVED, SAMPLE = "free", "reserved", "sample"
"""States of a piece: for sale, promised to a shopper, on show and never sold itself."""

ON_VIEW = (FREE, SAMPLE)
"""What shoppers may look at."""


def lowest_difference(variants: Sequence[RowMapping]) -> int:
    """Return what the cheapest offered variant costs more (or less) than the listing."""
    return min((one["price_difference_minor"] for one in variants if one["is_offered"]), default=0)


def styles_of(
    row: RowMapping, variants: Sequence[RowMapping], pieces: Iterable[RowMapping], *, is_own: bool
) -> dict[str, Any]:
    """Return `axes`, each with the values that stand on it, and `variants`."""
    shown = _shown(row, variants, pieces, is_own=is_own)
    axes = row["axes"] if variants else []
    values = [{**axis, "values": variant_rules.values_of(place, shown)} for place, axis in enumerate(axes)]
    return {"axes": values if shown else [], "variants": shown}


def _shown(
    row: RowMapping, variants: Sequence[RowMapping], pieces: Iterable[RowMapping], *, is_own: bool
) -> list[dict[str, Any]]:
    """Return each variant with price and stock; a listing without any is one without a name.

    `in_stock` can be had now; `kept` are promised to shoppers who are paying. Shoppers see only what is offered.
    """
    counted = Counter((one["variant_id"], one["state"]) for one in pieces)
    if not variants:
        return [_unnamed(row, sum(count for (_, state), count in counted.items() if state == FREE))]
    return [
        {
            "variant_id": one["variant_id"],
            "choices": one["choices"],
            "name": variant_rules.name_of(one["choices"]),
            "price_minor": row["price_now_minor"] + one["price_difference_minor"],
            "price_difference_minor": one["price_difference_minor"],
            "sku": one["sku"],
            "gtin": one["gtin"],
            "is_offered": one["is_offered"],
            "in_stock": counted[one["variant_id"], FREE],
            "kept": counted[one["variant_id"], RESERVED],
            "samples": counted[one["variant_id"], SAMPLE],
        }
        for one in variants
        if is_own or one["is_offered"]
    ]


def _unnamed(row: RowMapping, free: int) -> dict[str, Any]:
    return {
        "variant_id": "", "choices": [], "name": dict(variant_rules.UNNAMED), "price_minor": row["price_now_minor"],
        "price_difference_minor": 0, "sku": row["sku"], "gtin": row["gtin"], "is_offered": True,
        "in_stock": min(free, row["on_hand"] - row["reserved"]), "kept": row["reserved"], "samples": 0,
    }  # fmt: skip
