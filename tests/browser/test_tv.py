"""A television: a large screen, four arrows, OK and Back, from search to receipt, with every pointer dead.

Nothing is typed on it: words to search for are chosen, and what is private goes to the phone by a code that the phone
reads off the television's screen.
"""

import io
import re
import time

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.program import Program
from tests.browser.whole_mall import SHOPPER

TV = {"size": (1920, 1080)}
PHONE = {"size": (390, 844), "has_touch": True, "is_mobile": True}
PRESSES_MAX = 60
BENCH_MS = 90_000
SMALLEST_PX = 24

NO_POINTER = """() => {
  window.pointed = 0;
  const kinds = ["pointerdown", "pointerup", "pointermove", "mousedown", "mouseup", "mousemove", "touchstart",
    "touchend"];
  const refuse = (event) => { window.pointed += 1; event.preventDefault(); event.stopImmediatePropagation(); };
  for (const kind of kinds) window.addEventListener(kind, refuse, { capture: true, passive: false });
}"""

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

SMALL_TEXT = """least => {
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const owner = node.parentElement;
    if (!node.textContent.trim() || !owner.checkVisibility() || owner.closest(".hidden-label, .skip, script")) continue;
    const size = parseFloat(getComputedStyle(owner).fontSize);
    if (size < least) found.add(`${size} px: ${node.textContent.trim().slice(0, 40)}`);
  }
  return [...found];
}"""

SEEN = """() => {
  const video = document.querySelector("video");
  const canvas = Object.assign(document.createElement("canvas"), { width: 96, height: 54 });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(video, 0, 0, 96, 54);
  return [...pen.getImageData(0, 0, 96, 54).data].filter((_, place) => place % 4 === 1);
}"""


def reach(page: Page, target: Locator) -> None:
    """Press arrows as somebody does who sees where the frame is and where it should go."""
    pressed: list[str] = []
    for _ in range(PRESSES_MAX):
        ways = page.evaluate(WHERE, target.element_handle())  # a live page may have put another in its place
        if ways == "there":
            return
        before = page.evaluate_handle("document.activeElement")
        for way in ways or ["ArrowDown"]:  # the frame is around what holds the target: any arrow leads on
            page.keyboard.press(way)
            pressed.append(way)
            if not page.evaluate("before => document.activeElement === before", before):
                break
    pytest.fail(f"{target} was not reached by {pressed}")


def press(page: Page, target: Locator) -> None:
    expect(target).to_be_visible()
    reach(page, target)
    page.keyboard.press("Enter")


def scan(page: Page, mall) -> str:
    """Read the code off the television's screen, as a phone's camera does; return the path of its link."""
    expect(page.locator("#handoff .qr img")).to_be_visible()
    page.wait_for_function("() => document.querySelector('#handoff .qr img').naturalWidth > 0")
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(page.screenshot())))
    assert found, "no code on the screen can be read"
    assert found[0].text.startswith(f"{mall.url}/h/")
    return found[0].text.removeprefix(mall.url)


def readable(page: Page, eyes, name: str) -> None:
    """From three metres away: no text below 24 px; a screenshot to look at."""
    page.wait_for_load_state("load")
    assert page.evaluate(SMALL_TEXT, SMALLEST_PX) == [], name
    page.screenshot(path=eyes.folder / f"tv-{name}.png")


def changed(one: list[int], other: list[int]) -> float:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


def moves(page: Page, before: list[int], why: str) -> list[int]:
    until = time.monotonic() + 20
    while changed(before, now := page.evaluate(SEEN)) <= 2:
        assert time.monotonic() < until, why
        page.wait_for_timeout(100)
    return now


@pytest.mark.timeout(400)
def test_from_search_to_receipt_with_arrows_ok_and_back(person, mall, eyes):
    viewer, phone = person(**TV), person(SHOPPER, **PHONE)
    page = viewer.page
    page.add_init_script(f"({NO_POINTER})()")
    viewer.go("/?lang=en")
    sign_in_by_phone(page, phone, mall, eyes)
    find(page, phone, mall, eyes)
    look(page, phone, mall, eyes)
    order_id = pay_by_phone(page, person(**PHONE), mall, eyes)

    story = page.locator(".story")
    expect(story).to_contain_text("Paid; the money is held", timeout=BENCH_MS)
    expect(page.get_by_role("heading", name="Is this your parcel?")).to_be_visible(timeout=BENCH_MS)
    readable(page, eyes, "photo")
    press(page, page.get_by_role("button", name="Yes, send it"))
    expect(story).to_contain_text("Handed over to the post", timeout=BENCH_MS)
    deliver(mall, order_id)
    press(page, page.get_by_role("button", name="I have it, all is well"))
    expect(page.get_by_role("heading", name="All done. Enjoy it!")).to_be_visible()
    readable(page, eyes, "receipt")
    press(page, page.locator(".strip a").nth(2))
    expect(page.get_by_role("heading", name="On record")).to_be_visible()
    readable(page, eyes, "evidence")
    page.keyboard.press("Backspace")
    expect(page.get_by_role("heading", name="All done. Enjoy it!")).to_be_visible()
    assert page.evaluate("window.pointed") == 0
    assert mall.rows("SELECT state FROM orders WHERE order_id = ?", order_id)[0]["state"] == "released"


