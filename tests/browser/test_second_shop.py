"""The shop without robot, packer and GS1 prefix: a ZPL printer, and the attendant is asked for the rest."""

import asyncio

import httpx
import zxingcpp
from PIL import Image

from demo.people import SHOPPER, Caller
from demo.steps import until
from demo.walk import ADDRESS

BENCH_S = 120


def test_an_order_is_packed_and_labelled_by_hand(mall, tmp_path):
    asyncio.run(walk(mall, tmp_path))


async def walk(mall, folder):
    shopper = Caller(mall.url)
    await shopper.sign_in(SHOPPER)
    hits = (await shopper.call("GET", "/api/search", params={"q": "celadon"}))["hits"]
    listing_id = next(hit["listing_id"] for hit in hits if hit["shop"]["shop_id"] == "studio")
    body = {"listing_id": listing_id, "address": ADDRESS, "payment_method": "sandbox:ok", "agrees_photo_window": True}
    order_id = (await shopper.call("POST", "/api/orders", body))["order_id"]

    async def becomes(state):
        order = await shopper.call("GET", f"/api/orders/{order_id}")
        return order if order["state"] == state else None

    order = await until(lambda: becomes("photo_offered"), BENCH_S, "photographed")
    picture = await shopper.call("GET", f"/pictures/{order['photo_sha256']}")
    photo = folder / "parcel.jpg"
    photo.write_bytes(picture)
    parcel_id = order["lines"][0]["parcel_id"]
    codes = {code.text.partition("?")[0] for code in zxingcpp.read_barcodes(Image.open(photo))}
    assert f"{mall.url}/p/{parcel_id}" in codes, "a merchant without a GS1 prefix has the parcel's own address"
    printed = mall.labels("studio", parcel_id)
    assert len(printed) == 1
    assert printed[0]["applied_at"]
    answer = {"answer": "confirmed", "picture_sha256": order["photo_sha256"]}
    await shopper.call("POST", f"/api/orders/{order_id}/photo", answer)
    await until(lambda: becomes("handed_over"), BENCH_S, "handed over")
    link = await asyncio.to_thread(mall.courier_link, "studio", parcel_id)
    async with httpx.AsyncClient(base_url=mall.url) as courier:
        scan = {"code": parcel_id, "biz_step": "delivered", "place": "Rügen"}
        scanned = await courier.post(f"/api/courier/{link.rsplit('/', 1)[-1]}/scans", json=scan)
        assert scanned.status_code == 201, scanned.text
    await until(lambda: becomes("delivered"), 10, "delivered")
    await shopper.call("POST", f"/api/orders/{order_id}/receipt", {})
    await until(lambda: becomes("released"), 10, "released")
    await shopper.close()
    assert mall.rows("SELECT * FROM violations") == []
