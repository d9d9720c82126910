"""The shop without robot, packer and GS1 prefix: a ZPL printer, and the attendant is asked for the rest."""

import io

import httpx
import pytest
import zxingcpp
from PIL import Image

from tests.browser.program import Program
from tests.browser.whole_mall import SHOPPER


@pytest.fixture
def shopper(mall):
    return Program(mall.url, *SHOPPER)


def confirm(shopper, order):
    answer = {"answer": "confirmed", "picture_sha256": order["photo_sha256"]}
    shopper.call("POST", f"/api/orders/{order['order_id']}/photo", answer)


def test_an_order_is_packed_and_labelled_by_hand(mall, shopper):
    order_id = shopper.buy("celadon")
    order = shopper.wait(order_id, "photo_offered", 120)
    picture = httpx.get(f"{mall.url}/pictures/{order['photo_sha256']}", headers=shopper.headers).content
    parcel_id = order["lines"][0]["parcel_id"]
    codes = {code.text.partition("?")[0] for code in zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))}
    assert f"{mall.url}/p/{parcel_id}" in codes, "a merchant without a GS1 prefix has the parcel's own address"
    (printed,) = mall.labels("studio", parcel_id)
    assert printed["applied_at"]
    confirm(shopper, order)
    shopper.wait(order_id, "handed_over", 120)
    link = mall.courier_link("studio", parcel_id)
    scan = {"code": parcel_id, "biz_step": "delivered", "place": "Rügen", "received_by": "Mei Lin"}
    scanned = httpx.post(f"{mall.url}/api/courier/{link.rsplit('/', 1)[-1]}/scans", json=scan)
    assert scanned.status_code == 201, scanned.text
    shopper.wait(order_id, "delivered", 10)
    shopper.call("POST", f"/api/orders/{order_id}/receipt", {})
    shopper.wait(order_id, "released", 10)
    assert mall.rows("SELECT * FROM violations") == []


def test_a_parcel_whose_photo_waits_for_an_answer_does_not_keep_the_next_one_waiting(mall, shopper):
    first = shopper.wait(shopper.buy("plum"), "photo_offered", 120)
    second = shopper.wait(shopper.buy("plum"), "photo_offered", 120)
    assert shopper.call("GET", f"/api/orders/{first['order_id']}")["state"] == "photo_offered"
    for order in (first, second):
        (label,) = mall.labels("studio", order["lines"][0]["parcel_id"])
        assert label["applied_at"] and not label["destroyed_at"]
        confirm(shopper, order)
    for order in (first, second):
        shopper.wait(order["order_id"], "handed_over", 120)
        (label,) = mall.labels("studio", order["lines"][0]["parcel_id"])
        assert label["where"] == "gone"
