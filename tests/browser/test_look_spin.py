"""The spin: a photographed piece is turned by mouse, finger and keys, where one waits and where the shop is closed."""

import colorsys
import hashlib
import io
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Locator, Page, expect

from tests.browser.program import Program
from tests.browser.test_looking import LOOK
from tests.browser.whole_mall import SHOPPER, STUDIO, TEAHOUSE

WORDS = "三月的湖"
VIEWS = 36
PX_PER_TURN = 430
FACES = (("back", 180.0), ("flaw", 95.0))
WEIGHT_MAX = 100_000
"""Bytes of a first view without its pictures (REQUIREMENTS A1: a phone far out in the country)."""


def photograph(words: str, hue: float) -> bytes:
    """A picture that tells by itself which view it is."""
    picture = Image.new("RGB", (960, 540), tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.35, 0.85)))
    ImageDraw.Draw(picture).text((480, 270), words, "black", ImageFont.load_default(120), "mm")
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=80)
    return packed.getvalue()


class Photographed:
    """A piece with views as its shop would have sent them, one second after another."""

    def __init__(self, mall) -> None:
        self.mall = mall
        listing = Program(mall.url, *SHOPPER).listing(WORDS)
        self.listing, self.piece = listing["listing_id"], listing["pieces"][0]["piece_id"]
        self.shas: list[str] = []
        self.times: list[str] = []
        started = datetime.now(UTC) - timedelta(days=2)
        round_views = [(number * 360 / VIEWS, "") for number in range(VIEWS)]
        for number, (angle_deg, face) in enumerate([*round_views, *((angle, name) for name, angle in FACES)]):
            at = (started + timedelta(seconds=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            self._add(number, angle_deg, face, at)

    def _add(self, number: int, angle_deg: float, face: str, at: str) -> None:
        content = photograph(face or f"{angle_deg:.0f}°", angle_deg / 360)
        sha = hashlib.sha256(content).hexdigest()
        path = self.mall.folder / "relay" / "pictures" / sha[:2] / f"{sha}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.mall.write(
            "INSERT OR IGNORE INTO picture (picture_sha256, owner_id, kind, media_type, size_bytes, width_px,"
            " height_px, parcel_id, taken_at, stored_at)"
            " VALUES (?, 'studio', 'spin', 'image/jpeg', ?, 960, 540, ?, ?, ?)",
            sha, len(content), self.piece, at, at,
        )  # fmt: skip
        self.mall.write(
            "INSERT INTO piece_view (piece_id, view_no, angle_deg, picture_sha256, taken_at, face)"
            " VALUES (?, ?, ?, ?, ?, ?)", self.piece, number, angle_deg, sha, at, face,
        )  # fmt: skip
        self.shas.append(sha)
        self.times.append(at)

    def close(self) -> None:
        self.mall.write("DELETE FROM piece_view WHERE piece_id = ?", self.piece)


@pytest.fixture(scope="module")
def photographed(mall):
    found = Photographed(mall)
    yield found
    found.close()


def shows(figure: Locator, photographed: Photographed, number: int) -> None:
    """The picture is this view, it has come, and the time beside it is its own."""
    expect(figure.locator("img")).to_have_attribute("src", f"/pictures/{photographed.shas[number]}")
    expect(figure.locator("time")).to_have_attribute("datetime", photographed.times[number])
    expect(figure.locator("img")).to_have_js_property("naturalWidth", 960)


def drag(page: Page, image: Locator, turns: float) -> None:
    """Drag with the mouse over a share of a turn; the picture's script comes after the page."""
    expect(page.locator("[data-spin][data-bound]")).to_be_visible()
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + turns * PX_PER_TURN / 2, y, steps=4)
    page.mouse.move(x + turns * PX_PER_TURN, y, steps=4)
    page.mouse.up()


