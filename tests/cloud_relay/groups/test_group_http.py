"""Group orders over HTTP and on pages: two people and a link, who sees what, the chat, what is refused."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from cloud_relay import tables
from cloud_relay.groups import timers
from cloud_relay.orders import reading
from cloud_relay.receipts import reading as receipts
from tests.cloud_relay.site import Site
from tests.cloud_relay.trade_world import World

ADDRESS = {"name": "Ann Canary", "lines": ["Lane 1"], "city": "Hangzhou", "postal_code": "310000", "country": "CN"}
PAYMENT = {"address": ADDRESS, "payment_method": "sandbox:ok", "agrees_photo_window": True}


class Shopping:
    """A shop with a promotion for two, and three people."""

    def __init__(self, site: Site, world: World, listing_id: str, piece_ids: list[str], promotion_id: str) -> None:
        self.site, self.world, self.listing_id, self.pieces = site, world, listing_id, piece_ids
        self.promotion_id = promotion_id
        self.ann, self.bob, self.cem = (site.account(name) for name in ("ann", "bob", "cem"))

    async def start(self) -> str:
        body = {"promotion_id": self.promotion_id, "listing_id": self.listing_id}
        return str((await self.site.call("POST", "/api/groups", body, self.ann, 201))["group_id"])

    async def pledge(self, group_id: str, who: dict[str, str], **body: object) -> dict[str, object]:
        wish = {**PAYMENT, "listing_id": self.listing_id, **body}
        placed = await self.site.call("POST", f"/api/groups/{group_id}/pledges", wish, who, 201)
        self.world.settle(next(
            row["payment_id"] for row in self.world.rows(tables.payment) if row["order_id"] == placed["order_id"]
        ))  # fmt: skip
        return dict(placed)


@pytest.fixture
async def shopping(site: Site) -> Shopping:
    merchant_id, shop_id, owner = await site.merchant("mo")
    listing_id, pieces = await site.listing(shop_id, owner, pieces=4, price_minor=10_000)
    world = World(site.db, now=site.clock.now())
    (shop,) = world.rows(tables.shop)
    world.add(
        tables.promotion, promotion_id="pro_1", shop_id=shop_id, merchant_id=merchant_id, kind="spend_over",
        title_en="Tea days", title_zh="茶日", listing_ids=[], currency=shop["currency"], threshold_minor=20_000,
        saving_minor=5000, from_at=world.now, until_at=world.now + timedelta(days=9), created_at=world.now,
        account_id="x",
    )  # fmt: skip
    return Shopping(site, world, listing_id, pieces, "pro_1")


async def test_two_and_a_link(shopping):
    site, ann, bob = shopping.site, shopping.ann, shopping.bob
    group_id = await shopping.start()
    path = f"/api/groups/{group_id}"
    outside = await site.call("GET", path, headers=bob)
    assert (outside["people"], outside["members"], outside["messages"], outside["is_member"]) == (1, [], [], False)
    assert outside["missing"] == {"minor": 20_000, "pieces": 0, "people": 0}
    site.clock.forward(1)
    joined = await site.call("POST", f"{path}/join", headers=bob)
    assert (await site.call("POST", f"{path}/join", headers=bob)) == joined
    before = await site.call("GET", f"{path}/checkout?listing_id={shopping.listing_id}", headers=ann)
    assert (before["total_minor"], before["back_minor"], before["is_certain"]) == (10_000, 2500, False)
    await shopping.pledge(group_id, ann, total_minor=10_000)
    seen = await site.call("GET", path, headers=bob)
    assert seen["so_far"] == {"has": 10_000, "needs": 20_000}
    assert [(one["nickname"], one["share_minor"]) for one in seen["members"]] == [("ann", 10_000), ("bob", 0)]
    assert seen["pledges"] == []
    now_certain = await site.call("GET", f"{path}/checkout?listing_id={shopping.listing_id}", headers=bob)
    assert (now_certain["back_minor"], now_certain["is_certain"]) == (2500, True)
    await shopping.pledge(group_id, bob)
    done = await site.call("GET", path, headers=bob)
    assert (done["state"], done["saving_minor"]) == ("succeeded", 5000)
    assert [one["share_minor"] for one in done["members"]] == [7500, 7500]
    (mine,) = done["pledges"]
    order = await site.call("GET", f"/api/orders/{mine['order_id']}", headers=bob)
    assert (order["state"], order["total_minor"], order["can_cancel"]) == ("paid", 7500, False)
    refused = await site.call("POST", f"/api/orders/{mine['order_id']}/cancel", headers=bob, status=409)
    assert refused["type"].endswith("group_is_complete")
    assert [one["state"] for one in (await site.call("GET", "/api/groups", headers=ann))["groups"]] == ["succeeded"]


async def test_no_answer_says_whose_account_it_is(shopping):
    site, group_id = shopping.site, await shopping.start()
    await shopping.pledge(group_id, shopping.ann)
    await site.call("POST", f"/api/groups/{group_id}/join", headers=shopping.bob)
    await site.call("POST", f"/api/groups/{group_id}/messages", {"text": "Hello all"}, shopping.ann, 201)
    answers = [await site.call("GET", f"/api/groups/{group_id}", headers=shopping.bob, status=None),
               await site.call("GET", f"/together/{group_id}", headers=shopping.bob, status=None)]  # fmt: skip
    (ann,) = shopping.world.rows(tables.account, tables.account.c.email == "ann@example.org")
    for one in answers:
        assert "Hello all" in one.text
        for canary in (ann["account_id"], "ann@", "Canary", "Lane 1"):
            assert canary not in one.text


async def test_the_chat(shopping):
    site, ann, bob, group_id = shopping.site, shopping.ann, shopping.bob, await shopping.start()
    await site.call("POST", f"/api/groups/{group_id}/join", headers=bob)
    path = f"/api/groups/{group_id}/messages"
    script = "<script>alert(1)</script>"
    said = await site.call("POST", path, {"text": script}, ann, 201)
    page = (await site.call("GET", f"/together/{group_id}", headers=bob, status=None)).text
    assert script not in page
    assert "&lt;script&gt;" in page
    refused = await site.call("POST", path, {"text": "write to me: ann@mail.com"}, ann, 422)
    assert refused["type"].endswith("contact_data")
    await site.call("POST", path, {"text": "x" * 1001}, ann, 422)
    await site.call("POST", path, {"text": "x" * 1000}, ann, 201)
    await site.call("POST", path, {"text": "x"}, shopping.cem, 404)
    report = f"/api/group-messages/{said['message_id']}/report"
    await site.call("POST", report, {"reason": "rude"}, shopping.cem, 404)
    await site.call("POST", report, {"reason": "rude"}, ann, 422)
    operator = site.account("olga", is_operator=True)
    assert (await site.call("POST", report, {"reason": "rude"}, bob))["is_reported"]
    notices = await site.call("GET", "/api/notices", headers=operator)
    assert notices["notices"][0]["link"] == f"/together/{group_id}#chat"
    assert len((await site.call("GET", f"/api/groups/{group_id}", headers=operator))["messages"]) == 2
    other = next(one for one in (await site.call("GET", f"/api/groups/{group_id}", headers=bob))["members"]
                 if one["nickname"] == "ann")  # fmt: skip
    mute = f"/api/groups/{group_id}/members/{other['member_id']}/mute"
    await site.call("POST", mute, headers=shopping.cem, status=404)
    await site.call("POST", mute, headers=bob)
    assert (await site.call("GET", f"/api/groups/{group_id}", headers=bob))["messages"] == []
    assert len((await site.call("GET", f"/api/groups/{group_id}", headers=ann))["messages"]) == 2
    await site.call("DELETE", mute, headers=bob)
    assert len((await site.call("GET", f"/api/groups/{group_id}", headers=bob))["messages"]) == 2


async def test_looking_together_is_offered_in_the_chat(shopping):
    site, group_id = shopping.site, await shopping.start()
    session_id, piece_id = "ses_1", shopping.pieces[0]
    (ann,) = shopping.world.rows(tables.account, tables.account.c.email == "ann@example.org")
    (shop,) = shopping.world.rows(tables.shop)
    shopping.world.add(
        tables.viewing_session, session_id=session_id, shop_id=shop["shop_id"], account_id=ann["account_id"],
        piece_id=piece_id, camera="front", state="watching", answer={}, created_at=site.clock.now(),
        changed_at=site.clock.now(),
    )  # fmt: skip
    path = f"/api/groups/{group_id}/look"
    await site.call("POST", path, {"session_id": session_id}, shopping.ann, 404)
    begun = await site.call("POST", f"/api/viewing/{session_id}/together", {}, shopping.ann, 201)
    await site.call("POST", path, {"session_id": session_id}, shopping.bob, 404)
    await site.call("POST", path, {"session_id": session_id}, shopping.ann, 201)
    page = (await site.call("GET", f"/together/{group_id}", headers=shopping.ann, status=None)).text
    assert f'href="/look/{piece_id}?with={begun["together_id"]}"' in page
    assert f'href="/look/{piece_id}?group={group_id}"' in page


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_pages_in_both_languages(shopping, language):
    site, ann, bob = shopping.site, shopping.ann, shopping.bob
    say = {"en": 0, "zh": 1}[language]

    async def page(path, who):
        answer = await site.call("GET", path, headers={**who, "Accept-Language": language}, status=None)
        assert answer.status_code == 200, answer.text
        return answer.text

    assert ("You are in no group order", "您还没有拼单")[say] in await page("/together", ann)
    new = await page(f"/together/new?promotion=pro_1&listing={shopping.listing_id}", ann)
    assert ("shared by price", "按各自货款分摊")[say] in new
    group_id = await shopping.start()
    assert ("Who pays what", "各自应付")[say] in await page(f"/together/{group_id}", ann)
    outside = await page(f"/together/{group_id}", bob)
    assert ("One person is in it", "已有 1 人")[say] in outside
    assert 'id="chat"' not in outside
    pay = await page(f"/together/{group_id}/pay?listing={shopping.listing_id}", ann)
    assert ("all of it comes back by itself", "全额自动退回")[say] in pay
    assert ("to go", "未满")[say] in await page("/together", ann)


async def test_what_is_not_there_or_over_is_said(shopping):
    site, ann, listing_id = shopping.site, shopping.ann, shopping.listing_id
    await site.call("GET", "/together/new?promotion=pro_unknown", headers=ann, status=404)
    await site.call("GET", "/together/grp_unknown", headers=ann, status=404)
    await site.call("GET", "/api/groups/grp_unknown", headers=ann, status=404)
    await site.call("POST", "/api/groups/grp_unknown/leave", headers=ann, status=404)
    group_id = await shopping.start()
    await site.call("GET", f"/together/{group_id}/pay?listing=lis_unknown", headers=ann, status=404)
    site.clock.forward(86_400)
    await site.call("GET", f"/together/{group_id}/pay?listing={listing_id}", headers=ann, status=409)
    over = (await site.call("GET", f"/together/{group_id}", headers=ann, status=None)).text
    assert "Time is over" in over
    body = {**PAYMENT, "listing_id": listing_id}
    refused = await site.call("POST", f"/api/groups/{group_id}/pledges", body, ann, 409)
    assert refused["type"].endswith("group_over")


async def test_the_worker_warns_an_hour_before_and_ends_at_the_deadline(shopping):
    site, group_id = shopping.site, await shopping.start()
    placed = await shopping.pledge(group_id, shopping.ann)
    clock, begin = site.clock, site.clock.now()

    def kinds():
        query = select(tables.notice.c.kind).order_by(tables.notice.c.created_at, tables.notice.c.notice_id)
        return site.db.read_now(lambda connection: list(connection.scalars(query)))

    for early, told in ((timedelta(hours=1, milliseconds=1), 0), (timedelta(hours=1), 1), (timedelta(minutes=9), 1)):
        clock.at = begin + timedelta(days=1) - early
        await timers.work_once(site.relay)
        assert kinds().count("group_nearly_over") == told
    for late, state in ((timedelta(milliseconds=-1), "pledged"), (timedelta(0), "cancelled")):
        clock.at = begin + timedelta(days=1) + late
        await timers.work_once(site.relay)
        assert shopping.world.order(str(placed["order_id"]))["state"] == state
    assert kinds().count("group_failed") == 1
    assert await timers.work_once(site.relay) == 0


async def test_order_page_and_receipt_tell_the_saving(shopping):
    site, group_id = shopping.site, await shopping.start()
    mine = await shopping.pledge(group_id, shopping.ann)
    page = await site.call("GET", f"/orders/{mine['order_id']}", headers=shopping.ann, status=None)
    assert "Waits for your group" in page.text
    await shopping.pledge(group_id, shopping.bob)
    page = await site.call("GET", f"/orders/{mine['order_id']}", headers=shopping.ann, status=None)
    for words in ("Usually", "Less, bought together", "25.00", "75.00", "The group order"):
        assert words in page.text
    found = site.db.read_now(receipts.read_receipt, str(mine["order_id"]))
    assert (found.total_minor, found.saving_minor, found.back_minor, found.refunds) == (7500, 2500, 2500, ())
    sheet = await site.call("GET", f"/orders/{mine['order_id']}/receipt.pdf", headers=shopping.ann, status=None)
    assert sheet.content.startswith(b"%PDF")
    told = site.db.read_now(reading.read_order, str(mine["order_id"]), (), for_shopper=False)
    assert told["group"]["group_id"] == ""
