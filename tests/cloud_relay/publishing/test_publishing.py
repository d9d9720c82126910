"""Goods from a table, many listings at once and planned times, over HTTP: previewed, all or none, undone."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from cloud_relay import tables
from cloud_relay.publishing import bulk_rules, schedule
from cloud_relay.publishing.bulk_rules import Rule, What, fate_of

CSV = "sku,title_zh,title_en,price,on_hand,pieces\nA-1,茶杯,Cup,12.50,,T-1 T-2\nA-2,茶壶,Pot,380,7,\n"


def rows(site, table):
    return site.db.read_now(lambda c: [dict(row) for row in c.execute(select(table)).mappings()])


@pytest.fixture
async def shop(site):
    _, shop_id, owner = await site.merchant("mo", currency="CNY")
    return site, shop_id, owner


async def send(shop, text=CSV, status=201, name="货品.csv"):
    site, shop_id, owner = shop
    files = {"table": (name, text.encode("gbk"))}
    return await site.call(
        "POST", "/api/goods-imports", headers=owner, files=files, data={"shop_id": shop_id}, status=status
    )


async def confirm(shop, import_id, status=200, **body):
    site, _, owner = shop
    return await site.call("POST", f"/api/goods-imports/{import_id}/confirm", body, owner, status)


async def test_nothing_is_written_before_the_merchants_word_and_then_everything(shop):
    site, shop_id, owner = shop
    faulty = await send(shop, CSV + "A-3,,=cmd,1,,\n")
    assert faulty["fault_count"] == 1
    assert (await confirm(shop, faulty["import_id"], 409))["type"].endswith("import_faults")
    kept, same = await send(shop), await send(shop)
    assert rows(site, tables.listing) == []
    shown = await site.call("GET", f"/api/goods-imports/{kept['import_id']}", headers=owner)
    assert (shown["row_count"], shown["piece_count"], shown["encoding"]) == (2, 2, "gb18030")
    assert await confirm(shop, kept["import_id"]) == {
        "import_id": kept["import_id"], "listings": 2, "pieces": 2, "shop_id": shop_id,
    }  # fmt: skip
    found = {one["sku"]: one for one in rows(site, tables.listing)}
    assert (found["A-1"]["price_minor"], found["A-1"]["on_hand"], found["A-1"]["state"]) == (1250, 2, "draft")
    assert found["A-2"]["on_hand"] == 7 and {one["code"] for one in rows(site, tables.piece)} == {"T-1", "T-2"}
    await confirm(shop, kept["import_id"], 409)
    assert (await site.call("GET", "/api/search?q=茶壶"))["total"] == 0  # drafts
    assert (await confirm(shop, same["import_id"], 409))["type"].endswith("stale_import")
    late = await send(shop, "sku,title_en,price\nL-1,x,1\n")
    site.clock.forward(86400)
    assert (await confirm(shop, late["import_id"], 409))["type"].endswith("import_late")
    assert len(rows(site, tables.listing)) == 2


async def test_an_import_is_on_show_at_once_and_undone_while_nobody_touched_it(shop):
    site, _, owner = shop
    kept = await send(shop)
    await confirm(shop, kept["import_id"], is_published=True)
    assert (await site.call("GET", "/api/search?q=茶壶"))["total"] == 1
    path = f"/api/goods-imports/{kept['import_id']}/undo"
    await site.call("POST", path, {}, owner)
    assert rows(site, tables.listing) == [] == rows(site, tables.piece)
    await site.call("POST", path, {}, owner, 409)
    text = (await site.call("GET", "/api/goods-imports/template.csv")).content.decode("utf-8-sig")
    again = await send(shop, text + "X-1,,Other,1,,,,,,\n")
    assert again["fault_count"] == 0 and again["row_count"] == 4
    await confirm(shop, again["import_id"])
    touched = rows(site, tables.listing)[0]["listing_id"]
    await site.call("PATCH", f"/api/listings/{touched}", {"title_en": "Other"}, owner)
    answer = await site.call("POST", f"/api/goods-imports/{again['import_id']}/undo", {}, owner, 409)
    assert answer["type"].endswith("import_touched") and len(rows(site, tables.listing)) == 3


async def test_variants_come_in_with_their_stock_and_are_sold_found_and_undone_like_any(shop):
    site, _, owner = shop
    text = "sku,title_en,price,on_hand,size\nS-1,Linen shirt,10,2,Small\nS-2,Linen shirt,12,1,Large\n"
    kept = await send(shop, text)
    shown = await site.call("GET", f"/api/goods-imports/{kept['import_id']}", headers=owner)
    assert (shown["listing_count"], shown["row_count"], shown["piece_count"]) == (1, 2, 3)
    page = await site.call("GET", f"/merchant/imports/{kept['import_id']}?lang=en", headers=owner)
    assert "Small" in page.text and "as line 2" in page.text
    made = await confirm(shop, kept["import_id"], is_published=True)
    assert (made["listings"], made["pieces"]) == (1, 3)
    (row,) = rows(site, tables.listing)
    assert (row["sku"], row["on_hand"], row["price_minor"]) == ("", 3, 1000)
    listing = await site.call("GET", f"/api/listings/{row['listing_id']}")
    found = [(one["name"]["en"], one["in_stock"], one["price_minor"]) for one in listing["variants"]]
    assert found == [("Small", 2, 1000), ("Large", 1, 1200)]
    assert (await site.call("GET", "/api/search?q=large"))["total"] == 1, "found by a style's name"
    assert (await send(shop, text))["fault_count"] > 0, "the shop has these codes already"
    await site.call("POST", f"/api/goods-imports/{kept['import_id']}/undo", {}, owner)
    assert rows(site, tables.listing) == rows(site, tables.variant) == rows(site, tables.piece) == []


async def bulk(shop, what, amount=0, *, versions=None, status=201):
    """Preview for all listings, then apply with the versions seen."""
    site, shop_id, owner = shop
    ids = [one["listing_id"] for one in rows(site, tables.listing)]
    body = {"what": what, "amount": amount}
    shown = await site.call("POST", f"/api/shops/{shop_id}/bulk-preview", {**body, "listing_ids": ids}, owner)
    seen = versions or {one["listing_id"]: one["version"] for one in shown["lines"]}
    done = await site.call("POST", f"/api/shops/{shop_id}/bulk-changes", {**body, "versions": seen}, owner, status)
    return shown, done


def column(site, name):
    return [one[name] for one in sorted(rows(site, tables.listing), key=lambda one: one["sku"])]


async def test_many_listings_change_together_or_not_at_all_and_come_back(shop):
    site, _, owner = shop
    await confirm(shop, (await send(shop))["import_id"])
    shown, done = await bulk(shop, "price_percent", 10)
    assert sorted((one["before"], one["after"]) for one in shown["lines"]) == [(1250, 1375), (38000, 41800)]
    assert column(site, "price_minor") == [1375, 41800]
    await site.call("POST", f"/api/bulk-changes/{done['change_id']}/undo", {}, owner)
    assert column(site, "price_minor") == [1250, 38000]
    await site.call("POST", f"/api/bulk-changes/{done['change_id']}/undo", {}, owner, 409)

    shown, refused = await bulk(shop, "price_add", -1250, status=409)  # of one listing it would leave nothing
    assert shown["faults"] == 1 and refused["type"].endswith("bulk_faults")
    assert column(site, "price_minor") == [1250, 38000]
    await bulk(shop, "stock_set", 1, status=409)  # two pieces stand in the list
    seen = {one["listing_id"]: one["version"] for one in rows(site, tables.listing)}
    await site.call("PATCH", f"/api/listings/{next(iter(seen))}", {"title_en": "Other"}, owner)
    _, refused = await bulk(shop, "stock_add", 5, versions=seen, status=409)
    assert refused["type"].endswith("stale_version") and column(site, "on_hand") == [2, 7]

    await bulk(shop, "publish")
    assert (await site.call("GET", "/api/search?q=茶壶"))["total"] == 1
    _, done = await bulk(shop, "withdraw")
    assert column(site, "state") == ["withdrawn", "withdrawn"]
    await site.call("POST", f"/api/bulk-changes/{done['change_id']}/undo", {}, owner)
    assert column(site, "state") == ["published", "published"]

    _, done = await bulk(shop, "stock_add", 5)
    promised = update(tables.listing).values(reserved=6).where(tables.listing.c.sku == "A-1")
    site.db.run_now(lambda c: c.execute(promised))
    path = f"/api/bulk-changes/{done['change_id']}/undo"
    assert (await site.call("POST", path, {}, owner, 409))["type"].endswith("promised")
    assert column(site, "on_hand") == [7, 12]
    site.db.run_now(lambda c: c.execute(update(tables.listing).values(reserved=0, on_hand=9)))
    assert (await site.call("POST", path, {}, owner, 409))["type"].endswith("changed_since")


ROW = {"price_minor": 100, "on_hand": 5, "reserved": 2, "state": "published"}


@pytest.mark.parametrize(
    ("what", "amount", "difference", "house", "after", "is_refused"),
    [
        (What.PRICE_ADD, -99, 0, 0, 1, False), (What.PRICE_ADD, -100, 0, 0, 0, True),
        (What.PRICE_SET, 50, -49, 0, 50, False), (What.PRICE_SET, 50, -50, 0, 50, True),
        (What.PRICE_PERCENT, -50, 0, 0, 50, False), (What.STOCK_SET, 2, 0, 0, 2, False),
        (What.STOCK_SET, 1, 0, 0, 1, True), (What.STOCK_SET, 3, 0, 3, 3, False), (What.STOCK_SET, 3, 0, 4, 3, True),
    ],
)  # fmt: skip
def test_what_becomes_of_a_listing_at_its_edges(what, amount, difference, house, after, is_refused):
    fate = fate_of(Rule(what=what, amount=amount), ROW, [difference], house)
    assert (fate.after, fate.is_refused) == (after, is_refused)


async def test_bounds_of_a_change_are_said(shop):
    site, shop_id, owner = shop
    await confirm(shop, (await send(shop))["import_id"])
    ids = [one["listing_id"] for one in rows(site, tables.listing)]
    path = f"/api/shops/{shop_id}/bulk-preview"
    for amount, status in ((bulk_rules.PERCENT_MIN - 1, 422), (bulk_rules.PERCENT_MIN, 200),
                           (bulk_rules.PERCENT_MAX, 200), (bulk_rules.PERCENT_MAX + 1, 422)):  # fmt: skip
        await site.call("POST", path, {"what": "price_percent", "amount": amount, "listing_ids": ids}, owner, status)
    await site.call("POST", path, {"what": "publish", "listing_ids": []}, owner, 422)
    await site.call("POST", path, {"what": "publish", "listing_ids": ["lst_none"]}, owner, 404)


async def plan_it(shop, on_h=None, off_h=None, status=200, listing_id=""):
    """Plan a listing's times, hours from now; return its id."""
    site, shop_id, owner = shop
    if not listing_id:
        listing_id, _ = await site.listing(shop_id, owner, pieces=0, is_published=False)
    now = site.clock.now()
    times = {"publish_at": on_h, "withdraw_at": off_h}
    body = {name: (now + timedelta(hours=h)).isoformat() for name, h in times.items() if h is not None}
    await site.call("PUT", f"/api/listings/{listing_id}/schedule", body, owner, status)
    return listing_id


