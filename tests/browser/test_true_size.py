"""True size: the merchant lays a known length over the picture once; shoppers then measure, at every zoom."""

import re

from playwright.sync_api import Page, expect

from tests.browser.test_looking import LOOK, piece
from tests.browser.whole_mall import SHOPPER, TEAHOUSE

FIELD_MM = 900.0
"""What the simulated camera sees at zoom 1 in the plane of the pieces: drivers/simulators/view.py."""

BOX_WIDTH = """() => {
  const stage = document.querySelector("[data-part=stage]"), picture = document.querySelector("[data-part=video]");
  const image = document.querySelector("[data-part=image]"), seen = picture.videoWidth ? picture : image;
  const [wide, high] = [seen.videoWidth || seen.naturalWidth, seen.videoHeight || seen.naturalHeight];
  return wide * Math.min(stage.clientWidth / wide, stage.clientHeight / high);
}"""


HOME_ZOOM = "JSON.parse(document.getElementById('teach').dataset.spot).home.zoom.toFixed(1)"
AT_HOME = """(home) => {
  document.getElementById("teach").dispatchEvent(new Event("keyup"));
  return document.querySelector("[data-at=zoom]").textContent === home;
}"""
"""The head goes to the first view when a turn begins; the page reads where it stands after each touch."""


def calibrate(page: Page) -> None:
    """Lay the line over half of the picture, and say how long that is by what the page reads of the zoom."""
    page.get_by_role("button", name="Lay the line").click()
    veil = page.locator(".measure-veil")
    expect(veil).to_be_focused()
    zoom_at, home = page.locator("[data-at=zoom]"), page.evaluate(HOME_ZOOM)
    page.wait_for_function(AT_HOME, arg=home, timeout=40_000, polling=1000)
    box, width = veil.bounding_box(), page.evaluate(BOX_WIDTH)
    assert box
    middle, row = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle - width / 4, row)
    page.mouse.down()
    page.mouse.move(middle, row, steps=3)
    page.mouse.move(middle + width / 4, row, steps=3)
    page.mouse.up()
    page.get_by_label("Its length (mm)").fill(f"{FIELD_MM / 2 / float(zoom_at.inner_text()):.1f}")
    page.get_by_role("button", name="Keep the size").click()
    expect(page.locator("[data-part=size-now]")).to_have_text(re.compile(r"mm wide at zoom 1"))


def test_a_known_length_laid_once_gives_shoppers_a_ruler_that_follows_the_zoom(person, mall, eyes):
    wanted = piece(mall, "西施")
    merchant = person(TEAHOUSE)
    merchant.go(f"/merchant/pieces/{wanted}/teach?lang=en")
    page = merchant.page
    expect(page.locator("#teach")).to_have_attribute("data-state", "steering", timeout=60_000)
    expect(page.locator("#teach")).to_have_attribute("data-way", re.compile("."), timeout=20_000)
    forget = page.get_by_role("button", name="Forget it")
    if forget.is_visible():  # taught in an earlier test
        forget.click()
    expect(page.get_by_text("shoppers see no ruler")).to_be_visible()
    calibrate(page)
    eyes.look(page, "teach-size")
    (row,) = mall.rows("SELECT spot FROM piece WHERE piece_id = ?", wanted)
    found = re.search(r'"view_width_mm": ?([\d.]+)', str(row["spot"]))
    assert found and abs(float(found[1]) / FIELD_MM - 1) < 0.06  # the page rounds the zoom to a tenth
    merchant.context.close()

    shopper = person(SHOPPER)
    shopper.go(f"/look/{wanted}?lang=en")
    page = shopper.page
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=60_000)
    expect(page.locator(LOOK)).to_have_attribute("data-way", re.compile("webrtc|stills?$"), timeout=20_000)
    page.get_by_role("button", name="Ruler").click()
    expect(page.locator(".ruler line.named").first).to_be_attached(timeout=20_000)
    stage = page.locator("[data-part=stage]")
    before = float(stage.get_attribute("data-px-per-mm") or 0)
    stage.focus()
    page.keyboard.down("+")
    page.wait_for_function(
        "before => Number(document.querySelector('[data-part=stage]').dataset.pxPerMm) > before * 1.2",
        arg=before,
        timeout=40_000,
    )
    page.keyboard.up("+")
    page.get_by_role("button", name="Grid").press("Enter")
    expect(page.get_by_text(re.compile(r"One square is [\d.]+ mm"))).to_be_visible()
    eyes.look(page, "look-grid")
    page.get_by_role("button", name="No ruler").press("Enter")
    expect(page.locator(".ruler")).to_have_count(0)


def test_where_nobody_measured_there_is_no_ruler(person, mall):
    visitor = person()
    visitor.go(f"/look/{piece(mall, '三月的湖')}?lang=en")
    expect(visitor.page.get_by_role("button", name="See it sharp")).to_be_visible(timeout=60_000)
    expect(visitor.page.get_by_role("button", name=re.compile("Ruler"))).to_have_count(0)
