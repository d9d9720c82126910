"""Promotions: published, shown, told to the till, changed until they begin, ended, deleted, restored."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cloud_relay.catalog import plan as plans
from cloud_relay.promotions import hooks, reading, rules, store, timers
from cloud_relay.tables import page_event, promotion, shop, shop_command
from wire.codec import dump_bytes, from_json
from wire.plan import ShopPlan, Text
from wire.promotions import Promotion, PromotionKind
from wire.values import format_time

MILLISECOND = timedelta(milliseconds=1)
GROUP = {"kind": "group_price", "count": 3, "price_minor": 8_000}
SPEND = {"kind": "spend_over", "threshold_minor": 30_000, "saving_minor": 5_000}


class Desk:
    def __init__(self, site, merchant_id, shop_id, owner, listing_id):
        self.site, self.merchant_id, self.shop_id, self.owner = site, merchant_id, shop_id, owner
        self.listing_id = listing_id

    async def publish(self, *, begins_s=0, lasts_s=3600, status=201, **values):
        now = self.site.clock.now()
        until = format_time(now + timedelta(seconds=begins_s + lasts_s))
        body = {"shop_id": self.shop_id, "title_en": "Spring", "title_zh": "春", "until_at": until, **GROUP, **values}
        if begins_s:
            body.setdefault("from_at", format_time(now + timedelta(seconds=begins_s)))
        return await self.site.call("POST", "/api/promotions", body, self.owner, status)

    async def deed(self, made, deed, status=200):
        method, _, rest = deed.partition(" ")
        path = f"/api/promotions/{made['promotion_id']}{rest}"
        return await self.site.call(method, path, {} if method == "POST" else None, self.owner, status)

    async def shown(self):
        """How many a visitor is told of at the shop and at the listing."""
        found = [
            await self.site.call("GET", f"/api/promotions?{one}")
            for one in (f"shop_id={self.shop_id}", f"listing_id={self.listing_id}")
        ]
        return [len(one["promotions"]) for one in found]

    async def states(self):
        found = await self.site.call("GET", f"/api/merchants/{self.merchant_id}/promotions", headers=self.owner)
        return [one["state"] for one in found["promotions"]]

    def plan(self) -> ShopPlan:
        """The newest plan that was sent to the shop."""
        query = shop_command.select().where(
            shop_command.c.type == "ReplacePlan", shop_command.c.shop_id == self.shop_id
        )
        rows = self.site.db.read_now(lambda c: c.execute(query.order_by(shop_command.c.command_id.desc())).all())
        return from_json(ShopPlan, rows[0].data["plan"])

    def look(self) -> int:
        return self.site.db.run_now(timers.tell_edges, "http://relay", self.site.clock.now())


@pytest.fixture
async def desk(site):
    merchant_id, shop_id, owner = await site.merchant("mo")
    listing_id, _ = await site.listing(shop_id, owner, pieces=1)
    return Desk(site, merchant_id, shop_id, owner, listing_id)


@pytest.mark.both_stores
async def test_from_publishing_to_its_end_everybody_sees_the_same(desk):
    made = await desk.publish(begins_s=60, lasts_s=60, listing_ids=[desk.listing_id])
    assert (made["state"], made["line"]["en"]) == ("planned", "3 people: ¥80.00 each")
    assert (await desk.shown(), await desk.states()) == ([0, 0], ["planned"])
    [told] = desk.plan().promotions
    assert (told.promotion_id, told.count, told.price_minor) == (made["promotion_id"], 3, 8_000)
    assert (told.from_at, told.until_at) == (made["from_at"], made["until_at"])
    desk.site.clock.forward(60)
    assert (await desk.shown(), await desk.states()) == ([1, 1], ["running"])
    desk.site.clock.forward(60)
    assert (await desk.shown(), await desk.states()) == ([0, 0], ["over"])
    assert (desk.look(), desk.plan().promotions) == (2, ())


@pytest.mark.both_stores
@pytest.mark.parametrize(("offset", "running"), [(-MILLISECOND, 0), (timedelta(0), 1), (MILLISECOND, 1)])
async def test_it_counts_from_its_first_moment(desk, offset, running):
    await desk.publish(begins_s=60)
    at = desk.site.clock.now() + timedelta(seconds=60) + offset
    assert len(desk.site.db.read_now(reading.current, at, shop_id=desk.shop_id)) == running


@pytest.mark.parametrize(("offset", "running"), [(-MILLISECOND, 1), (timedelta(0), 0), (MILLISECOND, 0)])
async def test_it_counts_up_to_its_last(desk, offset, running):
    await desk.publish(lasts_s=60)
    at = desk.site.clock.now() + timedelta(seconds=60) + offset
    assert len(desk.site.db.read_now(reading.current, at, listing_id=desk.listing_id)) == running


async def test_it_is_changed_until_it_begins(desk):
    made = await desk.publish(begins_s=60)
    path = f"/api/promotions/{made['promotion_id']}"
    changed = await desk.site.call("PATCH", path, {"count": 5, "version": made["version"]}, desk.owner)
    assert desk.plan().promotions[0].count == 5
    stale = await desk.site.call("PATCH", path, {"count": 6, "version": made["version"]}, desk.owner, 409)
    assert stale["type"].endswith("stale_version")
    refused = await desk.site.call("PATCH", path, {"price_minor": 9_900}, desk.owner, 422)
    assert refused["usual_price_minor"] == 9_900
    desk.site.clock.forward(60 - 0.001)
    await desk.site.call("PATCH", path, {"count": 7, "version": changed["version"]}, desk.owner)
    desk.site.clock.forward(0.001)
    refused = await desk.site.call("PATCH", path, {"count": 8}, desk.owner, 409)
    assert refused["type"].endswith("has_begun")
    assert refused["title_zh"]


async def test_ended_it_counts_no_more_and_the_till_knows(desk):
    made = await desk.publish()
    ended = await desk.deed(made, "POST /end")
    assert (ended["state"], ended["ended_at"], await desk.shown()) == (
        "over", format_time(desk.site.clock.now()), [0, 0],
    )  # fmt: skip
    assert desk.plan().promotions == ()
    desk.site.clock.forward(1)
    assert (await desk.deed(made, "POST /end"))["ended_at"] == ended["ended_at"], "ended once"
    later = await desk.publish(begins_s=60)
    assert (await desk.deed(later, "POST /end"))["state"] == "deleted", "what never began was never offered"


async def test_deleted_and_restored(desk):
    made = await desk.publish()
    await desk.deed(made, "DELETE")
    assert (await desk.shown(), desk.plan().promotions) == ([0, 0], ())
    restored = await desk.deed(made, "POST /restore")
    assert (restored["state"], await desk.shown(), len(desk.plan().promotions)) == ("running", [1, 1], 1)
    assert await desk.deed(made, "POST /restore") == restored
    await desk.deed(made, "DELETE")
    await desk.site.call("PATCH", f"/api/listings/{desk.listing_id}", {"price_minor": 7_000}, desk.owner)
    refused = await desk.deed(made, "POST /restore", 422)
    assert refused["type"].endswith("price_not_lower"), "meanwhile everybody pays less than the group would"
    desk.site.clock.forward(3600)
    assert (await desk.deed(made, "POST /restore"))["state"] == "over"


@pytest.mark.both_stores
async def test_only_the_goods_it_names_and_only_while_they_are_published(desk):
    other, _ = await desk.site.listing(desk.shop_id, desk.owner)
    await desk.publish(listing_ids=[other])
    assert await desk.shown() == [1, 0]
    await desk.site.call("POST", f"/api/listings/{other}/withdraw", headers=desk.owner)
    found = await desk.site.call("GET", f"/api/promotions?listing_id={other}")
    assert found["promotions"] == []


async def test_the_price_of_every_style_is_asked(desk):
    styles = {
        "axes": [{"en": "Size", "zh": "大小"}],
        "variants": [
            {"choices": [{"en": "S", "zh": "小"}], "price_difference_minor": -2_000},
            {"choices": [{"en": "L", "zh": "大"}], "price_difference_minor": 500},
        ],
    }
    await desk.site.call("PUT", f"/api/listings/{desk.listing_id}/variants", styles, desk.owner, None)
    [goods] = desk.site.db.read_now(store.goods_of, desk.shop_id, ())
    if goods.lowest_minor == goods.dearest_minor:
        pytest.fail("the listing has no styles: see how variants are made")
    refused = await desk.publish(status=422)
    assert refused["usual_price_minor"] == goods.lowest_minor


async def test_what_is_refused(desk):
    foreign_merchant, foreign_shop, ned = await desk.site.merchant("ned")
    foreign, _ = await desk.site.listing(foreign_shop, ned)
    draft, _ = await desk.site.listing(desk.shop_id, desk.owner, is_published=False)
    for values in (
        {"listing_ids": [foreign]}, {"listing_ids": [draft]}, {"price_minor": 9_900}, {"count": 1}, {"count": 51},
        {"title_en": "", "title_zh": ""}, {"is_online": False, "is_at_counter": False}, {"saving_minor": 5},
        {"lasts_s": -1}, {"lasts_s": 93 * 86_400}, {"begins_s": 184 * 86_400}, {"kind": "gift"}, {"surprise": 1},
        {"title_en": "a\u202eb"}, {"currency": "EUR"},
    ):  # fmt: skip
        refused = await desk.publish(**values, status=422)
        assert refused["title_zh"], values
    await desk.publish(shop_id=foreign_shop, status=404)
    made = await desk.publish()
    assert (made["currency"], foreign_merchant != desk.merchant_id) == ("CNY", True)
    path = f"/api/promotions/{made['promotion_id']}"
    await desk.site.call("POST", f"{path}/end", {}, ned, 404)
    await desk.site.call("DELETE", path, headers=ned, status=404)
    await desk.site.call("GET", "/api/promotions", status=422)


async def test_so_many_in_one_shop_and_no_more(desk):
    made = [await desk.publish(begins_s=60) for _ in range(rules.OPEN_MAX)]
    refused = await desk.publish(status=409)
    assert refused["type"].endswith("too_many_promotions")
    await desk.deed(made[0], "DELETE")
    await desk.publish()
    await desk.deed(made[0], "POST /restore", 409)


async def test_pages_and_rooms_hear_of_each_edge_once(desk):
    heard = []
    hooks.CHANGED.append(hear := lambda _connection, promotion_id, at: heard.append((promotion_id, at)))
    try:
        made = await desk.publish(begins_s=60, lasts_s=60)
        start = desk.site.clock.now()
        told = []
        for seconds in (0, 59, 1, 59, 1, 60):
            desk.site.clock.forward(seconds)
            told.append(desk.look())
    finally:
        hooks.CHANGED.remove(hear)
    assert told == [0, 0, 1, 0, 1, 0]
    assert heard == [(made["promotion_id"], start + timedelta(seconds=at)) for at in (0, 60, 120)]
    events = desk.site.db.read_now(lambda c: c.execute(page_event.select()).all())
    of_shop = [one for one in events if one.kind == "promotion_changed" and one.channel == f"shop:{desk.shop_id}"]
    assert len(of_shop) == 3


async def test_a_relay_that_was_away_tells_later_and_the_till_keeps_the_times_itself(desk):
    await desk.publish(begins_s=60, lasts_s=60)
    assert desk.site.db.read_now(store.next_edge) == desk.site.clock.now() + timedelta(seconds=60)
    desk.site.clock.forward(1000)
    assert (desk.look(), desk.plan().promotions) == (2, ())
    assert desk.site.db.read_now(store.next_edge) is None


async def test_a_closed_shop_promises_nothing(desk):
    await desk.publish(**SPEND, price_minor=0, count=0)
    desk.site.db.run_now(lambda c: c.execute(shop.update().values(is_closed=True)))
    assert await desk.shown() == [0, 0]


async def test_where_it_counts(desk):
    await desk.publish(is_online=False)
    await desk.publish(is_at_counter=False)
    read, now = desk.site.db.read_now, desk.site.clock.now()
    counted = [
        len(read(lambda c, where=where: reading.current(c, now, shop_id=desk.shop_id, **where)))
        for where in ({}, {"is_online": True}, {"is_at_counter": True}, {"is_online": False})
    ]
    assert counted == [2, 1, 1, 1]
    assert len(desk.plan().promotions) == 1, "the till is told of what counts there"


def test_promotions_give_way_to_goods_and_places_to_both(monkeypatch):
    one = Promotion(promotion_id="pro_1", kind=PromotionKind.N_FOR, title=Text(en="x"), currency="CNY", count=2)
    plan = ShopPlan(
        version=1, shop_id="s", shop_name=Text(en="s"), merchant_id="m", merchant_name=Text(en="m"),
        promotions=(one, replace(one, promotion_id="pro_2")),
        places=tuple(plans.PlacePlan(tag_id=f"t{number}", location="A") for number in range(3)),
    )  # fmt: skip
    whole = len(dump_bytes(plan))
    kept = []
    for limit in range(whole, 0, -1):
        monkeypatch.setattr(plans, "PLAN_BYTES_MAX", limit)
        found = plans.fitted(plan)
        if found is None:
            break
        assert len(dump_bytes(found)) <= limit
        kept.append((len(found.promotions), len(found.places)))
    assert kept[0] == (2, 3)
    assert kept[-1] == (0, 0)
    assert [one[0] for one in kept] == sorted((one[0] for one in kept), reverse=True)
    assert all(promotions == 2 or places == 0 for promotions, places in kept)


async def test_what_the_till_cannot_be_told_is_not_promised(desk, monkeypatch):
    await desk.publish()
    monkeypatch.setattr(plans, "PLAN_BYTES_MAX", len(dump_bytes(desk.plan())) + 200)
    refused = await desk.publish(status=409)
    assert refused["type"].endswith("plan_too_large")
    rows = desk.site.db.read_now(lambda c: c.execute(promotion.select()).all())
    assert len(rows) == 1
    await desk.publish(is_at_counter=False)
