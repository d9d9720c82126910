"""Signing for a parcel: what counts as a signature, and that it becomes part of the order's record, once."""

import pytest

from cloud_relay import tables
from cloud_relay.orders import reading
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.signing import rules, service
from tests.cloud_relay.trade_world import World
from wire.values import BadValueError

DRAWN = "M10 20L60 90L120 40L200 150M220 30L300 60"


def test_a_drawn_signature_goes_before_a_typed_name():
    assert rules.read_signature(DRAWN, "Ann") == rules.Signature(way="finger", path=DRAWN)
    assert rules.read_signature("", " Ann ") == rules.Signature(way="typed", name="Ann")
    assert rules.read_signature("", "  ") is None


@pytest.mark.parametrize(
    "path",
    [
        "M1 1", "M10 10L11 10L12 10L13 11", '"><script>alert(1)</script>', DRAWN + "Z", "M10 20 L60 90",
        "M1001 20L60 90L120 40L200 150", "M10 301L60 90L120 40L200 150", "m10 20l60 90l120 40l200 150",
        "M-10 20L60 90L120 40L200 150", DRAWN * 200,
    ],
)  # fmt: skip
def test_what_is_no_signature_is_refused(path):
    with pytest.raises(BadValueError, match="signature_path"):
        rules.read_signature(path, "")


@pytest.mark.parametrize(("spread", "is_good"), [(-1, False), (0, True), (1, True)])
def test_how_small_a_signature_may_be(spread, is_good):
    path = f"M0 0L1 0L2 0L{rules.SPREAD_MIN + spread} 0"
    if is_good:
        assert rules.read_signature(path, "")
        return
    with pytest.raises(BadValueError):
        rules.read_signature(path, "")


def test_a_name_has_a_length():
    assert rules.read_signature("", "x" * rules.NAME_LENGTH_MAX)
    with pytest.raises(BadValueError):
        rules.read_signature("", "x" * (rules.NAME_LENGTH_MAX + 1))


def test_the_first_signature_stands(world):
    order_id = world.paid_order()
    world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.DELIVERED)
    assert world.database.read_now(service.read_signature, order_id) is None
    first = rules.Signature(way="finger", path=DRAWN)
    for one in (first, rules.Signature(way="typed", name="Bob")):
        world.database.run_now(service.sign, order_id, "ann", one, world.now)
    for is_shopper in (True, False):
        shown = world.database.read_now(reading.read_order, order_id, (), for_shopper=is_shopper)
        assert (shown["signature"]["way"], shown["signature"]["path"]) == ("finger", DRAWN)
        assert [line["kind"] for line in shown["timeline"]].count("signed") == 1


async def test_receipt_and_signature_are_one_step(site):
    _, shop_id, mo = await site.merchant("mo")
    ann = site.account("ann")
    listing_id, _ = await site.listing(shop_id, mo)
    me = (await site.call("GET", "/api/me", headers=ann))["account_id"]
    world = World(site.db, now=site.clock.now())
    order_id = world.paid_order(me, listing_id)
    path = f"/api/orders/{order_id}/receipt"
    await site.call("POST", path, {"signature_path": DRAWN}, ann, 409)  # not handed over: nothing is signed
    assert world.rows(tables.order_signature) == []
    world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.DELIVERED)
    await site.call("POST", path, {"signature_path": "<svg>"}, ann, 422)
    await site.call("POST", path, {"signature_path": DRAWN}, mo, 404)
    await site.call("POST", path, {"signature_path": DRAWN}, ann)
    for headers in (ann, mo):
        shown = await site.call("GET", f"/api/orders/{order_id}", headers=headers)
        assert shown["signature"]["path"] == DRAWN
        page = await site.http.get(f"/orders/{order_id}?lang=en", headers=headers)
        assert f'd="{DRAWN}"' in page.text
    assert site.db.violations() == []
