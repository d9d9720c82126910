"""The shop without robot, packer and GS1 prefix: a ZPL printer, and the attendant is asked for the rest."""

import asyncio
from typing import Any

import httpx
import zxingcpp
from PIL import Image

from demo.people import SHOPPER, Caller
from demo.steps import until
from demo.walk import ADDRESS

BENCH_S = 120


class Buyer:
    """A signed-in shopper at the studio, over HTTP."""

    def __init__(self, url):
        self._caller = Caller(url)

    async def __aenter__(self):
        await self._caller.sign_in(SHOPPER)
        return self

    async def __aexit__(self, *_exc):
        await self._caller.close()

    async def call(self, *words) -> Any:
        return await self._caller.call(*words)

    async def buys(self, words):
        """Find, order and pay; the order's id."""
        hits = (await self._caller.call("GET", "/api/search", params={"q": words}))["hits"]
        listing_id = next(hit["listing_id"] for hit in hits if hit["shop"]["shop_id"] == "studio")
        order = {"listing_id": listing_id, "address": ADDRESS, "payment_method": "sandbox:ok"}
        return (await self.call("POST", "/api/orders", {**order, "agrees_photo_window": True}))["order_id"]

    async def sees(self, order_id, state, timeout_s=BENCH_S):
        """Wait until the order is there; the order."""

        async def look():
            order = await self.call("GET", f"/api/orders/{order_id}")
            return order if order["state"] == state else None

        return await until(look, timeout_s, state)

    async def confirms(self, order):
        answer = {"answer": "confirmed", "picture_sha256": order["photo_sha256"]}
        await self.call("POST", f"/api/orders/{order['order_id']}/photo", answer)


def test_an_order_is_packed_and_labelled_by_hand(mall, tmp_path):
    asyncio.run(walk(mall, tmp_path))


async def walk(mall, folder):
    async with Buyer(mall.url) as shopper:
        order_id = await shopper.buys("celadon")
        order = await shopper.sees(order_id, "photo_offered")
        picture = await shopper.call("GET", f"/pictures/{order['photo_sha256']}")
        photo = folder / "parcel.jpg"
        photo.write_bytes(picture)
        parcel_id = order["lines"][0]["parcel_id"]
        codes = {code.text.partition("?")[0] for code in zxingcpp.read_barcodes(Image.open(photo))}
        assert f"{mall.url}/p/{parcel_id}" in codes, "a merchant without a GS1 prefix has the parcel's own address"
        printed = mall.labels("studio", parcel_id)
        assert len(printed) == 1
        assert printed[0]["applied_at"]
        await shopper.confirms(order)
        await shopper.sees(order_id, "handed_over")
        link = await asyncio.to_thread(mall.courier_link, "studio", parcel_id)
        async with httpx.AsyncClient(base_url=mall.url) as courier:
            scan = {"code": parcel_id, "biz_step": "delivered", "place": "Rügen"}
            scanned = await courier.post(f"/api/courier/{link.rsplit('/', 1)[-1]}/scans", json=scan)
            assert scanned.status_code == 201, scanned.text
        await shopper.sees(order_id, "delivered", 10)
        await shopper.call("POST", f"/api/orders/{order_id}/receipt", {})
        await shopper.sees(order_id, "released", 10)
    assert mall.rows("SELECT * FROM violations") == []


def test_a_parcel_whose_photo_waits_for_an_answer_does_not_keep_the_next_one_waiting(mall):
    asyncio.run(two_orders(mall))


async def two_orders(mall):
    async with Buyer(mall.url) as shopper:
        first_id = await shopper.buys("plum")
        first = await shopper.sees(first_id, "photo_offered")
        second_id = await shopper.buys("plum")
        second = await shopper.sees(second_id, "photo_offered")
        assert (await shopper.call("GET", f"/api/orders/{first_id}"))["state"] == "photo_offered"
        for order in (first, second):
            (label,) = mall.labels("studio", order["lines"][0]["parcel_id"])
            assert label["applied_at"] and not label["destroyed_at"]
            await shopper.confirms(order)
        for order_id in (first_id, second_id):
            await shopper.sees(order_id, "handed_over")
    for order in (first, second):
        (label,) = mall.labels("studio", order["lines"][0]["parcel_id"])
        assert label["where"] == "gone"
