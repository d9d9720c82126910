"""The rebate queue as people meet it: a counter sale becomes a ticket, moves up live, is settled and withdrawn."""

import pytest
from playwright.sync_api import expect

from cloud_relay.counter import service as counter
from cloud_relay.counter.routes import code_keys
from cloud_relay.settings import TradeSettings
from tests.browser.conftest import PHONE
from tests.browser.program import ADDRESS
from tests.browser.small_shop import open_small_shop
from tests.browser.test_quotes import deliver, shelve
from tests.ports import free_port
from wire.counter import CounterLine, CounterSold, PaidBy
from wire.plan import Text

PRICE_MINOR = 20_000
SHARE_PPM = 100_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    trade = TradeSettings(counter_commission_ppm=SHARE_PPM, commission_ppm=SHARE_PPM)
    with open_small_shop(tmp_path_factory.mktemp("rebates"), free_port, trade=trade) as shop:
        yield shop


class Till:
    """What the shop's till reports, as its box would."""

    def __init__(self, shop):
        self.shop, self.number = shop, 0
        self.listing_id = shop.listing(title_en="Cup", title_zh="茶杯", price_minor=PRICE_MINOR)

    def sell(self, code=""):
        self.number += 1
        relay = self.shop.relay
        line = CounterLine(
            listing_id=self.listing_id, title=Text(en="Cup", zh="茶杯"), price_minor=PRICE_MINOR, quantity=1
        )
        sale = CounterSold(
            sale_id=f"sale_{self.number}", at=relay.clock.now(), receipt_no=self.number, lines=(line,),
            total_minor=PRICE_MINOR, currency="CNY", paid_by=PaidBy.CASH, account_id="owner", shopper_code=code,
        )  # fmt: skip
        keys = code_keys(relay)
        args = (self.shop.shop_id, sale, relay.clock.now(), relay.trading.trade, keys)
        self.shop.db.run_now(counter.take_sale, *args)


def pay_the_share(shop, till):
    """An order is received, so the merchant has money with the market; its share is kept back with the next sale."""
    listing_id = shelve(shop.owner, shop.shop_id, "Celadon jar", "青瓷罐", 60_000)
    body = {"listing_id": listing_id, "address": {**ADDRESS, "country": "CN"}, "payment_method": "sandbox:ok"}
    neighbour = shop._program("neighbour")
    order_id = neighbour.call("POST", "/api/orders", {**body, "agrees_photo_window": True})["order_id"]
    neighbour.wait(order_id, "paid")
    deliver(shop, order_id)
    neighbour.call("POST", f"/api/orders/{order_id}/receipt")
    till.sell()


@pytest.mark.timeout(400)
def test_from_the_counter_to_the_withdrawal(shop, guest, eyes):
    till = Till(shop)
    operator = guest("operator")
    desk = operator.page
    operator.go("/operator/rebates?lang=en")
    desk.get_by_text("Decide", exact=True).click()
    desk.get_by_role("checkbox").check()
    desk.get_by_label("A purchase rests").select_option("0")
    desk.get_by_label("Into the pot").fill("50")
    desk.get_by_label("Why, and who allowed it").fill("the ministry's letter 7")
    desk.get_by_role("button", name="Decide, with my name").click()
    expect(desk.locator("[data-live=state-default]")).to_contain_text("Decided by operator")

    first = shop._program("first")
    phone = guest("shopper", **PHONE)
    page = phone.page
    phone.go("/account/rebates?lang=zh")
    eyes.look(page, "rebate-account-empty-zh")
    till.sell(first.call("GET", "/api/me/counter-code")["code"])
    till.sell(shop.shopper.call("GET", "/api/me/counter-code")["code"])
    expect(page.locator("[data-live=tickets]")).to_contain_text("待店铺支付佣金")
    eyes.look(page, "rebate-account-coming-zh")
    assert first.call("GET", "/api/me/rebates")["opened_at"], "who registers while it is on has an account"

    pay_the_share(shop, till)
    operator.go("/operator/rebates?lang=en")
    desk.get_by_role("button", name="Settle now").click()
    expect(desk.locator("[data-live=state-default]")).to_contain_text("Last settlement")
    eyes.look(desk, "operator-rebates")
    expect(page.locator("[data-live=tickets]")).to_contain_text("排在第 1 位")
    expect(page.locator("[data-live=account]")).to_contain_text("提取")
    eyes.look(page, "rebate-account-zh")
    page.get_by_role("button", name="提取……").click()
    page.get_by_label("您的密码").fill("a wrong sentence")
    page.get_by_role("button", name="确认提取").click()
    expect(page.locator(".asked [data-errors]")).to_contain_text("密码错误")
    page.get_by_label("您的密码").fill(shop.who("shopper")[1])
    eyes.look(page, "rebate-withdrawal-zh")
    page.get_by_role("button", name="确认提取").click()
    expect(page.locator("[data-live=withdrawals]")).to_contain_text("处理中")
    shop.ask_the_bank()
    expect(page.locator("[data-live=withdrawals]")).to_contain_text("已到账")

    visitor = guest()
    visitor.go("/r/sale_3?lang=en")
    expect(visitor.page.get_by_role("link", name="Make an account")).to_be_visible()
    eyes.look(visitor.page, "receipt-of-nobody")
    phone.go("/r/sale_3?lang=zh")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("[data-live=receipt]")).to_contain_text("已保存到您的账户")
    assert len(shop.shopper.call("GET", "/api/me/rebates")["tickets"]) == 2
    visitor.go("/rebates?lang=en")
    expect(visitor.page.get_by_role("main")).to_contain_text("No investment, no interest")
    told = visitor.page.get_by_role("main").inner_text()
    assert "operator" in told
    assert not [one for one in ("shopper", "first", "neighbour") if f"{one}@" in told]
    visitor.page.get_by_text("The line: numbers, no names").click()
    eyes.look(visitor.page, "rebates-public")