async def test_a_listing_goes_on_show_and_off_at_its_times(shop):
    site, _, owner = shop
    listing_id = await plan_it(shop, 0, status=422)
    for on_h, off_h, status in ((2, 1, 422), (None, 2, 409), (None, None, 422), (1, 24 * 731, 422), (1, 2, 200)):
        await plan_it(shop, on_h, off_h, status, listing_id)
    for forward, state in ((3599, "draft"), (1, "published"), (3599, "published"), (1, "withdrawn")):
        site.clock.forward(forward)
        site.db.run_now(schedule.do_due, site.clock.now())
        assert column(site, "state") == [state]
    assert rows(site, tables.listing_schedule) == []
    await site.call("DELETE", f"/api/listings/{listing_id}/schedule", headers=owner, status=404)


async def test_a_plan_that_was_slept_through_or_is_not_allowed_publishes_nothing(shop):
    site, _, _ = shop
    await plan_it(shop, 1, 2)
    site.clock.forward(3 * 3600)
    assert site.db.run_now(schedule.do_due, site.clock.now()) == 0
    assert column(site, "state") == ["draft"] and rows(site, tables.listing_schedule) == []
    await plan_it(shop, 1)
    site.db.run_now(lambda c: c.execute(update(tables.merchant).values(state="suspended")))
    site.clock.forward(3600)
    site.db.run_now(schedule.do_due, site.clock.now())
    assert set(column(site, "state")) == {"draft"}
    assert "schedule_stuck" in {one["kind"] for one in rows(site, tables.notice)}


async def test_more_goods_than_a_shops_till_is_told_are_refused_whole(shop):
    site, _, _ = shop
    site.db.run_now(lambda c: c.execute(update(tables.member).values(pin_hash="x")))
    kept = await send(shop, "sku,title_en,price\n" + "".join(f"S{place},{'x' * 140},1\n" for place in range(1200)))
    assert (await confirm(shop, kept["import_id"], 409))["type"].endswith("plan_too_large")
    assert rows(site, tables.listing) == []
