"""Goods from a table, many listings at once and planned times, over HTTP: previewed, all or none, undone."""

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from cloud_relay import tables
from cloud_relay.publishing import bulk_rules, schedule, timers
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
    site, _, owner = shop
    kept = await send(shop)
    assert rows(site, tables.listing) == []
    shown = await site.call("GET", f"/api/goods-imports/{kept['import_id']}", headers=owner)
    assert (shown["row_count"], shown["piece_count"], shown["encoding"]) == (2, 2, "gb18030")
    assert await confirm(shop, kept["import_id"]) == {
        "import_id": kept["import_id"], "listings": 2, "pieces": 2, "shop_id": shop[1],
    }  # fmt: skip
    found = {one["sku"]: one for one in rows(site, tables.listing)}
    assert (found["A-1"]["price_minor"], found["A-1"]["on_hand"], found["A-1"]["state"]) == (1250, 2, "draft")
    assert found["A-2"]["on_hand"] == 7 and {one["code"] for one in rows(site, tables.piece)} == {"T-1", "T-2"}
    await confirm(shop, kept["import_id"], 409)
    assert (await site.call("GET", "/api/search?q=茶壶"))["total"] == 0  # drafts


async def test_what_is_published_at_once_is_found_at_once(shop):
    site, _, _ = shop
    await confirm(shop, (await send(shop))["import_id"], is_published=True)
    assert (await site.call("GET", "/api/search?q=茶壶"))["total"] == 1


async def test_a_table_with_a_fault_cannot_be_confirmed(shop):
    site, _, _ = shop
    kept = await send(shop, CSV + "A-3,,=cmd,1,,\n")
    assert kept["fault_count"] == 1
    assert (await confirm(shop, kept["import_id"], 409))["type"].endswith("import_faults")
    assert rows(site, tables.listing) == []


async def test_what_came_meanwhile_keeps_the_whole_table_out(shop):
    site, _, _ = shop
    first, second = await send(shop), await send(shop)
    await confirm(shop, first["import_id"])
    before = len(rows(site, tables.listing))
    assert (await confirm(shop, second["import_id"], 409))["type"].endswith("stale_import")
    assert len(rows(site, tables.listing)) == before
    late = await send(shop, "sku,title_en,price\nL-1,x,1\n")
    site.clock.forward(86400)
    assert (await confirm(shop, late["import_id"], 409))["type"].endswith("import_late")


async def test_an_import_is_undone_while_nobody_touched_it(shop):
    site, _, owner = shop
    kept = await send(shop)
    await confirm(shop, kept["import_id"])
    path = f"/api/goods-imports/{kept['import_id']}/undo"
    await site.call("POST", path, {}, owner)
    assert rows(site, tables.listing) == [] == rows(site, tables.piece)
    await site.call("POST", path, {}, owner, 409)
    again = await send(shop)
    await confirm(shop, again["import_id"])
    touched = rows(site, tables.listing)[0]["listing_id"]
    await site.call("PATCH", f"/api/listings/{touched}", {"title_en": "Other"}, owner)
    answer = await site.call("POST", f"/api/goods-imports/{again['import_id']}/undo", {}, owner, 409)
    assert answer["type"].endswith("import_touched") and len(rows(site, tables.listing)) == 2


async def test_the_template_is_a_table_that_is_taken(shop):
    site, _, _ = shop
    text = (await site.call("GET", "/api/goods-imports/template.csv")).content.decode("utf-8-sig")
    kept = await send(shop, text)
    assert kept["fault_count"] == 0 and kept["row_count"] == len(list(csv.reader(io.StringIO(text)))) - 1


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


async def test_prices_change_together_and_come_back(shop):
    site, _, owner = shop
    await confirm(shop, (await send(shop))["import_id"])
    shown, done = await bulk(shop, "price_percent", 10)
    assert sorted((one["before"], one["after"]) for one in shown["lines"]) == [(1250, 1375), (38000, 41800)]
    assert column(site, "price_minor") == [1375, 41800]
    await site.call("POST", f"/api/bulk-changes/{done['change_id']}/undo", {}, owner)
    assert column(site, "price_minor") == [1250, 38000]
    await site.call("POST", f"/api/bulk-changes/{done['change_id']}/undo", {}, owner, 409)


async def test_one_listing_that_cannot_keeps_the_others_as_they_were(shop):
    site, _, _ = shop
    await confirm(shop, (await send(shop))["import_id"])
    shown, refused = await bulk(shop, "price_add", -1250, status=409)
    assert shown["faults"] == 1 and refused["type"].endswith("bulk_faults")
    assert column(site, "price_minor") == [1250, 38000]
    shown, refused = await bulk(shop, "stock_set", 1, status=409)  # two pieces stand in the list
    assert column(site, "on_hand") == [2, 7]


