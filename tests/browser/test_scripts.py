"""What a page's script must keep while news replaces parts of it, and where a remote's arrows lead: without a relay."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

STATIC = Path(__file__).parents[2] / "cloud_relay" / "web" / "static"
PAGE = """<!doctype html><html lang="en"><body data-language="en">{body}<script type="module">
import {{ refresh }} from "/static/live.js"; import {{ bindRemote }} from "/static/remote.js";
bindRemote(); window.refresh = refresh; document.body.dataset.ready = "yes";</script>{script}</body></html>"""
ADDRESS = """<div data-live="a"><p>{news}</p><form data-api="POST /x">
<input name="lines[]" aria-label="Street" value="Row 1"><input name="lines[]" aria-label="More" value="">
<label><input type="radio" name="kind" value="company" checked>company</label>
<label><input type="radio" name="kind" value="person">person</label>
<select name="country"><option selected>CN</option><option>DE</option></select>
<input type="file" name="picture">
<select name="quantity-1" data-quantity="1"><option {one}>1</option><option {two}>2</option></select>
</form></div>"""


@pytest.fixture
def stage(browser):
    """Return a function that opens a page whose next fetches give other bodies, served from the static folder."""
    context = browser.new_context()

    def show(*bodies: str, script: str = "") -> Page:
        page, left = context.new_page(), list(bodies)

        def answer(route) -> None:
            path = route.request.url.partition("vitrine.localhost")[2].partition("?")[0]
            if path.startswith("/static/"):
                route.fulfill(
                    body=(STATIC / path.removeprefix("/static/")).read_bytes(), content_type="text/javascript"
                )
            elif route.request.method != "GET":
                problem = {"type": "urn:price_changed", "title": "The price has changed", "status": 409}
                route.fulfill(status=409, body=json.dumps(problem), content_type="application/problem+json")
            else:
                body = left.pop(0) if len(left) > 1 else left[0]
                route.fulfill(body=PAGE.format(body=body, script=script), content_type="text/html; charset=utf-8")

        page.route("http://vitrine.localhost/**", answer)
        page.goto("http://vitrine.localhost/")
        expect(page.locator("body")).to_have_attribute("data-ready", "yes")
        return page

    yield show
    context.close()


def test_news_keeps_what_was_typed_chosen_and_ticked_where_it_was(stage, tmp_path):
    old = ADDRESS.format(news="old", one="selected", two="")
    page = stage(old, ADDRESS.format(news="new", one="", two="selected"))
    (tmp_path / "picture.jpg").write_bytes(b"x")
    page.get_by_label("More").fill("Apt 5")
    page.get_by_label("person").check()
    page.locator("[name=country]").select_option("DE")
    page.locator("[name=picture]").set_input_files(tmp_path / "picture.jpg")
    page.evaluate("refresh()")
    expect(page.locator("p")).to_have_text("new")
    expect(page.get_by_label("Street")).to_have_value("Row 1")
    expect(page.get_by_label("More")).to_have_value("Apt 5")
    expect(page.get_by_label("person")).to_be_checked()
    expect(page.locator("[name=country]")).to_have_value("DE")
    assert page.evaluate("document.querySelector('[name=picture]').files.length") == 1
    expect(page.locator("[data-quantity]")).to_have_value("2")  # a basket's number is what the server says


def test_a_refused_deed_shows_what_holds_now(stage):
    due = """<form data-api="POST /pay"><div data-errors></div><input name="name" aria-label="Name" value="">
<p data-live="due">{}</p><button>Pay</button></form>"""
    forms = '<script type="module">import { bindForms } from "/static/forms.js"; bindForms();</script>'
    page = stage(due.format("12.00"), due.format("15.00"), script=forms)
    page.get_by_label("Name").fill("Lin")
    page.get_by_role("button").click()
    expect(page.locator("[data-live=due]")).to_have_text("15.00")
    expect(page.get_by_label("Name")).to_have_value("Lin")
    expect(page.locator("form")).to_contain_text("The price has changed")


def test_a_remote_leaves_texts_and_numbers(stage):
    body = """<button>above</button><br><textarea aria-label="Words"></textarea><br>
<input type="number" aria-label="Budget" value="5"><br><button>below</button>"""
    page = stage(body)
    page.get_by_role("button", name="above").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="below")).to_be_focused()
    expect(page.get_by_label("Budget")).to_have_value("5")
    page.get_by_label("Words").fill("ab")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("Words")).to_be_focused()  # the caret goes to the beginning first
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name="above")).to_be_focused()


PAD = """<div data-live="act"><p>{}</p><form>
<svg data-pad viewBox="0 0 1000 300" width="500" height="150"><path d=""></path></svg>
<input type="hidden" name="signature_path"></form></div>"""


def test_a_signature_outlives_the_couriers_scan(stage):
    page = stage(
        PAD.format("on its way"),
        PAD.format("delivered"),
        script='<script type="module" src="/static/signing.js"></script>',
    )
    box = page.locator("[data-pad]").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 90, steps=5)
    page.mouse.up()
    drawn = page.locator("[name=signature_path]").input_value()
    assert drawn.startswith("M")
    page.evaluate("refresh()")
    expect(page.locator("p")).to_have_text("delivered")
    expect(page.locator("[name=signature_path]")).to_have_value(drawn)
    expect(page.locator("path")).to_have_attribute("d", drawn)
