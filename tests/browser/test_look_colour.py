"""True colour: a merchant shows the camera a colour card once; shoppers switch true colours on and read how true."""

import io
import re

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from cloud_relay.viewing.colour import CARD, to_linear, to_srgb
from tests.browser.program import Program
from tests.browser.test_looking import LOOK, piece
from tests.browser.whole_mall import SHOPPER, STUDIO

WORDS = "三月的湖"
WIDTH, HEIGHT = 960, 540
CORNERS = [(0.32, 0.24), (0.7, 0.3), (0.66, 0.72), (0.28, 0.62)]
"""Middles of brown, of the first row's end, of black and of white: the card stands aslant."""

WARM = (((0.8, 0.1, 0.02), 0.01), ((0.05, 0.6, 0.05), 0.01), ((0.02, 0.08, 0.4), 0.005))
TRUE_WITHIN = 9
"""JPEG, two rescalings and 8 bits each way, in steps of 255."""
SETTLES = 20
"""Looks at a patch, half a second apart."""


def seen(patch: tuple[float, float, float]) -> tuple[int, int, int]:
    """What a camera under a warm lamp makes of a colour."""
    light = to_linear(patch)
    made = to_srgb(tuple(sum(one * part for one, part in zip(row, light, strict=True)) + veil for row, veil in WARM))
    return tuple(round(value) for value in made)


def photograph() -> bytes:
    """The card aslant before a grey wall, under the warm lamp."""
    size = 60
    flat = Image.new("RGB", (6 * size, 4 * size), (20, 18, 15))
    for place, patch in enumerate(CARD):
        left, top = place % 6 * size, place // 6 * size
        ImageDraw.Draw(flat).rectangle((left + 4, top + 4, left + size - 5, top + size - 5), fill=seen(patch))
    targets = [(x * WIDTH, y * HEIGHT) for x, y in CORNERS]
    sources = [(size / 2, size / 2), (5.5 * size, size / 2), (5.5 * size, 3.5 * size), (size / 2, 3.5 * size)]
    rows, right = [], []
    for (x, y), (u, v) in zip(targets, sources, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    across = tuple(np.linalg.solve(np.array(rows), np.array(right)))
    laid = flat.transform((WIDTH, HEIGHT), Image.Transform.PERSPECTIVE, across, Image.Resampling.BICUBIC)
    inside = Image.new("L", flat.size, 255).transform((WIDTH, HEIGHT), Image.Transform.PERSPECTIVE, across)
    picture = Image.composite(laid, Image.new("RGB", (WIDTH, HEIGHT), seen((128, 128, 128))), inside)
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=95, subsampling=0)
    return packed.getvalue()


def stand_before_the_camera(page: Page, jpeg: bytes) -> None:
    """Have the camera's stills show the card: the demonstration's shops have none."""
    page.route(re.compile(r"/still\.jpg"), lambda route: route.fulfill(body=jpeg, content_type="image/jpeg"))

    def ask_without_a_still(route) -> None:
        route.continue_(post_data=route.request.post_data_json | {"first_picture": False})

    page.route(re.compile(r"/api/viewing$"), ask_without_a_still)  # the first one would come with the answer


@pytest.fixture
def no_card_left(mall):
    yield
    Program(mall.url, *STUDIO).call("DELETE", f"/api/pieces/{piece(mall, WORDS)}/colour")