async def test_a_preview_that_is_out_of_date_changes_nothing(shop):
    site, _, owner = shop
    await confirm(shop, (await send(shop))["import_id"])
    seen = {one["listing_id"]: one["version"] for one in rows(site, tables.listing)}
    await site.call("PATCH", f"/api/listings/{next(iter(seen))}", {"title_en": "Other"}, owner)
    _, refused = await bulk(shop, "stock_add", 5, versions=seen, status=409)
    assert refused["type"].endswith("stale_version") and column(site, "on_hand") == [2, 7]


async def test_undo_is_refused_once_something_changed_or_is_promised(shop):
    site, _, owner = shop
    await confirm(shop, (await send(shop))["import_id"])
    _, done = await bulk(shop, "stock_add", 5)
    promised = update(tables.listing).values(reserved=6).where(tables.listing.c.sku == "A-1")
    site.db.run_now(lambda c: c.execute(promised))
    path = f"/api/bulk-changes/{done['change_id']}/undo"
    assert (await site.call("POST", path, {}, owner, 409))["type"].endswith("promised")
    assert column(site, "on_hand") == [7, 12]
    site.db.run_now(lambda c: c.execute(update(tables.listing).values(reserved=0, on_hand=9)))
    assert (await site.call("POST", path, {}, owner, 409))["type"].endswith("changed_since")


async def test_many_go_on_show_and_off(shop):
    site, _, owner = shop
    await confirm(shop, (await send(shop))["import_id"])
    await bulk(shop, "publish")
    assert (await site.call("GET", "/api/search?q=茶壶"))["total"] == 1
    _, done = await bulk(shop, "withdraw")
    assert column(site, "state") == ["withdrawn", "withdrawn"]
    await site.call("POST", f"/api/bulk-changes/{done['change_id']}/undo", {}, owner)
    assert column(site, "state") == ["published", "published"]


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


async def test_a_listing_goes_on_show_and_off_at_its_times(shop):
    site, shop_id, owner = shop
    listing_id, _ = await site.listing(shop_id, owner, pieces=0, is_published=False)
    path, now = f"/api/listings/{listing_id}/schedule", site.clock.now()
    on, off = now + timedelta(hours=1), now + timedelta(hours=2)
    body = {"publish_at": on.isoformat(), "withdraw_at": off.isoformat()}
    await site.call("PUT", path, {"publish_at": now.isoformat()}, owner, 422)
    await site.call("PUT", path, {"publish_at": off.isoformat(), "withdraw_at": on.isoformat()}, owner, 422)
    await site.call("PUT", path, {"withdraw_at": off.isoformat()}, owner, 409)
    await site.call("PUT", path, {}, owner, 422)
    await site.call("PUT", path, body, owner)
    for forward, state in ((3599, "draft"), (1, "published"), (3599, "published"), (1, "withdrawn")):
        site.clock.forward(forward)
        site.db.run_now(schedule.do_due, site.clock.now())
        assert column(site, "state") == [state]
    assert rows(site, tables.listing_schedule) == []
    await site.call("DELETE", path, headers=owner, status=404)


async def test_a_relay_that_slept_through_both_times_leaves_it_off(shop):
    site, shop_id, owner = shop
    listing_id, _ = await site.listing(shop_id, owner, pieces=0, is_published=False)
    now = site.clock.now()
    body = {"publish_at": (now + timedelta(hours=1)).isoformat(), "withdraw_at": (now + timedelta(hours=2)).isoformat()}
    await site.call("PUT", f"/api/listings/{listing_id}/schedule", body, owner)
    site.clock.forward(3 * 3600)
    assert site.db.run_now(schedule.do_due, site.clock.now()) == 0
    assert column(site, "state") == ["draft"] and rows(site, tables.listing_schedule) == []
    assert timers.LOOK_S > 0


async def test_a_suspended_merchants_plan_does_not_publish_and_is_told(shop):
    site, shop_id, owner = shop
    listing_id, _ = await site.listing(shop_id, owner, pieces=0, is_published=False)
    on = site.clock.now() + timedelta(hours=1)
    await site.call("PUT", f"/api/listings/{listing_id}/schedule", {"publish_at": on.isoformat()}, owner)
    site.db.run_now(lambda c: c.execute(update(tables.merchant).values(state="suspended")))
    site.clock.forward(3600)
    site.db.run_now(schedule.do_due, site.clock.now())
    assert column(site, "state") == ["draft"]
    assert "schedule_stuck" in {one["kind"] for one in rows(site, tables.notice)}


async def test_more_goods_than_a_shops_till_is_told_are_refused_whole(shop):
    site, _, _ = shop
    site.db.run_now(lambda c: c.execute(update(tables.member).values(pin_hash="x")))
    kept = await send(shop, "sku,title_en,price\n" + "".join(f"S{place},{'x' * 140},1\n" for place in range(1200)))
    assert (await confirm(shop, kept["import_id"], 409))["type"].endswith("plan_too_large")
    assert rows(site, tables.listing) == []
