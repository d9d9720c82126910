"""Variants: each with its pieces, price and number; chosen by style and number; a sample is never sold itself."""

import asyncio

import pytest
from sqlalchemy import select

from cloud_relay.catalog import variant_rules
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import order_line, piece, reservation, shop_command
from wire.values import BadValueError

SIZE, COLOUR = {"en": "Size", "zh": "尺码"}, {"en": "Colour", "zh": "颜色"}
BLUE, RED = {"en": "Blue", "zh": "蓝"}, {"en": "Red", "zh": "红"}
S, M = {"en": "S", "zh": "小"}, {"en": "M", "zh": "中"}
ADDRESS = {"name": "Ann", "lines": ["Lane 1"], "city": "X", "country": "CN"}
PAY = {"address": ADDRESS, "payment_method": "sandbox:ok", "agrees_photo_window": True}


class Rack:
    """A listing in two sizes: S (two pieces) and M (one piece, 5.00 more)."""

    def __init__(self, site, shop_id, owner, listing_id):
        self.site, self.shop_id, self.owner, self.listing_id = site, shop_id, owner, listing_id
        self.ids = []

    async def set(self, axes, variants, status=200, **more):
        path = f"/api/listings/{self.listing_id}/variants"
        return await self.site.call("PUT", path, {"axes": axes, "variants": variants, **more}, self.owner, status)

    async def piece(self, code, variant_id="", status=201, **values):
        body = {"listing_id": self.listing_id, "code": code, "variant_id": variant_id, **values}
        return await self.site.call("POST", "/api/pieces", body, self.owner, status)

    async def listing(self, headers=None):
        return await self.site.call("GET", f"/api/listings/{self.listing_id}", headers=headers)

    async def stock(self):
        return [(one["name"]["en"], one["in_stock"], one["kept"]) for one in (await self.listing())["variants"]]

    async def choose(self, who, variant_id, quantity=1, status=201):
        body = {"listing_id": self.listing_id, "variant_id": variant_id, "quantity": quantity}
        return await self.site.call("POST", "/api/reservations", body, who, status)

    async def order(self, who, status=201, **wish):
        return await self.site.call("POST", "/api/orders", {**PAY, **wish}, who, status)

    def rows(self, table):
        return self.site.db.read_now(lambda c: [dict(row) for row in c.execute(select(table)).mappings()])


@pytest.fixture
async def rack(site):
    _, shop_id, owner = await site.merchant("mo")
    listing_id, _ = await site.listing(shop_id, owner, pieces=0)
    rack = Rack(site, shop_id, owner, listing_id)
    made = await rack.set([SIZE], [{"choices": [S]}, {"choices": [M], "price_difference_minor": 500}])
    rack.ids = [one["variant_id"] for one in made["variants"]]
    for code, variant in (("S-1", 0), ("S-2", 0), ("M-1", 1)):
        await rack.piece(code, rack.ids[variant])
    return rack


async def test_a_listing_without_styles_is_one_variant_without_a_name(site):
    _, shop_id, owner = await site.merchant("mo")
    listing_id, _ = await site.listing(shop_id, owner, pieces=2)
    found = await site.call("GET", f"/api/listings/{listing_id}")
    assert found["axes"] == []
    assert [(one["variant_id"], one["name"]["en"], one["in_stock"]) for one in found["variants"]] == [("", "", 2)]


async def test_each_style_has_its_own_stock_and_price(rack):
    found = await rack.listing()
    assert [(one["name"]["zh"], one["price_minor"], one["in_stock"]) for one in found["variants"]] == [
        ("小", 9900, 2), ("中", 10400, 1),
    ]  # fmt: skip
    assert found["axes"] == [{**SIZE, "values": [S, M]}]
    assert (found["price_minor"], found["has_other_prices"]) == (9900, True)
    assert (await rack.site.call("GET", "/api/search?q=中"))["total"] == 1, "styles are found by their words"


