"""A shopper's own record: it fills as they buy, uses are switched on and off, wishes are made, and the account ends."""

import json

import pytest
from playwright.sync_api import expect

from cloud_relay.counter import service as counter
from cloud_relay.counter.routes import code_keys
from tests.browser.conftest import PHONE
from tests.browser.program import ADDRESS
from wire.counter import CounterLine, CounterSold, PaidBy
from wire.plan import Text

PRICE_MINOR = 19_900


def sell(shop, number, code):
    """What the shop's till reports."""
    relay = shop.relay
    line = CounterLine(listing_id="lis_tea", title=Text(en="Green tea", zh="龙井茶"), price_minor=4_500, quantity=2)
    sale = CounterSold(
        sale_id=f"sale_{number}", at=relay.clock.now(), receipt_no=number, lines=(line,), total_minor=9_000,
        currency="CNY", paid_by=PaidBy.CASH, account_id="owner", shopper_code=code,
    )  # fmt: skip
    shop.db.run_now(counter.take_sale, shop.shop_id, sale, relay.clock.now(), relay.trading.trade, code_keys(relay))


@pytest.mark.timeout(300)
def test_the_record_fills_as_one_buys_and_ends_with_the_account(shop, guest, eyes):
    listing_id = shop.listing(price_minor=PRICE_MINOR, attributes={"Kind": "Shirt"})
    piece = {"listing_id": listing_id, "code": "shirt-1", "spot": {"camera": "front"}}
    shop.owner.call("POST", "/api/pieces", piece)
    phone = guest("shopper", **PHONE)
    page = phone.page
    phone.go("/account/record?lang=zh")
    expect(page.locator("[data-live=purchases]")).to_contain_text("暂无记录")
    eyes.look(page, "record-empty-zh")

    shopper = shop.shopper
    expect(page.locator("body")).to_have_attribute("data-live", "yes")
    sell(shop, 1, shopper.call("GET", "/api/me/counter-code")["code"])
    expect(page.locator("[data-live=purchases]")).to_contain_text("龙井茶")
    body = {"listing_id": listing_id, "address": {**ADDRESS, "country": "CN"}, "payment_method": "sandbox:ok"}
    order_id = shopper.call("POST", "/api/orders", {**body, "agrees_photo_window": True})["order_id"]
    shopper.wait(order_id, "paid")
    expect(page.locator("[data-live=purchases]")).to_contain_text("亚麻衬衫")
    eyes.look(page, "record-zh")
    page.get_by_role("link", name="近 30 天").click()
    expect(page.locator("[data-live=purchases]")).to_contain_text("店内")

    desk = guest("shopper")
    other = desk.page
    desk.go("/account/consent?lang=en")
    expect(other.locator("body")).to_have_attribute("data-live", "yes")
    eyes.look(other, "consent")
    phone.go("/account/consent?lang=zh")
    switch = page.get_by_role("switch", name="推荐拼单")
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.focus()
    page.keyboard.press("Enter")
    expect(switch).to_have_attribute("aria-checked", "true")
    same = other.get_by_role("switch", name="Suggest orders together")
    expect(same).to_have_attribute("aria-checked", "true")
    same.click()
    expect(switch).to_have_attribute("aria-checked", "false", timeout=3_000)
    other.get_by_label("City, district").fill("Jing'an")
    other.get_by_label("Country").select_option("CN")
    other.get_by_role("button", name="Save").click()
    expect(page.get_by_label("城市、区")).to_have_value("Jing'an")
    with other.expect_download() as download:
        other.get_by_role("link", name="Download").click()
    document = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert len(document["parts"]["purchase"]) == 2
    assert document["parts"]["shopper_profile"][0]["area"] == "Jing'an"
    expect(other.locator("[data-live=erase]")).to_contain_text("an order that has not ended")


@pytest.mark.timeout(300)
def test_wishes_are_made_undone_and_taken_back_and_an_account_ends(shop, guest, eyes):
    listing_id = shop.listing(title_en="Wool scarf", title_zh="羊毛围巾", attributes={"Kind": "Scarf"})
    shop._program("leaver")
    phone = guest("leaver", **PHONE)
    page = phone.page
    phone.go("/account/wishes?lang=en")
    eyes.look(page, "wishes-empty")
    page.get_by_label("Kind of goods").fill("Scarf")
    page.get_by_label("The most I would pay").fill("120")
    page.get_by_role("button", name="Wish for it").click()
    wishes = page.locator("[data-live=wishes]")
    expect(wishes).to_contain_text("scarf")
    expect(wishes).to_contain_text("¥120.00")
    phone.go(f"/account/wishes?lang=zh&listing={listing_id}")
    page.get_by_label("单件最高价").fill("150")
    page.get_by_role("button", name="记下心愿").click()
    expect(wishes).to_contain_text("羊毛围巾")
    eyes.look(page, "wishes-zh")
    page.get_by_role("button", name="删除心愿： 羊毛围巾").click()
    expect(wishes).to_contain_text("已删除")
    page.get_by_role("button", name="恢复 羊毛围巾").click()
    expect(page.get_by_role("button", name="删除心愿： 羊毛围巾")).to_be_visible()

    phone.go("/account?lang=en")
    page.get_by_role("link", name="What is known of me").click()
    page.get_by_text("Erase…").click()
    page.get_by_label("Your password").fill("a wrong sentence")
    page.get_by_role("button", name="Erase my account").click()
    expect(page.locator("#erase [data-errors]")).to_contain_text("password is wrong")
    eyes.look(page, "erase")
    page.get_by_label("Your password").fill(shop.who("leaver")[1])
    page.get_by_role("button", name="Erase my account").click()
    page.wait_for_url(f"{shop.url}/")
    page.goto(f"{shop.url}/account/record")
    expect(page).to_have_url(f"{shop.url}/sign-in?next=%2Faccount%2Frecord")
