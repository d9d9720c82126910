"""Variants of a listing: setting them, and what shoppers are shown of each. Its stock is the pieces that it has.

There is no second counter to keep in step: a variant's stock is how many of its pieces are free, each of which is
taken by one conditional update (see orders.stock). A listing without variants is one variant without a name.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.catalog import reading, service, store, variant_rules, variant_store
from cloud_relay.catalog.plan import replace_plan
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.values import new_id


def set_variants(
    connection: Connection, merchant_ids: frozenset[str], listing_id: str, axes: Sequence[Mapping[str, Any]],
    variants: Sequence[Mapping[str, Any]], version: int | None, resolver_url: str, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Replace a listing's axes and variants; one that pieces, orders or tags name can be withdrawn, not removed."""
    row = service.own_listing(connection, listing_id, merchant_ids)
    checked_axes = variant_rules.check_axes(axes)
    checked = variant_rules.check_variants(checked_axes, variants, row["price_minor"])
    known = {one["variant_id"]: one for one in variant_store.variants_of(connection, [listing_id]).get(listing_id, ())}
    for one in checked:
        _keep(connection, listing_id, one, known)
    kept = {one["variant_id"] for one in checked}
    for old, its_row in known.items():
        if old not in kept and not variant_store.delete_unused(connection, old):
            raise _in_use(its_row)
    values = {"axes": checked_axes, **service.search_words(row, checked)}
    if not store.update_listing(connection, listing_id, values, version):
        raise service.stale()
    replace_plan(connection, row["shop_id"], resolver_url, now)
    page_event(connection, f"shop:{row['shop_id']}", "listing_changed", {"listing_id": listing_id}, now)
    return reading.read_listing(connection, listing_id, merchant_ids, now)


def _keep(connection: Connection, listing_id: str, one: dict[str, Any], known: Mapping[str, RowMapping]) -> None:
    """Change a known variant or make a new one; `one` gets its id."""
    if one["variant_id"] in known:
        variant_store.update_variant(connection, one["variant_id"], one)
        return
    if one["variant_id"]:
        raise reading.missing()
    one["variant_id"] = new_id("var")
    variant_store.insert_variant(connection, {**one, "listing_id": listing_id})


def _in_use(row: RowMapping) -> RefusedError:
    name = variant_rules.name_of(row["choices"])
    return RefusedError(
        "variant_in_use", f"{name['en']}: pieces, orders or tags name it; take it off sale instead",
        f"{name['zh']}：已有单件、订单或标签使用，请改为停售",
    )  # fmt: skip
