"""A merchant's first day: applies, is verified, brings goods in by a table, sells one, is paid out by two people."""

import re

from playwright.sync_api import expect

from cloud_relay.accounts import store as accounts
from cloud_relay.bench_checks import store as checks
from cloud_relay.orders import service as orders
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent
from tests.browser.eyes import SIZES
from tests.browser.program import ADDRESS, Program
from tests.cloud_relay.site import jpeg

PRICE_YUAN = 60_000
"""One such piece is more than one person may pay out alone."""
GOODS = "货号,名称,英文名称,价格,库存,单件\nJ-1,翡翠手镯,Jade bangle,{price},,J-101\nJ-2,{second},Cup,12.50,3,\n"


def apply(page, eyes):
    """Fill in, be told what is wrong, mend it, show both documents, send."""
    page.get_by_label("Name as the document has it").fill("杭州玉器有限公司")
    page.get_by_label("Identity or company number").fill("91350100M000100Y44")
    page.get_by_label("Street and number").fill("西湖路 1 号")
    page.get_by_label("City").fill("杭州")
    page.get_by_label("Person to ask").fill("王小明")
    page.get_by_role("textbox", name="Phone").fill("+86 571 0000")
    page.get_by_role("button", name="Keep").click()
    expect(page.locator("[data-errors]").first).to_contain_text("check digit")
    page.get_by_label("Identity or company number").fill("91350100M000100Y43")
    page.get_by_role("button", name="Keep").click()
    for kind in ("Business licence or register extract", "Identity document, front"):
        page.get_by_label("Which document").select_option(label=kind)
        photograph = {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": jpeg(300, 200, "white")}
        page.get_by_label("Photograph", exact=True).set_input_files(photograph)
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_role("button", name=f"Delete: {kind}")).to_be_visible()
    eyes.look(page, "real-name-documents")
    page.get_by_role("button", name="Send to the operator").click()
    expect(page.get_by_role("heading", name="With the operator")).to_be_visible()


def verify(operator, eyes):
    page = operator.page
    operator.go("/operator/applications?lang=en")
    page.get_by_role("link", name=re.compile("Jade")).click()
    eyes.look(page, "operator-application")
    page.get_by_role("button", name="Decide").click()
    expect(page.locator("[data-errors]").first).to_contain_text("Look at every document first")
    for kind in ("Business licence", "Identity document"):
        with operator.context.expect_page() as opened:
            page.get_by_role("link", name=re.compile(kind)).click()
        opened.value.wait_for_load_state()
        opened.value.close()
    page.reload()
    expect(page.get_by_text("you looked")).to_have_count(2)
    page.get_by_role("button", name="Decide").click()
    page.wait_for_url("**/operator/applications")


def bring_in(owner, shop_id, eyes):
    """A table with a fault is refused by line; the mended one is written and on show."""
    page = owner.page
    for second, says in (("=cmd", "Faults: 1"), ("茶杯", "no fault")):
        owner.go(f"/merchant/import?shop={shop_id}&lang=en")
        text = GOODS.format(price=PRICE_YUAN, second=second)
        table = {"name": "货品.csv", "mimeType": "text/csv", "buffer": text.encode("gbk")}
        page.get_by_label("Table (CSV)").set_input_files(table)
        page.get_by_role("button", name="Read and check").click()
        page.wait_for_url("**/merchant/imports/*")
        expect(page.get_by_role("status").filter(has_text=says)).to_be_visible()
        eyes.look(page, "import-faults" if second == "=cmd" else "import-preview")
    page.get_by_label("Put them on show at once").check()
    page.get_by_role("button", name="Write all of them").click()
    page.wait_for_url("**/merchant/import?*")
    expect(page.locator("[data-live=imports]")).to_contain_text("货品.csv")


def change_many(owner, shop_id, eyes):
    page = owner.page
    owner.go(f"/merchant/bulk?shop={shop_id}&lang=zh")
    page.get_by_label("数值").fill("10")
    page.get_by_label("茶杯").check()
    page.get_by_role("button", name="预览").click()
    expect(page.get_by_role("region", name="前后对照")).to_contain_text("¥13.75")
    eyes.look(page, "bulk-preview-zh")
    page.get_by_role("button", name="执行").click()
    page.wait_for_url(re.compile("bulk\\?shop=[^&]*&merchant=[^&]*$"))
    page.get_by_role("button", name="撤销: 按百分比调价").click()
    expect(page.locator("[data-live=bulk-changes]")).to_contain_text("已撤销")


def sell(shop, listing_id):
    """The first sale, paid, and received: what shopper, bench and bank do elsewhere, by the rooms' own use cases."""
    body = {"listing_id": listing_id, "address": ADDRESS, "payment_method": "sandbox:ok", "agrees_photo_window": True}
    order_id = shop.shopper.call("POST", "/api/orders", body)["order_id"]
    shop.ask_the_bank()
    for event in (OrderEvent.PHOTOGRAPHED, OrderEvent.PHOTO_CONFIRMED, OrderEvent.HANDED_OVER, OrderEvent.RECEIPT):
        happening = Happening(event=event)
        shop.db.run_now(orders.apply, order_id, happening, shop.relay.clock.now(), shop.relay.trading.trade)


def test_applied_verified_stocked_sold_and_paid_out(guest, shop, eyes):
    jade = Program(shop.url, *shop.who("jade"), nickname="jade")
    made = jade.call("POST", "/api/merchants", {"name_en": "Jade house", "name_zh": "玉器行", "contact": "here"})
    merchant_id = made["merchant_id"]
    owner, operator = guest("jade", size=SIZES["phone"]), guest("operator")
    owner.go("/merchant/real-name?lang=en")
    apply(owner.page, eyes)
    verify(operator, eyes)
    owner.go("/merchant/real-name?lang=zh")
    expect(owner.page.locator("[data-live=standing]")).to_contain_text("您已通过认证")

    body = {"merchant_id": merchant_id, "name_en": "Jade", "name_zh": "玉", "currency": "CNY"}
    shop_id = jade.call("POST", "/api/shops", body)["shop_id"]
    shop.db.run_now(checks.set_live, shop_id, "")  # as if its bench check had passed
    bring_in(owner, shop_id, eyes)
    change_many(owner, shop_id, eyes)
    (found,) = jade.call("GET", "/api/search?q=翡翠手镯")["hits"]
    sell(shop, found["listing_id"])

    owner.go("/merchant/money?lang=en")
    owner.page.get_by_role("button", name="Pay out to my bank").click()
    waits = owner.page.locator("[data-live=approvals]")
    expect(waits).to_contain_text("Somebody else must approve it")
    eyes.look(owner.page, "payout-waits")
    operator.go("/operator/applications?lang=zh")
    operator.page.get_by_role("button", name="批准", exact=True).click()
    expect(operator.page.get_by_role("button", name="批准", exact=True)).to_be_hidden()
    shop.ask_the_bank()
    owner.go("/merchant/money?lang=en")
    expect(owner.page.locator("[data-live=payouts]")).to_contain_text("At your bank")
    assert shop.db.read_now(accounts.find_merchant, merchant_id).state == "verified"
