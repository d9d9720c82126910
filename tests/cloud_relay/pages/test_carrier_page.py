"""What an order's page shows of its carrier, to the shopper and to the merchant."""

import pytest
from sqlalchemy import select, update

from cloud_relay.carriers import service, store
from cloud_relay.carriers.base import Booked, Word
from cloud_relay.carriers.manual import ManualCarrier
from cloud_relay.tables import parcel
from tests.cloud_relay.trade_world import World


@pytest.fixture
async def booked(site):
    """Ann's order, carried by the Post: (order id, the booking's row, Ann, the merchant)."""
    _, shop_id, mo = await site.merchant("mo")
    listing_id, _ = await site.listing(shop_id, mo)
    ann = site.account("ann")
    ann_id = (await site.call("GET", "/api/me", headers=ann))["account_id"]
    now = site.clock.now()
    order_id = World(site.db, now=now).paid_order(ann_id, listing_id)
    parcel_id = site.db.read_now(lambda c: c.scalar(select(parcel.c.parcel_id)))
    shipment_id = site.db.run_now(service.start_booking, parcel_id, "post", "mo", now)["shipment_id"]
    row = site.db.run_now(store.claim, shipment_id, now, now)
    number = Booked(tracking_no="TN7", tracking_url="https://carrier.example/TN7")
    site.db.run_now(service.take_booked, row, number, now, now)
    site.db.run_now(lambda c: c.execute(update(parcel).values(state="handed_over")))
    return order_id, site.db.read_now(store.load, shipment_id), ann, mo


async def test_a_time_of_an_unknown_zone_is_shown_as_the_carrier_wrote_it(site, booked):
    order_id, row, ann, mo = booked
    now = site.clock.now()
    words = [
        Word(tracking_no="TN7", raw="in_transit", at=now.replace(hour=3, minute=7), is_zone_known=False),
        Word(tracking_no="TN7", raw="<b>X-RAYED</b>", at=now, place="杭州"),
    ]
    site.db.run_now(service.take_words, ManualCarrier(), row, words, now, World(site.db).trade)
    for who in (ann, mo):
        html = {**who, "Accept": "text/html"}
        page = (await site.call("GET", f"/orders/{order_id}?lang=en", headers=html)).text
        assert f"{now:%Y-%m-%d} 03:07" in page and "the carrier&#39;s own clock" in page.replace("'", "&#39;")
        assert page.count("own clock") == 1, "the other time is known"
        assert "&lt;b&gt;X-RAYED" in page and "<b>X-RAYED" not in page
        assert 'href="https://carrier.example/TN7"' in page
        chinese = (await site.call("GET", f"/orders/{order_id}?lang=zh", headers=html)).text
        assert "承运商当地时间" in chinese
