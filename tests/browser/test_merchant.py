"""A merchant's day in Chromium: at a glance, goods in, counts, teaching, news, members, holidays, the day's money."""

import csv
import io
import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.program import Program
from tests.browser.whole_mall import STUDIO, TEAHOUSE

PHONE = (390, 844)
SLOW_MS = 60_000
"""The shop's own answers: a camera that was asleep, a plan that crosses, on a machine that does other things."""


def goods(mall, words: str) -> dict:
    merchant = Program(mall.url, *TEAHOUSE)
    hits = merchant.call("GET", f"/api/search?q={words}")["hits"]
    return merchant.call("GET", f"/api/listings/{hits[0]['listing_id']}")


def test_today_at_a_glance(person, eyes):
    merchant = person(TEAHOUSE)
    for language in ("en", "zh"):
        merchant.go(f"/merchant?lang={language}")
        expect(merchant.page.locator(".glances li").first).to_be_visible()
        eyes.look(merchant.page, f"merchant-glance-{language}")
    expect(merchant.page.locator("[data-live=shops]")).to_contain_text("主机在线")


def test_goods_come_in_by_scanner_are_counted_and_undone(person, mall, eyes):
    listing = goods(mall, "西施")
    merchant = person(TEAHOUSE)
    page = merchant.page
    merchant.go("/merchant/stock?lang=en")
    page.locator("[data-listing]").select_option(listing["listing_id"])
    scan = page.locator("[data-scan]")
    scan.focus()
    for code in ("IN-1", "IN-2", "IN-2", "IN-3"):
        page.keyboard.type(code)
        page.keyboard.press("Enter")
    expect(page.locator("[data-codes-list] li")).to_have_count(3)
    page.get_by_role("button", name="Remove IN-3").click()
    page.get_by_label("Where they lie").fill("shelf 4")
    eyes.look(page, "merchant-goods-in")
    page.get_by_role("button", name="Take in").click()
    expect(page.locator("[data-live=changes] li").first).to_contain_text("goods in")
    rows = mall.rows("SELECT code, location, state FROM piece WHERE code LIKE 'IN-%' ORDER BY code")
    assert rows == [{"code": f"IN-{number}", "location": "shelf 4", "state": "free"} for number in (1, 2)]

    one = page.locator(f"#count-{listing['listing_id']}")
    one.locator("summary").click()
    one.locator("[data-code='IN-2']").uncheck()
    expect(one.locator("[data-difference]")).to_have_text("Difference −1")
    one.get_by_label("Why it differs").fill("broken")
    eyes.look(page, "merchant-count")
    one.get_by_role("button", name="Correct the count").click()
    expect(page.locator("[data-live=changes] li").first).to_contain_text("broken")
    assert mall.rows("SELECT state FROM piece WHERE code = 'IN-2'") == [{"state": "gone"}]
    for _ in range(2):
        page.locator("[data-live=changes] button").first.click()
        expect(page.locator("[data-live=changes] li.undone").first).to_be_visible()
        page.wait_for_timeout(0)
    expect(page.locator("[data-live=changes] li.undone")).to_have_count(2)
    assert mall.rows("SELECT code FROM piece WHERE code LIKE 'IN-%'") == []


def test_an_error_says_what_to_do_next(person, mall):
    listing = goods(mall, "西施")
    known = listing["pieces"][0]["code"]
    merchant = person(TEAHOUSE)
    page = merchant.page
    merchant.go("/merchant/stock?lang=en")
    page.locator("[data-listing]").select_option(listing["listing_id"])
    page.locator("[data-scan]").fill(known)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Take in").click()
    expect(page.get_by_role("alert")).to_contain_text(known)
    expect(page.locator("[data-codes-list] li")).to_have_count(1)