def sign_in_by_phone(page: Page, phone, mall, eyes) -> None:
    """The television shows a code and four letters; the phone, where its owner is signed in, lets it in."""
    readable(page, eyes, "home")
    press(page, page.get_by_role("link", name="Sign in"))
    press(page, page.get_by_role("button", name="Use my phone"))
    phone.go(f"{scan(page, mall)}?lang=en")
    readable(page, eyes, "sign-in")
    letters = page.locator("#handoff .letters").inner_text()
    expect(phone.page.locator("#phone .letters")).to_have_text(letters)
    phone.page.get_by_role("button", name=re.compile("Yes, as")).tap()
    expect(phone.page.get_by_role("heading", name="Done")).to_be_visible()
    expect(page.get_by_role("link", name="My orders")).to_be_visible()


def find(page: Page, phone, mall, eyes) -> None:
    """Choose a word, go back, have the phone type another, open what it found."""
    press(page, page.get_by_role("link", name="vase", exact=True))
    expect(page.locator(".card")).to_have_count(1)
    page.keyboard.press("Backspace")
    expect(page.get_by_role("link", name="bowl", exact=True)).to_be_visible()
    press(page, page.get_by_role("button", name="Type on my phone"))
    phone.go(f"{scan(page, mall)}?lang=en")
    phone.page.get_by_label(re.compile("Words, or a code")).fill("建盏")
    phone.page.get_by_role("button", name="Show on the television").tap()
    expect(page).to_have_url(re.compile("/search"))
    expect(page.locator(".card", has_text="Tenmoku")).to_be_visible()
    readable(page, eyes, "search")
    press(page, page.locator(".card", has_text="Tenmoku"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Tenmoku")
    readable(page, eyes, "listing")


def look(page: Page, phone, mall, eyes) -> None:
    """Look live, steer with the arrows, then with the phone, and confirm."""
    piece = page.locator(".piece", has_text="4731")
    reach(page, piece.get_by_role("link", name="Look at it live"))
    expect(page.locator("select[name=quantity]")).to_have_value("1")  # the arrows only went past it
    page.keyboard.press("Enter")
    expect(page.locator("#look")).to_have_attribute("data-state", "steering", timeout=60_000)
    expect(page.locator("#look")).to_have_attribute("data-way", "webrtc", timeout=20_000)
    expect(page.locator("[data-part=stage]")).to_be_focused()
    before = page.evaluate(SEEN)
    page.keyboard.down("ArrowRight")
    moved = moves(page, before, "the arrow did not move the camera")
    page.keyboard.up("ArrowRight")
    readable(page, eyes, "look")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("Up and down zoom")
    page.keyboard.press("Escape")
    press(page, page.get_by_role("button", name="Phone as remote"))
    phone.go(f"{scan(page, mall)}?lang=en")
    readable(page, eyes, "remote")
    left = phone.page.get_by_role("button", name="Look left")
    left.focus()
    phone.page.keyboard.down("Enter")
    moves(page, moved, "the phone did not move the camera")
    phone.page.keyboard.up("Enter")
    phone.page.screenshot(path=eyes.folder / "tv-remote-phone.png")
    press(page, page.get_by_role("button", name=re.compile("This is the one")))
    page.wait_for_url("**/checkout/*")


def pay_by_phone(page: Page, phone, mall, eyes) -> str:
    """Address and payment on a phone that is signed in nowhere; the television moves on by itself. Return the order."""
    expect(page.get_by_role("button", name="Pay by phone")).to_be_visible()
    readable(page, eyes, "checkout")
    press(page, page.get_by_role("button", name="Pay by phone"))
    link = scan(page, mall)
    phone.go(f"{link}?lang=en")
    form = phone.page
    form.get_by_label("Name", exact=True).fill("Mei Lin")
    form.get_by_label("Street and number").fill("Kaiserstraße 12")
    form.get_by_label("Postal code").fill("10115")
    form.get_by_label("City").fill("Berlin")
    form.get_by_label("Country").select_option("DE")
    form.get_by_label(re.compile("I will see a photo")).check()
    eyes.judge(form, "phone beside a television")
    form.screenshot(path=eyes.folder / "tv-pay-phone.png", full_page=True)
    form.get_by_role("button", name=re.compile("Pay ¥")).tap()
    expect(form.get_by_role("heading", name="Done")).to_be_visible()
    page.wait_for_url("**/orders/*")
    again = form.goto(mall.url + link)
    assert again.status == 404, "a used link opened again"
    return page.url.split("/orders/")[1].partition("?")[0]


def deliver(mall, order_id: str) -> None:
    """The courier hands it to the shopper."""
    program = Program(mall.url, *SHOPPER)
    order = program.call("GET", f"/api/orders/{order_id}")
    link = mall.courier_link("teahouse", order["parcel_id"]).rpartition("/c/")[2]
    program.headers = {}
    scanned = {"code": order["sscc"], "biz_step": "delivered", "place": "Berlin", "received_by": "Mei Lin"}
    program.call("POST", f"/api/courier/{link}/scans", scanned)
