"""A sample's tag in a shop: styles made, tag printed, read off the paper, scanned, style picked, bought, stock fell."""

import base64
import io
import re
import time

import pypdfium2
import pytest
import zxingcpp
from playwright.sync_api import expect

from tests.browser.conftest import PHONE

CAMERA = """picture => {
  const image = new Image();
  image.src = picture;
  navigator.mediaDevices.getUserMedia = async () => {
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
    const pen = canvas.getContext("2d");
    setInterval(() => {
      pen.fillStyle = "#777";
      pen.fillRect(0, 0, 1280, 720);
      pen.setTransform(0.9, 0.08, -0.08, 0.9, 455, 10);
      pen.drawImage(image, 0, 0, 1000, 1000 * image.height / image.width);
      pen.setTransform(1, 0, 0, 1, 0, 0);
    }, 50);
    return canvas.captureStream(20);
  };
}"""
"""What the phone's camera sees: the printed tag a little askew, its code in the middle. The reader is the real one."""


def pages_of(pdf):
    return [page.render(scale=200 / 72).to_pil() for page in pypdfium2.PdfDocument(io.BytesIO(pdf))]


def codes_on(pdf):
    return [one.text for page in pages_of(pdf) for one in zxingcpp.read_barcodes(page, zxingcpp.BarcodeFormat.QRCode)]


def set_styles(page):
    """Name two axes, add three styles, save."""
    editor = page.locator("#styles")
    editor.locator("[data-axis-name='0']").fill("Size/尺码")
    editor.locator("[data-axis-name='1']").fill("Colour/颜色")
    rows = (("S/小", "White/白", "0"), ("M/中", "White/白", "0"), ("M/中", "Indigo/靛蓝", "20"))
    for number, (size, colour, difference) in enumerate(rows):
        editor.get_by_role("button", name="Add a style").click()
        row = editor.locator("tbody [data-row]").nth(number)
        row.locator("[data-choice='0']").fill(size)
        row.locator("[data-choice='1']").fill(colour)
        row.locator("[data-cell=difference]").fill(difference)
    with page.expect_navigation():
        editor.get_by_role("button", name="Save the styles").click()
    expect(editor.locator("tbody [data-row][data-variant^='var_']")).to_have_count(3)


@pytest.mark.timeout(400)
def test_from_the_printed_tag_to_the_stock_that_fell(shop, guest, eyes):
    listing_id = shop.listing(gtin="9521234543213", description_en="Washed linen.", description_zh="水洗亚麻。")
    merchant = guest("owner")
    merchant.go(f"/merchant/listings/{listing_id}?lang=en")
    set_styles(merchant.page)
    variants = {
        one["name"]["en"]: one["variant_id"]
        for one in shop.owner.call("GET", f"/api/listings/{listing_id}")["variants"]
    }
    for code, name in (("W-S", "S / White"), ("I-1", "M / Indigo"), ("I-2", "M / Indigo"), ("I-S", "M / Indigo")):
        piece = {"listing_id": listing_id, "code": code, "variant_id": variants[name], "location": "A-3-2",
                 "state": "sample" if code == "I-S" else "free"}  # fmt: skip
        shop.owner.call("POST", "/api/pieces", piece)
    merchant.page.reload()
    eyes.look(merchant.page, "styles-editor")
    pdf = print_tag(merchant, listing_id, eyes)
    address = codes_on(pdf)[0]
    assert address.startswith(f"{shop.url}/01/09521234543213?t=")

    visitor, shopper = guest(), guest("shopper", **PHONE)
    visitor.go(f"/l/{listing_id}?lang=zh")
    page = shopper.page
    page.goto(address)
    expect(page).to_have_url(
        f"{shop.url}/l/{listing_id}?variant={variants['S / White']}&tag={address.rpartition('=')[2]}#buy"
    )
    page.goto(page.url.replace("?", "?lang=en&"))
    expect(page.locator("[data-style-name]")).to_have_text("S / White")
    style(page, "Indigo").tap()
    expect(page.locator("[data-style-stock]")).to_have_text("Not made like this")
    expect(page.get_by_role("button", name="Buy")).to_be_disabled()
    style(page, "M").tap()
    expect(page.locator("[data-style-price]")).to_have_text("¥219.00")
    expect(page.locator("[data-style-stock]")).to_contain_text("2 in stock")
    style(page, "White").tap()
    expect(page.locator("[data-style-stock]")).to_contain_text("Sold out")
    style(page, "Indigo").tap()
    page.get_by_label("Number").select_option("2")
    eyes.look(page, "listing-by-tag")
    buy(page, visitor.page, eyes)
    lines = shop.shopper.call("GET", "/api/orders")["orders"]
    assert {(one["title"]["en"], one["state"]) for one in lines} == {("Linen shirt (M / Indigo)", "paid")}
    after = {
        one["name"]["en"]: (one["in_stock"], one["kept"])
        for one in shop.shopper.call("GET", f"/api/listings/{listing_id}")["variants"]
    }
    assert after == {"S / White": (1, 0), "M / White": (0, 0), "M / Indigo": (0, 0)}


def style(page, name):
    """Return the radio of a value; what is sold out says so behind it."""
    return page.get_by_role("radio", name=re.compile(rf"^{name}( |（|$)"))