def test_a_piece_is_taught_by_steering_and_photographed(person, mall, eyes):
    listing = goods(mall, "西施")
    piece_id = listing["pieces"][0]["piece_id"]
    merchant = person(TEAHOUSE)
    page = merchant.page
    merchant.go(f"/merchant/pieces/{piece_id}/teach?lang=en")
    lesson = page.locator("#teach")
    expect(lesson).to_have_attribute("data-state", "steering", timeout=SLOW_MS)
    expect(lesson).to_have_attribute("data-way", re.compile("webrtc|stills"), timeout=SLOW_MS)
    at = page.locator("[data-at=zoom]")
    expect(at).to_have_text(re.compile(r"^\d"), timeout=SLOW_MS)
    before = float(at.inner_text())
    nearer = page.get_by_role("button", name="Nearer")
    nearer.focus()
    page.keyboard.down("Enter")
    page.wait_for_timeout(700)
    page.keyboard.up("Enter")
    page.wait_for_function(
        "before => Number(document.querySelector('[data-at=zoom]').textContent) > before", arg=before
    )
    page.get_by_role("button", name="As the first view").click()
    expect(page.locator("[data-undo]")).to_be_visible(timeout=SLOW_MS)
    page.locator("[data-face-name]").select_option("")
    page.get_by_label("Name, English").fill("Potter's mark")
    page.get_by_label("Name, Chinese").fill("匠人印")
    page.get_by_role("button", name="Keep the face").click()
    expect(page.locator("[data-part=taught]")).to_contain_text("Potter's mark", timeout=SLOW_MS)
    page.get_by_role("button", name="Take the picture").click()
    expect(page.locator("[data-part=pictures] li")).to_have_count(len(listing["pictures"]) + 1, timeout=SLOW_MS)
    eyes.look(page, "merchant-teach")
    spot = goods(mall, "西施")["pieces"][0]["spot"]
    assert spot["home"]["zoom"] > before
    assert [face["title"] for face in spot["faces"] if face["name"] == "potter_s_mark"] == [
        {"en": "Potter's mark", "zh": "匠人印"}
    ]
    picture = httpx.get(f"{mall.url}/pictures/{goods(mall, '西施')['pictures'][-1]}")
    assert picture.content[:2] == b"\xff\xd8"
    page.locator("[data-undo]").click()
    expect(page.locator("[data-part=taught]")).not_to_contain_text("Potter's mark", timeout=SLOW_MS)
    assert mall.rows("SELECT plan_version FROM shop WHERE shop_id = 'teahouse'")[0]["plan_version"] > 1


