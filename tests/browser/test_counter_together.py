"""Two shoppers at one till: a promotion published on the web, codes and goods, a card payment each, their pages."""

import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.program import Program
from tests.browser.test_counter import SLOW_MS, booked, open_till, scan, seen_at_every_size
from tests.browser.whole_mall import SHOPPER, TEAHOUSE
from wire.values import format_time

BEN = ("ben-at-the-till@example.org", "a long enough sentence")


def new_gtin() -> str:
    """A GTIN-13 of the range for examples: goods that are counted, not single pieces."""
    digits = f"952{secrets.randbelow(10**9):09d}"
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"


@pytest.mark.timeout(900)
def test_a_promotion_of_the_web_is_shared_out_at_the_till_and_stands_with_both(person, mall, eyes, wait_until):
    owner, ann = Program(mall.url, *TEAHOUSE), Program(mall.url, *SHOPPER)
    ben = Program(mall.url, *BEN, nickname="Ben")
    page = open_till(person, mall, eyes, "en")
    gtin, name = new_gtin(), f"Tea bowl {secrets.token_hex(3)}"
    page.locator("#show-goods").click()
    page.locator("[name=title_en]").fill(name)
    page.locator("[name=price]").fill("50")
    page.locator("[name=stock]").fill("9")
    page.locator("#listing [name=code]").fill(gtin)
    page.locator("[name=is_published]").check()
    page.get_by_role("button", name="Keep").click()
    expect(page.locator("#listing-said")).to_contain_text("Sent")
    page.locator("#show-goods").click()

    found = wait_until(lambda: ann.call("GET", f"/api/search?q={name}")["hits"], SLOW_MS / 1000, "the new listing")
    (listing,) = mall.rows("SELECT * FROM listing WHERE listing_id = ?", found[0]["listing_id"])
    assert listing["title_en"] == name, "other tests have shelves of their own"
    promotion = owner.call(
        "POST", "/api/promotions",
        {
            "shop_id": listing["shop_id"], "kind": "spend_over", "title_en": "Two at a table", "title_zh": "双人同桌",
            "threshold_minor": 15_000, "saving_minor": 1_001, "listing_ids": [listing["listing_id"]],
            "until_at": format_time(datetime.now(UTC) + timedelta(days=1)),
        },
    )  # fmt: skip

    scan(page, ann.call("GET", "/api/me/counter-code")["code"])
    line = page.locator("#lines li", has_text=name)
    while not line.count():
        scan(page, gtin)
        page.wait_for_timeout(500)
    while line.locator("output").inner_text() != "1":  # the plan came between two scans
        page.get_by_role("button", name="One less").click()
        page.wait_for_timeout(500)
    lacking = "async () => (await (await fetch('/till/api/state')).json()).sale.lacking.length"
    wait_until(lambda: page.evaluate(lacking), SLOW_MS / 1000, "the plan with the promotion")
    scan(page, ben.call("GET", "/api/me/counter-code")["code"])
    expect(page.locator("#lines .shopper")).to_have_count(2)
    expect(page.locator("#savings")).to_contain_text("100.00 CNY more for: Two at a table")
    scan(page, gtin)
    expect(line).to_have_count(2)
    scan(page, gtin)
    expect(page.locator("#total")).to_have_text("Total 139.99 CNY")
    seen_at_every_size(page, eyes, "till-together")

    before = len(booked(mall))
    page.locator("#pay-each").click()
    for share in ("1", "2"):
        expect(page.locator("#pay .due")).to_contain_text(f"Share {share} of 2", timeout=SLOW_MS)
        page.locator("button[data-way=card]").click()
    expect(page.locator("#pay .done")).to_contain_text("Paid. Receipt", timeout=SLOW_MS)
    assert booked(mall)[before:] == [4_666, 9_333]

    shopper = person(SHOPPER)
    shopper.go("/account/counter?lang=zh")
    expect(shopper.page.locator("[data-live=counter] li", has_text=name)).to_contain_text(
        "2 人一起购买", timeout=SLOW_MS
    )
    expect(shopper.page.locator("[data-live=counter] li", has_text=name)).to_contain_text("3.34")
    eyes.look(shopper.page, "counter-together-zh")
    merchant = person(TEAHOUSE)
    merchant.go("/merchant/counter?lang=en")
    sold = merchant.page.locator("[data-live=counter] li", has_text=name)
    expect(sold).to_have_count(2, timeout=SLOW_MS)
    expect(sold.first).to_contain_text(re.compile(r"bought together by 2.*saved", re.DOTALL))
    eyes.look(merchant.page, "merchant-counter-together")
    owner.call("DELETE", f"/api/promotions/{promotion['promotion_id']}")
    assert mall.rows("SELECT * FROM violations") == []
