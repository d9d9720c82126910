"""The look of the house: nothing jumps, the first view is light, day and night, empty and broken states lead on."""

import pytest
from playwright.sync_api import expect

from tests.browser.program import Program
from tests.browser.whole_mall import SHOPPER

SHIFT_MAX = 0.05
"""Half of what web.dev calls good (CLS 0.1)."""
FIRST_VIEW_BYTES_MAX = 100_000
SETTLED_MS = 1500
"""Late pictures, countdowns and the event stream have come by then."""

WATCH_SHIFTS = """() => {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifts.push([one.value,
      one.sources.map((source) => source.node?.outerHTML?.slice(0, 120) ?? "")]);
  }).observe({ type: "layout-shift", buffered: true });
}"""

SCREENS = {"desk": (1440, 900), "phone": (390, 844), "television": (1920, 1080)}


@pytest.fixture(scope="module")
def places(mall):
    """Where the pages of the house are, with an order that has begun."""
    shopper = Program(mall.url, *SHOPPER)
    found = shopper.listing("青釉花瓶")
    orders = shopper.call("GET", "/api/orders")["orders"]
    # one that stands still: what a step at the bench moves on the page is no fault of its loading
    still = [order for order in orders if order["state"] in ("released", "refunded", "cancelled", "handed_over")]
    order_id = (still or orders)[0]["order_id"] if orders else shopper.buy("紫釉马克杯")
    return {
        "home": "/", "search": "/search?q=茶壶", "listing": f"/l/{found['listing_id']}",
        "look": f"/look/{found['pieces'][0]['piece_id']}", "order": f"/orders/{order_id}", "orders": "/orders",
    }  # fmt: skip


@pytest.mark.parametrize("screen", ["phone", pytest.param("desk", marks=pytest.mark.full), "television"])
def test_nothing_jumps_and_the_first_view_is_light(person, places, screen):
    """CLS by Chromium's own observer, and every byte but pictures, unpacked, of somebody's first visit."""
    for name, path in places.items():
        visitor = person(SHOPPER, size=SCREENS[screen])
        page = visitor.page
        page.add_init_script(f"({WATCH_SHIFTS})()")
        sizes: dict[str, int] = {}

        def count(response, sizes=sizes) -> None:
            if response.request.resource_type in ("document", "stylesheet", "script"):
                sizes[response.url.rpartition("/")[2]] = len(response.body())

        page.on("response", count)
        visitor.go(path)
        page.wait_for_load_state("load")
        page.wait_for_timeout(SETTLED_MS)
        shifts = page.evaluate("window.shifts")
        assert sum(value for value, _ in shifts) < SHIFT_MAX, f"{name} on {screen}: {shifts}"
        assert len(sizes) > 3
        assert sum(sizes.values()) <= FIRST_VIEW_BYTES_MAX, f"{name}: {sizes}"
        visitor.context.close()


def test_day_and_night_are_the_readers_own_choice(person, mall, eyes, places):
    """By the device's wish, or by the switch, which stays."""
    ground = "getComputedStyle(document.body).backgroundColor"
    visitor, night = person(), person(SHOPPER, color_scheme="dark")
    visitor.go("/?lang=en")
    day = visitor.page.evaluate(ground)
    night.go("/?lang=en")
    dark = night.page.evaluate(ground)
    assert day != dark
    visitor.page.get_by_role("link", name="Dark").click()
    expect(visitor.page.locator("link[href*='night.css']")).to_have_count(1)
    visitor.go("/search")
    assert visitor.page.evaluate(ground) == dark
    for name, path in places.items():
        night.go(f"{path}{'&' if '?' in path else '?'}lang=zh")
        night.page.wait_for_load_state("load")
        eyes.look(night.page, f"{name}-dark-zh")
    night.page.get_by_role("link", name="浅色").click()
    night.go("/")
    assert night.page.evaluate(ground) == day


def test_each_frame_of_the_strip_leads_to_its_evidence_in_one_step(person, places, mall):
    shopper = person(SHOPPER)
    shopper.go(f"{places['order']}?lang=en")
    page = shopper.page
    frames = page.locator(".strip a.frame")
    assert frames.count() >= 2
    for number in range(frames.count()):
        address = frames.nth(number).get_attribute("href")
        shopper.go(f"{address}?lang=en")
        expect(page.get_by_role("heading", name="On record")).to_be_visible()
        page.go_back()
    stranger = person(("studio@vitrine.example", "studio-demo-1"))
    order_id = places["order"].rpartition("/")[2]
    own = mall.rows("SELECT merchant_id FROM orders WHERE order_id = ?", order_id)[0]["merchant_id"]
    studio = mall.rows("SELECT merchant_id FROM shop WHERE shop_id = 'studio'")[0]["merchant_id"]
    answer = stranger.page.goto(f"{mall.url}/orders/{order_id}/evidence/paid")
    assert answer.status == (200 if own == studio else 404)


def test_what_is_empty_or_wrong_says_what_to_do_next(person, mall):
    visitor = person()
    for path, way in (
        ("/search?q=helicopter", "Show everything"),
        ("/l/none", "To the cases"),
        ("/h/none", "To the cases"),
    ):
        visitor.page.goto(f"{mall.url}{path}{'&' if '?' in path else '?'}lang=en")
        expect(visitor.page.get_by_role("link", name=way)).to_be_visible()
