"""Paying and what goes otherwise: declined, given back, called off, objected to, disputed and ruled on."""

import re

from playwright.sync_api import Page, expect

from tests.browser.program import Program
from tests.browser.whole_mall import OPERATOR, SHOPPER, STUDIO

BENCH_MS = 90_000


def reserve(page: Page, words: str) -> None:
    page.get_by_role("searchbox").fill(words)
    page.keyboard.press("Enter")
    page.locator(".card").first.click()
    page.get_by_role("button", name="Buy without looking").click()
    page.wait_for_url("**/checkout/*")


def fill_address(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("Mei Lin")
    page.get_by_label("Street and number").fill("Kaiserstraße 12")
    page.get_by_label("Postal code").fill("10115")
    page.get_by_label("City").fill("Berlin")
    page.get_by_label(re.compile("I will see a photo")).check()


def order_id_of(page: Page) -> str:
    return page.url.split("/orders/")[1].partition("?")[0]


def test_given_back_it_is_free_again(person):
    shopper = person(SHOPPER)
    shopper.go("/?lang=en")
    reserve(shopper.page, "三月的湖")
    shopper.page.get_by_role("button", name="Give it back").click()
    shopper.page.wait_for_url("**/l/*")
    expect(shopper.page.get_by_role("button", name="Buy without looking")).to_be_visible(timeout=15_000)


def test_declined_then_paid_another_way_then_objected_and_ruled_on(person, mall, eyes):
    shopper = person(SHOPPER)
    page = shopper.page
    shopper.go("/?lang=en")
    reserve(page, "紫釉马克杯")
    fill_address(page)
    page.get_by_label("Remember this address").check()
    page.get_by_label("Sandbox card that is declined").check()
    page.get_by_role("button", name=re.compile("Pay €")).click()
    page.wait_for_url("**/orders/*")
    expect(page.get_by_text("The payment was declined. Please choose another way.")).to_be_visible()
    eyes.look(page, "order-declined")
    page.get_by_role("button", name=re.compile("Pay: Sandbox card$")).click()
    expect(page.locator(".story")).to_contain_text("Paid; the money is held")

    expect(page.get_by_role("heading", name="Is this your parcel?")).to_be_visible(timeout=BENCH_MS)
    page.get_by_text("Something is wrong").click()
    page.get_by_label("What is wrong?").fill("The corner is dented")
    page.get_by_role("button", name="Back to the bench").click()
    expect(page.locator(".story")).to_contain_text("Objection to the photo: back to the bench — The corner is dented")
    expect(page.get_by_role("heading", name="Is this your parcel?")).to_be_visible(timeout=BENCH_MS)
    labels = mall.rows(
        "SELECT label_no, state FROM label WHERE parcel_id IN "
        "(SELECT parcel_id FROM order_line WHERE order_id = ?) ORDER BY label_no",
        order_id_of(page),
    )
    assert [(one["label_no"], one["state"]) for one in labels] == [(1, "voided"), (2, "read")]

    page.get_by_text("There is a problem").click()
    page.get_by_label("What happened?").fill("I no longer trust this parcel")
    page.get_by_role("button", name=re.compile("Open a dispute")).click()
    expect(page.get_by_role("heading", name="A dispute is open")).to_be_visible()
    eyes.look(page, "order-disputed")

    operator = person(OPERATOR)
    operator.go("/operator?lang=en")
    case = operator.page.locator(".dispute", has_text="I no longer trust this parcel")
    eyes.look(operator.page, "operator-dispute")
    case.get_by_label("All back to the shopper").check()
    case.get_by_label("Reason, which both read").fill("The parcel never left the shop")
    case.get_by_role("button", name="Rule").click()
    expect(operator.page.locator("[data-live=disputes]")).not_to_contain_text("I no longer trust this parcel")
    expect(page.locator("[data-live=state]")).to_have_text("Refunded")
    expect(page.locator("[data-live=money]")).to_contain_text("Goes back to you")

    shopper.go("/account?lang=en")
    expect(page.locator("[data-live=addresses]")).to_contain_text("Kaiserstraße 12")
    expect(page.locator(".notices")).to_contain_text("The dispute about Plum-glazed cup was decided.")


def test_the_merchant_sees_what_waits_and_calls_an_order_off(person, mall, eyes):
    buyer = Program(mall.url, "bea@vitrine.example", "a cup of tea please", nickname="Bea")
    merchant = person(STUDIO)
    page = merchant.page
    merchant.go("/merchant?lang=en")
    order_id = buyer.buy("三月的湖")
    line = page.locator(".pile .line", has_text="Framed print")
    expect(line).to_be_visible(timeout=BENCH_MS)
    eyes.look(page, "merchant-today-busy")
    line.click()
    expect(page.get_by_text("for Bea")).to_be_visible()
    page.get_by_role("button", name="Call the order off").click()
    expect(page.locator("[data-live=state]")).to_have_text(re.compile("Being cancelled|Cancelled"))
    buyer.wait(order_id, "cancelled")
    expect(page.locator("[data-live=state]")).to_have_text("Cancelled")


def test_nobody_elses_order_is_shown(person, mall):
    other = Program(mall.url, *SHOPPER)
    orders = other.call("GET", "/api/orders")["orders"]
    order_id = orders[0]["order_id"] if orders else other.buy("三月的湖")
    Program(mall.url, "carl@vitrine.example", "a cup of tea please", nickname="Carl")
    stranger = person(("carl@vitrine.example", "a cup of tea please"))
    assert stranger.page.goto(f"{mall.url}/orders/{order_id}").status == 404
