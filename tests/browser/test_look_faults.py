"""A camera that hangs or is covered is said on the page, while everything else goes on; and that it is well again."""

import json
import re
import time
import urllib.request

import pytest
from playwright.sync_api import expect

from tests.browser.program import Program
from tests.browser.whole_mall import SHOPPER

WORDS = {
    "frozen": {"en": "The picture stands still", "zh": "画面定格"},
    "black": {"en": "The picture is black", "zh": "画面全黑"},
}


def fault(mall, name, *, on):
    body = json.dumps({"device": "front", "fault": name, "on": on}).encode()
    address = f"http://127.0.0.1:{mall.ports.world(0, 0)}/faults"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


@pytest.mark.parametrize(("name", "language"), [("frozen", "en"), ("black", "zh")])
def test_a_picture_that_shows_nothing_is_said_on_the_page(person, mall, eyes, name, language):
    found = Program(mall.url, *SHOPPER).listing("朱泥")
    shopper = person(SHOPPER)
    shopper.go(f"/look/{found['pieces'][0]['piece_id']}?lang={language}")
    page, words = shopper.page, WORDS[name][language]
    expect(page.locator("#look[data-state=steering]")).to_be_visible()
    expect(page.locator("#look")).to_have_attribute("data-way", re.compile("."))
    begun_s = time.monotonic()
    fault(mall, name, on=True)
    try:
        expect(page.locator("[data-part=words]")).to_contain_text(words)
        print(f"{name}: on the page after {time.monotonic() - begun_s:.1f} s")
        expect(page.locator("#look")).to_have_attribute("data-state", "steering")
        eyes.look(page, f"look-{name}")
    finally:
        fault(mall, name, on=False)
    expect(page.locator("[data-part=words]")).not_to_contain_text(words)
