"""What people type is shown and never run: a text that breaks out of every kind of place, in every field there is."""

import httpx
import pytest

from tests.browser.program import Program
from tests.browser.whole_mall import OPERATOR

SHORT = "<img src=x onerror=broke(1)>"
"""Fits a nickname."""
POLYGLOT = (
    "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk=broke() )//</stYle/</titLe/</teXtarEa/</scRipt/--!>"
    '<sVg/oNloAd=broke()//><b id="broken">"\'{{7*7777}}${7*7777}'
)
"""One text that leaves attributes, comments, scripts, styles, titles and text areas."""
ADDRESS = {
    "name": POLYGLOT[:80], "lines": [POLYGLOT, SHORT], "postal_code": SHORT[:16], "city": POLYGLOT[:90],
    "country": "DE", "phone": "<b>1</b>",
}  # fmt: skip


@pytest.fixture(scope="module")
def typed(mall):
    """Every text that a merchant, a shopper and an operator can type, typed."""
    seller = Program(mall.url, "mallory@vitrine.example", "out of every place", nickname=SHORT)
    boss = Program(mall.url, *OPERATOR)
    merchant = seller.call(
        "POST", "/api/merchants", {"name_en": POLYGLOT[:100], "name_zh": SHORT, "contact": POLYGLOT}
    )  # fmt: skip
    verified = {"state": "verified", "reason": POLYGLOT}
    boss.call("POST", f"/api/operator/merchants/{merchant['merchant_id']}/decide", verified)
    shop = seller.call(
        "POST", "/api/shops",
        {"merchant_id": merchant["merchant_id"], "name_en": POLYGLOT[:100], "name_zh": SHORT, "story_en": POLYGLOT,
         "story_zh": SHORT, "sender_lines": [POLYGLOT[:100]], "currency": "EUR",
         "cameras": [{"camera": "front", "title": {"en": POLYGLOT[:60], "zh": SHORT}}]},
    )  # fmt: skip
    mall.write("UPDATE shop SET is_live = 1, live_reason = '' WHERE shop_id = ?", shop["shop_id"])  # no box, no check
    listing = seller.call(
        "POST", "/api/listings",
        {"shop_id": shop["shop_id"], "title_en": POLYGLOT[:150], "title_zh": SHORT, "description_en": POLYGLOT,
         "description_zh": SHORT, "sku": SHORT, "price_minor": 1000, "attributes": {SHORT: POLYGLOT[:290]}},
    )  # fmt: skip
    piece = seller.call(
        "POST", "/api/pieces",
        {"listing_id": listing["listing_id"], "code": SHORT, "serial": "<b>\"'", "location": SHORT,
         "spot": {"camera": "front"}},
    )  # fmt: skip
    seller.call("POST", f"/api/listings/{listing['listing_id']}/publish", {})
    seller.call("POST", "/api/me/addresses", ADDRESS)
    order = seller.call(
        "POST", "/api/orders",
        {"listing_id": listing["listing_id"], "address": ADDRESS, "payment_method": "sandbox:ok",
         "agrees_photo_window": True},
    )  # fmt: skip
    seller.call("POST", f"/api/orders/{order['order_id']}/dispute", {"reason": POLYGLOT})
    ids = {"shop": shop, "listing": listing, "piece": piece, "order": order, "merchant": merchant}
    return {name: one[f"{name}_id"] for name, one in ids.items()} | {"parcel": order["parcel_id"]}


PAGES = (
    "/", "/search", "/search?q={polyglot}", "/l/{listing}", "/s/{shop}", "/m/{merchant}", "/look/{piece}", "/account",
    "/orders", "/orders/{order}", "/p/{parcel}", "/merchant", "/merchant/listings", "/merchant/listings/{listing}",
    "/merchant/shops/{shop}", "/merchant/orders", "/merchant/money", "/operator",
    "/sign-in?next={polyglot}", "/l/{polyglot}",
)  # fmt: skip


@pytest.mark.parametrize("language", [pytest.param("en", marks=pytest.mark.full), "zh"])
def test_nothing_typed_is_ever_run(person, mall, typed, language):
    """The pages' content policy is switched off for this: the escaping alone must hold."""
    for who in (("mallory@vitrine.example", "out of every place"), OPERATOR):
        visitor = person(who, bypass_csp=True)
        page = visitor.page
        page.add_init_script("window.broke = () => { window.isBroken = true; };")
        for path in PAGES:
            address = path.format(**typed, polyglot=httpx.QueryParams({"q": POLYGLOT})["q"].replace("/", "%2F"))
            page.goto(f"{mall.url}{address}{'&' if '?' in path else '?'}lang={language}")
            page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
            page.wait_for_timeout(150)
            assert page.evaluate("window.isBroken") is None, address
            assert page.locator("#broken, img[onerror], svg[onload], main [onclick]").count() == 0, address
            assert "54439" not in page.locator("main").inner_text().replace("{{7*7777}}", ""), address


def test_it_is_shown_as_it_was_typed(person, mall, typed):
    visitor = person(("mallory@vitrine.example", "out of every place"))
    visitor.go(f"/l/{typed['listing']}?lang=zh")
    assert visitor.page.get_by_role("heading", level=1).inner_text() == SHORT
    visitor.go(f"/orders/{typed['order']}?lang=en")
    assert POLYGLOT.strip() in visitor.page.locator("blockquote").inner_text()
    visitor.page.wait_for_timeout(200)