async def test_style_and_number_are_kept_all_or_none_and_ordered_together(rack):
    ann = rack.site.account("ann")
    few = await rack.choose(ann, rack.ids[0], 3, 409)
    assert few["type"].endswith("too_few") and few["in_stock"] == 2
    assert await rack.stock() == [("S", 2, 0), ("M", 1, 0)]
    chosen = await rack.choose(ann, rack.ids[0], 2)
    assert await rack.stock() == [("S", 0, 2), ("M", 1, 0)]
    first, second = chosen["parcel_ids"]
    checkout = await rack.site.call("GET", f"/api/checkout/{first}", headers=ann)
    assert (checkout["quantity"], checkout["more_parcel_ids"]) == (2, [second])
    assert checkout["title"]["en"] == "Teapot (S)"
    changed = await rack.order(ann, 409, parcel_id=first, more_parcel_ids=[second], total_minor=9900)
    assert changed["type"].endswith("price_changed")
    placed = await rack.order(ann, parcel_id=first, more_parcel_ids=[second], total_minor=checkout["total_minor"])
    assert len(placed["order_ids"]) == 2
    lines = rack.rows(order_line)
    assert {line["variant_id"] for line in lines} == {rack.ids[0]}
    assert {(line["title_en"], line["title_zh"], line["price_minor"]) for line in lines} == {
        ("Teapot (S)", "紫砂茶壶（小）", 9900)
    }


async def test_what_was_chosen_together_is_given_up_and_extended_together(rack):
    ann = rack.site.account("ann")
    chosen = await rack.choose(ann, rack.ids[0], 2)
    more = await rack.site.call("POST", f"/api/reservations/{chosen['parcel_id']}/extend", {}, ann)
    assert len({row["until"] for row in rack.rows(reservation)}) == 1 and more["until"] > chosen["until"]
    await rack.site.call("DELETE", f"/api/reservations/{chosen['parcel_id']}", headers=ann, status=204)
    assert await rack.stock() == [("S", 2, 0), ("M", 1, 0)]


@pytest.mark.both_stores
async def test_two_shoppers_for_the_last_one_of_a_style_and_one_gets_it(rack):
    ann, bob = rack.site.account("ann"), rack.site.account("bob")
    body = {"listing_id": rack.listing_id, "variant_id": rack.ids[1]}
    answers = await asyncio.gather(
        *(rack.site.call("POST", "/api/reservations", body, who, None) for who in (ann, bob))
    )
    assert sorted(one.status_code for one in answers) == [201, 409]
    assert await rack.stock() == [("S", 2, 0), ("M", 0, 1)], "nobody got the other style instead"


async def test_buying_unseen_takes_a_piece_of_the_style_that_was_asked_for(rack):
    ann = rack.site.account("ann")
    missing = await rack.order(ann, 422, listing_id=rack.listing_id)
    assert missing["type"].endswith("variant_missing")
    placed = await rack.order(ann, listing_id=rack.listing_id, variant_id=rack.ids[1])
    assert placed["total_minor"] == 10400
    taken = [one["code"] for one in rack.rows(piece) if one["state"] != "free"]
    assert taken == ["M-1"]
    gone = await rack.order(ann, 409, listing_id=rack.listing_id, variant_id=rack.ids[1])
    assert gone["type"].endswith("out_of_stock")


async def test_a_sample_is_looked_at_and_never_sold_itself(rack):
    sample = await rack.piece("M-S", rack.ids[1], state="sample")
    found = await rack.listing()
    shown = next(one for one in found["pieces"] if one["code"] == "M-S")
    assert (shown["is_sample"], found["in_stock"]) == (True, 3), "it is on view and not counted"
    ann = rack.site.account("ann")
    kept = await rack.site.call("POST", "/api/reservations", {"piece_id": sample["piece_id"]}, ann, 201)
    assert [one["code"] for one in rack.rows(piece) if one["state"] == "reserved"] == ["M-1"], "one like it"
    assert kept["piece_id"] != sample["piece_id"]
    again = await rack.site.call("POST", "/api/reservations", {"piece_id": sample["piece_id"]}, ann, 409)
    assert again["type"].endswith("out_of_stock"), "only the sample is left"
    await rack.order(ann, 409, listing_id=rack.listing_id, variant_id=rack.ids[1])
    states = {one["code"]: one["state"] for one in rack.rows(piece)}
    assert (states["M-1"], states["M-S"]) == ("reserved", "sample")


async def test_a_piece_becomes_a_sample_and_is_sold_again_and_the_count_follows(rack):
    found = await rack.listing(rack.owner)
    one = next(each for each in found["pieces"] if each["code"] == "S-1")
    for state, on_hand in (("sample", 2), ("free", 3), ("sample", 2), ("gone", 2), ("free", 3)):
        await rack.site.call("PATCH", f"/api/pieces/{one['piece_id']}", {"state": state}, rack.owner)
        assert (await rack.listing(rack.owner))["on_hand"] == on_hand, state


