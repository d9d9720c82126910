"""The attendant's page in Chromium: a person signs in, hears of work, answers, asks nothing of the internet."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.async_api import async_playwright, expect

from edge.bench import Answer, TaskKind
from tests.chromium import CHROMIUM
from wire.commands import AskAttendant, encode_command
from wire.envelope import Envelope
from wire.plan import Text
from wire.reports import CameraState

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
TRAP = "<img src=x onerror=\"document.title='trapped'\">"

pytestmark = pytest.mark.browser


@pytest.fixture
async def desk(page: Any, tmp_path: Path):
    """Return Chromium at the sign-in page; fails on script errors and on any word to another machine."""
    assert CHROMIUM, "the launcher installs Chromium for the tests"
    errors: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=user-gesture-required"]
        )
        tab = await browser.new_page(viewport={"width": 1280, "height": 900})
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        tab.on("request", lambda asked: None if asked.url.startswith(page.url) else errors.append(asked.url))
        await tab.goto(page.url + "/")
        yield tab
        await browser.close()
    assert [error for error in errors if "Failed to load resource" not in error] == []


async def sign_in(desk: Any, pin: str = "2468") -> None:
    await desk.fill("#pin", pin)
    await desk.click("#enter")


async def look(desk: Any, name: str) -> None:
    """Judge by axe-core in both themes, whatever it calls what it finds; refuse sideways scrolling, leave pictures."""
    await desk.evaluate(f"window.axe || (() => {{ {AXE} }})()")
    for theme in ("dark", "light"):
        await desk.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found = await desk.evaluate("axe.run(document, {resultTypes: ['violations']})")
        wrong = [(part["id"], part["nodes"][0]["html"][:200]) for part in found["violations"]]
        assert wrong == [], f"{name} {theme}: {json.dumps(wrong)}"
    folder = Path(os.environ.get("VITRINE_SCREENSHOTS", "")) if os.environ.get("VITRINE_SCREENSHOTS") else None
    for size, width, height in (("phone", 390, 844), ("tablet", 820, 1180), ("desk", 1280, 900)):
        await desk.set_viewport_size({"width": width, "height": height})
        wide = await desk.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name}: {wide} px too wide on a {size}"
        if folder:
            await desk.screenshot(path=folder / f"attendant-{name}-{size}.png", full_page=True)


async def test_a_person_signs_in_by_hand_or_keyboard(page, desk):
    await sign_in(desk, "1111")
    await expect(desk.locator("#said")).to_have_text("This is not the PIN.")
    await look(desk, "sign-in")
    for digit in "2468":
        await desk.click(f"#keys button:has-text('{digit}')")
    await desk.keyboard.press("Enter")
    await expect(desk.locator("#now h2")).to_have_text("All quiet")
    await expect(desk.locator("#shop")).to_have_text("Tea house")
    await look(desk, "quiet")


def give_work(page, make_task):
    answers = (
        Answer(answer="on_parcel", text=Text(en="It is on the parcel", zh="在包裹上")),
        Answer(answer="not_printed", text=Text(en="Nothing came out", zh="什么都没打出来")),
    )
    where = Text(en="Where is the label of the teapot?", zh="茶壶的标签在哪里？")
    trap = {"piece_id": "pie_1", "needs_scan": True, "answers": (), "text": Text(en=TRAP, zh=TRAP)}
    page.bench.shown = [
        make_task(TaskKind.LABEL_IN_DOUBT, "t_doubt", answers=answers, piece_id="pie_1", text=where),
        make_task(TaskKind.FETCH_PIECE, "t_fetch", **trap),
    ]
    title = Text(en="Purple clay teapot", zh="紫砂茶壶")
    page.bench.parcels = [
        {"parcel_id": "par_1", "title": title, "stage": "printing_blocked", "reason": "paper_out", "piece_id": "pie_1"}
    ]
    page.devices.set_camera("front", CameraState(can_view=True, session_id="ses_1", waiting=2))
    page.room.changed()


async def test_work_that_arrives_is_shown_large_in_both_languages(page, desk, make_task):
    await sign_in(desk)
    await expect(desk.locator("#now h2")).to_have_text("All quiet")
    give_work(page, make_task)
    await expect(desk.locator("#bell")).to_be_visible()
    await expect(desk.locator("article.first .piece b")).to_have_text("4711")
    await expect(desk.locator("article.first .answer")).to_have_count(2)
    await expect(desk.locator("#looking")).to_contain_text("2 waiting")
    await expect(desk.locator("#parcels")).to_contain_text("Out of labels")
    assert await desk.evaluate("document.title") != "trapped"
    await expect(desk.locator("[data-task=t_fetch] .ask")).to_have_text(TRAP)
    await look(desk, "work")
    await desk.click("#language")
    await expect(desk.locator("article.first .ask")).to_have_text("茶壶的标签在哪里？")
    await expect(desk.locator("article.first .answer").first).to_have_text("在包裹上")
    await expect(desk.locator("#bell")).not_to_contain_text("Something")
    await look(desk, "work-zh")
    await desk.reload()
    await expect(desk.locator("#devices-title")).to_have_text("设备")


async def test_answers_scans_and_devices(page, desk, make_task, trouble):
    give_work(page, make_task)
    await sign_in(desk)
    await desk.locator("[data-answer=on_parcel]").dblclick()
    await expect(desk.locator("[data-task=t_doubt]")).to_have_count(0)
    assert page.bench.answered == [("t_doubt", "on_parcel")], "a double click is one answer"
    await desk.fill("#code", "4711")
    await desk.keyboard.press("Enter")
    await expect(desk.locator("#scanned")).to_have_text("Noted")
    await desk.fill("#code", "4799")
    await desk.click("#code-send")
    await expect(desk.locator("#scanned")).to_have_text("Not possible now")
    trouble["printer"] = "cover_open"
    for handle in page.devices.runs():
        await handle._look()
    await expect(desk.locator(".device.needs_attendant")).to_contain_text("The cover is open: close it")


async def test_a_question_is_answered_and_what_is_typed_is_not_lost(page, desk):
    await sign_in(desk)
    await expect(desk.locator("#questions")).to_have_text("Nobody asks.")
    command = AskAttendant(session_id="ses_1", question_id="que_1", kind="text", text=f"Chipped? {TRAP}")
    envelope = Envelope(
        id="cmd_1", source="relay", type="AskAttendant", time=datetime.now(UTC), shop_id="teahouse",
        data=encode_command(command), sequence=1, deadline_s=600.0,
    )  # fmt: skip
    await page.journal.receive(envelope, b"signed", None)
    await page.questions.handle(envelope, command)
    await expect(desk.locator(".question .ask")).to_have_text(f"Chipped? {TRAP}")
    await desk.fill(".question textarea", "No, it is")
    page.room.changed()
    await desk.wait_for_timeout(300)
    assert await desk.input_value(".question textarea") == "No, it is", "a push does not wipe what is being typed"
    await look(desk, "question")
    await desk.fill(".question textarea", "No, it is whole.")
    await desk.click(".question button")
    await expect(desk.locator(".question")).to_have_count(0)
    assert len(await page.journal.unsent_reports()) == 1


async def test_the_courier_link_and_the_privacy_switch(page, desk, make_task):
    await sign_in(desk)
    link = "https://relay.example/courier/" + "x" * 40
    shown = (Answer(answer="shown", text=Text(en="The courier has it", zh="快递员已扫")),)
    page.bench.shown = [make_task(TaskKind.SHOW_COURIER_LINK, link=link, answers=shown)]
    page.room.changed()
    drawing = desk.locator("img.link")
    await expect(drawing).to_be_visible()
    assert await drawing.evaluate("image => image.decode().then(() => image.naturalWidth > 100)")
    await look(desk, "courier")
    await desk.click("[data-answer=shown]")
    await expect(drawing).to_have_count(0)
    await desk.click("#privacy")
    await expect(desk.locator("#privacy")).to_have_attribute("aria-pressed", "true")
    assert page.switched == [True]
    await look(desk, "private")
    await desk.click("#privacy")
    await expect(desk.locator("#privacy")).to_have_attribute("aria-pressed", "false")
    await desk.click("#leave")
    await expect(desk.locator("#pin")).to_be_visible()


async def test_the_bell_rings_after_the_first_touch(page, desk, make_task):
    await sign_in(desk)
    await expect(desk.locator("#now h2")).to_have_text("All quiet")
    await desk.evaluate(
        "() => { window.tones = 0; const make = AudioContext.prototype.createOscillator;"
        "AudioContext.prototype.createOscillator = function () { window.tones += 1; return make.call(this); }; }"
    )
    await desk.click("#shop")
    await expect(desk.locator("#sound")).to_have_text("Bell is on")
    page.bench.shown = [make_task(TaskKind.FETCH_PIECE)]
    page.room.changed()
    await expect(desk.locator("#bell")).to_contain_text("Something for you to do")
    assert await desk.evaluate("window.tones") == 4
