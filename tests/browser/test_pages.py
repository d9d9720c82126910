"""What pages lead to: not there, sign in first, a merchant from the sign-up to the published listing."""

import json
import re

import httpx
from playwright.sync_api import expect

from tests.browser.whole_mall import OPERATOR, SHOPPER


def listing(mall, words: str) -> dict:
    hits = httpx.get(f"{mall.url}/api/search", params={"q": words}).json()["hits"]
    return httpx.get(f"{mall.url}/api/listings/{hits[0]['listing_id']}").json()


def test_what_is_not_there_says_so_and_where_to_go(person, mall, eyes):
    visitor = person()
    for path in ("/l/none", "/nowhere", "/p/par_none", "/c/par_none.token", "/s/none"):
        answer = visitor.page.goto(f"{mall.url}{path}?lang=zh")
        assert answer.status == 404
        expect(visitor.page.get_by_role("heading", name="没有找到")).to_be_visible()
        expect(visitor.page.get_by_role("link", name="去看看橱窗")).to_be_visible()
    eyes.look(visitor.page, "not-found-zh")


def sign_in_early(page, mall) -> None:
    """Fill the form in and press before any of the page's modules is there."""
    page.goto(f"{mall.url}/sign-in?next=/orders&lang=en", wait_until="commit")
    page.get_by_label("E-mail").fill(SHOPPER[0])
    page.get_by_label("Password", exact=True).fill(SHOPPER[1])
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_what_is_pressed_before_the_scripts_are_there_counts_when_they_come(person, mall):
    page, held = person().page, []
    page.route("**/page.js", lambda route: held.append(route))  # noqa: PLW0108  # Playwright marks what it is given
    sign_in_early(page, mall)
    page.wait_for_timeout(300)
    assert page.url.endswith("/sign-in?next=/orders&lang=en"), "not what was typed"
    held[0].continue_()
    expect(page).to_have_url(f"{mall.url}/orders")


def test_where_the_scripts_cannot_be_had_nothing_typed_goes_into_the_address(person, mall):
    page = person().page
    page.route("**/page.js", lambda route: route.abort())
    sign_in_early(page, mall)
    page.wait_for_load_state("load")
    page.get_by_role("button", name="Sign in", exact=True).click()
    assert page.url.endswith("/sign-in?next=/orders&lang=en")
    expect(page.get_by_label("Password", exact=True)).to_have_value(SHOPPER[1])


def test_private_pages_lead_to_signing_in_and_back(person, mall):
    visitor = person()
    visitor.page.goto(f"{mall.url}/orders?lang=en")
    expect(visitor.page).to_have_url(re.compile(r"/sign-in\?next=%2Forders"))
    visitor.page.get_by_label("E-mail").fill(SHOPPER[0])
    visitor.page.get_by_label("Password").fill("wrong password")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("alert")).to_contain_text("Address or password is wrong")
    visitor.page.get_by_label("Password").fill(SHOPPER[1])
    visitor.page.keyboard.press("Enter")
    expect(visitor.page).to_have_url(re.compile(r"/orders"))
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("My orders")


def test_no_page_asks_another_site(person, mall):
    visitor = person(SHOPPER)
    asked = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/search", "/account", "/orders"):
        visitor.go(path)
    assert [url for url in asked if not url.startswith((mall.url, "data:", "blob:"))] == []


def test_a_new_account_a_merchant_verified_and_a_listing_published(person, mall, eyes):
    """Somebody signs up, applies, is verified by the operator, opens a shop, and puts goods in; all by the pages."""
    seller = person()
    page = seller.page
    seller.go("/sign-up?next=/account&lang=en")
    page.get_by_label("What shops call you").fill("Anna")
    page.get_by_label("E-mail").fill("anna@vitrine.example")
    page.get_by_label("Password").fill("a kiln at night")
    page.get_by_role("button", name="Make the account").click()
    page.get_by_text("Apply as a merchant").click()
    page.get_by_label("Name of your business (English)").fill("Anna's Kiln")
    page.get_by_label(re.compile("How the operator reaches you")).fill("anna@vitrine.example, HRB 1234")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", name="1. Who you are")).to_be_visible()
    eyes.look(page, "merchant-pending")

    operator = person(OPERATOR)
    operator.go("/operator?lang=en")
    waiting = operator.page.locator("[data-live=pending] .applicant", has_text="Anna's Kiln")
    eyes.look(operator.page, "operator-pending")
    waiting.get_by_role("button", name="Decide").click()
    expect(operator.page.locator("[data-live=decided]")).to_contain_text("Anna's Kiln")

    seller.go("/merchant/shops/new?lang=en")
    page.get_by_label("Name, English").fill("Anna's Kiln")
    page.get_by_label("Currency").select_option("EUR")
    page.get_by_label("Shipping price").fill("4.90")
    page.get_by_role("button", name="Add a camera").click()
    page.locator("[data-rows=cameras] [data-cell=camera]").fill("front")
    page.locator("[data-rows=cameras] [data-cell=en]").fill("At the window")
    page.get_by_role("button", name="Open the shop").click()
    expect(page.get_by_text("No box yet")).to_be_visible()
    page.get_by_role("button", name="Make a claim code").click()
    expect(page.locator("[data-claim-text]")).to_have_text(re.compile(r"^\S+@https://\S+#[0-9a-f]{64}$"))
    shop_id = page.url.split("/shops/")[1].partition("?")[0]

    seller.go(f"/merchant/listings/new?shop={shop_id}&lang=en")
    page.get_by_label("Title, English").fill("Salt-glazed jug")
    page.get_by_label("Title, Chinese").fill("盐釉水罐")
    page.get_by_label(re.compile("Price")).fill("48.50")
    page.get_by_label(re.compile("Attributes")).fill("holds: 1 l\nglaze: salt")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Publish")).to_be_visible()
    listing_id = page.url.split("/listings/")[1].partition("?")[0]
    piece = page.locator("form[data-api='POST /api/pieces']")
    piece.get_by_label("Code on its tag").fill("J-1")
    piece.get_by_label("Camera that sees it").select_option("front")
    piece.get_by_role("button", name="Add a face").click()
    piece.locator("[data-rows] [data-cell=name]").select_option("flaw")
    piece.locator("[data-rows] [data-cell=zoom]").fill("4")
    piece.get_by_role("button", name="Save the piece").click()
    expect(page.locator("[data-live=pieces]")).to_contain_text("J-1")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("button", name="Withdraw")).to_be_visible()
    eyes.look(page, "merchant-listing-made")

    row = mall.rows("SELECT price_minor, currency, on_hand, attributes FROM listing WHERE listing_id = ?", listing_id)[
        0
    ]
    assert (row["price_minor"], row["currency"], row["on_hand"]) == (4850, "EUR", 1)
    assert json.loads(row["attributes"]) == {"holds": "1 l", "glaze": "salt"}
    spot = json.loads(mall.rows("SELECT spot FROM piece WHERE listing_id = ?", listing_id)[0]["spot"])
    assert [(face["name"], face["position"]["zoom"]) for face in spot["faces"]] == [("flaw", 4)]
    assert listing(mall, "盐釉")["listing_id"] == listing_id
