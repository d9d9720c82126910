"""A basket over HTTP: filled, changed, placed once however often it is sent; two shoppers and one last piece."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from cloud_relay import tables
from cloud_relay.baskets import service
from cloud_relay.refusals import RefusedError

ADDRESS = {"name": "王小明", "lines": ["西湖路 1 号"], "postal_code": "310000", "city": "杭州", "country": "CN"}
ZONE = {"name_en": "China", "places": ["CN-ZJ"], "steps": [{"up_to_g": None, "price_minor": 500}]}


async def test_filled_changed_and_placed_once(site):
    call, ann = site.call, site.account("ann")
    _, shop_id, mo = await site.merchant("mo", currency="CNY", shipping_minor=1200)
    listing_id, _ = await site.listing(shop_id, mo, pieces=3)
    line = (await call("POST", "/api/basket/lines", {"listing_id": listing_id, "quantity": 2}, ann, 201))["line_id"]
    assert (await call("GET", "/api/basket/count", headers=ann))["count"] == 2
    assert (await call("PATCH", f"/api/basket/lines/{line}", {"quantity": 1}, ann))["count"] == 1
    assert (await call("DELETE", f"/api/basket/lines/{line}", headers=ann))["count"] == 0
    assert (await call("POST", f"/api/basket/lines/{line}/restore", headers=ann))["count"] == 1

    path = f"/api/shops/{shop_id}/shipping"
    saved = await call("PUT", path, {"zones": [ZONE], "version": 0}, mo)
    assert saved["version"] == 1
    await call("PUT", path, {"zones": [], "version": 0}, mo, 409)
    await call("PUT", path, {"zones": [{**ZONE, "places": ["nowhere"]}], "version": 1}, mo, 422)
    far = await call("GET", "/api/basket?country=DE", headers=ann)
    assert far["shops"][0]["lines"][0]["problem"]["en"] == "Not sent to this address"
    near = (await call("GET", "/api/basket?country=CN&postal_code=310000", headers=ann))["payments"][0]
    assert near["total_minor"] == 9900 + 500

    body = {"line_ids": near["line_ids"], "address": ADDRESS, "payment_method": "sandbox:ok",
            "agrees_photo_window": True, "total_minor": near["total_minor"]}  # fmt: skip
    once = {**ann, "Idempotency-Key": "one"}
    placed = await call("POST", "/api/basket/orders", body, once, 201)
    assert await call("POST", "/api/basket/orders", body, once, 201) == placed
    assert placed["payment_state"] == "started", "no bank answers here"
    assert len((await call("GET", "/api/orders", headers=ann))["orders"]) == 1
    await call("POST", "/api/basket/orders", body, ann, 409)
    shown = await call("GET", f"/api/baskets/{placed['basket_id']}", headers=ann)
    page = await call("GET", f"/basket/{placed['basket_id']}", headers=ann)
    assert "We are asking the bank" in page.text
    assert shown["unpaid_minor"] == near["total_minor"]
    assert (await call("POST", f"/api/baskets/{placed['basket_id']}/give-up", headers=ann))["count"] == 1


@pytest.mark.both_stores
def test_two_shoppers_and_one_last_piece(baskets, world):
    world.paid_order("bob", "lis_1")
    for account in ("ann", "bob"):
        baskets.add("lis_1", account=account)
        baskets.add("lis_2", account=account)
    wishes = {account: baskets.wish(account) for account in ("ann", "bob")}

    def place(account):
        try:
            baskets.place(account, wish=wishes[account])
        except RefusedError as error:
            return error.text_en
        return "placed"

    with ThreadPoolExecutor(2) as threads:
        said = sorted(threads.map(place, wishes))
    assert said[1] == "placed" and "Teapot" in said[0] and "Shawl" not in said[0]
    assert len(world.rows(tables.orders, tables.orders.c.state == "unpaid")) == 2


def test_an_attempt_that_fails_takes_nothing(baskets, world):
    baskets.add("lis_2", 2)
    wish = baskets.wish()
    world.database.run_now(service.add_line, "ann", "lis_1", "", 1, world.now)
    before = world.rows(tables.listing), world.rows(tables.basket_line)
    for values in ({"total_minor": 1}, {"agrees_photo_window": False}, {"line_ids": ("bln_nobody",)}):
        try:
            baskets.place(wish=service.BasketWish(**{**_fields(wish), **values}))
        except RefusedError:
            continue
        raise AssertionError(values)
    assert (world.rows(tables.listing), world.rows(tables.basket_line)) == before


def _fields(wish):
    return {name: getattr(wish, name) for name in service.BasketWish.__dataclass_fields__}
