"""Three neighbours who wish for the same: a suggestion comes by itself, two accept it, one is gone in a moment."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from cloud_relay.suggestions import timers
from tests.browser.conftest import PHONE


def look(shop):
    """What the relay's own worker does as soon as it is woken, which this relay has not."""
    now = shop.relay.clock.now()
    while shop.db.run_now(timers.tend, now):
        pass
    while shop.db.run_now(timers.look_next, now):
        pass


@pytest.fixture(scope="module")
def tea(shop):
    """Return the programs of three neighbours who wish for tea; a shop sells it cheaper to those who come together."""
    listing_id = shop.listing(title_en="Longjing tea", title_zh="龙井茶", price_minor=10_000,
                              attributes={"category": "Tea"})  # fmt: skip
    for number in range(4):
        shop.owner.call("POST", "/api/pieces", {"listing_id": listing_id, "code": f"tea-{number}"})
    later = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    shop.owner.call("POST", "/api/promotions", {
        "shop_id": shop.shop_id, "kind": "group_price", "title_en": "Tea together", "title_zh": "一起喝茶",
        "listing_ids": [listing_id], "count": 2, "price_minor": 8_000, "until_at": later,
    })  # fmt: skip
    people = {name: shop.shopper if name == "shopper" else shop._program(name) for name in ("shopper", "dan", "eva")}
    for program in people.values():
        program.call("PUT", "/api/me/profile", {"country": "CN", "area": "Jing'an"})
        body = {"category": "tea", "budget_minor": 9_000, "currency": "CNY", "wished_until": later}
        program.call("POST", "/api/me/wishes", body)
    return people


@pytest.mark.timeout(300)
def test_a_suggestion_comes_two_accept_it_and_talk_one_declines(shop, tea, guest, eyes):
    phone, desk, television = guest("shopper", **PHONE), guest("dan"), guest("eva", size=(1920, 1080))
    phone.go("/together?lang=zh")
    expect(phone.page.locator("[data-live=suggestions]")).to_contain_text("暂无建议")
    eyes.look(phone.page, "suggestions-empty-zh")
    for one in (phone, desk, television):
        one.go("/account/consent?lang=en")
        one.page.get_by_role("switch").first.click()
        expect(one.page.get_by_role("switch").first).to_have_attribute("aria-checked", "true")
    phone.go("/together?lang=zh")
    desk.go("/together?lang=en")
    expect(desk.page.locator("body")).to_have_attribute("data-live", "yes")
    look(shop)
    inbox = desk.page.locator("[data-live=suggestions]")
    expect(inbox).to_contain_text("2 other people in Jing'an are looking for the same.")
    expect(inbox).to_contain_text("3 people together: you pay ¥80.00 instead of ¥100.00.")
    expect(phone.page.locator("[data-live=suggestions]")).to_contain_text("另有 2 人在找同样的东西")
    eyes.look(desk.page, "suggestions-inbox")
    eyes.look(phone.page, "suggestions-inbox-zh")

    phone.page.get_by_role("link", name="一起喝茶").first.click()
    expect(phone.page.get_by_role("heading", name="为什么问您")).to_be_visible()
    expect(phone.page.get_by_role("main")).to_contain_text("您希望在")
    eyes.look(phone.page, "suggestion-zh")
    path = phone.page.url.removeprefix(shop.url)
    television.go(path.replace("lang=zh", "lang=en"))
    page = television.page
    expect(page.locator("body")).to_have_attribute("data-live", "yes")

    desk.page.get_by_role("button", name="Order together").focus()
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url("**/together/grp_*")
    expect(page.locator("[data-live=suggestion]")).to_contain_text("Already in: dan")
    eyes.look(page, "suggestion")
    phone.page.get_by_role("button", name="一起下单").tap()
    phone.page.wait_for_url("**/together/grp_*")
    assert phone.page.url.partition("?")[0] == desk.page.url.partition("?")[0], "one group"
    desk.page.locator("#chat").get_by_role("textbox").fill("Shall we take the Longjing?")
    desk.page.locator("#chat").get_by_role("button", name="Send").click()
    expect(phone.page.locator("#chat")).to_contain_text("Shall we take the Longjing?")
    page.get_by_role("button", name="No, thank you").click()
    expect(page.locator("[data-live=suggestion]")).to_contain_text("You declined")


@pytest.mark.timeout(300)
def test_who_takes_the_yes_back_is_gone_from_the_others_page_within_a_second(shop, tea, guest, eyes):
    later = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    shop.owner.call("POST", "/api/promotions", {
        "shop_id": shop.shop_id, "kind": "n_for", "title_en": "Two for less", "title_zh": "两件更省", "listing_ids": [],
        "count": 2, "price_minor": 16_000, "until_at": later,
    })  # fmt: skip
    for program in tea.values():
        program.call("PUT", "/api/me/consent/suggestions", {"is_given": True})
    look(shop)
    found = {
        name: one["suggestion_id"]
        for name, program in tea.items() for one in program.call("GET", "/api/suggestions")["suggestions"]
        if one["title"]["en"] == "Two for less"
    }  # fmt: skip
    leaver, other = found  # of three who could, any two
    suggestion_id = found[leaver]
    assert found[other] == suggestion_id
    reader = guest(other)
    reader.go("/together?lang=en")
    inbox = reader.page.locator("[data-live=suggestions]")
    expect(inbox).to_contain_text("Two for less")
    expect(reader.page.locator("body")).to_have_attribute("data-live", "yes")
    switch = guest(leaver)
    switch.go(f"/together/suggestions/{suggestion_id}?lang=en")
    switch.page.get_by_role("button", name="No more suggestions").click()
    started = time.monotonic()
    expect(inbox).not_to_contain_text("Two for less")
    print(f"gone after {(time.monotonic() - started) * 1000:.0f} ms")
    reader.go(f"/together/suggestions/{suggestion_id}?lang=en")
    expect(reader.page.get_by_role("main")).to_contain_text("does not hold any more")
    eyes.look(reader.page, "suggestion-off")
