"""Two shoppers at the till in Chromium: whose goods, each one's share, paid one after the other; and undone."""

from dataclasses import replace

import pytest
from playwright.async_api import expect

from tests.edge.counter.conftest import PLAN
from tests.edge.counter.test_in_chromium import look, scan, sign_in, till
from tests.edge.counter.test_page import page
from tests.edge.counter.test_together import ANN, BEN, OVER
from wire.promotions import Promotion, PromotionKind
from wire.text import Text

__all__ = ["page", "till"]

pytestmark = pytest.mark.browser

THREE = Promotion(
    promotion_id="pro_three", kind=PromotionKind.GROUP_PRICE, title=Text(en="Cups at 20 for three", zh="三人拼茶杯"),
    currency="CNY", listing_ids=("lst_cup",), count=3, price_minor=2_000,
)  # fmt: skip


@pytest.fixture
def promoted(world):
    world.plan = replace(PLAN, promotions=(OVER, THREE))


async def two_shoppers(tab) -> None:
    """As with a scanner: code, goods, code, goods."""
    for code in (ANN, "4701", BEN, "CUP-1"):
        await scan(tab, code)
        await expect(tab.locator("#code")).to_be_focused()
    heads = tab.locator("#lines .shopper")
    await expect(heads).to_have_count(2)
    await expect(heads.nth(1)).to_contain_text("Shopper 2")


async def test_two_pay_their_exact_shares_one_after_the_other(promoted, till, page):
    await sign_in(till)
    await two_shoppers(till)
    await expect(till.locator("#lines .shopper").first).to_contain_text("370.61")
    await expect(till.locator("#savings")).to_contain_text("Over 400 −10.01 CNY")
    await expect(till.locator("#savings")).to_contain_text("2 more people for: Cups at 20 for three")
    await expect(till.locator("#total")).to_contain_text("394.99 CNY")
    await till.get_by_role("button", name="One more of Cup").click()
    await expect(till.locator("#total")).to_contain_text("419.99 CNY")
    await look(till, "till-together")
    await till.set_viewport_size({"width": 360, "height": 740})
    assert await till.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await till.get_by_label("Whose is Cup?").select_option("0")
    await expect(till.locator("#lines .shopper").nth(1)).to_contain_text("no goods yet")
    await till.click("#pay-each")
    await expect(till.locator("#said")).to_contain_text("One of the shoppers has no goods")
    await till.get_by_label("Whose is Cup?").select_option("1")
    await expect(till.locator("#lines .shopper").nth(1)).to_contain_text("48.84")
    await till.click("#pay-each")
    await expect(till.locator("#pay .due")).to_contain_text("Share 1 of 2")
    await look(till, "till-shares")
    await till.get_by_role("button", name="Pay this one now").click()
    await expect(till.locator("#pay .due")).to_contain_text("Share 2 of 2")
    await till.click("button[data-way=card]")
    await expect(till.locator("#joints li[data-stage=paid]")).to_contain_text("48.84")
    await expect(till.locator("#pay .due")).to_contain_text("Share 1 of 2")
    await till.click("button[data-way=card]")
    await expect(till.locator("#pay .done")).to_contain_text("Paid. Receipt 2")
    await expect(till.locator("#joints article")).to_have_count(0)
    assert page.shop.booked() == [4_884, 37_115]


async def test_back_to_the_goods_then_undone_with_the_paid_share_given_back_in_chinese(promoted, till, page):
    await sign_in(till)
    await two_shoppers(till)
    await till.click("#pay-each")
    await till.click("#take-back")
    await expect(till.locator("#lines .shopper")).to_have_count(2)
    await till.click("#pay-each")
    await till.click("button[data-way=card]")
    await expect(till.locator("#joints li[data-stage=paid]")).to_have_count(1)
    await till.click("#language")
    await till.click("#undo")
    await expect(till.locator("#joints")).to_contain_text("撤销整单？")
    await look(till, "till-undo-ask")
    await till.click("#undo-yes")
    await expect(till.locator("#joints")).to_contain_text("正在撤销")
    await look(till, "till-undoing")
    await till.click("[data-back='1']")
    await expect(till.locator("#joints article")).to_have_count(0)
    assert page.shop.reversed() == page.shop.booked() == [37_061]
