"""Shoppers in one shop: visits by tags, what is in hand, who sees whom, asking for one payment together."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from cloud_relay import muting
from cloud_relay.on_site import reading, rules, service, store
from cloud_relay.promotions import store as promotion_store
from cloud_relay.records import consent
from cloud_relay.records.uses import Use
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import group_member, group_order, in_hand, notice, page_event, purchase, visit
from wire.values import format_time

SPEND = {"kind": "spend_over", "threshold_minor": 30_000, "saving_minor": 5_000}


class Floor:
    """A shop with a tag on its teapots (¥99) and one on its cups (¥10), and shoppers who walk in it."""

    def __init__(self, site, shop_id, owner, tags):
        self.site, self.shop_id, self.owner, self.tags = site, shop_id, owner, tags
        self.people, self.ids = {}, {}

    async def promise(self, **values):
        until = format_time(self.site.clock.now() + timedelta(days=1))
        body = {"shop_id": self.shop_id, "title_en": "Table", "until_at": until, **(values or SPEND)}
        return (await self.site.call("POST", "/api/promotions", body, self.owner, 201))["promotion_id"]

    async def person(self, name, *, pots=0, cups=0, is_seen=True):
        headers = self.people[name] = self.site.account(name)
        self.ids[name] = (await self.site.call("GET", "/api/me", headers=headers))["account_id"]
        await self.call(name, "POST", "/api/visits", {"tag_id": self.tags["pot"]}, 201)
        for what, count in (("pot", pots), ("cup", cups)):
            if count:
                await self.take(name, what, count)
        if is_seen:
            await self.call(name, "PUT", f"/api/visits/{self.shop_id}/seen", {"is_visible": True})

    async def call(self, name, method, path, body=None, status=200):
        return await self.site.call(method, path, body, self.people[name], status)

    async def take(self, name, what, count=1, status=201):
        return await self.call(name, "POST", "/api/visits/hand", {"tag_id": self.tags[what], "quantity": count}, status)

    async def look(self, name):
        return await self.call(name, "GET", f"/api/visits/{self.shop_id}")

    async def first(self, name):
        """The one promotion as somebody sees it."""
        return (await self.look(name))["promotions"][0]

    async def ask(self, name, status=201):
        one = await self.first(name)
        people = (one["together"] or {"people": []})["people"]
        body = {"person_ids": [who["person_id"] for who in people if not who["is_own"]] or ["psn_nobody"]}
        return await self.call(
            name, "POST", f"/api/visits/{self.shop_id}/promotions/{one['promotion_id']}/ask", body, status
        )

    def rows(self, table):
        return self.site.db.read_now(lambda c: [dict(row) for row in c.execute(select(table)).mappings()])


@pytest.fixture
async def floor(site):
    _, shop_id, owner = await site.merchant("mo")
    tags = {}
    for name, price in (("pot", 9_900), ("cup", 1_000)):
        listing_id, _ = await site.listing(shop_id, owner, price_minor=price, title_en=name)
        body = {"shop_id": shop_id, "kind": "shelf", "tags": [{"listing_id": listing_id}]}
        tags[name] = (await site.call("POST", "/api/tags", body, owner, 201))["tag_ids"][0]
    body = {"shop_id": shop_id, "kind": "place", "tags": [{"location": "A-1"}]}
    tags["place"] = (await site.call("POST", "/api/tags", body, owner, 201))["tag_ids"][0]
    return Floor(site, shop_id, owner, tags)


@pytest.mark.both_stores
async def test_two_who_are_short_find_each_other_and_pay_together(floor):
    promotion_id = await floor.promise()
    await floor.person("ann", pots=1, cups=3)
    await floor.person("bob", pots=2)
    seen = await floor.first("ann")
    assert (seen["own_minor"], seen["missing"]["minor"], seen["others_short"]) == (12_900, 17_100, 1)
    people = [(one["nickname"], one["share_minor"], one["is_own"]) for one in seen["together"]["people"]]
    assert people == [("ann", 12_900 - 1_973, True), ("bob", 19_800 - 3_027, False)], "5,000 shared out by price"
    assert seen["together"]["saving_minor"] == 5_000
    made = await floor.ask("ann")
    [group] = floor.rows(group_order)
    assert (group["group_id"], group["place"], group["promotion_id"]) == (made["group_id"], "on_site", promotion_id)
    assert {row["account_id"] for row in floor.rows(group_member)} == {floor.ids["ann"], floor.ids["bob"]}
    told = [row for row in floor.rows(notice) if row["kind"] == "asked_on_site"]
    assert [(row["account_id"], row["link"]) for row in told] == [(floor.ids["bob"], f"/here/{floor.shop_id}")]
    for name in ("ann", "bob"):
        one = await floor.first(name)
        assert (one["together"], one["others_short"], one["group"]["missing"]) == (
            None, 0, {"minor": 0, "pieces": 0, "people": 0},
        )  # fmt: skip
        assert sum(who["share_minor"] for who in one["group"]["people"]) == 12_900 + 19_800 - 5_000
    await floor.ask("ann", 409)
    await floor.call("bob", "DELETE", f"/api/visits/{floor.shop_id}")
    one = (await floor.first("ann"))["group"]
    assert (one["not_here"], one["missing"]["minor"]) == (1, 17_100)


@pytest.mark.both_stores
async def test_nobody_is_seen_without_consent_and_sees_nobody(floor):
    await floor.promise()
    await floor.person("ann", pots=2)
    await floor.person("bob", pots=2, is_seen=False)
    await floor.person("eve", cups=12)
    one = await floor.first("bob")
    assert (one["others_short"], one["together"], one["own_minor"]) == (0, None, 19_800)
    one = await floor.first("ann")
    assert (one["others_short"], [who["nickname"] for who in one["together"]["people"]]) == (1, ["ann", "eve"])


@pytest.mark.both_stores
async def test_withdrawn_consent_hides_at_once_and_tells_the_others_pages(floor):
    await floor.promise()
    await floor.person("ann", pots=2)
    await floor.person("bob", pots=2)
    assert (await floor.first("ann"))["together"]
    floor.site.db.run_now(consent.withdraw, floor.ids["bob"], Use.ON_SITE, floor.site.clock.now())
    one = await floor.first("ann")
    assert (one["others_short"], one["together"]) == (0, None)
    assert (await floor.first("bob"))["others_short"] == 0, "who is not seen does not look"
    last = floor.rows(page_event)[-1]
    assert (last["channel"], last["data"]) == (f"here:{floor.shop_id}", {})


@pytest.mark.parametrize("millisecond", [-1, 0, 1])
@pytest.mark.both_stores
async def test_a_visit_ends_two_hours_after_the_last_scan(floor, millisecond):
    await floor.promise()
    await floor.person("bob", pots=2)
    floor.site.clock.forward(3600)
    await floor.person("ann", pots=2)
    floor.site.clock.forward(rules.VISIT.total_seconds() - 3600 + millisecond / 1000)
    one, bob = await floor.first("ann"), await floor.look("bob")
    is_over = millisecond >= 0
    assert (one["others_short"] == 0, one["together"] is None, bob["visit"] is None) == (is_over, is_over, is_over)
    await floor.call("bob", "PUT", f"/api/visits/{floor.shop_id}/seen", {"is_visible": True}, 409 if is_over else 200)


async def test_each_scan_begins_the_two_hours_anew_and_the_name_of_a_visit_is_new_each_time(floor):
    await floor.person("ann", pots=1)
    [first] = floor.rows(visit)
    floor.site.clock.forward(3600)
    await floor.take("ann", "cup")
    [second] = floor.rows(visit)
    assert second["present_until"] == floor.site.clock.now() + rules.VISIT
    assert second["person_id"] == first["person_id"]
    floor.site.clock.forward(2 * 3600)
    await floor.call("ann", "POST", "/api/visits", {"tag_id": floor.tags["place"]}, 201)
    [third] = floor.rows(visit)
    assert third["person_id"] != first["person_id"]
    assert floor.rows(in_hand) == [], "what was in hand then is forgotten"


async def test_who_comes_into_another_shop_has_left_the_first(floor):
    await floor.person("ann", pots=1)
    _, shop_id, owner = await floor.site.merchant("ned")
    body = {"shop_id": shop_id, "kind": "place", "tags": [{"location": "B"}]}
    tag_id = (await floor.site.call("POST", "/api/tags", body, owner, 201))["tag_ids"][0]
    await floor.call("ann", "POST", "/api/visits", {"tag_id": tag_id}, 201)
    assert [row["shop_id"] for row in floor.rows(visit)] == [shop_id]
    assert floor.rows(in_hand) == []


async def test_what_is_in_hand_is_counted_up_and_down(floor):
    await floor.person("ann", pots=1, is_seen=False)
    await floor.take("ann", "pot", 2)
    seen = await floor.look("ann")
    assert [(one["quantity"], one["sum_minor"]) for one in seen["in_hand"]] == [(3, 29_700)]
    listing_id, path = seen["in_hand"][0]["listing_id"], f"/api/visits/{floor.shop_id}/hand"
    await floor.call("ann", "PUT", path, {"listing_id": listing_id, "quantity": 1})
    assert (await floor.look("ann"))["total_minor"] == 9_900
    await floor.call("ann", "PUT", path, {"listing_id": listing_id, "quantity": 0})
    assert (await floor.look("ann"))["in_hand"] == []
    await floor.call("ann", "PUT", path, {"listing_id": listing_id, "quantity": 1}, 404)


async def test_twenty_pieces_and_no_more(floor):
    await floor.person("ann", pots=20, is_seen=False)
    refused = await floor.take("ann", "cup", 1, 409)
    assert (refused["type"].rsplit(":", 1)[-1], bool(refused["title_zh"])) == ("hands_full", True)
    assert (await floor.look("ann"))["total_minor"] == 20 * 9_900
    await floor.take("ann", "cup", 21, 422)


async def test_the_price_in_hand_is_the_price_of_now(floor):
    await floor.person("ann", pots=1, is_seen=False)
    listing_id = (await floor.look("ann"))["in_hand"][0]["listing_id"]
    until = format_time(floor.site.clock.now() + timedelta(hours=1))
    body = {
        "shop_id": floor.shop_id,
        "listing_id": listing_id,
        "title_en": "x",
        "price_minor": 9_000,
        "shown_until": until,
    }
    await floor.site.call("POST", "/api/announcements", body, floor.owner, 201)
    assert (await floor.look("ann"))["total_minor"] == 9_000


async def test_what_is_refused_says_what_to_do(floor):
    ann = floor.people["ann"] = floor.site.account("ann")
    floor.people["mo"] = floor.owner
    place = f"/api/visits/{floor.shop_id}"
    for name, method, path, body, status, kind in (
        ("ann", "POST", "/api/visits", {"tag_id": "aaaaaaaaa0"}, 409, "tag_void"),
        ("ann", "POST", "/api/visits/hand", {"tag_id": floor.tags["place"]}, 422, "tag_of_place"),
        ("mo", "POST", "/api/visits", {"tag_id": floor.tags["pot"]}, 409, "own_shop"),
        ("ann", "PUT", f"{place}/seen", {"is_visible": True}, 409, "not_here"),
        ("ann", "PUT", f"{place}/hand", {"listing_id": "x", "quantity": 1}, 409, "not_here"),
        ("ann", "POST", f"{place}/promotions/pro_x/ask", {"person_ids": ["x"]}, 409, "not_here"),
        ("ann", "GET", "/api/visits/nowhere", None, 404, "not_found"),
    ):
        refused = await floor.call(name, method, path, body, status)
        assert refused["type"].endswith(kind)
        assert any("\u4e00" <= sign <= "\u9fff" for sign in refused["title_zh"])
    await floor.site.call("POST", "/api/tags/void", {"tag_ids": [floor.tags["cup"]]}, floor.owner)
    await floor.take("ann", "cup", 1, 409)
    await floor.site.call("GET", place, status=401)
    await floor.call("ann", "POST", "/api/visits", {"tag_id": floor.tags["pot"]}, 201)
    await floor.call("ann", "POST", f"{place}/promotions/pro_x/ask", {"person_ids": ["x"]}, 409)
    assert ann


async def test_whom_all_others_left_may_ask_again(floor):
    await floor.promise()
    await floor.person("ann", pots=2)
    await floor.person("bob", pots=2)
    group_id = (await floor.ask("ann"))["group_id"]
    await floor.call("bob", "POST", f"/api/groups/{group_id}/leave")
    one = await floor.first("ann")
    assert (one["group"], [who["nickname"] for who in one["together"]["people"]]) == (None, ["ann", "bob"])
    assert (await floor.ask("ann"))["group_id"] != group_id


async def test_who_asks_for_others_than_are_there_now_looks_again(floor):
    promotion_id = await floor.promise()
    await floor.person("ann", pots=2)
    await floor.person("bob", pots=2)
    proposed = [who["person_id"] for who in (await floor.first("ann"))["together"]["people"] if not who["is_own"]]
    await floor.person("eve", pots=3)
    path = f"/api/visits/{floor.shop_id}/promotions/{promotion_id}/ask"
    now_proposed = (await floor.first("ann"))["together"]["people"]
    assert [who["nickname"] for who in now_proposed] == ["ann", "bob"] or len(now_proposed) == 2
    await floor.call("bob", "DELETE", f"/api/visits/{floor.shop_id}")
    refused = await floor.call("ann", "POST", path, {"person_ids": proposed}, 409)
    assert refused["type"].endswith("others_changed")
    assert floor.rows(group_order) == []


@pytest.mark.both_stores
async def test_of_two_who_ask_for_the_same_third_at_once_one_is_told_to_look_again(floor):
    """Both saw a page with bob on it; he is in one group afterwards, whoever was first."""
    promotion_id = await floor.promise()
    for name in ("ann", "bob", "eve"):
        await floor.person(name, pots=2)
    ids, db, now = floor.ids, floor.site.db, floor.site.clock.now()
    person = {row["account_id"]: row["person_id"] for row in floor.rows(visit)}

    def proposed(name):
        own = db.read_now(store.find, ids[name], floor.shop_id, now)
        row = db.read_now(promotion_store.find, promotion_id)
        return [one.person_id for one in db.read_now(reading.look, own, now).proposal(row)[1:]]

    # two whose proposals meet in one person: with three alike at least two choose the same one, or each other
    wishes = {name: proposed(name) for name in ids}
    asked = threading.Barrier(3)

    def ask(name):
        asked.wait()
        try:
            db.run_now(service.ask, ids[name], floor.shop_id, promotion_id, wishes[name], now)
        except RefusedError as error:
            return error.type
        return "asked"

    with ThreadPoolExecutor(3) as pool:
        answers = sorted(await asyncio.gather(*(asyncio.get_running_loop().run_in_executor(pool, ask, n) for n in ids)))
    assert answers == ["asked", "others_changed", "others_changed"]
    members = [row["account_id"] for row in floor.rows(group_member)]
    assert (len(members), len(set(members)), set(members) <= set(person)) == (2, 2, True)


@pytest.mark.both_stores
async def test_muted_either_way_they_never_meet(floor):
    await floor.promise()
    await floor.person("ann", pots=2)
    await floor.person("bob", pots=2)
    floor.site.db.run_now(muting.mute, floor.ids["bob"], floor.ids["ann"], floor.site.clock.now(), "ann")
    for name in ("ann", "bob"):
        assert (await floor.first(name))["others_short"] == 0
    await floor.person("eve", cups=1)
    assert (await floor.first("eve"))["together"] is None, "three are needed, and two of them muted one another"


async def test_hidden_for_this_visit(floor):
    await floor.promise()
    await floor.person("ann", pots=2)
    await floor.person("bob", pots=2)
    await floor.call("bob", "PUT", f"/api/visits/{floor.shop_id}/seen", {"is_visible": False})
    assert (await floor.first("ann"))["together"] is None
    assert floor.site.db.read_now(consent.has, floor.ids["bob"], Use.ON_SITE), "the consent stays for the next visit"
    await floor.call("bob", "PUT", f"/api/visits/{floor.shop_id}/seen", {"is_visible": True})
    assert (await floor.first("ann"))["together"]


async def test_others_pages_hear_of_those_whom_they_may_see_and_of_nobody_else(floor):
    def ticks():
        return sum(row["channel"] == f"here:{floor.shop_id}" for row in floor.rows(page_event))

    await floor.person("ann", pots=1, is_seen=False)
    await floor.call("ann", "DELETE", f"/api/visits/{floor.shop_id}")
    assert ticks() == 0
    await floor.person("bob", pots=1)
    seen = [ticks()]
    await floor.take("bob", "cup")
    seen.append(ticks())
    await floor.call("bob", "DELETE", f"/api/visits/{floor.shop_id}")
    seen.append(ticks())
    assert 0 < seen[0] < seen[1] < seen[2]
    assert {str(row["data"]) for row in floor.rows(page_event) if row["channel"].startswith("here:")} == {"{}"}


async def test_only_who_is_in_the_shop_hears_its_here_channel(floor):
    outsider = floor.site.account("out")
    path = f"/api/events?channels=here:{floor.shop_id}"
    await floor.site.call("GET", path, headers=outsider, status=404)
    await floor.site.call("GET", path, status=404)
    await floor.person("ann")
    is_here = [
        floor.site.db.read_now(store.is_here, floor.ids["ann"], floor.shop_id, at)
        for at in (floor.site.clock.now(), floor.site.clock.now() + rules.VISIT)
    ]
    assert is_here == [True, False]


async def test_nothing_of_an_account_leaves_but_nickname_and_share(floor):
    await floor.promise()
    await floor.person("ann", pots=2)
    await floor.person("bob", pots=1, cups=5)
    answer = (
        str(await floor.look("ann"))
        + (await floor.site.call("GET", f"/here/{floor.shop_id}", headers=floor.people["ann"], status=None)).text
    )
    for canary in (floor.ids["bob"], "bob@", "cup", floor.tags["cup"]):
        assert canary not in answer, "what somebody else holds is nobody's business"
    await floor.ask("ann")
    assert floor.ids["bob"] not in str(await floor.look("ann"))


@pytest.mark.both_stores
async def test_what_was_paid_at_the_counter_is_in_hand_no_more(floor):
    await floor.person("ann", pots=3, cups=1)
    at = floor.site.clock.now()

    async def held():
        return {one["listing_id"]: one["quantity"] for one in (await floor.look("ann"))["in_hand"]}

    [pot, cup] = sorted(await held(), key=(await held()).get, reverse=True)

    def sell(number, how, bought_at):
        row = {
            "purchase_id": f"pur_{number}", "account_id": floor.ids["ann"], "listing_id": pot, "merchant_id": "m",
            "shop_id": floor.shop_id, "quantity": 2, "price_minor": 1, "currency": "CNY", "how": how,
            "bought_at": bought_at,
        }  # fmt: skip
        floor.site.db.run_now(lambda c: c.execute(purchase.insert().values(row)))
        floor.site.db.run_now(service.purchased, row["purchase_id"], floor.ids["ann"], at)

    sell(1, "online", at)
    sell(2, "counter", at - timedelta(milliseconds=1))
    assert await held() == {pot: 3, cup: 1}, "not of this visit"
    sell(3, "counter", at)
    assert await held() == {pot: 1, cup: 1}
    sell(4, "counter", at)
    assert await held() == {cup: 1}


async def test_visits_that_are_over_are_forgotten_when_the_next_one_comes(floor):
    await floor.person("ann", pots=1)
    floor.site.clock.forward(rules.VISIT.total_seconds())
    await floor.person("bob", is_seen=False)
    assert [row["account_id"] for row in floor.rows(visit)] == [floor.ids["bob"]]
    assert floor.rows(in_hand) == []


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_page_before_during_and_in_a_group(floor, language):
    words = {
        "en": ("You are not here yet", "Let others", "Ask them", "You buy this together", "I am here", "I take this"),
        "zh": ("您尚未到店", "", "邀请他们", "你们一起买", "我在店里", "我拿了这件"),
    }[language]
    await floor.promise()
    floor.people["zoe"] = floor.site.account("zoe")

    async def page(name, path=f"/here/{floor.shop_id}"):
        answer = await floor.site.call("GET", f"{path}?lang={language}", headers=floor.people[name], status=None)
        assert answer.status_code == 200
        return answer.text

    assert words[0] in await page("zoe")
    await floor.person("ann", pots=2)
    await floor.person("bob", pots=2)
    assert words[2] in await page("ann")
    await floor.ask("ann")
    assert words[3] in await page("bob")
    listing_id = (await floor.look("ann"))["in_hand"][0]["listing_id"]
    for name, here in (("zoe", True), ("ann", False)):
        path = f"/l/{listing_id}"
        answer = await floor.site.call(
            "GET", f"{path}?lang={language}&tag={floor.tags['pot']}", headers=floor.people[name], status=None
        )
        assert (words[4] in answer.text, words[5] in answer.text) == (here, True)
    answer = await floor.site.call("GET", f"/l/{listing_id}?lang={language}", headers=floor.people["zoe"], status=None)
    assert words[5] not in answer.text, "without a scanned tag nobody is in the shop"
    answer = await floor.site.call(
        "GET",
        f"/t/{floor.tags['place']}?lang={language}",
        headers={**floor.people["zoe"], "Accept": "text/html"},
        status=None,
    )
    assert words[4] in answer.text
