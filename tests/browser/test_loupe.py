"""The loupe: a marked part comes at the sensor's resolution; by mouse, touch, keys; direct and through the relay."""

import re

from playwright.sync_api import Page, expect

from tests.browser.test_looking import LOOK, piece
from tests.browser.whole_mall import SHOPPER

SENSOR = re.compile(r"of the camera's 2560 × 1440")
SIZE = "document.querySelector('.closer img').naturalWidth"
FRESH_MS = 20_000
LOUPE_MS_MAX = 20_000
"""The promise is a second on a machine that is left alone: a still of 2560 × 1440, cut, packed, sent beside video."""

SHOWN_AT = """() => {
  const progress = [], bar = document.querySelector(".loupe-under progress");
  new MutationObserver(() => bar.hasAttribute("value") && !bar.hidden && progress.push(bar.value))
    .observe(bar, { attributes: true, attributeFilter: ["value"] });
  window.loupeShown = new Promise((shown) => {
    addEventListener("pointerup", () => {
      const from = performance.now();
      const look = () => {
        const image = document.querySelector(".closer[open] img");
        if (image?.complete && image.naturalWidth) shown([performance.now() - from, progress]);
        else requestAnimationFrame(look);
      };
      look();
    }, { once: true, capture: true });
  });
}"""


def look_at(shopper, mall, words: str, way: str) -> Page:
    shopper.go(f"/look/{piece(mall, words)}?lang=en")
    page = shopper.page
    expect(page.locator(LOOK)).to_have_attribute("data-state", re.compile("steering|watching"), timeout=60_000)
    expect(page.locator(LOOK)).to_have_attribute("data-way", way, timeout=20_000)
    return page


def open_loupe(page: Page) -> None:
    page.get_by_role("button", name="See it sharp").click()
    expect(page.locator(".loupe-veil")).to_be_focused()


def test_what_is_marked_by_mouse_comes_sharp_and_stays_for_the_session(person, mall, eyes):
    shopper = person(SHOPPER)
    page = look_at(shopper, mall, "三月的湖", "webrtc")
    open_loupe(page)
    eyes.judge(page, "loupe-veil")
    box = page.locator(".loupe-veil").bounding_box()
    assert box
    middle_x, middle_y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle_x - 150, middle_y - 90)
    page.mouse.down()
    page.mouse.move(middle_x, middle_y, steps=4)
    page.mouse.move(middle_x + 150, middle_y + 90, steps=4)
    page.evaluate(SHOWN_AT)
    page.mouse.up()
    dialog = page.get_by_role("dialog", name="Close look")
    expect(dialog).to_be_visible(timeout=FRESH_MS)
    shown_ms, progress = page.evaluate("window.loupeShown")
    print(f"loupe: {shown_ms:.0f} ms from the mark to the picture; progress said {progress}")
    assert shown_ms < LOUPE_MS_MAX
    assert progress == sorted(progress) and progress[-1:] == [100], "how far it is is said"
    expect(dialog.get_by_text(SENSOR)).to_be_visible()
    page.wait_for_function(f"() => {SIZE} > 400", timeout=FRESH_MS)
    page.keyboard.press("+")
    expect(page.locator(".closer img")).to_have_attribute("style", re.compile(r"scale\(1\.5\)"))
    eyes.judge(page, "loupe-close")
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_role("button", name="See it sharp")).to_be_focused()
    kept = page.locator("[data-part=loupes] button")
    expect(kept).to_have_count(1)
    eyes.judge(page, "look-with-loupes")
    kept.click()
    expect(dialog).to_be_visible()


def test_by_keys_alone_and_nothing_moves_meanwhile(person, mall):
    shopper = person(SHOPPER)
    page = look_at(shopper, mall, "三月的湖", re.compile("webrtc|^stills?$"))
    page.get_by_role("button", name="See it sharp").focus()
    page.keyboard.press("Enter")
    frame = page.locator(".loupe-frame")
    expect(page.locator(".loupe-veil")).to_be_focused()
    before = frame.bounding_box()
    for key in ("ArrowRight", "ArrowUp", "+"):
        page.keyboard.press(key)
    after = frame.bounding_box()
    assert before and after and after["x"] + after["width"] > before["x"] + before["width"] and after["y"] < before["y"]
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Close look")).to_be_visible(timeout=FRESH_MS)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Close look")).to_be_hidden()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator(".loupe-veil")).to_have_count(0)


def test_without_webrtc_it_comes_to_a_visitor_through_the_relay_and_says_so(person, mall):
    shopper = person(size=(390, 844), has_touch=True)
    shopper.page.add_init_script("delete window.RTCPeerConnection")
    page = look_at(shopper, mall, "三月的湖", re.compile("^stills?$"))
    page.wait_for_function("() => document.querySelector('[data-part=image]').naturalWidth > 100", timeout=FRESH_MS)
    open_loupe(page)
    box = page.locator(".loupe-veil").bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    dialog = page.get_by_role("dialog", name="Close look")
    expect(dialog).to_be_visible(timeout=FRESH_MS)
    expect(dialog.get_by_text("which carries 64 KB")).to_be_visible()
    expect(dialog.get_by_text(SENSOR)).to_be_visible()
    page.wait_for_function(f"() => {SIZE} > 400", timeout=FRESH_MS)


def test_what_is_refused_says_why(person, mall):
    shopper = person(SHOPPER)
    page = look_at(shopper, mall, "三月的湖", re.compile("webrtc|^stills?$"))
    session_id = page.evaluate(
        "fetch(location.href).then(() => performance.getEntriesByType('resource').map((one) => one.name)"
        ".map((name) => name.match(/ses_[0-9a-z]+/)?.[0]).find(Boolean))"
    )
    token = page.locator("meta[name=csrf]").get_attribute("content") or ""
    headers = {"X-CSRF-Token": token, "Origin": mall.url}
    for region, status in (
        ({"left": 0.9, "top": 0, "width": 0.5, "height": 0.5}, 422),
        ({"left": -1, "top": 0, "width": 0.5, "height": 0.5}, 422),
        ({"left": 0, "top": 0, "width": 0.001, "height": 0.5}, 422),
        ({"left": "x"}, 422),
    ):
        answer = shopper.context.request.post(
            f"{mall.url}/api/viewing/{session_id}/loupe", data=region, headers=headers
        )
        assert answer.status == status, (region, answer.text())
    good = {"left": 0.4, "top": 0.4, "width": 0.2, "height": 0.2}
    answer = shopper.context.request.post(f"{mall.url}/api/viewing/ses_none/loupe", data=good, headers=headers)
    assert answer.status == 404
