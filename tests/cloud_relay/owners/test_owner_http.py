"""Owner lists and talks over HTTP and on pages, in both languages: from the listing's page to the operator's."""

import pytest
from sqlalchemy import insert

from cloud_relay import tables
from cloud_relay.records import consent

PAGE = {"Accept": "text/html"}


@pytest.fixture
async def goods(site):
    """A listing that three shoppers with consent bought; their names, ids and headers."""
    merchant_id, shop_id, headers = await site.merchant("mo")
    listing_id, _ = await site.listing(shop_id, headers)
    people = {name: site.account(name) for name in ("ann", "bea", "cid", "dan")}
    ids = {name: (await site.call("GET", "/api/me", headers=own))["account_id"] for name, own in people.items()}
    now = site.clock.now()

    def buy(connection):
        for name in ("bea", "cid", "dan"):
            row = {
                "purchase_id": name, "account_id": ids[name], "listing_id": listing_id, "shop_id": shop_id,
                "merchant_id": merchant_id, "price_minor": 9900, "currency": "CNY", "how": "online", "bought_at": now,
            }  # fmt: skip
            connection.execute(insert(tables.purchase).values(row))
            consent.give(connection, ids[name], consent.Use.ASK_OWNERS, now)

    site.db.run_now(buy)
    people["mo"], people["olga"] = headers, site.account("olga", is_operator=True)
    return {"listing_id": listing_id, "people": people, "ids": ids}


async def shown(site, path, headers, language="en", status=200):
    site.http.cookies.clear()
    answer = await site.http.get(path, headers={**headers, **PAGE}, params={"lang": language})
    assert answer.status_code == status, answer.text[:300]
    return answer.text


async def test_from_the_listing_to_the_answer_and_its_report(site, goods):
    people, ids, path = goods["people"], goods["ids"], f"/l/{goods['listing_id']}"
    assert "Sign in to ask" in await shown(site, path, {})
    assert "Ask somebody who bought it" not in await shown(site, path, people["mo"])
    assert "Nobody can be asked" not in await shown(site, path, people["ann"]), "nothing was asked yet"
    lists = f"/api/listings/{goods['listing_id']}/owner-lists"
    await site.call("POST", lists, {"days": 8}, people["ann"], 422)
    found = await site.call("POST", lists, {"days": 30}, people["ann"], 201)
    assert await site.call("POST", lists, {"days": 30}, people["ann"], 201) == found
    page = await shown(site, path, people["ann"])
    assert all(one["nickname"]["en"] in page and one["owner_id"] in page for one in found["owners"])
    page = await shown(site, path, people["ann"], "zh")
    assert all(one["nickname"]["zh"] in page for one in found["owners"])
    ask = f"/api/listed-owners/{found['owners'][0]['owner_id']}/talks"
    talk_id = (await site.call("POST", ask, {"text": "Does it drip?"}, people["ann"], 201))["talk_id"]
    assert f"/account/talks/{talk_id}" in await shown(site, path, people["ann"])
    told_of = {name: await site.call("GET", "/api/owner-talks", headers=people[name]) for name in ("bea", "cid", "dan")}
    (asked,) = [name for name, found in told_of.items() if found["talks"]]
    for language, words in (("en", "Waits for your answer"), ("zh", "等您答复")):
        assert words in await shown(site, "/account/talks", people[asked], language)
    assert "Decline" in await shown(site, f"/account/talks/{talk_id}", people[asked])
    assert "不会知道您是谁" in await shown(site, "/account", people[asked], "zh")
    write = f"/api/owner-talks/{talk_id}/messages"
    refused = await site.call("POST", write, {"text": "wechat: teaman_88"}, people[asked], 422)
    assert refused["kind"] == "messenger"
    told = await site.call("POST", write, {"text": "Never."}, people[asked], 201)
    page = await shown(site, f"/account/talks/{talk_id}", people["ann"])
    assert "Never." in page
    everything = page + await shown(site, "/account/talks", people["ann"]) + await shown(site, path, people["ann"])
    assert not [one for name, one in ids.items() if name != "ann" and one in everything]
    assert f"{asked}@example.org" not in everything
    report = f"/api/owner-messages/{told['message_id']}/report"
    await site.call("POST", report, {"reason": "It is a lie"}, people["ann"])
    assert "It is a lie" in await shown(site, "/operator", people["olga"])
    waiting = (await site.call("GET", "/api/operator/owner-messages", headers=people["olga"]))["messages"]
    assert [one["account_id"] for one in waiting] == [ids[asked]]
    await site.call("GET", "/api/operator/owner-messages", headers=people["ann"], status=404)
    await site.call("POST", f"/api/operator/owner-messages/{told['message_id']}/close", {}, people["olga"])
    assert "It is a lie" not in await shown(site, "/operator", people["olga"])


async def test_muting_ends_the_talk_and_is_undone_on_the_account_page(site, goods):
    people = goods["people"]
    found = await site.call(
        "POST", f"/api/listings/{goods['listing_id']}/owner-lists", {"days": 30}, people["ann"], 201
    )
    ask = f"/api/listed-owners/{found['owners'][0]['owner_id']}/talks"
    talk_id = (await site.call("POST", ask, {"text": "Does it drip?"}, people["ann"], 201))["talk_id"]
    await site.call("POST", f"/api/owner-talks/{talk_id}/mute", {}, people["ann"])
    assert "Muted;" in await shown(site, f"/account/talks/{talk_id}", people["ann"])
    (mute,) = (await site.call("GET", "/api/mutes", headers=people["ann"]))["mutes"]
    assert mute["nickname"].startswith(found["owners"][0]["nickname"]["en"])
    assert mute["nickname"] in await shown(site, "/account", people["ann"])
    await site.call("DELETE", f"/api/mutes/{mute['mute_id']}", headers=people["bea"], status=404)
    await site.call("DELETE", f"/api/mutes/{mute['mute_id']}", headers=people["ann"])
    assert mute["nickname"] not in await shown(site, "/account", people["ann"])


async def test_empty_states_say_what_to_do(site, goods):
    people, site_path = goods["people"], f"/l/{goods['listing_id']}"
    assert "No questions yet" in await shown(site, "/account/talks", people["ann"])
    assert "暂无问答" in await shown(site, "/account/talks", people["ann"], "zh")
    await shown(site, "/account/talks/tlk_none", people["ann"], status=404)
    await site.call("POST", f"/api/listings/{goods['listing_id']}/owner-lists", {"days": 7}, people["bea"], 201)
    assert "Look again tomorrow" in await shown(site, site_path, people["bea"]), "without oneself they are two"
    assert "请明天再看" in await shown(site, site_path, people["bea"], "zh")