def test_on_the_listing_page_it_is_turned_by_mouse_and_keys_and_shown_by_its_faces(person, photographed, eyes):
    visitor = person()
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.go(f"/l/{photographed.listing}?lang=en")
    page = visitor.page
    page.wait_for_load_state("load")
    figure = page.locator(".spin")
    assert not [url for url in asked if url.endswith("/views")], "nobody has begun to turn it"
    assert not [url for url in asked if any(sha in url for sha in photographed.shas[1:])]

    drag(page, figure.locator("img"), 0.25)
    shows(figure, photographed, 9)
    drag(page, figure.locator("img"), -0.5)
    shows(figure, photographed, 27)
    slider = figure.get_by_role("slider")
    slider.focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    shows(figure, photographed, 29)
    expect(slider).to_have_attribute("aria-valuetext", "290 degrees")
    page.keyboard.press("Tab")
    expect(figure.get_by_role("button", name="Back")).to_be_focused()
    page.keyboard.press("Enter")
    shows(figure, photographed, VIEWS)
    expect(figure.get_by_role("button", name="Back")).to_have_attribute("aria-pressed", "true")
    figure.get_by_role("button", name="Flaw").click()
    shows(figure, photographed, VIEWS + 1)
    expect(figure.get_by_role("button", name="Back")).to_have_attribute("aria-pressed", "false")
    expect(figure).to_have_attribute("data-loaded", "yes", timeout=30_000)
    eyes.look(page, "listing-spin")


