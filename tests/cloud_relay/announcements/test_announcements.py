"""Announcements and prices for a time: published, shown, expired, deleted, undone; the price agrees everywhere."""

from datetime import UTC, datetime, timedelta

import pytest

from cloud_relay.announcements import rules, timers
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import page_event
from wire.values import BadValueError, format_time

MILLISECOND = timedelta(milliseconds=1)
ADDRESS = {"name": "Ann", "lines": ["Lane 1"], "city": "X", "country": "CN"}


class Desk:
    def __init__(self, site, merchant_id, shop_id, owner, listing_id, pieces):
        self.site, self.merchant_id, self.shop_id, self.owner = site, merchant_id, shop_id, owner
        self.listing_id, self.pieces = listing_id, pieces

    async def publish(self, *, begins_s=0, lasts_s=3600, status=201, **values):
        now = self.site.clock.now()
        body = {
            "shop_id": self.shop_id, "title_en": "Spring", "title_zh": "春茶",
            "shown_until": format_time(now + timedelta(seconds=begins_s + lasts_s)), **values,
        }  # fmt: skip
        if begins_s:
            body["shown_from"] = format_time(now + timedelta(seconds=begins_s))
        return await self.site.call("POST", "/api/announcements", body, self.owner, status)

    async def shown(self):
        """What a visitor is told at the shop and at the listing."""
        shop = await self.site.call("GET", f"/api/shops/{self.shop_id}")
        listing = await self.site.call("GET", f"/api/listings/{self.listing_id}")
        return [[one["title"]["en"] for one in page["announcements"]] for page in (shop, listing)]

    async def states(self):
        found = await self.site.call("GET", f"/api/merchants/{self.merchant_id}/announcements", headers=self.owner)
        return [one["state"] for one in found["announcements"]]


@pytest.fixture
async def desk(site):
    merchant_id, shop_id, owner = await site.merchant("mo")
    listing_id, pieces = await site.listing(shop_id, owner, pieces=9)
    return Desk(site, merchant_id, shop_id, owner, listing_id, pieces)


async def test_published_now_it_is_shown_and_expires(desk):
    await desk.publish(lasts_s=60)
    assert await desk.shown() == [["Spring"], ["Spring"]]
    assert await desk.states() == ["shown"]
    desk.site.clock.forward(60)
    assert await desk.shown() == [[], []]
    assert await desk.states() == ["over"]


async def test_published_later_it_waits_for_its_moment(desk):
    await desk.publish(begins_s=60)
    assert await desk.shown() == [[], []]
    assert await desk.states() == ["planned"]
    desk.site.clock.forward(60)
    assert await desk.shown() == [["Spring"], ["Spring"]]


async def test_deleted_it_is_gone_and_undone_it_is_back(desk):
    made = await desk.publish()
    path = f"/api/announcements/{made['announcement_id']}"
    await desk.site.call("DELETE", path, headers=desk.owner)
    assert await desk.shown() == [[], []]
    assert await desk.states() == ["deleted"]
    await desk.site.call("POST", f"{path}/restore", {}, desk.owner)
    assert await desk.shown() == [["Spring"], ["Spring"]]


async def test_ended_early_it_is_over_and_a_planned_one_is_deleted(desk):
    shown, planned = await desk.publish(), await desk.publish(begins_s=60)
    desk.site.clock.forward(1)
    for made, state in ((shown, "over"), (planned, "deleted")):
        ended = await desk.site.call("POST", f"/api/announcements/{made['announcement_id']}/end", {}, desk.owner)
        assert ended["state"] == state
    assert await desk.shown() == [[], []]


async def test_a_listings_own_stands_at_that_listing_and_at_the_shop_only(desk):
    other, _ = await desk.site.listing(desk.shop_id, desk.owner, title_en="Bowl")
    await desk.publish(listing_id=desk.listing_id)
    assert await desk.shown() == [["Spring"], ["Spring"]]
    assert (await desk.site.call("GET", f"/api/listings/{other}"))["announcements"] == []


async def test_it_says_what_is_wrong(desk):
    bad = [
        {"title_en": "", "title_zh": ""}, {"lasts_s": -5}, {"lasts_s": 400 * 86400}, {"price_minor": 100},
        {"price_minor": 9900, "listing_id": desk.listing_id}, {"price_minor": 0, "listing_id": desk.listing_id},
        {"title_en": "a\u202eb"},
    ]  # fmt: skip
    for values in bad:
        refused = await desk.publish(**values, status=422)
        assert refused["title_zh"], values
    foreign_merchant, foreign_shop, ned = await desk.site.merchant("ned")
    foreign, _ = await desk.site.listing(foreign_shop, ned)
    await desk.publish(listing_id=foreign, price_minor=5, status=404)
    assert foreign_merchant != desk.merchant_id


async def test_a_change_of_something_not_seen_is_refused(desk):
    made = await desk.publish()
    path = f"/api/announcements/{made['announcement_id']}"
    await desk.site.call("PATCH", path, {"title_en": "Summer", "version": made["version"]}, desk.owner)
    stale = await desk.site.call("PATCH", path, {"title_en": "Autumn", "version": made["version"]}, desk.owner, 409)
    assert stale["type"].endswith("stale_version")
    assert await desk.shown() == [["Summer"], ["Summer"]]


