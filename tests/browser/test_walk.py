"""The whole job in Chromium: found, looked at, steered, confirmed, paid, packed, photographed, carried, received.

Every deed is pressed twice; each must happen once.
"""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.whole_mall import SHOPPER, TEAHOUSE

SECOND_MS = 1000
BENCH_MS = 90_000
"""Packing, printing, sticking and photographing take the simulated machines about twenty seconds."""

WATCH = """async () => {
  const video = document.querySelector("video");
  const canvas = Object.assign(document.createElement("canvas"), { width: 96, height: 54 });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(video, 0, 0, 96, 54);
  return { pixels: [...pen.getImageData(0, 0, 96, 54).data].filter((_, place) => place % 4 === 1),
    frames: video.getVideoPlaybackQuality().totalVideoFrames, width: video.videoWidth };
}"""


def twice(locator):
    """Press a button twice in the same moment, as an impatient finger does."""
    locator.evaluate("button => { button.scrollIntoView({ block: 'center' }); button.click(); button.click(); }")


def arrives(image, width_px: int) -> None:
    """The picture is really there, decoded, at least this wide."""
    page = image.page
    page.wait_for_function(f"image => image.naturalWidth >= {width_px}", arg=image.element_handle(), timeout=30_000)


def difference(one, other) -> float:
    """Mean absolute difference of two small pictures."""
    return sum(abs(a - b) for a, b in zip(one["pixels"], other["pixels"], strict=True)) / len(one["pixels"])


def drag(page: Page, steps, before):
    """Put a finger on the picture, move it, hold it there until the picture has moved, take it away."""
    stage = page.locator("[data-part=stage]")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for dx, dy in steps:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x + dx, "y": y + dy}]})
        page.wait_for_timeout(60)
    try:
        return moves(page, before)
    finally:
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def moves(page: Page, before, timeout_s: float = 20):
    """Wait until the decoded picture is another one (noise alone makes a difference of 0.4); return it."""
    until = time.monotonic() + timeout_s
    while True:
        now = page.evaluate(WATCH)
        if difference(before, now) > 2:
            return now
        assert time.monotonic() < until, f"the picture stood still: {difference(before, now):.2f}"
        page.wait_for_timeout(100)


def settled(page: Page, before, timeout_s: float = 20):
    """Wait until the camera stands still again; return the picture."""
    until = time.monotonic() + timeout_s
    while True:
        page.wait_for_timeout(SECOND_MS)
        now = page.evaluate(WATCH)
        if difference(before, now) < 1:
            return now
        assert time.monotonic() < until, "the camera never came to rest"
        before = now


def watch_live(page: Page) -> None:
    """Real frames arrive and are decoded: their number grows and they are as large as the camera's."""
    expect(page.locator("#look")).to_have_attribute("data-way", "webrtc", timeout=20_000)
    first = page.evaluate(WATCH)
    page.wait_for_timeout(SECOND_MS)
    second = page.evaluate(WATCH)
    assert second["width"] >= 640
    assert second["frames"] - first["frames"] >= 5, (first["frames"], second["frames"])


def balance_minor(page: Page) -> int:
    """What the merchant can have paid out: other walks of the same mall may have earned something before."""
    place = page.locator(".balance .huge")
    return round(float(re.sub(r"[^\d.]", "", place.inner_text())) * 100) if place.count() else 0


@pytest.mark.timeout(400)
def test_by_touch_from_search_to_money(person, mall, eyes):
    shopper = person(SHOPPER, **PHONE)
    page = shopper.page
    shopper.go("/?lang=zh")
    find(page, eyes)
    look_live(page, eyes)
    parcel_id = confirm(page)
    pay(page, eyes)
    order_id = page.url.split("/orders/")[1].partition("?")[0]
    watch_it_packed(page, eyes)

    merchant = person(TEAHOUSE)
    merchant.go("/merchant/money?lang=zh")
    expect(merchant.page.locator("body")).to_have_attribute("data-live", "yes")
    before_minor = balance_minor(merchant.page)
    courier = person(**PHONE)
    courier.page.goto(mall.courier_link("teahouse", parcel_id))
    carry(courier.page, page, eyes)

    twice(page.get_by_role("button", name="I have it, all is well"))
    expect(page.get_by_role("heading", name="All done. Enjoy it!")).to_be_visible()
    after = f"¥{(before_minor + 123310) / 100:,.2f}"
    expect(merchant.page.locator(".balance .huge")).to_have_text(after, timeout=20 * SECOND_MS)
    eyes.look(merchant.page, "merchant-money-zh")
    eyes.look(page, "order-done")
    happened_once(mall, order_id, parcel_id)


def find(page: Page, eyes) -> None:
    """Search in Chinese, open the listing, go on in English."""
    page.get_by_role("searchbox").fill("茶壶")
    page.get_by_role("button", name="搜索").tap()
    expect(page.get_by_text("紫砂茶壶 石瓢")).to_be_visible()
    expect(page.locator(".card", has_text="石瓢").get_by_text("现在可实时看货")).to_be_visible()
    eyes.look(page, "search-zh")
    page.get_by_text("紫砂茶壶 石瓢").tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("紫砂茶壶 石瓢")
    eyes.look(page, "listing-zh")
    page.goto(page.url + "?lang=en")
    page.locator(".piece", has_text="4711").get_by_role("link", name="Look at it live").tap()


