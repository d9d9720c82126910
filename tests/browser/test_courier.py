"""The courier's page on a phone: camera or typing, large buttons, scans kept while there is no network."""

import pytest
from playwright.sync_api import expect

from tests.browser.program import Program
from tests.browser.whole_mall import SHOPPER

PHONE = {"size": (390, 844), "has_touch": True, "is_mobile": True}
DETECTOR = """value => {
  window.BarcodeDetector = class {
    static async getSupportedFormats() { return ["qr_code", "code_128"]; }
    async detect(video) { return video.videoWidth ? [{ rawValue: value }] : []; }
  };
}"""
"""Chromium on this system has no code reader of its own; the camera behind it is Chromium's test picture."""


@pytest.fixture(scope="module")
def parcel(mall):
    """A parcel of the small shop on its way: bought by a program, packed by hand, its photo confirmed."""
    shopper = Program(mall.url, *SHOPPER)
    order_id = shopper.buy("紫釉马克杯")
    photo = shopper.wait(order_id, "photo_offered")["photo_sha256"]
    answer = {"answer": "confirmed", "picture_sha256": photo}
    shopper.call("POST", f"/api/orders/{order_id}/photo", answer)
    order = shopper.wait(order_id, "handed_over")
    link = mall.courier_link("studio", order["parcel_id"])
    return {"order_id": order_id, "parcel_id": order["parcel_id"], "link": link}


def steps(mall, parcel):
    query = "SELECT biz_step, place FROM tracking_event WHERE parcel_id = ? AND source = 'courier' ORDER BY recorded_at"
    return [(row["biz_step"], row["place"]) for row in mall.rows(query, parcel["parcel_id"])]


def test_the_camera_reads_the_code(person, mall, parcel):
    courier = person(**PHONE, permissions=["camera"])
    page = courier.page
    page.add_init_script(f"({DETECTOR})({parcel['parcel_id']!r})")
    page.goto(f"{parcel['link']}?lang=zh")
    page.get_by_role("button", name="用摄像头扫描").tap()
    expect(page.get_by_label("标签上的码")).to_have_value(parcel["parcel_id"])
    page.get_by_label("您在哪里？").fill("汉堡")
    page.get_by_role("button", name="已取件").tap()
    expect(page.locator("[data-live=journey]")).to_contain_text("已装车 · 汉堡")
    assert steps(mall, parcel)[-1] == ("loading", "汉堡")


def test_scans_without_a_network_are_kept_and_sent_later(person, mall, parcel):
    courier = person(**PHONE)
    page = courier.page
    page.goto(f"{parcel['link']}?lang=en")
    page.get_by_label("Code on the label").fill(parcel["parcel_id"])
    page.get_by_label("Where are you?").fill("Tunnel")
    courier.context.set_offline(True)
    page.get_by_role("button", name="Arrived at a stop").tap()
    expect(page.get_by_text("No network: kept here")).to_be_visible()
    assert ("arriving", "Tunnel") not in steps(mall, parcel)
    courier.context.set_offline(False)
    expect(page.locator("[data-live=journey]")).to_contain_text("Arrived · Tunnel")
    assert steps(mall, parcel).count(("arriving", "Tunnel")) == 1


def test_what_is_wrong_is_said_at_once(person, parcel):
    courier = person(**PHONE)
    page = courier.page
    page.goto(f"{parcel['link']}?lang=en")
    page.get_by_role("button", name="Out for delivery").tap()
    expect(page.get_by_role("alert")).to_contain_text("First scan or type the code")
    page.get_by_label("Code on the label").fill("095212340000000099")
    page.get_by_label("Where are you?").fill("Berlin")
    page.get_by_role("button", name="Out for delivery").tap()
    expect(page.get_by_role("alert")).to_contain_text("This code is not this parcel's")


def test_a_wrong_scan_is_declared_wrong_and_stays_visible(person, mall, parcel):
    courier = person(**PHONE)
    page = courier.page
    page.goto(f"{parcel['link']}?lang=en")
    page.get_by_label("Code on the label").fill(parcel["parcel_id"])
    page.get_by_label("Where are you?").fill("Bremen")
    page.get_by_role("button", name="Departed").tap()
    wrong = page.locator("[data-live=journey] li", has_text="Departed · Bremen")
    wrong.get_by_role("button", name="That was wrong").tap()
    expect(page.locator("[data-live=journey] li.wrong").first).to_contain_text("recorded in error")


def test_the_label_opens_a_page_by_who_asks(person, mall, parcel):
    """Everybody learns that the label is genuine; its shopper where the parcel is; nobody an address."""
    stranger, shopper = person(), person(SHOPPER)
    stranger.go(f"/p/{parcel['parcel_id']}?lang=en")
    expect(stranger.page.get_by_role("heading", name="This label is genuine")).to_be_visible()
    assert "Kaiserstraße" not in stranger.page.content()
    shopper.go(f"/p/{parcel['parcel_id']}?lang=en")
    expect(shopper.page.get_by_role("heading", level=1)).to_have_text("Plum-glazed cup")
    expect(shopper.page.get_by_role("heading", name="Its journey")).to_be_visible()
    assert "Kaiserstraße" not in shopper.page.content()
