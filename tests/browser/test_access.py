"""WCAG 2.2 AA on every page, in both languages and both themes: axe-core finds nothing, nothing is too wide.

The short run looks at one page in English by day, at the next in Chinese by night; `--sweep full` at all four.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from cloud_relay import rooms
from tests.browser.every_page import PAGES, Scene, Seen
from tests.browser.eyes import NARROWEST, SIZES, judge
from tests.browser.whole_mall import SHOPPER, WholeMall

LANGUAGES = {"en": "en", "zh": "zh-Hans"}
SHOWN_ELSEWHERE = {
    "/look": "leads to /look/{piece_id}",
    "/00/{sscc}": "the same page as /p/{parcel_id}",
    "/unsubscribe/{mail_key}/{topic}": "its key stands only in a mail",
    "/merchant/imports/{import_id}": "looked at in test_onboarding.py, where a table is read",
    "/account/talks/{talk_id}": "looked at in test_owners.py, where somebody is asked",
    "/r/{sale_id}": "looked at in test_rebates.py, where a receipt is kept",
    "/operator/applications/{application_id}": "looked at in test_onboarding.py, where somebody applies",
}
PROGRAMS = ("/manifest", "/sw.js", "/api/", "/static/", "/pictures/", "/whep/", "/metrics", "/healthz")


@pytest.fixture(scope="module")
def scene(mall: WholeMall) -> Iterator[Scene]:
    scene = Scene(mall)
    yield scene
    scene.close()


class Visitors:
    """One browser context for each account: signing in for every page would take longer than looking at it."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser, self.url = browser, url
        self._pages: dict[tuple[str, str] | None, Page] = {}

    def page(self, who: tuple[str, str] | None) -> Page:
        if who not in self._pages:
            context = self._browser.new_context(locale="en-GB", reduced_motion="reduce")
            if who is not None:
                body = {"email": who[0], "password": who[1]}
                assert context.request.post(f"{self.url}/api/sign-in", data=body).ok
            self._pages[who] = context.new_page()
            self._pages[who].on("dialog", lambda dialog: dialog.accept())
        return self._pages[who]

    def close(self) -> None:
        for page in self._pages.values():
            page.context.close()


@pytest.fixture(scope="module")
def visitors(browser: Browser, mall: WholeMall) -> Iterator[Visitors]:
    visitors = Visitors(browser, mall.url)
    yield visitors
    visitors.close()


def opened(visitors: Visitors, scene: Scene, seen: Seen, language: str) -> Page:
    """Open a page in a language, everything that folds unfolded."""
    path, page = scene.path(seen), visitors.page(seen.who)
    page.set_viewport_size(dict(zip(("width", "height"), SIZES["desk"], strict=True)))
    page.emulate_media(color_scheme="light")
    answer = page.goto(f"{visitors.url}{path}{'&' if '?' in path else '?'}lang={language}")
    assert answer is not None
    assert (answer.status >= 400) is seen.is_problem, f"{path}: {answer.status}"
    page.evaluate("document.querySelectorAll('main details').forEach((one) => (one.open = true))")
    return page


@pytest.mark.parametrize("name", PAGES)
def test_nothing_keeps_anybody_out(visitors, scene, name, request):
    is_full = request.config.getoption("--sweep") == "full"
    by_night = list(PAGES).index(name) % 2 == 1
    titles = []
    for language, tag in LANGUAGES.items():
        page = opened(visitors, scene, PAGES[name], language)
        assert page.locator("html").get_attribute("lang") == tag
        if is_full or (language == "en" and not by_night):
            judge(page, f"{name} {language} light")
        if is_full or (language == "zh" and by_night):
            page.emulate_media(color_scheme="dark")
            judge(page, f"{name} {language} dark")
        for width, height in (NARROWEST, SIZES["tv"]):
            page.set_viewport_size({"width": width, "height": height})
            wide = page.evaluate(
                "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - innerWidth"
            )
            assert wide <= 0, f"{name} {language}: {wide} px wider than a screen of {width} px"
        titles.append(page.title())
    assert titles[0] != titles[1], "the title is in both languages"


def test_every_page_is_looked_at():
    """A page that somebody adds and nobody lists here fails."""
    asked = {
        route.path
        for router in rooms.ROUTERS
        for route in router.routes
        if "GET" in (getattr(route, "methods", None) or ()) and not route.path.startswith(PROGRAMS)
    }
    listed = [seen.path.partition("?")[0] for seen in PAGES.values()]
    shapes = {path: re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$") for path in asked}
    missing = {path for path, shape in shapes.items() if not any(shape.match(one) for one in listed)}
    assert {path for path in missing if not path.endswith((".csv", ".pdf"))} - set(SHOWN_ELSEWHERE) == set()


def test_a_state_that_changes_is_said_politely(visitors, scene):
    """The order's state and the place in line are live regions; news is put into them without a word being lost."""
    page = opened(visitors, scene, PAGES["order-photo"], "en")
    state = page.locator("[data-live=state]")
    expect(state).to_have_attribute("role", "status")
    page = opened(visitors, scene, PAGES["look"], "en")
    for part in ("status", "words"):
        expect(page.locator(f"[data-part={part}]")).to_have_attribute("aria-live", "polite")
    page = opened(visitors, scene, PAGES["courier"], "en")
    expect(page.locator("[data-live=state]")).to_have_attribute("role", "status")


def test_the_camera_is_steered_by_buttons_that_have_names(visitors, scene):
    page = opened(visitors, scene, Seen("/look/{piece}", SHOPPER), "en")
    controls = page.locator("[data-part=controls] button")
    names = controls.evaluate_all("all => all.map((one) => (one.getAttribute('aria-label') || one.textContent).trim())")
    assert len(names) >= 6 and all(re.search(r"[A-Za-z]{3}", name) for name in names), names


def test_the_keyboard_is_seen_where_it_is(visitors, scene):
    """Every stop of the Tab key on the busiest pages has an outline, and nothing covers it (WCAG 2.4.7, 2.4.11)."""
    for name in ("listing", "checkout", "operator"):
        page = opened(visitors, scene, PAGES[name], "en")
        for _ in range(12):
            page.keyboard.press("Tab")
            seen = page.evaluate(
                "() => { const one = document.activeElement; const style = getComputedStyle(one);"
                " const box = one.getBoundingClientRect();"
                " const shown = parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== 'none'"
                " || one.closest('label, .choice')?.matches(':focus-within');"
                " return [one.outerHTML.slice(0, 120), shown, box.bottom > 0 && box.top < innerHeight]; }"
            )
            assert seen[1] and seen[2], f"{name}: {seen}"


def test_nothing_moves_for_those_who_asked_for_rest(visitors, scene):
    page = opened(visitors, scene, PAGES["home"], "en")
    moving = page.evaluate(
        "() => [...document.querySelectorAll('*')].filter((one) => { const style = getComputedStyle(one);"
        " return parseFloat(style.transitionDuration) > 0.01 || (style.animationName !== 'none' &&"
        " parseFloat(style.animationDuration) > 0.01); }).map((one) => one.outerHTML.slice(0, 100))"
    )
    assert moving == []