def test_a_finger_turns_it_and_a_remote_leaves_it(person, photographed):
    """Sideways turns the piece, up and down go on to scroll; a television's Down leads on from the slider."""
    phone = person(size=(390, 844), has_touch=True)
    phone.go(f"/l/{photographed.listing}?lang=en")
    figure = phone.page.locator(".spin")
    image = figure.locator("img")
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    assert box
    touch = phone.context.new_cdp_session(phone.page)
    x, y = box["x"] + 40, box["y"] + box["height"] / 2
    far = PX_PER_TURN / 2
    for kind, points in (
        ("touchStart", [(x, y)]), ("touchMove", [(x + far / 3, y)]), ("touchMove", [(x + far, y)]), ("touchEnd", []),
    ):  # fmt: skip
        places = [{"x": left, "y": top} for left, top in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
    shows(figure, photographed, 18)
    figure.get_by_role("slider").focus()
    phone.page.keyboard.press("ArrowLeft")
    shows(figure, photographed, 17)
    phone.page.keyboard.press("ArrowDown")
    expect(figure.get_by_role("slider")).not_to_be_focused()
    shows(figure, photographed, 17)


def test_who_waits_turns_it_meanwhile_and_whoever_steers_has_the_real_one(person, photographed, eyes):
    first, second = person(STUDIO), person(SHOPPER)
    first.go(f"/look/{photographed.piece}?lang=en")
    expect(first.page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=60_000)
    expect(first.page.locator("[data-part=spin]")).to_be_hidden()
    second.go(f"/look/{photographed.piece}?lang=en")
    expect(second.page.locator(LOOK)).to_have_attribute("data-state", "waiting", timeout=20_000)
    expect(second.page.get_by_role("heading", name="Turn it meanwhile")).to_be_visible()
    figure = second.page.locator(".spin")
    drag(second.page, figure.locator("img"), 1 / 3)
    shows(figure, photographed, 12)
    eyes.look(second.page, "look-waiting-spin")
    first.page.get_by_role("link", name="Leave").click()
    expect(second.page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)
    expect(second.page.locator("[data-part=spin]")).to_be_hidden()
    second.page.get_by_role("link", name="Leave").click()


@pytest.fixture
def closed_shop(mall):
    """The studio takes a holiday for the length of a test; the shop itself has heard of it, both times."""
    owner = Program(mall.url, *STUDIO)
    before = owner.call("GET", "/api/shops/studio")["holidays"]
    today = datetime.now(UTC).date()
    days = {"first_day": str(today - timedelta(days=1)), "last_day": str(today + timedelta(days=1))}
    set_holidays(owner, [*before, {**days, "title": {"en": "Inventory", "zh": "盘点"}}])
    yield
    set_holidays(owner, before)


def set_holidays(owner: Program, holidays: list[dict[str, Any]]) -> None:
    owner.call("PATCH", "/api/shops/studio", {"holidays": holidays})
    until = time.monotonic() + 30
    while (shop := owner.call("GET", "/api/shops/studio"))["plan_applied"] < shop["plan_version"]:
        assert time.monotonic() < until, "the shop did not take its new plan"
        time.sleep(0.2)


def test_in_a_closed_shop_the_piece_still_turns(person, photographed, closed_shop, eyes):
    visitor = person(SHOPPER)
    visitor.go(f"/look/{photographed.piece}?lang=en")
    page = visitor.page
    expect(page.locator("[data-part=status]")).to_have_text("The shop is closed", timeout=20_000)
    expect(page.get_by_role("heading", name="Turn it all the same")).to_be_visible()
    figure = page.locator(".spin")
    drag(page, figure.locator("img"), 0.5)
    shows(figure, photographed, 18)
    eyes.look(page, "look-closed-spin")


def test_a_page_with_a_spin_is_as_light_as_any(person, photographed):
    """Everything that a first visit loads but pictures, unpacked; the views are no part of it."""
    for path in (f"/l/{photographed.listing}", f"/look/{photographed.piece}"):
        visitor = person(SHOPPER)
        sizes: dict[str, int] = {}
        pictures: list[str] = []

        def count(response, sizes=sizes, pictures=pictures) -> None:
            if response.request.resource_type in ("document", "stylesheet", "script"):
                sizes[response.url] = len(response.body())
            elif "/pictures/" in response.url:
                pictures.append(response.url)

        visitor.page.on("response", count)
        visitor.go(path)
        visitor.page.wait_for_load_state("load")
        assert visitor.page.locator(".spin").count() == 1
        weight = sum(sizes.values())
        print(f"{path}: {weight / 1000:.1f} kB without pictures")
        assert weight <= WEIGHT_MAX, f"{path}: {sizes}"
        assert sum(any(sha in url for sha in photographed.shas) for url in pictures) <= 1
        visitor.context.close()


def test_views_of_a_piece_that_is_not_shown_are_not_there(mall, photographed):
    assert httpx.get(f"{mall.url}/api/pieces/pc_none/views").status_code == 404
    found = httpx.get(f"{mall.url}/api/pieces/{photographed.piece}/views").json()
    assert [one["title"]["zh"] for one in found["faces"]] == ["背面", "瑕疵"]


@pytest.mark.slow
@pytest.mark.full
def test_the_shop_itself_photographs_what_stands_idle_on_its_turntable(person, mall):
    """Looked at, left, idle for a while: 36 views and each face come to the page, by every program there is."""
    owner = Program(mall.url, *TEAHOUSE)
    owner.call("PATCH", "/api/shops/teahouse", {"is_spin_on": True})
    brought = next(
        piece for hit in httpx.get(f"{mall.url}/api/search", params={"q": "茶壶"}).json()["hits"]
        if hit["shop"]["shop_id"] == "teahouse"
        for piece in httpx.get(f"{mall.url}/api/listings/{hit['listing_id']}").json()["pieces"] if piece["is_brought"]
    )  # fmt: skip
    shopper = person(SHOPPER)
    shopper.go(f"/look/{brought['piece_id']}?lang=en")
    expect(shopper.page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=120_000)
    shopper.page.get_by_role("link", name="Leave").click()
    page = shopper.page
    try:
        page.wait_for_function(
            "address => fetch(address).then((answer) => answer.json()).then(({ views }) => views.length === 36)",
            arg=f"/api/pieces/{brought['piece_id']}/views", timeout=300_000, polling=2000,
        )  # fmt: skip
    finally:
        owner.call("PATCH", "/api/shops/teahouse", {"is_spin_on": False})
    found = httpx.get(f"{mall.url}/api/pieces/{brought['piece_id']}/views").json()
    assert [one["angle_deg"] for one in found["views"]] == [number * 10.0 for number in range(36)]
    assert len({one["picture"] for one in found["views"]}) == 36
    assert len({one["taken_at"] for one in found["views"]}) == 36
    assert len(found["faces"]) == len(brought["faces"])
    assert all(re.fullmatch(r"[0-9a-f]{64}", one["picture"]) for one in found["views"])