def print_tag(merchant, listing_id, eyes):
    """Choose one tag of the first style on the merchant's page; return the sheet."""
    page = merchant.page
    merchant.go(f"/merchant/tags?listing={listing_id}&lang=zh")
    for one in page.locator("[data-copies]").all():
        one.fill("0")
    page.locator("[data-copies]").first.fill("1")
    page.get_by_role("button", name="生成标签").click()
    page.wait_for_url("**/merchant/tags?*sheet=sht_*")
    eyes.look(page, "merchant-tags")
    link = page.locator("details[open] a.deed").get_attribute("href")
    answer = merchant.context.request.get(merchant.url + link)
    assert answer.ok and answer.headers["content-type"] == "application/pdf"
    return answer.body()


def buy(page, open_page, eyes):
    """One tap leads to the checkout; the page that somebody else has open follows, at the tap and at the payment."""
    stock = open_page.locator("[data-style-stock]")
    style(open_page, "靛蓝").click()
    style(open_page, "中").click()
    expect(stock).to_have_text("现货 2 件")
    expect(open_page.locator("body")).to_have_attribute("data-live", "yes")
    page.get_by_role("button", name="Buy").tap()
    page.wait_for_url("**/checkout/*")
    expect(stock).to_contain_text("2 件正为付款中的买家保留")
    expect(page.locator("aside")).to_contain_text("2 × ¥219.00")
    eyes.look(page, "checkout-two")
    for label, text in (
        ("Name", "Ann"),
        ("Street and number", "Lane 1"),
        ("Postal code", "310000"),
        ("City", "Hangzhou"),
    ):
        page.get_by_label(label, exact=True).fill(text)
    page.locator("[name=agrees_photo_window]").check()
    page.get_by_role("button", name="Pay ¥462.00").tap()
    page.wait_for_url("**/orders")
    paid_at = time.monotonic()
    expect(stock).to_have_text("已售完")
    print(f"the open page said so {time.monotonic() - paid_at:.2f} s after the paying page had its answer")


@pytest.mark.timeout(300)
def test_the_page_scans_by_itself_and_refuses_what_is_strange(shop, guest, eyes):
    listing_id = shop.listing(title_en="Wool scarf", title_zh="羊毛围巾")
    piece = {"listing_id": listing_id, "code": "WS-1"}
    shop.owner.call("POST", "/api/pieces", piece)
    wanted = {"shop_id": shop.shop_id, "kind": "sample", "tags": [{"listing_id": listing_id}]}
    made = shop.owner.call("POST", "/api/tags", wanted)
    merchant = guest("owner")
    pdf = merchant.context.request.get(f"{shop.url}/api/tag-sheets/{made['sheet_id']}?size=8").body()
    out = io.BytesIO()
    page_picture = pages_of(pdf)[0]
    page_picture.crop((0, 0, page_picture.width // 2, page_picture.height // 4)).save(out, "PNG")
    shopper = guest(**PHONE)
    page = shopper.page
    page.add_init_script(f"({CAMERA})('data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}')")
    shopper.go("/?lang=zh")
    page.get_by_role("link", name="扫一扫").tap()
    page.wait_for_url("**/scan")
    eyes.look(page, "scan")
    page.get_by_role("button", name="用摄像头扫描").tap()
    page.wait_for_url(f"**/l/{listing_id}?tag={made['tag_ids'][0]}#buy", timeout=60_000)
    expect(page.get_by_role("button", name="购买")).to_be_enabled()

    shopper.go("/scan?lang=en")
    page.get_by_label("Or type the code").fill("https://evil.example/t/7k2qx9mhd4")
    page.get_by_role("button", name="Show it").tap()
    expect(page.get_by_role("alert")).to_contain_text("leads to another website")
    eyes.look(page, "scan-refused")
    page.get_by_label("Or type the code").fill("0000-0000-00")
    with page.expect_response(lambda answer: "/t/0000000000" in answer.url) as told:
        page.get_by_role("button", name="Show it").tap()
    assert told.value.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("We know no such tag")
    eyes.look(page, "tag-unknown")


@pytest.mark.timeout(300)
def test_void_foreign_and_place_tags_are_pages_that_help(shop, guest, eyes):
    listing_id = shop.listing(title_en="Cotton hat", title_zh="棉帽")
    shop.owner.call("POST", "/api/pieces", {"listing_id": listing_id, "code": "CH-1", "location": "B-1-1"})
    tags = [{"listing_id": listing_id}, {"listing_id": listing_id}]
    void, good = shop.owner.call("POST", "/api/tags", {"shop_id": shop.shop_id, "kind": "shelf", "tags": tags})[
        "tag_ids"
    ]
    place = {"shop_id": shop.shop_id, "kind": "place", "tags": [{"location": "B-1-1"}]}
    place_tag = shop.owner.call("POST", "/api/tags", place)["tag_ids"][0]
    shop.owner.call("POST", "/api/tags/void", {"tag_ids": [void]})
    shopper = guest(**PHONE)
    page = shopper.page
    page.goto(f"{shop.url}/t/{void}?lang=en")
    expect(page.get_by_role("heading", level=1)).to_have_text("This tag counts no more")
    eyes.look(page, "tag-void")
    page.get_by_role("link", name="Show it as it is now").tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cotton hat")
    shopper.go(f"/t/{good}?here=another-shop&lang=zh")
    expect(page.get_by_role("heading", level=1)).to_have_text("另一家店铺的标签")
    eyes.look(page, "tag-other-shop")
    shopper.go(f"/t/{place_tag}?lang=en")
    expect(page.get_by_text("Cotton hat")).to_be_visible()
    eyes.look(page, "tag-place")
