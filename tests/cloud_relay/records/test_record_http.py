"""The record over HTTP: the shopper's own and nobody else's, each deed with its sentence, and the account's end."""

from datetime import timedelta

import pytest

from cloud_relay.records.uses import Use
from tests.cloud_relay.trade_world import World
from wire.values import format_time

pytestmark = pytest.mark.both_stores


async def bought(site, shopper_id: str) -> tuple[str, str]:
    """Let somebody buy; return (order, merchant's owner's shop)."""
    _, shop_id, owner = await site.merchant(f"of-{shopper_id[-4:]}")
    listing_id, _ = await site.listing(shop_id, owner, price_minor=100_000, attributes={"Kind": "Teapot"})
    return World(site.db, now=site.clock.now()).paid_order(shopper_id, listing_id), listing_id


async def test_purchases_are_ones_own_and_of_the_days_that_one_asks_for(site):
    ann, bob = site.account("ann"), site.account("bob")
    ann_id = (await site.call("GET", "/api/me", headers=ann))["account_id"]
    assert await site.call("GET", "/api/me/purchases", headers=ann) == {"purchases": []}
    await site.call("GET", "/api/me/purchases", status=401)
    order_id, _ = await bought(site, ann_id)
    mine = (await site.call("GET", "/api/me/purchases", headers=ann))["purchases"]
    assert [(one["link"], one["how"], one["category"]) for one in mine] == [(f"/orders/{order_id}", "online", "teapot")]
    assert (await site.call("GET", "/api/me/purchases", headers=bob))["purchases"] == []
    site.clock.forward(86_400)
    days = lambda count: site.call("GET", f"/api/me/purchases?days={count}", headers=ann)  # asked twice
    assert len((await days(1))["purchases"]) == 1
    site.clock.forward(0.001)
    assert (await days(1))["purchases"] == []
    await site.call("GET", "/api/me/purchases?days=0", headers=ann, status=422)


async def test_consent_is_chosen_for_each_use(site):
    ann = site.account("ann")
    before = (await site.call("GET", "/api/me/consent", headers=ann))["uses"]
    assert [(one["use"], one["is_given"]) for one in before] == [(use.value, False) for use in Use]
    answer = await site.call("PUT", "/api/me/consent/on_site", {"is_given": True}, ann)
    assert [one["use"] for one in answer["uses"] if one["is_given"]] == ["on_site"]
    answer = await site.call("PUT", "/api/me/consent/on_site", {"is_given": False}, ann)
    assert not [one for one in answer["uses"] if one["is_given"]]
    await site.call("PUT", "/api/me/consent/everything", {"is_given": True}, ann, 422)
    await site.call("PUT", "/api/me/consent/on_site", {"is_given": True}, status=401)


async def test_profile_and_wishes(site):
    ann, bob = site.account("ann"), site.account("bob")
    assert await site.call("PUT", "/api/me/profile", {"country": "de", "area": "101"}, ann) == {
        "country": "DE", "area": "101",
    }  # fmt: skip
    await site.call("PUT", "/api/me/profile", {"country": "Germany"}, ann, 422)
    refused = await site.call("PUT", "/api/me/profile", {"area": "x" * 41}, ann, 422)
    assert "area" in repr(refused)
    until = format_time(site.clock.now() + timedelta(days=7))
    body = {"category": "Tea", "budget_minor": 5000, "currency": "CNY", "wished_until": until}
    made = await site.call("POST", "/api/me/wishes", body, ann, 201)
    path = f"/api/me/wishes/{made['wish_id']}"
    await site.call("DELETE", path, headers=bob, status=404)
    await site.call("DELETE", path, headers=ann)
    await site.call("POST", f"{path}/restore", {}, bob, 404)
    await site.call("POST", f"{path}/restore", {}, ann)
    assert [one["wish_id"] for one in (await site.call("GET", "/api/me/wishes", headers=ann))["open"]] == [
        made["wish_id"]
    ]
    refused = await site.call("POST", "/api/me/wishes", body | {"budget_minor": 0}, ann, 422)
    assert refused["type"].endswith("bad_budget")


