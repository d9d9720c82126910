"""Promotions on pages: the merchant's own, and one line each where shoppers look, in both languages."""

from datetime import timedelta

import pytest

from wire.values import format_time

WORDS = {
    "en": {
        "line": "3 people: ¥80.00 each", "together": "Order together", "running": "Counts now", "planned": "Planned",
        "over": "Over", "deleted": "Deleted", "empty": "Nothing yet.", "stays": "keep the terms",
    },
    "zh": {
        "line": "3 人成团：每件 ¥80.00", "together": "一起拼单", "running": "进行中", "planned": "待开始",
        "over": "已结束", "deleted": "已删除", "empty": "还没有优惠。", "stays": "仍按开始时的条件执行",
    },
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_merchants_page_shows_each_state_with_its_deeds(site, language):
    _, shop_id, owner = await site.merchant("mo")
    await site.listing(shop_id, owner)
    words, now = WORDS[language], site.clock.now()

    async def page():
        answer = await site.call("GET", f"/merchant/promotions?lang={language}", headers=owner, status=None)
        assert answer.status_code == 200
        return answer.text

    first = await page()
    assert words["empty"] in first
    assert words["stays"] in first
    made = []
    for begins_s, until_s in ((0, 7200), (60, 7200), (0, 7000), (0, 7000)):
        body = {
            "shop_id": shop_id, "kind": "group_price", "count": 3, "price_minor": 8_000, "title_en": "Tea",
            "title_zh": "茶", "from_at": format_time(now + timedelta(seconds=begins_s)),
            "until_at": format_time(now + timedelta(seconds=until_s)),
        }  # fmt: skip
        made.append((await site.call("POST", "/api/promotions", body, owner, 201))["promotion_id"])
    await site.call("POST", f"/api/promotions/{made[2]}/end", {}, owner)
    await site.call("DELETE", f"/api/promotions/{made[3]}", headers=owner)
    shown = await page()
    assert [word for name, word in words.items() if name not in ("empty", "together") and word not in shown] == []
    assert shown.count("PATCH /api/promotions/") == 1, "only what has not begun is changed"
    assert shown.count("/end") == 1
    assert f"/api/promotions/{made[3]}/restore" in shown


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_shop_and_listing_say_it_in_one_line_with_the_way_to_order_together(site, language):
    _, shop_id, owner = await site.merchant("mo")
    listing_id, _ = await site.listing(shop_id, owner)
    other, _ = await site.listing(shop_id, owner)
    body = {
        "shop_id": shop_id, "kind": "group_price", "count": 3, "price_minor": 8_000, "title_en": "<b>Tea</b>",
        "listing_ids": [listing_id], "until_at": format_time(site.clock.now() + timedelta(hours=1)),
    }  # fmt: skip
    promotion_id = (await site.call("POST", "/api/promotions", body, owner, 201))["promotion_id"]
    words = WORDS[language]
    for path, link in (
        (f"/l/{listing_id}", f"/together/new?promotion={promotion_id}&amp;listing={listing_id}"),
        (f"/s/{shop_id}", f"/together/new?promotion={promotion_id}"),
    ):
        text = (await site.call("GET", f"{path}?lang={language}", status=None)).text
        assert [one for one in (words["line"], words["together"], link, "&lt;b&gt;Tea") if one not in text] == []
    text = (await site.call("GET", f"/l/{other}?lang={language}", status=None)).text
    assert words["line"] not in text
    await site.call("POST", f"/api/promotions/{promotion_id}/end", {}, owner)
    assert words["line"] not in (await site.call("GET", f"/s/{shop_id}?lang={language}", status=None)).text
