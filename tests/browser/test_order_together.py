"""Three shoppers order together, in both languages: from the suggestion to the goods, and back when it fails."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from cloud_relay.groups import closing
from tests.browser.conftest import PHONE
from tests.browser.program import ADDRESS, Program
from tests.browser.whole_mall import STUDIO
from tests.cloud_relay.running import PASSWORD

CUP = "Plum-glazed cup"
LATER = (datetime.now(UTC) + timedelta(days=20)).isoformat()
SOON_MS = 10_000
"""A second is promised on a machine that has nothing else to do."""


def wish(program: Program, listing_id: str, currency: str, budget_minor: int) -> None:
    """Say where one is, what one would buy, and yes to suggestions."""
    program.call("POST", "/api/me/addresses", ADDRESS)
    program.call("PUT", "/api/me/profile", {"country": "DE", "area": "Mitte"})
    program.call("POST", "/api/me/wishes", {"listing_id": listing_id, "budget_minor": budget_minor,
                                            "currency": currency, "wished_until": LATER})  # fmt: skip
    program.call("PUT", "/api/me/consent/suggestions", {"is_given": True})


def pay(page, language: str) -> None:
    """Take one and pay into the group; the saved address stands there."""
    page.get_by_role("link", name={"en": "I take one", "zh": "我要一件"}[language]).first.click()
    page.wait_for_url("**/pay?*")
    page.locator("[name=agrees_photo_window]").check()
    page.get_by_role("button", name={"en": "Pay and hold", "zh": "付款并代管"}[language]).click()
    page.wait_for_url("**/together/grp_*")


def three_cups(mall) -> str:
    """Have the studio sell a cup for €26 to three who come together; return its listing."""
    studio = Program(mall.url, *STUDIO)
    cup = studio.listing(CUP)
    # those before the camera may be sold by now; enough for three stand on the shelf
    spot = {"camera": "front", "kind": "stays"}
    studio.call("POST", "/api/pieces", {"listing_id": cup["listing_id"], "code": "together-0", "spot": spot})
    studio.call("POST", "/api/promotions", {
        "shop_id": cup["shop"]["shop_id"], "kind": "group_price", "title_en": "Three cups", "title_zh": "三杯同行",
        "listing_ids": [cup["listing_id"]], "count": 3, "price_minor": 2_600, "until_at": LATER,
    })  # fmt: skip
    return cup["listing_id"]


def come_together(ines, bo, kai, eyes) -> str:
    """Two accept the suggestion, the third comes by the group's link; return the group."""
    inbox = ines.page.locator("[data-live=suggestions]")
    expect(inbox).to_contain_text("3 people together: you pay €26.00 instead of €32.00.", timeout=30_000)
    expect(bo.page.locator("[data-live=suggestions]")).to_contain_text("另有 2 人在找同样的东西")
    eyes.look(ines.page, "story-suggestion")
    inbox.get_by_role("button", name="Order together").click()
    ines.page.wait_for_url("**/together/grp_*")
    bo.page.locator("[data-live=suggestions]").get_by_role("button", name="一起下单").tap()
    bo.page.wait_for_url("**/together/grp_*")
    group = ines.page.url.partition("/together/")[2].partition("?")[0]
    assert group in bo.page.url, "one suggestion, one group"
    kai.go(f"/together/{group}?lang=en")
    kai.page.get_by_role("button", name="Come in").click()
    expect(ines.page.locator("table.shares")).to_contain_text("kai", timeout=SOON_MS)
    expect(ines.page.locator("[data-live=distance]")).to_contain_text("3 more people")
    expect(kai.page.locator("#chat textarea")).to_be_visible()
    eyes.look(bo.page, "story-group-zh")
    return group


def talk_and_look(ines, bo, kai, eyes) -> None:
    """No way to reach each other elsewhere is said; then one opens the camera, and the others follow."""
    ines.page.locator("#chat textarea").fill("Call me: 0171 2345678")
    ines.page.locator("#chat").get_by_role("button", name="Send").click()
    expect(ines.page.locator("#chat [data-errors]").last).to_contain_text("phone number")
    ines.page.locator("#chat textarea").fill("Shall we look at it first? <b>I open it.</b>")
    ines.page.locator("#chat").get_by_role("button", name="Send").click()
    expect(bo.page.locator("#chat")).to_contain_text("<b>I open it.</b>", timeout=SOON_MS)
    ines.page.get_by_role("link", name="Look together, live").click()
    expect(ines.page.locator("#look")).to_have_attribute("data-state", "steering", timeout=60_000)
    bo.page.get_by_role("link", name="一起看").first.tap()
    kai.page.get_by_role("link", name="Come in and look too").first.click()
    for one in (bo, kai):
        expect(one.page.locator("#look")).to_have_attribute("data-state", "watching", timeout=60_000)
    for one in (ines, bo, kai):
        expect(one.page.locator("[data-part=companions] li")).to_have_count(3, timeout=30_000)
    eyes.look(kai.page, "story-looking-together")


