"""Looking: visitors watch, the line is fair, and without WebRTC pictures still come."""

import re

from playwright.sync_api import expect

from tests.browser.program import Program
from tests.browser.whole_mall import SHOPPER, STUDIO

LOOK = "#look"
PIXELS = """() => {
  const image = document.querySelector("[data-part=image]");
  const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 36 });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(image, 0, 0, 64, 36);
  return [...pen.getImageData(0, 0, 64, 36).data].filter((_, place) => place % 4 === 1);
}"""


def piece(mall, words: str) -> str:
    shopper = Program(mall.url, *SHOPPER)
    found = shopper.listing(words)
    return found["pieces"][0]["piece_id"]


def test_a_visitor_watches_and_is_asked_to_sign_in_to_steer(person, mall):
    visitor = person()
    visitor.go(f"/look/{piece(mall, '三月的湖')}?lang=en")
    expect(visitor.page.locator(LOOK)).to_have_attribute("data-state", "watching", timeout=20_000)
    expect(visitor.page.locator(LOOK)).to_have_attribute("data-way", "webrtc", timeout=20_000)
    expect(visitor.page.locator("[data-part=controls]")).to_be_hidden()
    expect(visitor.page.get_by_role("link", name="Sign in to steer and buy")).to_be_visible()


def test_the_next_in_line_gets_the_camera_when_the_first_leaves(person, mall):
    wanted = piece(mall, "三月的湖")
    first, second = person(SHOPPER), person(STUDIO)
    first.go(f"/look/{wanted}?lang=en")
    expect(first.page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)
    second.go(f"/look/{wanted}?lang=en")
    expect(second.page.locator(LOOK)).to_have_attribute("data-state", "waiting", timeout=20_000)
    expect(second.page.get_by_text("You are number 1 in line")).to_be_visible()
    first.page.get_by_role("link", name="Leave").click()
    expect(second.page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=15_000)


def test_without_webrtc_pictures_come_through_the_relay_and_steering_works(person, mall):
    shopper = person(SHOPPER)
    shopper.page.add_init_script("delete window.RTCPeerConnection")
    shopper.go(f"/look/{piece(mall, '西施')}?lang=en")
    page = shopper.page
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=60_000)
    expect(page.locator(LOOK)).to_have_attribute("data-way", "stills", timeout=20_000)
    page.wait_for_function("document.querySelector('[data-part=image]').naturalWidth > 100", timeout=20_000)
    before = page.evaluate(PIXELS)
    page.locator("[data-part=stage]").focus()
    page.keyboard.down("ArrowRight")
    moved = f"before => ({PIXELS})().some((pixel, place) => Math.abs(pixel - before[place]) > 40)"
    page.wait_for_function(moved, arg=before, timeout=20_000)
    page.keyboard.up("ArrowRight")


def test_the_data_saver_is_the_shoppers_own_choice(person, mall):
    shopper = person(SHOPPER)
    shopper.go(f"/look/{piece(mall, '西施')}?lang=en")
    page = shopper.page
    expect(page.locator(LOOK)).to_have_attribute("data-way", "webrtc", timeout=60_000)
    page.get_by_role("button", name=re.compile("Data saver")).click()
    expect(page.locator(LOOK)).to_have_attribute("data-way", "stills", timeout=20_000)
    page.get_by_role("button", name=re.compile("Data saver")).click()
    expect(page.locator(LOOK)).to_have_attribute("data-way", "webrtc", timeout=20_000)
