"""The counter: a listing written at the till, sold there by card, and the sale on the merchant's pages."""

import json
import re
import secrets
from typing import Any

from playwright.sync_api import Page, ViewportSize, expect

from demo.shop_files import TILL_PIN
from tests.browser.whole_mall import TEAHOUSE

SLOW_MS = 120_000
"""From the till to the relay and back through the shop plan, on a machine that does other things besides."""

TABLET: ViewportSize = {"width": 1024, "height": 768}


def booked(mall) -> list[int]:
    """What the card terminal itself says that it booked."""
    lines = (mall.folder / "teahouse" / "world" / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    told: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [line["amount_minor"] for line in told if line["event"] == "payment_booked"]


def open_till(person, mall, eyes, language: str) -> Page:
    """A member at the till, signed in."""
    page: Page = person().page
    url = f"http://127.0.0.1:{mall.ports.attendant(0)}/till"
    page.goto(url)
    page.evaluate(f"localStorage.setItem('language', '{language}')")
    page.goto(url)
    page.wait_for_url(re.compile(r"/till/sign-in$"))
    expect(page.locator("#people label")).to_have_count(1, timeout=SLOW_MS)
    page.locator("#pin").fill("0001")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("密码不正确。" if language == "zh" else "This is not the PIN.")
    eyes.look(page, f"till-sign-in-{language}")
    page.locator("#pin").fill(TILL_PIN)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/till$"))
    return page


def seen_at_every_size(page: Page, eyes, name: str) -> None:
    """Beside the usual sizes a tablet: what stands at most counters."""
    page.set_viewport_size(TABLET)
    page.screenshot(path=eyes.folder / f"{name}-tablet.png", scale="css")
    eyes.look(page, name)


def scan(page: Page, code: str) -> None:
    page.locator("#code").fill(code)
    page.keyboard.press("Enter")
    expect(page.locator("#code")).to_have_value("")


def test_goods_are_published_and_sold_at_the_till(person, mall, eyes):
    code = f"T{secrets.token_hex(3)}"
    page = open_till(person, mall, eyes, "en")
    scan(page, "nothing that anybody knows")
    expect(page.locator("#said")).to_have_text("This code is not one of this shop's goods")

    page.locator("#show-goods").click()
    page.locator("[name=title_zh]").fill("青花饭碗")
    page.locator("[name=title_en]").fill(f"Rice bowl {code}")
    page.locator("[name=price]").fill("42.50")
    page.locator("#listing [name=code]").fill(code)
    page.get_by_role("button", name="Photograph with front").click()
    expect(page.locator("#shot")).to_be_visible(timeout=SLOW_MS)
    page.locator("[name=is_published]").check()
    seen_at_every_size(page, eyes, "till-goods")
    page.get_by_role("button", name="Keep").click()
    expect(page.locator("#listing-said")).to_contain_text("Sent")
    page.locator("#show-goods").click()

    line = page.locator("#lines li", has_text=code)
    expect(page.locator("#relay")).not_to_contain_text("to send", timeout=SLOW_MS)
    while not line.count():
        scan(page, code)
        page.wait_for_timeout(500)
    expect(page.locator("#total")).to_have_text("Total 42.50 CNY")
    seen_at_every_size(page, eyes, "till-sale")

    before = len(booked(mall))
    page.locator("button[data-way=card]").click()
    expect(page.locator("#pay .done")).to_contain_text("Paid. Receipt", timeout=SLOW_MS)
    assert booked(mall)[before:] == [4250]
    seen_at_every_size(page, eyes, "till-paid")

    scan(page, code)
    # until the new plan is there the box knows the piece and says that it is sold; then it knows it no more
    expect(page.locator("#said")).to_have_text(re.compile("sold already|not one of this shop"))

    merchant = person(TEAHOUSE)
    merchant.go("/merchant/counter?lang=en")
    sale = merchant.page.locator("[data-live=counter] li", has_text=code)
    expect(sale).to_contain_text("¥42.50", timeout=SLOW_MS)
    expect(sale).to_contain_text("Card girocard")
    eyes.look(merchant.page, "merchant-counter")
    merchant.go("/merchant/members?lang=zh")
    eyes.look(merchant.page, "merchant-members-pin-zh")
    assert mall.rows("SELECT * FROM violations") == []


def test_cash_with_change_and_a_qr_code_in_chinese(person, mall, eyes):
    page = open_till(person, mall, eyes, "zh")
    code = f"C{secrets.token_hex(3)}"
    page.locator("#show-goods").click()
    page.locator("[name=title_zh]").fill(f"茶巾 {code}")
    page.locator("[name=price]").fill("18")
    page.locator("#listing [name=code]").fill(code)
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#listing-said")).to_contain_text("已上传")
    page.locator("#show-goods").click()
    line = page.locator("#lines li", has_text=code)
    while not line.count():
        scan(page, code)
        page.wait_for_timeout(500)
    page.locator("button[data-way=qr]").click()
    expect(page.locator("img.qr")).to_be_visible()
    seen_at_every_size(page, eyes, "till-qr-zh")
    page.locator("#not-came").click()
    page.locator("button[data-way=cash]").click()
    page.locator("#given").fill("20")
    expect(page.locator(".change")).to_have_text("找零 2.00 CNY")
    seen_at_every_size(page, eyes, "till-cash-zh")
    page.locator("#came").click()
    expect(page.locator("#pay .done")).to_contain_text("已收款")
    expect(page.locator("#receipts li").first).to_contain_text("18.00 CNY")