@pytest.mark.timeout(420)
def test_from_the_suggestion_to_three_orders(person, mall, eyes):
    """Suggestion, group of three, chat, live viewing together, all pay, all orders go to the shop."""
    listing_id = three_cups(mall)
    people = [(f"{name}@example.org", PASSWORD) for name in ("ines", "bo", "kai")]
    programs = [Program(mall.url, *who, nickname=who[0].partition("@")[0]) for who in people]
    ines, bo, kai = person(people[0]), person(people[1], **PHONE), person(people[2], size=(1920, 1080))
    ines.go("/together?lang=en")
    bo.go("/together?lang=zh")
    expect(ines.page.locator("[data-live=suggestions]")).to_contain_text("No suggestion now")
    for program in programs:
        wish(program, listing_id, "EUR", 3_000)
    group = come_together(ines, bo, kai, eyes)
    talk_and_look(ines, bo, kai, eyes)
    for one, language in ((ines, "en"), (bo, "zh"), (kai, "en")):
        one.go(f"/together/{group}?lang={language}")
    pay(ines.page, "en")
    expect(bo.page.locator("[data-live=distance]")).to_contain_text("还差 2 人", timeout=30_000)
    eyes.look(bo.page, "story-pledged-zh")
    pay(bo.page, "zh")
    expect(ines.page.locator("[data-live=distance]")).to_contain_text("one more person", timeout=30_000)
    pay(kai.page, "en")
    for one, word in ((ines, "Complete"), (bo, "已成团"), (kai, "Complete")):
        expect(one.page.locator("[data-live=distance]")).to_contain_text(word, timeout=30_000)
        expect(one.page.locator("[data-live=distance]")).to_contain_text("€18.00")
    eyes.look(bo.page, "story-complete-zh")
    eyes.look(kai.page, "story-complete")
    for program in programs:
        (order,) = program.call("GET", "/api/orders")["orders"]
        assert program.wait(order["order_id"], "photo_offered")["price_minor"] == 2_600
    assert mall.deaths == []


@pytest.mark.timeout(300)
def test_what_is_not_complete_in_time_goes_back_by_itself(shop, guest, eyes):
    """Three pledge, four are needed; the deadline passes, and each has their money back."""
    listing_id = shop.listing(price_minor=10_000)
    for number in range(4):
        shop.owner.call("POST", "/api/pieces", {"listing_id": listing_id, "code": f"vain-{number}"})
    promotion = shop.owner.call("POST", "/api/promotions", {
        "shop_id": shop.shop_id, "kind": "n_for", "title_en": "Four for three", "title_zh": "买四付三",
        "listing_ids": [listing_id], "count": 4, "price_minor": 30_000, "until_at": LATER,
    })  # fmt: skip
    programs = [shop.shopper, *(shop._program(name) for name in ("dan", "eva"))]
    begun = guest("shopper", **PHONE)
    begun.go(f"/together/new?promotion={promotion['promotion_id']}&listing={listing_id}&lang=zh")
    eyes.look(begun.page, "story-new-zh")
    begun.page.get_by_role("button", name="发起拼单").click()
    begun.page.wait_for_url("**/together/grp_*")
    group = begun.page.url.partition("/together/")[2].partition("?")[0]
    for program in programs:
        program.call("POST", f"/api/groups/{group}/pledges", {
            "listing_id": listing_id, "address": ADDRESS, "payment_method": "sandbox:ok", "agrees_photo_window": True,
        })  # fmt: skip
    others = [guest("dan"), guest("eva", size=(1920, 1080))]
    for one in others:
        one.go(f"/together/{group}?lang=en")
        expect(one.page.locator("[data-live=distance]")).to_contain_text("3 of 4 pieces paid")
    until = datetime.fromisoformat(shop.shopper.call("GET", f"/api/groups/{group}")["close_until"])
    trade = shop.relay.trading.trade
    assert not shop.db.run_now(closing.settle_due, group, until - timedelta(milliseconds=1), trade)
    assert shop.db.run_now(closing.settle_due, group, until, trade)
    expect(begun.page.locator("[data-live=distance]")).to_contain_text("到期未成团", timeout=SOON_MS)
    for one in others:
        expect(one.page.locator("[data-live=distance]")).to_contain_text("Not complete in time", timeout=SOON_MS)
    eyes.look(others[0].page, "story-failed")
    while shop.ask_the_bank():
        pass
    for program, one in zip(programs, (begun, *others), strict=True):
        (order,) = program.call("GET", "/api/orders")["orders"]
        whole = program.call("GET", f"/api/orders/{order['order_id']}")
        assert whole["state"] == "cancelled"
        one.go(f"/orders/{order['order_id']}?lang=en")
        expect(one.page.get_by_role("main")).to_contain_text("¥112.00")
    eyes.look(others[1].page, "story-refunded")
