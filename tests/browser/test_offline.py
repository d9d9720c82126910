"""Without a network: what was seen stays readable, only one's own, and signing out leaves nothing behind."""

import time

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.program import Program
from tests.browser.whole_mall import SHOPPER, STUDIO

KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys()) if (name.startsWith("vitrine-seen-"))
    for (const request of await (await caches.open(name)).keys()) found.push(new URL(request.url).pathname);
  return found;
}"""


@pytest.fixture(scope="module")
def order_id(mall):
    shopper = Program(mall.url, *SHOPPER)
    orders = shopper.call("GET", "/api/orders")["orders"]
    return orders[0]["order_id"] if orders else shopper.buy("青釉花瓶")


def ready(someone) -> None:
    """The service worker is there and serves this page."""
    someone.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    someone.page.wait_for_function("() => navigator.serviceWorker.controller !== null")


def wait_kept(page, path: str) -> None:
    page.wait_for_function(f"path => ({KEPT})().then((all) => all.includes(path))", arg=path)


def test_what_was_seen_is_readable_and_says_when_it_was_seen(person, mall, order_id):
    shopper = person(SHOPPER)
    page = shopper.page
    shopper.go("/?lang=en")
    ready(shopper)
    shopper.go(f"/orders/{order_id}")
    wait_kept(page, f"/orders/{order_id}")
    shopper.context.set_offline(True)
    page.goto(f"{mall.url}/orders/{order_id}")
    expect(page.get_by_text("No network. This is the page as you saw it on")).to_be_visible()
    expect(page.locator(".strip")).to_be_visible()
    page.goto(f"{mall.url}/account")
    expect(page.get_by_role("heading", name="No network")).to_be_visible()
    seen = page.locator("[data-part=seen] a", has_text="Order")
    seen.first.click()
    expect(page.locator(".strip")).to_be_visible()
    shopper.context.set_offline(False)


def test_signing_out_leaves_nothing_even_without_a_network(person, mall, order_id):
    for is_offline in (False, True):
        shopper = person(SHOPPER)
        page = shopper.page
        shopper.go("/account?lang=en")
        ready(shopper)
        shopper.go(f"/orders/{order_id}")
        wait_kept(page, f"/orders/{order_id}")
        shopper.go("/account?lang=en")
        shopper.context.set_offline(is_offline)
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_function(f"() => ({KEPT})().then((all) => !all.some((path) => path.startsWith('/orders')))")
        shopper.context.set_offline(True)
        page.goto(f"{mall.url}/orders/{order_id}")
        expect(page.get_by_role("heading", name="No network")).to_be_visible()
        shopper.context.set_offline(False)


def test_the_next_reader_on_the_same_device_sees_nothing_of_the_last(person, mall, order_id):
    """The sign-in ended without a sign-out: the first page that another reader gets throws the old ones away."""
    shopper = person(SHOPPER)
    page = shopper.page
    shopper.go("/?lang=en")
    ready(shopper)
    shopper.go(f"/orders/{order_id}")
    wait_kept(page, f"/orders/{order_id}")
    shopper.context.clear_cookies()
    shopper.sign_in(STUDIO)
    shopper.go("/orders")
    wait_kept(page, "/orders")
    assert f"/orders/{order_id}" not in page.evaluate(KEPT)


def test_what_is_private_to_others_or_alive_is_never_kept(person, mall, order_id):
    """A merchant's view of somebody's order, the checkout, hand-offs and accounts are read with a network only."""
    merchant = mall.rows("SELECT shop_id FROM orders WHERE order_id = ?", order_id)[0]["shop_id"]
    who = {"teahouse": ("teahouse@vitrine.example", "teahouse-demo-1"), "studio": STUDIO}[merchant]
    seller = person(who)
    seller.go("/?lang=en")
    ready(seller)
    for path in (f"/orders/{order_id}", "/merchant", "/account"):
        seller.go(path)
        seller.page.wait_for_load_state("networkidle") if path == "/account" else None
    seller.go("/search")
    wait_kept(seller.page, "/search")
    assert [path for path in seller.page.evaluate(KEPT) if path.startswith(("/orders/", "/merchant", "/account"))] == []


def test_it_can_be_installed_and_a_push_message_becomes_one_notice(person, mall):
    manifest = httpx.get(f"{mall.url}/manifest.webmanifest?lang=zh").json()
    assert (manifest["name"], manifest["display"], manifest["start_url"]) == ("橱窗", "standalone", "/")
    assert httpx.get(mall.url + manifest["icons"][0]["src"]).headers["content-type"] == "image/svg+xml"
    shopper = person(SHOPPER, permissions=["notifications"])
    page = shopper.page
    shopper.go("/?lang=en")
    ready(shopper)
    devtools = shopper.context.new_cdp_session(page)
    found: list[dict] = []
    devtools.on("ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(event["registrations"]))
    devtools.send("ServiceWorker.enable")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    until_s = time.monotonic() + 10
    while not found:  # by an event, some time after it was asked for
        assert time.monotonic() < until_s, "the browser tells of no service worker"
        page.wait_for_timeout(50)
    for _ in range(2):
        message = '{"id": "not_1", "text": "It is your turn", "link": "/orders"}'
        values = {"origin": mall.url, "registrationId": found[0]["registrationId"], "data": message}
        devtools.send("ServiceWorker.deliverPushMessage", values)
    told = (
        "navigator.serviceWorker.ready.then((one) => one.getNotifications()).then((all) => all.map((one) => one.body))"
    )
    page.wait_for_function(f"() => {told}.then((all) => all.length === 1 && all[0] === 'It is your turn')")
