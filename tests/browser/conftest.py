"""One mall for all browser tests, one Chromium for each file, and a clean browser context for each person."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.eyes import SIZES, Eyes
from tests.browser.small_shop import SmallShop, open_small_shop
from tests.browser.whole_mall import WholeMall
from tests.chromium import CHROMIUM
from tests.ports import free_port

WAIT_MS = 15_000
expect.set_options(timeout=WAIT_MS)
PHONE = {"size": SIZES["phone"], "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)


OPEN_MALL = pytest.StashKey[WholeMall]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
    """Close the mall after the last browser test, whatever its teardown said: its two shops would idle on."""
    try:
        return (yield)
    finally:
        is_last = nextitem is None or "tests/browser/" not in nextitem.nodeid
        if is_last and OPEN_MALL in item.session.stash:
            item.session.stash[OPEN_MALL].close()


@pytest.fixture(scope="module")
def mall(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WholeMall:
    """The mall that this process has open; a new one where it was closed, because other files stood in between."""
    stash = request.session.stash
    if OPEN_MALL not in stash or stash[OPEN_MALL].is_closed:
        stash[OPEN_MALL] = WholeMall(tmp_path_factory.mktemp("mall"))
        try:
            stash[OPEN_MALL].wait_open()
        except BaseException:  # whatever it is: no process of it stays behind
            stash[OPEN_MALL].close()
            raise
    return stash[OPEN_MALL]


@pytest.fixture(scope="session")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Eyes:
    """Screenshots go to VITRINE_SCREENSHOTS, or beside the run's other temporary files."""
    chosen = os.environ.get("VITRINE_SCREENSHOTS")
    return Eyes(Path(chosen) if chosen else tmp_path_factory.mktemp("screenshots"), at_every_size=bool(chosen))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed after each file: asynchronous tests of other files need the event loop for themselves."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"],
        )
        yield browser
        browser.close()


class Person:
    """A browser context of one person, and what went wrong in it."""

    def __init__(self, context: BrowserContext, page: Page, url: str) -> None:
        self.context, self.page, self.url = context, page, url
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(f"{page.url}: {error}"))
        page.on("console", self._listen)
        page.on("dialog", lambda dialog: dialog.accept())

    def _listen(self, message: Any) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(f"{self.page.url}: {message.text}")

    def go(self, path: str) -> None:
        answer = self.page.goto(self.url + path)
        assert answer is not None and answer.status < 400, f"{path}: {answer and answer.status}"

    def sign_in(self, who: tuple[str, str]) -> None:
        email, password = who
        answer = self.context.request.post(f"{self.url}/api/sign-in", data={"email": email, "password": password})
        assert answer.ok, answer.text()


@contextmanager
def people_at(browser: Browser, url: str) -> Iterator[Callable[..., Person]]:
    """Give a function that opens a browser context: a phone, a desk, a television. At the end no page had an error."""
    people: list[Person] = []

    def come(who: tuple[str, str] | None = None, *, size: tuple[int, int] = (1440, 900), **options: Any) -> Person:
        width, height = size
        values = {"viewport": {"width": width, "height": height}, "locale": "en-GB", **options}
        context = browser.new_context(**values)
        context.set_default_timeout(WAIT_MS)
        person = Person(context, context.new_page(), url)
        people.append(person)
        if who is not None:
            person.sign_in(who)
        return person

    yield come
    errors = [error for one in people for error in one.errors]
    for one in people:
        one.context.close()
    assert errors == []


@pytest.fixture
def person(browser: Browser, mall: WholeMall) -> Iterator[Callable[..., Person]]:
    """Somebody in the mall, signed in if told as whom."""
    with people_at(browser, mall.url) as come:
        yield come


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallShop]:
    """A small shop of the file's own."""
    with open_small_shop(tmp_path_factory.mktemp("small-shop"), free_port) as shop:
        yield shop


@pytest.fixture
def guest(browser: Browser, shop: SmallShop) -> Iterator[Callable[..., Person]]:
    """Somebody at the small shop, signed in if told under which name."""
    with people_at(browser, shop.url) as come:
        yield lambda name=None, **options: come(name and shop.who(name), **options)
