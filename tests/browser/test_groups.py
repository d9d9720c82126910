"""A group order in three browsers: begun on a phone, joined by its link, paid by two, complete on every page."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE

ADDRESS = {"name": "Ann", "lines": ["Lane 1"], "postal_code": "310000", "city": "Hangzhou", "country": "CN"}


@pytest.fixture(scope="module")
def bowls(shop):
    """Return a listing of four bowls; goods worth ¥200 together cost ¥50 less."""
    listing_id = shop.listing(title_en="Celadon bowl", title_zh="青瓷碗", price_minor=10_000)
    for number in range(4):
        shop.owner.call("POST", "/api/pieces", {"listing_id": listing_id, "code": f"bowl-{number}"})
    later = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    shop.owner.call("POST", "/api/promotions", {
        "shop_id": shop.shop_id, "kind": "spend_over", "title_en": "Tea days", "title_zh": "茶日",
        "listing_ids": [listing_id], "threshold_minor": 20_000, "saving_minor": 5_000, "until_at": later,
    })  # fmt: skip
    for program in (shop.shopper, shop._program("dan"), shop._program("eva")):
        program.call("POST", "/api/me/addresses", ADDRESS)
    return listing_id


def pay(visitor, button):
    page = visitor.page
    page.get_by_role("checkbox").last.check()
    page.get_by_role("button", name=button).click()
    page.wait_for_url("**/together/grp_*")


@pytest.mark.timeout(300)
def test_two_pay_and_all_see_it_complete(shop, bowls, guest, eyes):
    phone, desk, television = guest("shopper", **PHONE), guest("dan"), guest("eva", size=(1920, 1080))
    phone.go("/together?lang=zh")
    expect(phone.page.locator("[data-live=groups]")).to_contain_text("您还没有拼单")
    phone.go(f"/l/{bowls}?lang=zh")
    phone.page.get_by_role("link", name="一起拼单").first.click()
    phone.page.wait_for_url("**/together/new*")
    expect(phone.page.get_by_role("main")).to_contain_text("按各自货款分摊")
    eyes.look(phone.page, "group-new-zh")
    phone.page.get_by_role("button", name="发起拼单").tap()
    phone.page.wait_for_url("**/together/grp_*")
    path = phone.page.url.removeprefix(shop.url).partition("?")[0]
    expect(phone.page.locator("body")).to_have_attribute("data-live", "yes")
    eyes.look(phone.page, "group-begun-zh")

    for other in (desk, television):
        other.go(f"{path}?lang=en")
        expect(other.page.get_by_role("main")).to_contain_text("They will see your nickname")
        expect(other.page.locator("body")).to_have_attribute("data-live", "yes")
    eyes.look(desk.page, "group-outside")
    desk.page.get_by_role("button", name="Come in").focus()
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator(".shares")).to_contain_text("dan")
    expect(phone.page.locator(".shares")).to_contain_text("dan", timeout=5000)

    desk.page.get_by_role("link", name="I take one").first.click()
    expect(desk.page.get_by_role("note")).to_contain_text("You pay ¥112.00 now.")
    expect(desk.page.get_by_role("note")).to_contain_text("¥25.00 of it come back")
    eyes.look(desk.page, "group-pay")
    pay(desk, "Pay and hold")
    expect(phone.page.locator("[data-live=distance]")).to_contain_text("已付 ¥100.00，共需 ¥200.00", timeout=10_000)
    expect(television.page.locator("[data-live=distance]")).to_contain_text("¥100.00 to go", timeout=10_000)
    eyes.look(desk.page, "group-half")
    phone.page.locator("#chat").get_by_role("textbox").fill("我要白色的那只")
    phone.page.locator("#chat").get_by_role("button", name="发送").tap()
    expect(desk.page.locator("#chat")).to_contain_text("我要白色的那只", timeout=10_000)
    expect(television.page.locator("#chat")).to_have_count(0)

    phone.page.get_by_role("link", name="我要一件").first.tap()
    expect(phone.page.get_by_role("note")).to_contain_text("您现在付 ¥112.00")
    eyes.look(phone.page, "group-pay-zh")
    pay(phone, "付款并代管")
    for visitor, words in ((phone, "已成团"), (desk, "Complete"), (television, "Complete")):
        expect(visitor.page.locator("[data-live=distance]")).to_contain_text(words, timeout=10_000)
    eyes.look(phone.page, "group-complete-zh")
    eyes.look(television.page, "group-complete")
    expect(desk.page.locator("[data-live=act]")).to_contain_text("¥87.00")
    desk.page.get_by_role("link", name="Celadon bowl").first.click()
    desk.page.wait_for_url("**/orders/*")
    expect(desk.page.locator("[data-live=money]")).to_contain_text("Less, bought together")
    eyes.look(desk.page, "group-order")
    desk.go("/together")
    expect(desk.page.locator("[data-live=groups]")).to_contain_text("Complete")
    eyes.look(desk.page, "groups")


def test_a_change_is_on_the_others_page_by_itself(shop, bowls, guest):
    watching = guest("dan")
    promotion = shop.shopper.call("GET", f"/api/promotions?listing_id={bowls}")["promotions"][0]
    started = shop.shopper.call("POST", "/api/groups", {"promotion_id": promotion["promotion_id"],
                                                        "listing_id": bowls})  # fmt: skip
    watching.go(f"/together/{started['group_id']}")
    expect(watching.page.locator("body")).to_have_attribute("data-live", "yes")
    watching.page.get_by_role("button", name="Come in").click()
    expect(watching.page.locator(".shares")).to_be_visible()
    shop.shopper.call("POST", f"/api/groups/{started['group_id']}/messages", {"text": "Hello all"})
    said_s = time.monotonic()
    expect(watching.page.locator("#chat")).to_contain_text("Hello all")
    print(f"on the other page after {time.monotonic() - said_s:.2f} s; a second is promised on a machine left alone")
