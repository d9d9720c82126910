"""A quote request, two quotes, one accepted; delivered, signed for with a finger: on phone and desk, both languages."""

import re

import pytest
from playwright.sync_api import expect

from cloud_relay import tables
from cloud_relay.orders import service as orders
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent
from tests.browser.eyes import SIZES
from tests.browser.program import Program
from tests.browser.test_basket import fill_the_form
from tests.cloud_relay.quotes.clips import clip
from tests.cloud_relay.running import PASSWORD
from tests.cloud_relay.site import jpeg


def second_merchant(shop):
    """A kiln of somebody else's, verified and live."""
    rival = Program(shop.url, "rival@example.org", PASSWORD, nickname="rival")
    merchant = rival.call("POST", "/api/merchants", {"name_en": "Kiln", "name_zh": "窑", "contact": "here"})
    verified = tables.merchant.update().where(tables.merchant.c.merchant_id == merchant["merchant_id"])
    shop.db.run_now(lambda connection: connection.execute(verified.values(state="verified")))
    shop.owner, owner = rival, shop.owner
    shop_id = shop.open_shop(merchant["merchant_id"], "Kiln")
    shop.owner = owner
    return rival, shop_id


def shelve(seller, shop_id, title_en, title_zh, price_minor):
    goods = {"shop_id": shop_id, "title_en": title_en, "title_zh": title_zh, "price_minor": price_minor}
    listing_id = seller.call("POST", "/api/listings", goods)["listing_id"]
    piece = {"listing_id": listing_id, "code": f"{listing_id[-6:]}-0", "spot": {"camera": "front"}}
    seller.call("POST", "/api/pieces", piece)
    seller.call("POST", f"/api/listings/{listing_id}/publish")
    return listing_id


def ask(shopper):
    """The request, typed on a phone."""
    page = shopper.page
    shopper.go("/quotes?lang=en")
    expect(page.get_by_text("Nothing asked yet")).to_be_visible()
    page.get_by_label("What", exact=True).fill("A celadon teapot, 青瓷茶壶")
    page.get_by_label("More about it (optional)").fill("For four people. Call me: 13812345678")
    page.get_by_label("Budget, without shipping").fill("300")
    page.get_by_role("button", name="Ask the shops").click()
    expect(page.locator("[data-errors]")).to_contain_text("phone number")
    page.get_by_label("More about it (optional)").fill("For four people.")
    page.get_by_role("button", name="Ask the shops").click()
    page.wait_for_url(re.compile(r"/quotes/qrq_"))
    expect(page.locator("[data-live=quotes]")).to_contain_text("2 shops were told")


def quote(desk, price):
    """One merchant's answer, through the inbox."""
    page = desk.page
    desk.go("/merchant/quotes?lang=en")
    page.get_by_role("link", name=re.compile("celadon teapot")).click()
    page.get_by_label("Price for each (CNY)").fill(price)
    page.get_by_label("A word to the shopper (optional)").fill("Fired last week.")
    page.get_by_role("button", name="Send the quote").click()
    expect(page.locator("[data-live=quotes]")).to_contain_text(f"¥{price}")


def show_what_is_meant(shopper):
    """A picture to the request; what is no picture is refused where it was chosen."""
    page = shopper.page
    field = page.get_by_label("Add a picture")
    field.set_input_files({"name": "teapot.jpg", "mimeType": "image/jpeg", "buffer": b"no picture at all"})
    page.get_by_role("button", name="Add it").click()
    expect(page.locator("[data-live=ways] [data-errors]").first).to_contain_text("This picture cannot be used")
    field.set_input_files({"name": "teapot.jpg", "mimeType": "image/jpeg", "buffer": jpeg(320, 240)})
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("img", name="What is wanted, picture 1")).to_be_visible()


def show_a_clip(desk):
    """The merchant sees what is meant and answers with a clip of the goods, from the phone in their hand."""
    page = desk.page
    expect(page.get_by_role("img", name="What is wanted, picture 1")).to_be_visible()
    page.get_by_text("Show it in a short clip").click()
    around = {"name": "around.mp4", "mimeType": "video/mp4", "buffer": clip(size=(320, 240))}
    page.get_by_label("Clip (MP4, WebM)").set_input_files(around)
    page.get_by_role("button", name="Add the clip").click()
    expect(page.get_by_role("button", name="Delete the clip")).to_be_visible()


