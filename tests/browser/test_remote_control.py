"""A television: a large screen, four arrows, OK and Back, from search to confirmed photo; text is typed."""

import re
import time

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.whole_mall import SHOPPER

TV = {"size": (1920, 1080)}
PRESSES_MAX = 60
BENCH_MS = 90_000

WHERE = """target => {
  const here = document.activeElement;
  if (here === target) return "there";
  const to = target.getBoundingClientRect();
  const top = { left: 0, right: innerWidth, top: 0, bottom: 0 };
  const from = here === document.body ? top : here.getBoundingClientRect();
  const ways = [["ArrowDown", to.top - from.bottom], ["ArrowUp", from.top - to.bottom],
    ["ArrowRight", to.left - from.right], ["ArrowLeft", from.left - to.right]].filter(([, far]) => far > -4);
  ways.sort(([, one], [, other]) => other - one);
  return ways.map(([key]) => key);
}"""


def reach(page: Page, target: Locator) -> None:
    """Press arrows as somebody does who sees where the frame is and where it should go."""
    handle = target.element_handle()
    pressed: list[str] = []
    for _ in range(PRESSES_MAX):
        ways = page.evaluate(WHERE, handle)
        if ways == "there":
            return
        before = page.evaluate_handle("document.activeElement")
        for way in ways:
            page.keyboard.press(way)
            pressed.append(way)
            if not page.evaluate("before => document.activeElement === before", before):
                break
    pytest.fail(f"{target} was not reached by {pressed}")


def press(page: Page, target: Locator) -> None:
    reach(page, target)
    page.keyboard.press("Enter")


def write(page: Page, target: Locator, text: str) -> None:
    reach(page, target)
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type(text)


@pytest.mark.timeout(300)
def test_by_arrows_and_ok_from_search_to_paid(person, mall):
    viewer = person(SHOPPER, **TV)
    page = viewer.page
    viewer.go("/?lang=en")
    write(page, page.get_by_role("searchbox"), "建盏")
    page.keyboard.press("Enter")
    press(page, page.locator(".card", has_text="Tenmoku"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Tenmoku")
    piece = page.locator(".piece", has_text="4731")
    press(page, piece.get_by_role("link", name="Look at it live"))

    expect(page.locator("#look")).to_have_attribute("data-state", "steering", timeout=60_000)
    expect(page.locator("#look")).to_have_attribute("data-way", "webrtc", timeout=20_000)
    expect(page.locator("[data-part=stage]")).to_be_focused()
    before = page.evaluate(SEEN)
    page.keyboard.down("ArrowRight")
    until = time.monotonic() + 20
    while changed(before, page.evaluate(SEEN)) <= 2:
        assert time.monotonic() < until, "the arrow did not move the camera"
        page.wait_for_timeout(100)
    page.keyboard.up("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("Up and down zoom")
    page.keyboard.press("Escape")
    confirm = page.get_by_role("button", name=re.compile("This is the one"))
    expect(confirm).to_be_focused()
    page.keyboard.press("Enter")

    page.wait_for_url("**/checkout/*")
    write(page, page.get_by_label("Name", exact=True), "Mei Lin")
    write(page, page.get_by_label("Street and number"), "Kaiserstraße 12")
    write(page, page.get_by_label("Postal code"), "10115")
    write(page, page.get_by_label("City"), "Berlin")
    reach(page, page.get_by_label(re.compile("I will see a photo")))
    page.keyboard.press("Space")
    press(page, page.get_by_role("button", name=re.compile("Pay ¥")))
    page.wait_for_url("**/orders/*")
    expect(page.locator(".story")).to_contain_text("Paid; the money is held", timeout=BENCH_MS)
    expect(page.get_by_role("heading", name="Is this your parcel?")).to_be_visible(timeout=BENCH_MS)
    press(page, page.get_by_role("button", name="Yes, send it"))
    expect(page.locator(".story")).to_contain_text("The photo was confirmed")


SEEN = """() => {
  const video = document.querySelector("video");
  const canvas = Object.assign(document.createElement("canvas"), { width: 96, height: 54 });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(video, 0, 0, 96, 54);
  return [...pen.getImageData(0, 0, 96, 54).data].filter((_, place) => place % 4 === 1);
}"""


def changed(one: list[int], other: list[int]) -> float:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)