def test_a_price_for_a_time_is_published_seen_and_deleted(person, mall, eyes):
    listing = goods(mall, "西施")
    merchant, shopper = person(TEAHOUSE), person(size=PHONE)
    page = merchant.page
    merchant.go("/merchant/news?lang=en")
    page.locator("[data-about]").select_option(f"teahouse|{listing['listing_id']}")
    page.get_by_label("Title, English").fill("Until Sunday")
    page.get_by_label("Title, Chinese").fill("周末特价")
    lower = listing["usual_price_minor"] // 2
    page.get_by_label(re.compile("Price for that time")).fill(f"{lower / 100:.2f}")
    page.get_by_label("Shown until").fill("2036-01-01T00:00")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("alert")).to_contain_text("366")
    year = mall.rows("SELECT substr(max(created_at), 1, 4) AS year FROM page_event")[0]["year"]
    page.get_by_label("Shown until").fill(f"{int(year) + 1}-01-01T00:00")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("[data-live=announcements]")).to_contain_text("Shown now")
    eyes.look(page, "merchant-news")
    for path in ("/?lang=zh", "/s/teahouse?lang=zh", f"/l/{listing['listing_id']}?lang=zh"):
        shopper.go(path)
        expect(shopper.page.locator(".announced[aria-label='公告']")).to_contain_text("周末特价")
    eyes.look(shopper.page, "listing-announced")
    shown = httpx.get(f"{mall.url}/api/listings/{listing['listing_id']}").json()
    assert (shown["price_minor"], shown["usual_price_minor"]) == (lower, listing["usual_price_minor"])
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("[data-live=announcements]")).to_contain_text("Deleted")
    expect(shopper.page.locator(".announced[aria-label='公告']")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(shopper.page.locator(".announced[aria-label='公告']")).to_contain_text("周末特价")
    page.get_by_role("button", name="End it now").click()
    expect(shopper.page.locator(".announced[aria-label='公告']")).to_have_count(0)


def test_a_packer_is_invited_comes_and_sees_only_the_bench(person, mall, eyes):
    owner, packer = person(STUDIO), person(size=PHONE)
    page = owner.page
    owner.go("/merchant/members?lang=en")
    page.get_by_label("E-mail").fill("pat@vitrine.example")
    page.get_by_role("button", name="Invite", exact=True).click()
    link = page.locator("[data-link]")
    expect(link).to_contain_text("/invitation/")
    expect(page.locator("[data-mail]")).to_have_attribute("href", re.compile("^mailto:pat%40vitrine.example"))
    eyes.look(page, "merchant-members")
    path = link.inner_text().removeprefix(mall.url)
    Program(mall.url, "pat@vitrine.example", "packs every day", nickname="Pat")
    packer.sign_in(("pat@vitrine.example", "packs every day"))
    packer.go(f"{path}?lang=en")
    packer.page.get_by_role("button", name="Accept").click()
    expect(packer.page).to_have_url(re.compile("/merchant"))
    tabs = packer.page.locator(".tabs a")
    expect(tabs).to_have_text(["Today", "Orders", "Goods", "Stock"])
    assert packer.page.goto(f"{mall.url}/merchant/money").status == 403
    expect(packer.page.get_by_text("Your role does not allow this; ask an owner")).to_be_visible()
    expect(page.locator("[data-live=members]")).to_contain_text("pat@vitrine.example")
    page.get_by_role("button", name="Remove Pat").click()
    expect(page.locator("[data-live=members]")).not_to_contain_text("pat@vitrine.example")
    own = page.locator(".member").first
    own.get_by_role("button", name=re.compile("^Remove")).click()
    expect(page.get_by_role("alert")).to_contain_text("There must be an owner")


def test_a_holiday_closes_viewing_and_the_plan_says_when_the_shop_knows(person, mall, eyes):
    merchant, shopper = person(STUDIO), person()
    page = merchant.page
    merchant.go("/merchant/shops/studio?lang=en")
    page.get_by_role("button", name="Add a holiday").click()
    row = page.locator("[data-rows=holidays] [data-row]").last
    today = httpx.get(f"{mall.url}/healthz").headers["date"]
    day = page.evaluate("text => new Date(text).toISOString().slice(0, 10)", today)
    before, after = (page.evaluate(
        "([day, days]) => new Date(Date.parse(day) + days * 864e5).toISOString().slice(0, 10)", [day, days]
    ) for days in (-1, 1))  # fmt: skip
    row.locator("[data-cell=first_day]").fill(before)
    row.locator("[data-cell=last_day]").fill(after)
    row.locator("[data-cell=zh]").fill("盘库")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-live=box]")).to_contain_text("in force", timeout=SLOW_MS)
    eyes.look(page, "merchant-holidays")
    shopper.go("/s/studio?lang=zh")
    expect(shopper.page.locator("[data-live=open]")).to_contain_text("已打烊")
    expect(shopper.page.get_by_text("盘库")).to_be_visible()
    page.get_by_role("button", name="Remove this holiday").click()
    page.get_by_role("button", name="Save").click()
    expect(shopper.page.locator("[data-live=open]")).not_to_contain_text("已打烊", timeout=SLOW_MS)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_day_is_closed_and_downloaded(person, eyes, language):
    merchant = person(TEAHOUSE, size=PHONE)
    merchant.go(f"/merchant/money/day?lang={language}")
    eyes.look(merchant.page, f"merchant-day-{language}")
    link = merchant.page.locator("a[download]").get_attribute("href")
    answer = merchant.context.request.get(f"{merchant.url}{link}")
    assert answer.body().startswith(b"\xef\xbb\xbf")
    head = next(csv.reader(io.StringIO(answer.body().decode("utf-8-sig"))))
    assert head[0] == {"en": "Time", "zh": "时间"}[language]