def colour_at(page: Page, place: int) -> np.ndarray:
    """The middle of a patch as the screen shows it."""
    column, row = place % 6 / 5, place // 6 / 3
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = CORNERS
    top, bottom = (ax + (bx - ax) * column, ay + (by - ay) * column), (dx + (cx - dx) * column, dy + (cy - dy) * column)
    x, y = top[0] + (bottom[0] - top[0]) * row, top[1] + (bottom[1] - top[1]) * row
    stage = page.locator("[data-part=stage]")
    # words over the picture come and go with the machine's pace: how old it is, that it stands still, who waits
    words = page.locator("#toast, [data-part=stage] > :not(video, img)")
    fade = "(all, opacity) => { for (const one of all) one.style.opacity = opacity; }"
    words.evaluate_all(fade, "0")
    picture = np.asarray(Image.open(io.BytesIO(stage.screenshot())).convert("RGB"), dtype=float)
    words.evaluate_all(fade, "")
    high, wide = picture.shape[:2]
    scale = min(wide / WIDTH, high / HEIGHT)
    left, above = (wide - WIDTH * scale) / 2, (high - HEIGHT * scale) / 2
    column_px, row_px = round(left + x * WIDTH * scale), round(above + y * HEIGHT * scale)
    return picture[row_px - 2 : row_px + 3, column_px - 2 : column_px + 3].mean(axis=(0, 1))


def test_a_card_shown_once_makes_colours_true_and_says_how_true(person, mall, eyes, no_card_left):
    wanted, jpeg = piece(mall, WORDS), photograph()
    merchant = person(STUDIO)
    page = merchant.page
    stand_before_the_camera(page, jpeg)
    merchant.go(f"/merchant/pieces/{wanted}/teach?lang=en")
    expect(page.get_by_text("No card yet")).to_be_visible()
    expect(page.locator("#teach")).to_have_attribute("data-state", "steering", timeout=60_000)
    page.get_by_role("button", name="Photograph the card").click()
    corners = page.locator(".card-pane .corner")
    expect(corners.first).to_be_focused()
    page.get_by_role("button", name="Read the patches").click()
    expect(page.get_by_role("alert")).to_contain_text("24-patch card")  # the corners lie anywhere yet
    lay(page)
    eyes.look(page, "teach-colour")
    lay(page)
    page.get_by_role("button", name="Read the patches").click()
    expect(page.locator("[data-part=colour-now]")).to_contain_text(re.compile(r"ΔE [0-2]\.\d on average"))
    merchant.context.close()

    shopper = person(SHOPPER)
    page = shopper.page
    stand_before_the_camera(page, jpeg)
    shopper.go(f"/look/{wanted}?lang=en")
    page.get_by_role("button", name="Data saver").click()
    expect(page.locator(LOOK)).to_have_attribute("data-way", "still", timeout=60_000)
    expect(page.locator("[data-part=image]")).to_have_js_property("naturalWidth", WIDTH)
    assert np.abs(colour_at(page, 18) - CARD[18]).max() > 40, "the lamp is warm"
    switch = page.get_by_role("button", name="True colour")
    switch.click()
    expect(page.get_by_text(re.compile(r"on average ΔE \d"))).to_be_visible()
    eyes.look(page, "look-true-colour")
    for place in (0, 5, 8, 14, 15, 19, 22):
        off = off_by(page, place)
        assert off <= TRUE_WITHIN, f"patch {place + 1} is off by {off:.0f}"
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")
    assert np.abs(colour_at(page, 18) - CARD[18]).max() > 40


def off_by(page: Page, place: int) -> float:
    """How far a patch is from the card's own colour, once the page is painted."""
    off = 255.0
    for _ in range(SETTLES):
        off = np.abs(colour_at(page, place) - CARD[place]).max()
        if off <= TRUE_WITHIN:
            break
        page.wait_for_timeout(500)
    return off


def lay(page: Page) -> None:
    """Drag the four corners where they belong, the last by the arrow keys alone."""
    pane, corners = page.locator(".card-pane canvas"), page.locator(".card-pane .corner")
    pane.scroll_into_view_if_needed()
    box = pane.bounding_box()
    assert box
    for number, (x, y) in enumerate(CORNERS):
        at = corners.nth(number).bounding_box()
        assert at
        page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
        page.mouse.down()
        shift = 6 if number == 3 else 0
        page.mouse.move(box["x"] + x * box["width"] - shift, box["y"] + y * box["height"], steps=3)
        page.mouse.up()
    corners.nth(3).focus()
    for _ in range(round(6 / box["width"] / 0.004)):
        page.keyboard.press("ArrowRight")
