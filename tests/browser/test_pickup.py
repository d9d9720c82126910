"""From a sample's tag on a phone: bought, carried by the sorter, packed, reminded of, collected with a code."""

import json
import re
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from demo.shop_files import PIN
from tests.browser.program import Program
from tests.browser.test_paying import BENCH_MS, order_id_of
from tests.browser.whole_mall import SHOPPER, TEAHOUSE

PHONE = (390, 844)


def truth(mall) -> list[dict[str, Any]]:
    lines = (mall.folder / "teahouse" / "world" / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def hands(mall, act: str, **words: str) -> None:
    control = f"http://127.0.0.1:{mall.ports.world(0, 0)}"
    httpx.post(f"{control}/hands", json={"act": act, **words}, timeout=60).raise_for_status()


def open_bench(person, mall) -> Page:
    """The attendant at the bench, signed in."""
    page: Page = person().page
    page.goto(f"http://127.0.0.1:{mall.ports.attendant(0)}/sign-in")
    page.locator("input").first.fill(PIN)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/$"))
    return page


def scan_the_samples_tag(shopper, merchant: Program, eyes) -> None:
    """The merchant hangs a tag at the sample; the phone's camera app opens what is in its code, one tap buys."""
    goods = merchant.listing("朱漆茶叶罐")
    wanted = {"shop_id": "teahouse", "kind": "sample", "tags": [{"listing_id": goods["listing_id"]}]}
    tag_id = merchant.call("POST", "/api/tags", wanted)["tag_ids"][0]
    shopper.go(f"/t/{tag_id}")
    shopper.page.wait_for_url(f"**/l/{goods['listing_id']}?tag={tag_id}#buy")
    shopper.go(f"/l/{goods['listing_id']}?lang=en&tag={tag_id}#buy")
    eyes.look(shopper.page, "listing-of-the-sample")
    shopper.page.get_by_role("button", name=re.compile("^Buy")).first.click()
    shopper.page.wait_for_url("**/checkout/*")


def test_bought_carried_reminded_and_collected_with_the_code(person, mall, eyes):
    shopper = person(SHOPPER, size=PHONE)
    page = shopper.page
    scan_the_samples_tag(shopper, Program(mall.url, *TEAHOUSE), eyes)
    page.get_by_label(re.compile("I collect it")).check()
    expect(page.get_by_label("Street and number")).to_be_hidden()
    expect(page.locator("p.total", has_text="Shipping")).to_be_hidden()
    page.get_by_label(re.compile("I will see a photo")).check()
    eyes.look(page, "checkout-pickup")
    page.evaluate("document.dispatchEvent(new CustomEvent('refreshed'))")  # as after any news of the reservation
    expect(page.locator("p.total.sum")).to_contain_text("¥168.00")
    page.get_by_role("button", name=re.compile("^Pay ¥")).click()
    page.wait_for_url("**/orders/*")
    order_id = order_id_of(page)
    expect(page.get_by_role("heading", name="Is this your parcel?")).to_be_visible(timeout=BENCH_MS)
    carried = [line for line in truth(mall) if (line["device"], line["event"]) == ("sorter", "carried")]
    piece = carried[-1]["piece"]
    assert piece.startswith("caddy-")
    assert [line["piece"] for line in carried].count(piece) == 1, "nothing is carried twice"
    expect(page.locator(".story")).to_contain_text("The sorter brought the piece to the bench")

    page.get_by_role("button", name="Yes, that is mine").click()
    expect(page.get_by_role("heading", name="It waits for you")).to_be_visible(timeout=BENCH_MS)
    eyes.look(page, "order-ready-to-collect")
    code = re.sub(r"\D", "", page.locator(".code-line code").inner_text())
    told = Program(mall.url, *SHOPPER).call("GET", "/api/notices")["notices"]
    assert [one["kind"] for one in told if one["link"] == f"/orders/{order_id}"].count("ready_to_collect") == 1
    desk = person(SHOPPER)  # the same shopper at a desk, in Chinese
    desk.go(f"/orders/{order_id}?lang=zh")
    expect(desk.page.get_by_role("heading", name="可以来取了")).to_be_visible()
    assert re.sub(r"\D", "", desk.page.locator(".code-line code").inner_text()) == code
    eyes.look(desk.page, "order-ready-to-collect-zh")

    bench = open_bench(person, mall)
    task = bench.locator("article[data-kind=collect]", has_text=re.compile("Waits to be collected|等待自取"))
    expect(task).to_be_visible()
    eyes.look(bench, "bench-collect")
    wrong = "1" * 8 if code != "1" * 8 else "2" * 8
    hands(mall, "scan_text", text=wrong)
    expect(bench.locator("#scanned")).to_contain_text(re.compile("No parcel here has this code|没有包裹对应"))
    hands(mall, "scan_parcel", match="s=", piece=piece)
    expect(task.locator("p.scanned")).to_be_visible()
    task.locator("button[data-answer=collected]").click()
    expect(task.locator(".said")).to_contain_text(re.compile("shopper's code first|取货码"))
    hands(mall, "scan_text", text=f"{mall.url}/orders/{order_id}#collect={code}")
    expect(bench.locator("#scanned")).to_contain_text(re.compile("Right code|取货码正确"))
    hands(mall, "take_away", piece=piece)
    task.locator("button[data-answer=collected]").click()
    expect(task).to_be_hidden()

    shopper.go(f"/orders/{order_id}?lang=en")
    expect(page.locator("[data-live=state]")).to_have_text("Delivered", timeout=BENCH_MS)
    expect(page.locator(".story")).to_contain_text("Collected: the code was right")
    page.get_by_role("button", name="I have it, all is well").click()
    expect(page.locator("[data-live=state]")).to_have_text("Completed")
    eyes.look(page, "order-collected")
    assert mall.rows("SELECT * FROM violations") == []


def test_locations_are_seen_by_merchant_and_attendant_and_a_stale_count_is_shown(person, mall, eyes):
    merchant = person(TEAHOUSE)
    page = merchant.page
    merchant.go("/merchant/shops/teahouse/locations?lang=en")
    shelf = page.locator("[data-live=locations] details", has_text="A-1-2")
    expect(shelf).to_be_visible()
    shelf.locator("summary").click()
    eyes.look(page, "merchant-locations")

    bench = open_bench(person, mall)
    bench.goto(f"http://127.0.0.1:{mall.ports.attendant(0)}/locations")
    card = bench.locator("li[data-location='A-1-2']")
    expect(card).to_be_visible()
    eyes.look(bench, "bench-locations")
    before = shelf.get_by_label("Codes found there, one a line").input_value()
    card.locator("textarea").fill(f"{before}\n4732")
    card.locator("button").click()
    expect(bench.locator("#said")).to_have_class("good")
    expect(shelf.locator(".lines")).to_contain_text("4732", timeout=BENCH_MS)

    stale = Program(mall.url, *TEAHOUSE)
    found = stale.call("GET", "/api/shops/teahouse/locations")["locations"]
    version = next(one["version"] for one in found if one["location"] == "A-1-2")
    body = {"location": "A-1-2", "codes": [], "version": version - 1, "reason": "seen yesterday"}
    answer = httpx.post(f"{mall.url}/api/shops/teahouse/locations", json=body, headers=stale.headers, timeout=30)
    assert answer.status_code == 409 and "stale_version" in answer.text
    expect(shelf.locator(".lines")).to_contain_text("4732")