def deliver(shop, order_id):
    """Photo, hand-over and delivery, as the bench and the courier report them."""
    now, trade = shop.relay.clock.now(), shop.relay.trading.trade
    for event in ("PHOTOGRAPHED", "PHOTO_CONFIRMED", "HANDED_OVER", "DELIVERED"):
        shop.db.run_now(orders.apply, order_id, Happening(event=OrderEvent[event]), now, trade)


def write_to_each_other(shopper, desk, order_id, eyes):
    """In the order's thread; contact data is not passed on, and what one writes the other sees at once."""
    desk.go(f"/orders/{order_id}?lang=en")
    for page, said in ((shopper.page, "Please add a card."), (desk.page, "With pleasure.")):
        page.get_by_label("Your message").fill(said)
        page.get_by_role("button", name="Send", exact=True).click()
        for other in (shopper.page, desk.page):
            expect(other.locator("[data-live=thread]")).to_contain_text(said)
    desk.page.get_by_label("Your message").fill("Or write to loom@example.com")
    desk.page.get_by_role("button", name="Send", exact=True).click()
    expect(desk.page.locator(".thread form > [data-errors]").last).to_contain_text("e-mail address")
    expect(shopper.page.locator("[data-live=thread]")).not_to_contain_text("loom@example.com")
    eyes.look(desk.page, "order-thread")


def sign(page):
    """A finger's strokes on the pad."""
    page.get_by_text("Sign for it", exact=True).click()
    pad = page.locator("[data-pad]")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.6)
    page.mouse.down()
    for across, down in ((0.25, 0.2), (0.4, 0.8), (0.55, 0.3), (0.7, 0.7), (0.9, 0.4)):
        page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * down, steps=6)
    page.mouse.up()


@pytest.mark.timeout(400)
def test_asked_quoted_twice_accepted_delivered_and_signed(guest, shop, eyes):
    rival, rival_shop = second_merchant(shop)
    shelve(shop.owner, shop.shop_id, "Celadon teapot", "青瓷茶壶", 35000)
    shelve(rival, rival_shop, "Blue teapot", "青花茶壶", 30000)
    shopper = guest("shopper", size=SIZES["phone"])
    page = shopper.page
    ask(shopper)
    show_what_is_meant(shopper)
    mine, theirs = guest("owner"), guest("rival")
    quote(mine, "280.00")
    show_a_clip(mine)
    eyes.look(mine.page, "merchant-quote-clip")
    quote(theirs, "260.00")

    expect(page.locator(".quotes > li")).to_have_count(2)
    clips = page.locator(".quotes video")
    expect(clips).to_have_count(1)
    expect(clips).to_have_js_property("videoWidth", 320)
    eyes.look(page, "quote-request")
    cheapest = page.locator(".quotes > li").first
    expect(cheapest).to_contain_text("¥260.00")
    expect(cheapest.get_by_role("link", name="Look at it live")).to_have_attribute("href", re.compile("^/look/"))
    page.locator(".quotes > li", has_text="¥280.00").get_by_role("link", name="Accept").click()
    fill_the_form(page)
    expect(page.locator("p.total.sum")).to_contain_text("¥292.00")
    eyes.look(page, "quote-accept")
    page.get_by_role("button", name=re.compile("^Accept and pay ¥292")).click()
    page.wait_for_url("**/orders/*")
    order_id = page.url.rsplit("/", 1)[1]
    expect(page.locator("[data-live=state]")).to_contain_text("Paid")

    expect(mine.page.locator("[data-live=quotes]")).to_contain_text("Accepted")
    expect(theirs.page.locator("[data-live=quotes]")).to_contain_text("Another was chosen")
    told = [one["kind"] for one in rival.call("GET", "/api/notices")["notices"]]
    assert told.count("quote_lost") == 1

    write_to_each_other(shopper, mine, order_id, eyes)
    deliver(shop, order_id)
    expect(page.get_by_role("heading", name="Have you got it?")).to_be_visible()
    sign(page)
    eyes.look(page, "order-signing")
    page.get_by_role("button", name="I have it, all is well").click()
    expect(page.locator("[data-live=signature] path")).to_have_attribute("d", re.compile(r"^M\d+ \d+L"))
    mine.go(f"/orders/{order_id}?lang=zh")
    expect(mine.page.get_by_role("heading", name="已签收")).to_be_visible()
    eyes.look(mine.page, "order-signed-zh")
    shopper.go("/quotes?lang=zh")
    expect(page.locator("[data-live=requests]")).to_contain_text("已成交")
