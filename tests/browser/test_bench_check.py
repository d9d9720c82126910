"""A merchant has the bench checked from the page: real programs, a simulated bench, hands that do what is asked."""

import re
import time

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.program import Program
from tests.browser.whole_mall import OPERATOR, SHOPPER, TEAHOUSE

PHONE = (390, 844)
NEWCOMER = ("bo@vitrine.example", "a room for bowls")
CHECK_MS = 120_000
STEPS = 8
"""Of a bench that has every kind of device, the sorter among them."""

FREE_S = 120.0
PATH = "/merchant/shops/teahouse/check?lang=en"


@pytest.fixture
def shopper(mall):
    return Program(mall.url, *SHOPPER)


def free_the_bench(mall, shopper) -> None:
    """Give up what earlier tests reserved there, so that no parcel stands on the bench for ever."""
    query = (
        "SELECT r.parcel_id FROM reservation r JOIN piece p ON p.piece_id = r.piece_id "
        "JOIN account a ON a.account_id = r.account_id "
        "WHERE r.state = 'active' AND p.shop_id = 'teahouse' AND a.email = ?"
    )
    for row in mall.rows(query, SHOPPER[0]):
        shopper.call("DELETE", f"/api/reservations/{row['parcel_id']}")


def begin(page) -> None:
    """Press the button until bench and cameras are free: the hands put back what earlier tests left there, and a
    tab that an earlier test closed may still count as somebody who looks."""
    until, running = time.monotonic() + FREE_S, page.get_by_role("heading", name="A check runs")
    said: Locator = page.get_by_role("alert").filter(has_text=re.compile("parcel is on the bench|Somebody looks"))
    while True:
        page.get_by_role("button", name="Check the bench now").click()
        expect(running.or_(said)).to_be_visible()
        if running.is_visible():
            return
        assert time.monotonic() < until, "the bench did not get free"
        page.reload()


@pytest.mark.timeout(400)
def test_a_merchant_checks_the_bench_from_the_page_and_sees_each_step(person, mall, shopper, eyes):
    free_the_bench(mall, shopper)
    owner = person(TEAHOUSE)
    owner.go("/merchant/shops/teahouse?lang=en")
    owner.page.get_by_role("link", name="Bench check").click()
    page = owner.page
    expect(page.get_by_text("Somebody must stand at the bench")).to_be_visible()
    begin(page)
    eyes.judge(page, "merchant-check-running")
    expect(page.locator(".check-step.passed").first).to_be_visible(timeout=CHECK_MS)
    expect(page.get_by_role("heading", name=re.compile("^Newest check passed"))).to_be_visible(timeout=CHECK_MS)
    expect(page.locator(".check-step")).to_have_count(STEPS)
    expect(page.locator(".check-step.failed, .check-step.skipped")).to_have_count(0)
    expect(page.locator("[data-live=running]")).to_contain_text("asked for on this page")
    picture = page.locator(".check-step img").first
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    page.wait_for_function("[...document.querySelectorAll('.check-step img')].every((one) => one.naturalWidth > 0)")
    eyes.look(page, "merchant-check")
    expect(page.get_by_role("button", name="Check the bench now")).to_be_enabled()
    card = mall.rows("SELECT occasion, is_passed, is_whole FROM bench_check ORDER BY received_at DESC LIMIT 1")[0]
    assert (card["occasion"], card["is_passed"], card["is_whole"]) == ("merchant", 1, 1)


def test_while_somebody_looks_it_is_refused_with_a_sentence(person, mall, shopper):
    piece = shopper.listing("西施")["pieces"][0]["piece_id"]
    session = shopper.call("POST", "/api/viewing", {"piece_id": piece})["session_id"]
    owner = person(TEAHOUSE, size=PHONE)
    try:
        owner.go(PATH)
        owner.page.get_by_role("button", name="Check the bench now").click()
        expect(owner.page.get_by_role("alert")).to_contain_text("Somebody looks through a camera now")
    finally:
        shopper.call("POST", f"/api/viewing/{session}/leave", {})


def test_a_shop_whose_box_is_away_says_so_instead_of_a_button(person, mall):
    made, operator = Program(mall.url, *NEWCOMER, nickname="Bo"), Program(mall.url, *OPERATOR)
    merchant = made.call("POST", "/api/merchants", {"name_en": "Bo", "contact": "here"})["merchant_id"]
    operator.call("POST", f"/api/operator/merchants/{merchant}/decide", {"state": "verified"})
    shop = made.call("POST", "/api/shops", {"merchant_id": merchant, "name_en": "Bo's room"})["shop_id"]
    owner = person(NEWCOMER, size=PHONE)
    owner.go(f"/merchant/shops/{shop}/check?lang=zh")
    expect(owner.page.locator("[data-live=begin]")).to_contain_text("店铺主机离线")
    expect(owner.page.get_by_role("button", name="开始自检")).to_have_count(0)
    with pytest.raises(AssertionError, match="shop_offline"):
        made.call("POST", f"/api/shops/{shop}/bench-checks", {})