def look_live(page: Page, eyes) -> None:
    """Look, turn to the back, move by finger, come back to the front, ask the attendant."""
    expect(page.locator("#look")).to_have_attribute("data-state", "steering", timeout=60_000)
    watch_live(page)
    still = page.evaluate(WATCH)
    page.get_by_role("button", name="Back", exact=True).tap()
    turned = settled(page, moves(page, still))
    moved = drag(page, [(40, 0), (80, 0), (120, 0)], turned)
    page.get_by_role("button", name="Front", exact=True).tap()
    settled(page, moves(page, moved))
    eyes.look(page, "look-live")

    page.get_by_role("button", name="Measure it").tap()
    expect(page.locator(".questions")).to_contain_text("15.2 cm", timeout=30_000)


def confirm(page: Page) -> str:
    """Confirm this very piece and ask for more time; return the parcel."""
    twice(page.get_by_role("button", name=re.compile("This is the one")))
    page.wait_for_url("**/checkout/*")
    parcel_id = page.url.split("/checkout/")[1].partition("?")[0]
    expect(page.locator("[data-until]")).to_have_text(re.compile(r"^\d+:\d\d$"))
    proof = page.locator("aside img.proof")
    expect(proof).to_be_visible(timeout=30_000)
    arrives(proof, 1280)
    twice(page.get_by_role("button", name="More time"))
    expect(page.get_by_role("button", name="More time")).to_have_count(0)
    return parcel_id


def pay(page: Page, eyes) -> None:
    """Address, total, agreement, payment."""
    page.get_by_label("Name", exact=True).fill("Mei Lin 林梅")
    page.get_by_label("Street and number").fill("Kaiserstraße 12")
    page.get_by_label("Postal code").fill("10115")
    page.get_by_label("City").fill("Berlin")
    page.get_by_label("Country").select_option("DE")
    eyes.look(page, "checkout")
    expect(page.locator(".total.sum")).to_contain_text("¥1,298.00")
    page.get_by_label(re.compile("I will see a photo")).check()
    twice(page.get_by_role("button", name=re.compile("Pay ¥1,298.00")))

    page.wait_for_url("**/orders/*")


def watch_it_packed(page: Page, eyes) -> None:
    """The story grows by itself until the photo is shown and confirmed."""
    story = page.locator(".story")
    for line in ("Paid; the money is held", "Label printed", "Label applied", "Label read back off the parcel"):
        expect(story).to_contain_text(line, timeout=BENCH_MS)
    expect(page.get_by_role("heading", name="Is this your parcel?")).to_be_visible(timeout=BENCH_MS)
    photo = page.locator("section.photo img.proof")
    arrives(photo, 640)
    eyes.look(page, "order-photo")
    twice(page.get_by_role("button", name="Yes, send it"))
    expect(story).to_contain_text("Handed over to the post", timeout=BENCH_MS)
    eyes.look(page, "order-on-its-way")


def carry(courier: Page, page: Page, eyes) -> None:
    """The courier types the code from the label and scans twice at two places; the shopper sees each scan come."""
    story = page.locator(".story")
    sscc = page.locator("[data-live=codes] .number").inner_text()
    eyes.look(courier, "courier")
    courier.get_by_label("Code on the label").fill(sscc)
    courier.get_by_label("Where are you?").fill("Yixing depot")
    twice(courier.get_by_role("button", name="Departed"))
    expect(courier.locator("[data-live=journey]")).to_contain_text("Departed · Yixing depot")
    expect(story).to_contain_text("Departed: Yixing depot", timeout=20 * SECOND_MS)
    courier.get_by_label("Where are you?").fill("Berlin")
    courier.get_by_label("Who took it?").fill("Mei Lin 林梅")
    twice(courier.get_by_role("button", name="Delivered"))
    expect(courier.locator("[data-live=state]")).to_contain_text("Delivered")
    began = time.monotonic()
    expect(page.get_by_role("heading", name="Have you got it?")).to_be_visible()
    expect(story).to_contain_text("Delivered")
    assert time.monotonic() - began < 10, "an event took longer than people wait"
    eyes.look(page, "order-delivered")


def happened_once(mall, order_id, parcel_id) -> None:
    """Everything was pressed twice; the books know of one of each."""

    def count(query, *values):
        return mall.rows(f"SELECT count(*) AS n FROM {query}", *values)[0]["n"]

    piece = mall.rows("SELECT piece_id, extensions FROM reservation WHERE parcel_id = ?", parcel_id)[0]
    assert count("reservation WHERE piece_id = ?", piece["piece_id"]) == 1
    assert piece["extensions"] == 1
    assert count("order_line WHERE parcel_id = ?", parcel_id) == 1
    assert count("payment WHERE order_id = ?", order_id) == 1
    kinds = [row["kind"] for row in mall.rows("SELECT kind FROM transfer WHERE order_id = ?", order_id)]
    assert sorted(kinds) == ["hold", "release"]
    scans = mall.rows("SELECT biz_step FROM tracking_event WHERE parcel_id = ? AND source = 'courier'", parcel_id)
    assert [row["biz_step"] for row in scans] == ["departing", "delivered"]
    confirmed = mall.rows("SELECT kind FROM order_event WHERE order_id = ? AND kind = 'photo_confirmed'", order_id)
    assert len(confirmed) == 1
    sscc = mall.rows("SELECT sscc FROM parcel WHERE parcel_id = ?", parcel_id)[0]["sscc"]
    assert len(mall.labels("teahouse", f"/00/{sscc}")) == 1
    assert mall.rows("SELECT * FROM violations") == []
    assert mall.deaths == []