@pytest.mark.parametrize(
    ("edge", "offset", "price"),
    [
        ("begin", -MILLISECOND, 9900), ("begin", timedelta(0), 5000), ("begin", MILLISECOND, 5000),
        ("end", -MILLISECOND, 5000), ("end", timedelta(0), 9900), ("end", MILLISECOND, 9900),
    ],
)  # fmt: skip
async def test_the_price_shown_paid_and_written_agree_at_each_edge(desk, edge, offset, price):
    site = desk.site
    await desk.publish(begins_s=60, lasts_s=60, listing_id=desk.listing_id, price_minor=5000)
    ann = site.account("ann")
    site.clock.forward((timedelta(seconds=60 if edge == "begin" else 120) + offset).total_seconds())
    listing = await site.call("GET", f"/api/listings/{desk.listing_id}")
    hit = (await site.call("GET", "/api/search?q=Teapot"))["hits"][0]
    reserved = await site.call("POST", "/api/reservations", {"piece_id": desk.pieces[0]}, ann, 201)
    checkout = await site.call("GET", f"/api/checkout/{reserved['parcel_id']}", headers=ann)
    body = {
        "parcel_id": reserved["parcel_id"], "address": ADDRESS, "payment_method": "sandbox:ok",
        "agrees_photo_window": True, "total_minor": checkout["total_minor"],
    }  # fmt: skip
    placed = (await site.call("POST", "/api/orders", body, ann, None)).json()
    order = await site.call("GET", f"/api/orders/{placed['order_id']}", headers=ann)
    seen = [listing["price_minor"], hit["price_minor"], checkout["price_minor"], order["price_minor"],
            order["lines"][0]["price_minor"], placed["total_minor"] - checkout["shipping_minor"]]  # fmt: skip
    assert seen == [price] * 6
    assert {listing["usual_price_minor"], hit["usual_price_minor"], checkout["usual_price_minor"]} == {9900}


async def test_who_saw_the_lower_price_is_asked_again_when_it_ended_meanwhile(desk):
    site = desk.site
    await desk.publish(lasts_s=60, listing_id=desk.listing_id, price_minor=5000)
    ann = site.account("ann")
    reserved = await site.call("POST", "/api/reservations", {"piece_id": desk.pieces[0]}, ann, 201)
    checkout = await site.call("GET", f"/api/checkout/{reserved['parcel_id']}", headers=ann)
    site.clock.forward(60)
    body = {
        "parcel_id": reserved["parcel_id"], "address": ADDRESS, "payment_method": "sandbox:ok",
        "agrees_photo_window": True, "total_minor": checkout["total_minor"],
    }  # fmt: skip
    refused = await site.call("POST", "/api/orders", body, ann, 409)
    assert refused["type"].endswith("price_changed")
    assert refused["total_minor"] == 9900 + checkout["shipping_minor"]


@pytest.mark.both_stores
async def test_of_two_prices_the_lower_holds_and_a_deleted_one_holds_no_more(desk):
    await desk.publish(listing_id=desk.listing_id, price_minor=8000)
    lower = await desk.publish(listing_id=desk.listing_id, price_minor=7000)

    async def price():
        return (await desk.site.call("GET", f"/api/listings/{desk.listing_id}"))["price_minor"]

    assert await price() == 7000
    await desk.site.call("DELETE", f"/api/announcements/{lower['announcement_id']}", headers=desk.owner)
    assert await price() == 8000
    await desk.site.call("PATCH", f"/api/listings/{desk.listing_id}", {"price_minor": 6000}, desk.owner)
    assert await price() == 6000, "a price for a time never raises the usual one"


async def test_open_pages_hear_of_each_edge_once(desk):
    site = desk.site
    await desk.publish(begins_s=60, lasts_s=60)
    begin = site.clock.now()
    told = [
        site.db.run_now(timers.tell_edges, begin + timedelta(seconds=first), begin + timedelta(seconds=last))
        for first, last in ((0, 59), (59, 60), (60, 119), (119, 120), (120, 999))
    ]
    assert told == [0, 1, 0, 1, 0]
    events = site.db.read_now(lambda c: c.execute(page_event.select()).all())
    assert sum(one.kind == "announcement_changed" and one.data == {} for one in events) == 2


def test_states_at_their_edges():
    first = datetime(2030, 1, 1, tzinfo=UTC)
    last = first + timedelta(days=1)
    seen = [rules.state_of(first, last, None, at) for at in (first - MILLISECOND, first, last - MILLISECOND, last)]
    assert seen == ["planned", "shown", "shown", "over"]


def test_a_check_names_what_is_wrong():
    now = datetime(2030, 1, 1, tzinfo=UTC)
    row = {"title_en": "x", "title_zh": "", "shown_from": now, "shown_until": now}
    with pytest.raises(BadValueError, match="shown_until"):
        rules.check(row, None)
    with pytest.raises(RefusedError):
        rules.check({**row, "shown_until": now + timedelta(days=1), "price_minor": 5}, None)
