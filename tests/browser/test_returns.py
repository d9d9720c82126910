"""A return, the whole way: asked and sent back by phone in Chinese, accepted and scanned in at a desk in English."""

import re

from playwright.sync_api import expect

from tests.browser.eyes import SIZES
from tests.browser.program import ADDRESS
from tests.browser.test_quotes import deliver, shelve


def delivered_order(shop):
    """An order of the shopper's, paid and delivered."""
    listing_id = shelve(shop.owner, shop.shop_id, "Celadon jar", "青瓷罐", 26000)
    body = {"listing_id": listing_id, "address": {**ADDRESS, "country": "CN"}, "payment_method": "sandbox:ok"}
    order_id = shop.shopper.call("POST", "/api/orders", {**body, "agrees_photo_window": True})["order_id"]
    shop.shopper.wait(order_id, "paid")
    deliver(shop, order_id)
    return order_id


def ask_for_it(phone, order_id):
    """What the shopper types, and what both pages say until the shop has answered."""
    page = phone.page
    phone.go(f"/orders/{order_id}?lang=zh")
    page.get_by_text("申请退货", exact=True).click()
    page.get_by_label("退货原因").fill("盖子比照片上小，盖不严。")
    page.get_by_role("button", name="提交退货申请").click()
    expect(page.locator("[data-live=return]")).to_contain_text("等待店铺答复")
    expect(page.get_by_role("heading", name="退货处理中")).to_be_visible()


def scan_it_in(desk, code):
    """Another parcel's code is refused with a sentence; the label's own gives the money back."""
    page = desk.page
    field = page.get_by_label("Scan or type the code on the return label")
    field.fill("ret_of_something_else")
    page.get_by_role("button", name="It is here: refund").click()
    expect(page.locator("[data-live=return] [data-errors]")).to_contain_text("not this return's")
    field.fill(code)
    page.get_by_role("button", name="It is here: refund").click()
    expect(page.locator("[data-live=return]")).to_contain_text("Back at the shop; refunded")


def test_asked_accepted_labelled_arrived_and_refunded(guest, shop, eyes):
    shop.owner.call("PATCH", f"/api/shops/{shop.shop_id}", {"sender_lines": ["织造巷 8 号", "310000 杭州"]})
    order_id = delivered_order(shop)
    phone, desk = guest("shopper", size=SIZES["phone"]), guest("owner")
    page = phone.page
    ask_for_it(phone, order_id)
    desk.go(f"/orders/{order_id}?lang=en")
    expect(desk.page.locator("[data-live=return]")).to_contain_text("盖不严")
    eyes.look(desk.page, "return-asked")
    desk.page.get_by_role("button", name="Accept the return").click()
    expect(desk.page.locator("[data-live=return]")).to_contain_text("if it does not, an operator decides")

    expect(page.locator("[data-live=return]")).to_contain_text("逾期未送达由平台裁定")
    eyes.look(page, "return-accepted-zh")
    page.get_by_role("link", name="退货标签").click()
    page.wait_for_url("**/return-label")
    expect(page.get_by_text("逾期未送达由平台裁定")).to_be_visible()
    expect(page.locator(".return-label address")).to_contain_text("织造巷 8 号")
    code = page.locator(".return-label .account").inner_text()
    assert re.fullmatch(r"ret_\w+", code)
    eyes.look(page, "return-label-zh")

    phone.go(f"/orders/{order_id}")
    scan_it_in(desk, code)
    eyes.look(desk.page, "return-arrived")
    expect(page.locator("[data-live=return]")).to_contain_text("店铺已收到")
    expect(page.locator("[data-live=state]")).to_contain_text("退款")
    expect(page.locator("[data-live=story]")).to_contain_text("店铺已收到退货")
    shop.ask_the_bank()
    assert shop.shopper.call("GET", f"/api/orders/{order_id}")["state"] == "refunded"
    eyes.look(page, "return-refunded-zh")
