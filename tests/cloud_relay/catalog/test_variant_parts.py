"""Variants in their parts: what a page is told of them, their rows, and what the address takes."""

import pytest
from sqlalchemy import insert

from cloud_relay.catalog import variant_reading, variant_routes, variant_store
from cloud_relay.catalog.variant_rules import AXES_MAX, VARIANTS_MAX
from cloud_relay.tables import piece, tag, variant

SIZE = {"en": "Size", "zh": "尺码"}
S, M, L = ({"en": name, "zh": sign} for name, sign in (("S", "小"), ("M", "中"), ("L", "大")))
LISTING = {
    "axes": [SIZE], "price_now_minor": 9900, "sku": "T", "gtin": "9521234543213", "on_hand": 3, "reserved": 1,
}  # fmt: skip


def row(variant_id, choice, difference, *, is_offered=True):
    return {
        "variant_id": variant_id, "choices": [choice], "price_difference_minor": difference, "sku": "", "gtin": "",
        "is_offered": is_offered,
    }  # fmt: skip


ROWS = [row("s", S, 0), row("m", M, 500), row("l", L, -700, is_offered=False)]
PIECES = [
    {"variant_id": variant_id, "state": state}
    for variant_id, state in (("s", "free"), ("s", "free"), ("s", "sold"), ("m", "reserved"), ("m", "sample"))
]


def test_variant_reading_counts_each_state_by_itself():
    shown = variant_reading.styles_of(LISTING, ROWS, PIECES, is_own=False)
    told = [(one["variant_id"], one["price_minor"], one["in_stock"], one["kept"], one["samples"])
            for one in shown["variants"]]  # fmt: skip
    assert told == [("s", 9900, 2, 0, 0), ("m", 10400, 0, 1, 1)], "what is withdrawn is not shown to shoppers"
    assert shown["axes"] == [{**SIZE, "values": [S, M]}]
    own = variant_reading.styles_of(LISTING, ROWS, PIECES, is_own=True)
    assert [one["variant_id"] for one in own["variants"]] == ["s", "m", "l"]


def test_the_lowest_price_is_of_what_is_offered():
    assert variant_reading.lowest_difference(ROWS) == 0
    assert variant_reading.lowest_difference([row("l", L, -700), *ROWS[:2]]) == -700
    assert variant_reading.lowest_difference([]) == variant_reading.lowest_difference(ROWS[2:]) == 0


@pytest.mark.parametrize(("free", "in_stock"), [(0, 0), (1, 1), (2, 2), (3, 2)])
def test_a_listing_without_variants_never_offers_what_is_promised(free, in_stock):
    pieces = [{"variant_id": None, "state": "free"}] * free + [{"variant_id": None, "state": "sample"}]
    shown = variant_reading.styles_of(LISTING, [], pieces, is_own=False)
    assert shown["axes"] == []
    assert [(one["in_stock"], one["kept"]) for one in shown["variants"]] == [(in_stock, 1)]


@pytest.fixture
def shelf(world):
    world.put = lambda variant_id, place, choice: world.database.run_now(
        variant_store.insert_variant,
        {**row(variant_id, choice, 0), "listing_id": "lis_1", "place": place},
    )
    world.delete = lambda variant_id: world.database.run_now(variant_store.delete_unused, variant_id)
    return world


@pytest.mark.both_stores
def test_variant_store_keeps_their_order_and_names_their_shop(shelf):
    for variant_id, place, choice in (("b", 1, M), ("a", 2, L), ("c", 0, S)):
        shelf.put(variant_id, place, choice)
    found = shelf.database.read_now(variant_store.variants_of, ["lis_1", "nothing"])
    assert [one["variant_id"] for one in found["lis_1"]] == ["c", "b", "a"]
    assert [one["choices"] for one in found["lis_1"]] == [[S], [M], [L]]
    assert shelf.database.read_now(variant_store.find, "b")["shop_id"] == "teahouse"
    assert shelf.database.read_now(variant_store.find, "nothing") is None
    shelf.database.run_now(variant_store.update_variant, "b", {"sku": "M-1"})
    assert {one["variant_id"]: one["sku"] for one in shelf.rows(variant)} == {"a": "", "b": "M-1", "c": ""}


@pytest.mark.parametrize("holder", ["piece", "tag"])
def test_variant_store_deletes_only_what_nothing_names(shelf, holder):
    shelf.put("a", 0, S)
    shelf.put("b", 1, M)
    if holder == "piece":
        values = {"piece_id": "p", "listing_id": "lis_1", "shop_id": "teahouse", "code": "p", "variant_id": "a"}
        shelf.database.run_now(lambda c: c.execute(insert(piece).values(values)))
    else:
        values = {"tag_id": "t", "shop_id": "teahouse", "kind": "shelf", "sheet_id": "s", "place": 0,
                  "listing_id": "lis_1", "variant_id": "a", "made_at": shelf.now, "account_id": "ann"}  # fmt: skip
        shelf.database.run_now(lambda c: c.execute(insert(tag).values(values)))
    assert [shelf.delete(name) for name in ("a", "b", "b", "nothing")] == [False, True, False, False]
    assert [one["variant_id"] for one in shelf.rows(variant)] == ["a"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"axes": [SIZE], "variants": [{"choices": [S]}]}, 200),
        ({"axes": [SIZE] * (AXES_MAX + 1), "variants": []}, 422),
        ({"axes": [SIZE], "variants": [{"choices": [S]}] * (VARIANTS_MAX + 1)}, 422),
        ({"axes": [SIZE], "variants": [{"choices": [{"en": "x" * 61}]}]}, 422),
        ({"axes": [SIZE], "variants": [{"choices": [S], "state": "sold"}]}, 422),
        ({"axes": [SIZE], "variants": [{"choices": [S], "variant_id": "somebody_elses"}]}, 404),
        ({"axes": [SIZE]}, 422),
    ],
)
async def test_variant_routes_take_what_they_say_and_nothing_by_the_way(site, body, status):
    assert f"/api/listings/{{listing_id}}/{variant_routes.set_variants.__name__.partition('_')[2]}" in {
        route.path for route in variant_routes.router.routes
    }
    _, shop_id, owner = await site.merchant("mo")
    listing_id, _ = await site.listing(shop_id, owner, pieces=0)
    await site.call("PUT", f"/api/listings/{listing_id}/variants", body, owner, status)
    if status == 200:
        await site.call("PUT", f"/api/listings/{listing_id}/variants", {**body, "version": 1}, owner, 409)