async def test_everything_as_one_document_and_then_the_end(site):
    ann, bob = site.account("ann"), site.account("bob")
    me = await site.call("GET", "/api/me", headers=ann)
    body = {"email": "ann@example.org", "password": site.password}
    again = {"Authorization": f"Bearer {(await site.call('POST', '/api/sign-in', body))['token']}"}
    site.http.cookies.clear()  # the sign-in's own
    address = {"name": "Ann", "lines": ["Way 1"], "city": "Bremen", "country": "DE"}
    await site.call("POST", "/api/me/addresses", address, ann, 201)
    answer = await site.call("GET", "/api/account/export", headers=ann, status=None)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.headers["content-disposition"].startswith("attachment")
    document = answer.json()
    assert document["parts"]["account"][0]["email"] == "ann@example.org"
    assert document["parts"]["saved_address"][0]["address"]["city"] == "Bremen"
    assert "password_hash" not in answer.text
    assert "bob" not in answer.text
    await site.call("GET", "/api/account/export", status=401)

    order_id, _ = await bought(site, me["account_id"])
    refused = await site.call("POST", "/api/account/erase", {"password": site.password}, ann, 409)
    assert ([one["name"] for one in refused["open"]], order_id != "") == (["orders"], True)
    wrong = await site.call("POST", "/api/account/erase", {"password": "a wrong sentence"}, bob, 403)
    assert wrong["type"].endswith("bad_password")
    await site.call("POST", "/api/account/erase", {"password": site.password}, status=401)
    await site.call("POST", "/api/account/erase", {"password": site.password}, bob, 204)
    await site.call("GET", "/api/me", headers=bob, status=401)
    await site.call("POST", "/api/sign-in", {"email": "bob@example.org", "password": site.password}, status=401)
    await site.call("GET", "/api/me", headers=again)
    site.account("bob")  # the address is free again


async def test_a_guessed_password_is_counted_like_a_sign_in(site):
    ann = site.account("ann")
    tries = site.relay.settings.accounts.failures_max
    for _ in range(tries):
        await site.call("POST", "/api/account/erase", {"password": "a wrong sentence"}, ann, 403)
    await site.call("POST", "/api/account/erase", {"password": site.password}, ann, 429)
    await site.call("GET", "/api/me", headers=ann)


async def test_the_pages_say_it_in_both_languages(site):
    ann = site.account("ann")
    me = await site.call("GET", "/api/me", headers=ann)
    for path in ("record", "consent", "wishes", "record?days=30"):
        assert (await site.call("GET", f"/account/{path}", status=None)).status_code == 401
        assert (await site.call("GET", f"/account/{path}", headers=ann, status=None)).status_code == 200
    order_id, listing_id = await bought(site, me["account_id"])
    await site.call("PUT", "/api/me/consent/suggestions", {"is_given": True}, ann)
    await site.call("PUT", "/api/me/profile", {"country": "DE", "area": "101"}, ann)
    until = format_time(site.clock.now() + timedelta(days=7))
    body = {"category": "tea", "budget_minor": 5000, "currency": "CNY", "wished_until": until}
    await site.call("POST", "/api/me/wishes", body, ann, 201)
    for path, words in (
        ("/account/record?lang=en", ["Teapot", f"/orders/{order_id}", "online"]),
        ("/account/record?lang=zh", ["紫砂茶壶", "线上"]),
        ("/account/consent?lang=en", ['aria-checked="true"', "Suggest orders together", "an order that has not ended"]),
        ("/account/consent?lang=zh", ["推荐拼单", "暂不能注销", "未完成的订单"]),
        ("/account/wishes?lang=en", ["<b>tea</b>", "At most 20 open wishes"]),
        (f"/account/wishes?lang=zh&listing={listing_id}", ["想要此商品", "紫砂茶壶"]),
        ("/account/wishes?listing=lis_none", ['list="categories"', "teapot"]),
        ("/account?lang=en", ["/account/record", "/account/consent", "/account/wishes"]),
    ):  # fmt: skip
        answer = await site.call("GET", path, headers=ann, status=None)
        assert answer.status_code == 200, path
        assert [one for one in words if one not in answer.text] == [], path
