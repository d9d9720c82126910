"""The till in Chromium: signing in at the door it shares with the bench, selling by card, giving it back."""

import os
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.async_api import async_playwright, expect

from tests.chromium import CHROMIUM
from tests.edge.counter.test_page import page

__all__ = ["page"]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
SLOW_MS = 60_000

pytestmark = pytest.mark.browser


@pytest.fixture
async def till(page):
    assert CHROMIUM, "the launcher installs Chromium for the tests"
    errors: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = await browser.new_page(viewport={"width": 1280, "height": 900})
        tab.set_default_timeout(SLOW_MS)
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.url_of_page = str(page.http.base_url).rstrip("/")
        await tab.goto(f"{tab.url_of_page}/till")
        yield tab
        await browser.close()
    assert errors == []


async def look(tab, name: str) -> None:
    """Judge by axe-core, refuse sideways scrolling, leave pictures where somebody wants them."""
    await tab.evaluate(f"window.axe || (() => {{ {AXE} }})()")
    found = await tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]] == [], name
    folder = os.environ.get("VITRINE_SCREENSHOTS", "")
    for size, width, height in (("phone", 390, 844), ("desk", 1440, 900), ("tv", 1920, 1080)):
        await tab.set_viewport_size({"width": width, "height": height})
        assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} {size}"
        if folder:
            await tab.screenshot(path=Path(folder) / f"{name}-{size}.png", full_page=True)


async def sign_in(tab) -> None:
    await expect(tab.locator("#people label")).to_have_count(1)
    await tab.get_by_text("⌫").wait_for()  # the keys of the bench are here too
    await tab.fill("#pin", "0001")
    await tab.click("#enter")
    await expect(tab.locator("#said")).to_have_text("This is not the PIN.")
    await look(tab, "till-sign-in")
    await tab.fill("#pin", "1357")
    await tab.keyboard.press("Enter")
    await tab.wait_for_url("**/till")


async def scan(tab, code: str) -> None:
    await tab.fill("#code", code)
    await tab.keyboard.press("Enter")


async def test_a_card_sale_is_given_back_from_its_receipt_and_cash_by_hand_in_chinese(till, page):
    await sign_in(till)
    await scan(till, "4701")
    await till.click("button[data-way=card]")
    await expect(till.locator("#pay .done")).to_contain_text("Paid. Receipt 1")
    receipt = till.locator("#receipts li", has_text="Teapot").first
    await receipt.get_by_role("button", name="Give back").click()
    await expect(receipt).to_contain_text("Give 380.00 CNY back?")
    await look(till, "till-refund")
    await receipt.get_by_role("button", name="No", exact=True).click()
    await expect(receipt.get_by_role("button", name="Give back")).to_be_visible()
    assert page.shop.reversed() == []
    await receipt.get_by_role("button", name="Give back").click()
    await till.get_by_role("button", name="Give it back").click()
    await expect(till.locator("#receipts li")).to_have_count(2)
    assert page.shop.reversed() == [38_000]
    await expect(till.locator("#pay .done")).to_have_text("Given back. Receipt 2")
    await expect(till.locator("#receipts li").first).to_contain_text("Refund")
    await expect(till.locator("#receipts li").last).to_contain_text("given back")
    await expect(till.get_by_role("button", name="Give back")).to_have_count(0)
    await look(till, "till-refunded")

    await till.click("#language")
    await scan(till, "CUP-1")
    await till.click("button[data-way=cash]")
    await till.click("#came")
    await till.locator("#receipts li").first.get_by_role("button", name="退款").click()
    await till.get_by_role("button", name="确认退款").click()
    await expect(till.locator("#pay .due")).to_have_text("应退 25.00 CNY")
    await look(till, "till-refund-cash-zh")
    await till.click("#given-back")
    await expect(till.locator("#receipts li", has_text="茶杯").last).to_contain_text("已退款")
    assert (await page.counter.waiting())["sales"] == 4, "two sales and two refunds wait for the relay"
