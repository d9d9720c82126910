"""Suggestions over HTTP and on their page, in both languages; the worker beside the site."""

import asyncio
from datetime import timedelta

from cloud_relay import tables
from cloud_relay.records import consent
from cloud_relay.records.uses import Use
from cloud_relay.suggestions import timers
from tests.cloud_relay.site import Site
from tests.cloud_relay.trade_world import World


async def neighbours(site: Site) -> tuple[dict[str, str], dict[str, str], str, str]:
    """Return two shoppers of one area who wish for what a promotion has, and their account ids."""
    _, shop_id, owner = await site.merchant("tea")
    listing_id, _ = await site.listing(shop_id, owner, pieces=4, attributes={"category": "Tea"})
    world, now = World(site.db, now=site.clock.now()), site.clock.now()
    row = {
        "promotion_id": "pro_1", "shop_id": shop_id, "merchant_id": world.rows(tables.shop)[0]["merchant_id"],
        "kind": "group_price", "title_en": "Tea together", "title_zh": "一起喝茶", "listing_ids": [listing_id],
        "currency": world.rows(tables.listing)[0]["currency"], "count": 2, "price_minor": 8_000, "from_at": now,
        "until_at": now + timedelta(days=30), "created_at": now, "account_id": "owner",
    }  # fmt: skip
    world.add(tables.promotion, **row)
    found = []
    for name in ("ann", "bob"):
        headers = site.account(name)
        account_id = (await site.call("GET", "/api/me", headers=headers))["account_id"]
        world.add(tables.shopper_profile, account_id=account_id, country="CN", area="静安", changed_at=now)
        world.add(
            tables.wish, wish_id=f"wsh_{name}", account_id=account_id, category="tea", budget_minor=9_000,
            currency=row["currency"], wished_until=now + timedelta(days=9), created_at=now,
        )  # fmt: skip
        site.db.run_now(consent.give, account_id, Use.SUGGESTIONS, now)
        found.append((headers, account_id))
    return found[0][0], found[1][0], found[0][1], found[1][1]


async def test_from_the_wish_to_the_group(site):
    ann, bob, ann_id, bob_id = await neighbours(site)
    assert await timers.work_once(site.relay) == 2
    assert await timers.work_once(site.relay) == 0
    (mine,) = (await site.call("GET", "/api/suggestions", headers=ann))["suggestions"]
    path = f"/api/suggestions/{mine['suggestion_id']}"
    assert mine == await site.call("GET", path, headers=ann)
    await site.call("GET", path, status=401)
    await site.call("GET", path, headers=site.account("eve"), status=404)
    await site.call("POST", f"{path}/accept", {}, site.account("mallory"), 404)
    page = (
        await site.call("GET", f"/together/suggestions/{mine['suggestion_id']}?lang=en", headers=ann, status=None)
    ).text
    assert "is looking for the same" in page
    assert [one for one in (bob_id, "bob@", "bob<", "wsh_bob") if one in page] == []
    begun = await site.call("POST", f"{path}/accept", {}, ann)
    page = (
        await site.call("GET", f"/together/suggestions/{mine['suggestion_id']}?lang=zh", headers=bob, status=None)
    ).text
    assert "已参加：" in page
    assert "一起下单" in page
    assert ann_id not in page
    joined = await site.call("POST", f"{path}/accept", {}, bob)
    assert joined["group_id"] == begun["group_id"]
    refused = await site.call("POST", f"{path}/decline", {}, bob, 409)
    assert refused["type"].endswith("already_accepted")
    assert refused["title"]
    assert (
        await site.call(
            "GET", f"/together/suggestions/{mine['suggestion_id']}", headers=site.account("zed"), status=None
        )
    ).status_code == 404


async def test_a_yes_taken_back_empties_the_other_ones_page(site):
    ann, bob, ann_id, _ = await neighbours(site)
    await timers.work_once(site.relay)
    (mine,) = (await site.call("GET", "/api/suggestions", headers=bob))["suggestions"]
    site.db.run_now(consent.withdraw, ann_id, Use.SUGGESTIONS, site.clock.now())
    assert (await site.call("GET", "/api/suggestions", headers=bob))["suggestions"] == []
    assert (await site.call("GET", "/api/suggestions", headers=ann))["suggestions"] == []
    page = (
        await site.call("GET", f"/together/suggestions/{mine['suggestion_id']}?lang=en", headers=bob, status=None)
    ).text
    assert "does not hold any more" in page
    await site.call("GET", f"/api/suggestions/{mine['suggestion_id']}", headers=ann, status=404)


async def test_the_worker_is_woken_by_the_yes_itself(site, eventually):
    ann, _, ann_id, _ = await neighbours(site)
    await timers.work_once(site.relay)
    site.db.run_now(consent.withdraw, ann_id, Use.SUGGESTIONS, site.clock.now())
    work = asyncio.create_task(timers.work(site.relay))

    async def has_one():
        return (await site.call("GET", "/api/suggestions", headers=ann))["suggestions"]

    assert await has_one() == []
    await site.call("PUT", "/api/me/consent/suggestions", {"is_given": True}, ann)
    await eventually(has_one)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
