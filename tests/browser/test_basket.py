"""Two shops in one basket: shipping by list, paid once, one part cancelled and refunded, found again, its receipt."""

import io
import re

import pypdfium2
from playwright.sync_api import expect

from cloud_relay.orders import service as orders
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent
from tests.browser.eyes import SIZES


def shelve(shop, shop_id, title_en, title_zh, price_minor, weight_g, pieces):
    """A published listing with so many pieces."""
    goods = {"shop_id": shop_id, "title_en": title_en, "title_zh": title_zh, "price_minor": price_minor,
             "weight_g": weight_g}  # fmt: skip
    listing_id = shop.owner.call("POST", "/api/listings", goods)["listing_id"]
    for number in range(pieces):
        shop.owner.call("POST", "/api/pieces", {"listing_id": listing_id, "code": f"{listing_id[-6:]}-{number}"})
    shop.owner.call("POST", f"/api/listings/{listing_id}/publish")
    return listing_id


def write_the_price_list(desk):
    """What it costs from the kiln, and which tax comes on top."""
    desk.get_by_role("button", name="Add a zone").click()
    desk.get_by_label("Name, English").fill("Europe")
    desk.get_by_label("Places").fill("DE, FR, AT")
    desk.get_by_label("Up to so many grams").fill("500: 6\n2000: 9.50")
    desk.get_by_role("button", name="Add a zone").click()
    desk.get_by_label("Name, English").last.fill("Everywhere")
    desk.get_by_label("Places").last.fill("*")
    desk.get_by_label("Up to so many grams").last.fill("*: 20")
    desk.get_by_label("Place; percent").fill("DE; 19")
    desk.get_by_label("Prices are without tax").check()
    desk.get_by_role("button", name="Save").click()
    expect(desk.locator("#toast")).to_contain_text("Saved")


def fill_the_form(page):
    """An address in Berlin, remembered."""
    page.get_by_label("Name", exact=True).fill("Mei Lin")
    page.get_by_label("Street and number").fill("Kaiserstraße 12")
    page.get_by_label("City").fill("Berlin")
    page.get_by_label("Postal code").fill("10115")
    page.get_by_label("Country").select_option("DE")
    page.get_by_label("Remember this address").check()
    page.get_by_label(re.compile("I will see a photo")).check()


def find_among_orders(shopper, eyes):
    """By a word of the goods; what fits nothing says so."""
    page = shopper.page
    shopper.go("/orders")
    page.get_by_text("Find an order").click()
    page.get_by_label("Number, goods or name").fill("shirt")
    page.get_by_role("button", name="Find").click()
    expect(page.locator(".order-card")).to_have_count(1)
    eyes.look(page, "orders-found")
    page.get_by_label("Number, goods or name").fill("teapot")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("No order fits.")).to_be_visible()


def look_at_receipts(shopper, order_id, eyes):
    """Both receipts are one page with something on it."""
    for language in ("en", "zh"):
        answer = shopper.context.request.get(f"{shopper.url}/orders/{order_id}/receipt.pdf?lang={language}")
        assert answer.headers["content-type"] == "application/pdf"
        (sheet,) = pypdfium2.PdfDocument(io.BytesIO(answer.body()))
        picture = sheet.render(scale=120 / 72).to_pil().convert("L")
        assert picture.getextrema()[0] < 60, "nothing is drawn"
        picture.save(eyes.folder / f"receipt-{language}.png")


def look_at_the_account(shopper, eyes):
    """In Chinese: the address deleted and taken back, every message read."""
    page = shopper.page
    shopper.go("/account?lang=zh")
    expect(page.locator("[data-live=addresses]")).to_contain_text("Kaiserstraße 12")
    page.get_by_role("button", name=re.compile("^删除地址")).click()
    page.get_by_role("button", name=re.compile("^恢复")).click()
    expect(page.locator("[data-live=addresses] .pill")).to_have_text("默认")
    page.get_by_role("button", name=re.compile("全部标为已读")).click()
    expect(page.locator(".notices .unread")).to_have_count(0)
    eyes.look(page, "account-zh")
    shopper.go("/basket")
    expect(page.get_by_text("购物车是空的")).to_be_visible()
    eyes.look(page, "basket-empty-zh")


def test_two_shops_paid_once_one_part_comes_back(guest, shop, eyes):
    merchant_id = shop.owner.call("GET", "/api/merchants/mine")["merchants"][0]["merchant_id"]
    kiln = shop.open_shop(merchant_id, "Kiln")
    shirt = shelve(shop, shop.shop_id, "Linen shirt", "亚麻衬衫", 19900, 300, 2)
    bowl = shelve(shop, kiln, "Rice bowl", "饭碗", 4500, 600, 3)

    owner = guest("owner")
    owner.go(f"/merchant/shops/{kiln}/shipping?lang=en")
    desk = owner.page
    write_the_price_list(desk)
    eyes.look(desk, "merchant-shipping")

    shopper = guest("shopper", size=SIZES["phone"])
    page = shopper.page
    count = page.locator("[data-count=count]")
    shopper.go(f"/l/{shirt}?lang=en")
    page.get_by_role("button", name="Into the basket").click()
    expect(count).to_have_text("1")
    shopper.go(f"/l/{bowl}")
    page.get_by_label("Number").select_option("2")
    page.get_by_role("button", name="Into the basket").click()
    expect(count).to_have_text("3")
    shopper.go("/basket")
    expect(page.locator("[data-live=basket]")).to_contain_text("Loom house")
    page.get_by_role("button", name="Take out Rice bowl").click()
    page.get_by_role("button", name="Put back Rice bowl").click()
    expect(count).to_have_text("3")
    eyes.look(page, "basket")
    page.get_by_role("link", name="Check out").click()

    fill_the_form(page)
    total = 19900 + 1200 + 2 * (4500 + 950) + 2 * 1036
    pay = page.get_by_role("button", name=f"Pay ¥{total / 100:,.2f}")
    expect(pay).to_be_visible()
    eyes.look(page, "basket-checkout")
    page.get_by_label("Sandbox card that is declined").check()
    pay.click()
    page.wait_for_url("**/basket/bsk*")
    expect(page.get_by_text("The payment was declined; nothing was taken.")).to_be_visible()
    expect(count).to_have_text("3")
    eyes.look(page, "basket-declined")
    page.get_by_role("button", name=re.compile("Sandbox card$")).click()
    expect(page.locator("[data-live=placed]")).to_contain_text("One payment of")
    expect(count).to_be_hidden()
    cards = page.locator(".order-card")
    expect(cards).to_have_count(3)
    eyes.look(page, "basket-paid")

    page.locator(".order-card", has_text="Linen shirt").click()
    page.wait_for_url("**/orders/*")
    order_id = page.url.split("/orders/")[1].partition("?")[0]
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.locator("[data-live=state]")).to_have_text("Being cancelled")
    stopped = Happening(event=OrderEvent.CANCEL_DONE, actor="shop")  # the box's answer; the shop link has its own tests
    shop.db.run_now(orders.apply, order_id, stopped, shop.relay.clock.now(), shop.relay.trading.trade)
    assert shop.ask_the_bank() == 1
    expect(page.locator(".story")).to_contain_text("The money is back with the shopper")
    listed = shop.shopper.call("GET", "/api/orders")["orders"]
    assert sorted(one["state"] for one in listed) == ["cancelled", "paid", "paid"]
    eyes.look(page, "order-with-receipt")

    find_among_orders(shopper, eyes)
    look_at_receipts(shopper, order_id, eyes)
    look_at_the_account(shopper, eyes)