async def test_goods_come_in_as_a_style_and_never_as_another_listings(rack):
    path = f"/api/listings/{rack.listing_id}/goods-in"
    body = {"pieces": [{"code": "M-2", "variant_id": rack.ids[1]}]}
    await rack.site.call("POST", path, body, rack.owner, 201)
    assert await rack.stock() == [("S", 2, 0), ("M", 2, 0)]
    body = {"pieces": [{"code": "M-3", "variant_id": "var_absent"}]}
    refused = await rack.site.call("POST", path, body, rack.owner, 422)
    assert refused["type"].endswith("unknown_variant")
    await rack.piece("X-1", "var_absent", 422)


async def test_a_style_in_use_is_withdrawn_not_removed(rack):
    small = {"variant_id": rack.ids[0], "choices": [S]}
    assert (await rack.set([SIZE], [small], 409))["type"].endswith("variant_in_use")
    medium = {"variant_id": rack.ids[1], "choices": [M], "is_offered": False}
    await rack.set([SIZE], [small, medium])
    assert [one["name"]["en"] for one in (await rack.listing())["variants"]] == ["S"]
    refused = await rack.choose(rack.site.account("ann"), rack.ids[1], 1, 409)
    assert refused["type"].endswith("not_for_sale")


async def test_another_merchant_sets_nothing_and_a_stale_page_neither(rack):
    _, _, ned = await rack.site.merchant("ned")
    body = {"axes": [SIZE], "variants": [{"choices": [S]}]}
    await rack.site.call("PUT", f"/api/listings/{rack.listing_id}/variants", body, ned, 404)
    await rack.site.call("PUT", f"/api/listings/{rack.listing_id}/variants", body, status=401)
    both = [{"variant_id": rack.ids[0], "choices": [S]}, {"variant_id": rack.ids[1], "choices": [M]}]
    assert (await rack.set([SIZE], both, 409, version=1))["type"].endswith("stale_version")


async def test_the_bench_reads_the_style_in_the_plan(rack):
    plans = [row for row in rack.rows(shop_command) if row["type"] == "ReplacePlan"]
    newest = max(plans, key=lambda row: row["data"]["plan"]["version"])["data"]["plan"]
    titles = {one["code"]: (one["title"]["en"], one["title"]["zh"]) for one in newest["pieces"]}
    assert titles["M-1"] == ("Teapot (M)", "紫砂茶壶（中）")


async def test_a_price_that_would_fall_to_nothing_is_refused(rack):
    both = [{"variant_id": rack.ids[0], "choices": [S], "price_difference_minor": -9900},
            {"variant_id": rack.ids[1], "choices": [M]}]  # fmt: skip
    assert (await rack.set([SIZE], both, 422))["type"].endswith("price_difference")
    both[0]["price_difference_minor"] = -5000
    await rack.set([SIZE], both)
    refused = await rack.site.call("PATCH", f"/api/listings/{rack.listing_id}", {"price_minor": 4000}, rack.owner, 422)
    assert refused["type"].endswith("price_difference")


@pytest.mark.parametrize(
    ("axes", "variants", "error"),
    [
        ([SIZE, SIZE], [{"choices": [S, S]}], BadValueError),
        ([SIZE], [{"choices": [S]}, {"choices": [S]}], RefusedError),
        ([SIZE, COLOUR], [{"choices": [S]}], BadValueError),
        ([SIZE], [], BadValueError),
        ([], [{"choices": [S]}], BadValueError),
        ([SIZE], [{"choices": [{"en": "", "zh": " "}]}], BadValueError),
        ([SIZE], [{"choices": [{"en": "a\u202eb"}]}], BadValueError),
        ([SIZE], [{"choices": [S], "gtin": "9521234543214"}], BadValueError),
        ([SIZE], [{"choices": [S], "price_difference_minor": -100}], RefusedError),
        ([{"en": str(n)} for n in range(4)], [{"choices": [S] * 4}], BadValueError),
    ],
)
def test_styles_that_cannot_be(axes, variants, error):
    with pytest.raises(error):
        variant_rules.check_variants(variant_rules.check_axes(axes), variants, 100)


def test_a_name_is_its_choices_and_a_long_title_leaves_room_for_it():
    assert variant_rules.name_of([BLUE, M]) == {"en": "Blue / M", "zh": "蓝 / 中"}
    long = variant_rules.titled({"en": "x" * 150, "zh": ""}, [RED])
    assert len(long["en"]) == 150 and long["en"].endswith("… (Red)") and long["zh"] == ""
    assert variant_rules.titled({"en": "Cup", "zh": "杯"}, None) == {"en": "Cup", "zh": "杯"}
