"""The attendant's page over HTTP: who may come in, what it shows, what it does, how soon it knows."""

import asyncio
import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from edge.attendant.doors import COOKIE, LOCK_S_FIRST, LOCK_S_MAX, SESSION_S, TRIES_FREE, PinDoor, PinLockedError
from edge.attendant.stages import STAGES
from edge.bench import TaskKind
from edge.flows.fulfilment import Stage
from wire.commands import AskAttendant, encode_command
from wire.envelope import Envelope
from wire.reports import decode_report

PAGES = ["/", "/api/state", "/api/tasks", "/api/devices", "/api/questions", "/api/events", "/api/pictures/" + "0" * 64]
ACTS = ["/api/tasks/t_1/answer", "/api/scan", "/api/questions/q/answer", "/api/privacy", "/api/sign-out"]


def question(text: str = "Is it chipped?", kind: str = "text", age_s: float = 0) -> tuple[Envelope, AskAttendant]:
    command = AskAttendant(session_id="ses_1", question_id="que_1", kind=kind, text=text)
    envelope = Envelope(
        id="cmd_1",
        source="relay",
        type="AskAttendant",
        time=datetime.now(UTC) - timedelta(seconds=age_s),
        shop_id="teahouse",
        data=encode_command(command),
        sequence=1,
        deadline_s=600.0,
    )
    return envelope, command


async def test_nobody_sees_or_does_anything_without_the_pin(page, make_task):
    page.bench.shown = [make_task(TaskKind.TEND_DEVICE)]
    for path in PAGES:
        answer = await page.http.get(path)
        assert answer.status_code == (303 if path == "/" else 401), path
    for path in ACTS:
        answer = await page.http.post(path, json={"answer": "again", "text": "4711", "switch": "on"})
        assert answer.status_code == 401, path
    assert page.bench.answered == [] and page.bench.scanned == [] and page.switched == []
    await page.sign_in()
    assert (await page.http.get("/api/tasks")).json()[0]["task_id"] == "t_1"
    assert (await page.http.post("/api/tasks/t_1/answer", json={"answer": "again"})).status_code == 200
    assert page.bench.answered == [("t_1", "again")]


async def test_a_wrong_pin_is_refused_and_after_five_everybody_waits(page):
    for _ in range(TRIES_FREE):
        assert (await page.http.post("/api/sign-in", json={"pin": "1111"})).status_code == 403
    locked = await page.http.post("/api/sign-in", json={"pin": "2468"})
    assert locked.status_code == 429 and 0 < int(locked.headers["retry-after"]) <= LOCK_S_FIRST + 1
    assert COOKIE not in page.http.cookies


def test_each_further_wrong_pin_doubles_the_wait(tmp_path):
    now = [0.0]
    door = PinDoor("2468", tmp_path / "secret", lambda: now[0])
    for _ in range(TRIES_FREE):
        door.sign_in("0000")
    for wanted_s in (30, 60, 120, 240, 480, LOCK_S_MAX, LOCK_S_MAX):
        with pytest.raises(PinLockedError) as locked:
            door.sign_in("2468")
        assert locked.value.wait_s == wanted_s
        now[0] += wanted_s
        assert door.sign_in("0000") is None
    now[0] += LOCK_S_MAX
    assert door.sign_in("2468"), "the right PIN works when the wait is over"


def test_a_sign_in_ends_with_the_day_with_the_pin_and_when_it_is_forged(tmp_path):
    now = [1000.0]
    door = PinDoor("2468", tmp_path / "secret", lambda: now[0])
    made = door.sign_in("2468")
    assert door.is_signed_in(made)
    assert PinDoor("2468", tmp_path / "secret", lambda: now[0]).is_signed_in(made), "a restart changes nothing"
    assert not PinDoor("1357", tmp_path / "secret", lambda: now[0]).is_signed_in(made), "another PIN ends it"
    until, _, signature = made.partition(".")
    other = "1" if signature.endswith("0") else "0"
    for forged in ("", "x", f"{int(until) + 1}.{signature}", f"{until}.{signature[:-1]}{other}", "é.é"):
        assert not door.is_signed_in(forged)
    now[0] += SESSION_S
    assert not door.is_signed_in(made)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "10.0.0.5", "127.0.0.1.evil.example"])
async def test_another_name_for_this_machine_is_refused(page, host):
    await page.sign_in()
    assert (await page.http.get("/api/state", headers={"host": host})).status_code == 421
    assert (await page.http.get("/sign-in", headers={"host": host})).status_code == 421


async def test_another_page_in_the_same_browser_can_do_nothing(page):
    await page.sign_in()
    evil = {"origin": "http://evil.example"}
    assert (await page.http.post("/api/privacy", json={"switch": "off"}, headers=evil)).status_code == 403
    form = await page.http.post("/api/privacy", data={"switch": "off"})
    assert form.status_code == 422, "what a foreign form can send without asking is not taken"
    assert page.switched == []
    assert (await page.http.post("/api/privacy", json={"switch": "on"}, headers={"origin": page.url})).is_success
    cookie = (await page.http.post("/api/sign-in", json={"pin": "2468"})).headers["set-cookie"].lower()
    assert "samesite=strict" in cookie and "httponly" in cookie


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/scan", {}),
        ("/api/scan", {"text": 7}),
        ("/api/scan", {"text": "x" * 201}),
        ("/api/scan", []),
        ("/api/privacy", {"switch": "maybe"}),
        ("/api/tasks/t_1/answer", {"answer": None}),
        ("/api/sign-in", {"pin": "1" * 13}),
    ],
)
async def test_a_body_that_does_not_fit_is_refused(page, path, body):
    await page.sign_in()
    answer = await page.http.post(path, json=body)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"


async def test_a_large_body_is_refused_before_it_is_read(page):
    answer = await page.http.post("/api/sign-in", content=b"x" * 20_000, headers={"content-type": "application/json"})
    assert answer.status_code == 413

    async def drops():
        yield b'{"pin": "2468"}'

    assert (await page.http.post("/api/sign-in", content=drops())).status_code == 411


async def test_the_page_carries_nothing_from_elsewhere_and_no_inline_script(page):
    await page.sign_in()
    for path in ("/", "/sign-in", "/static/bench.js", "/static/attendant.css"):
        answer = await page.http.get(path)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy and answer.status_code == 200
        assert re.findall(r"https?://(?!www\.w3\.org)[a-z]", answer.text) == []
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", answer.text)


async def test_a_task_shows_its_piece_and_the_courier_link_as_a_drawing(page, make_task):
    await page.sign_in()
    link = "https://relay.example/courier/abc"
    page.bench.shown = [make_task(TaskKind.SHOW_COURIER_LINK, piece_id="pie_1", link=link)]
    task = (await page.http.get("/api/tasks")).json()[0]
    assert task["piece"] == {
        "code": "4711",
        "title": {"en": "Purple clay teapot", "zh": "紫砂茶壶"},
        "location": "shelf 3",
    }
    drawing = await page.http.get("/api/tasks/t_1/link.svg")
    assert drawing.headers["content-type"].startswith("image/svg+xml")
    await page.http.post("/api/tasks/t_1/answer", json={"answer": "again"})
    assert (await page.http.get("/api/tasks/t_1/link.svg")).status_code == 404, "shown once"


async def test_an_answer_counts_once_and_a_wrong_one_never(page, make_task):
    await page.sign_in()
    page.bench.shown = [make_task(TaskKind.TEND_DEVICE)]
    assert (await page.http.post("/api/tasks/t_1/answer", json={"answer": "explode"})).status_code == 409
    answers = await asyncio.gather(
        *(page.http.post("/api/tasks/t_1/answer", json={"answer": "again"}) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert page.bench.answered == [("t_1", "again")]


async def test_a_typed_code_is_a_scan(page):
    await page.sign_in()
    assert (await page.http.post("/api/scan", json={"text": "4711"})).json()["accepted"]
    assert (await page.http.post("/api/scan", json={"text": "<script>"})).status_code == 409
    assert page.bench.scanned == ["4711", "<script>"]


async def test_changes_reach_an_open_page_within_a_second(page, make_task):
    await page.sign_in()
    async with page.http.stream("GET", "/api/events") as stream:
        lines = stream.aiter_lines()
        first = await _state(lines)
        assert first["tasks"] == []
        page.bench.shown = [make_task(TaskKind.FETCH_PIECE)]
        began_s = time.monotonic()
        page.room.changed()
        assert (await _state(lines))["tasks"][0]["kind"] == "fetch_piece"
        assert time.monotonic() - began_s < 5.0  # said: 1; the rest is for machines that do other things too


async def test_many_changes_at_once_become_few_pushes(page):
    await page.sign_in()
    async with page.http.stream("GET", "/api/events") as stream:
        lines = stream.aiter_lines()
        await _state(lines)
        before = page.room.version
        for _ in range(1000):
            page.room.changed()
        await _state(lines)
        assert page.room.version - before < 20


async def _state(lines):
    async with asyncio.timeout(30):
        async for line in lines:
            if line.startswith("data: "):
                return json.loads(line[6:])
    raise AssertionError("the stream ended")


async def test_a_question_is_shown_answered_once_and_reported(page):
    await page.sign_in()
    envelope, command = question()
    await page.journal.receive(envelope, b"signed", None)
    await page.questions.handle(envelope, command)
    shown = (await page.http.get("/api/questions")).json()
    assert [part["question_id"] for part in shown] == ["que_1"] and shown[0]["text"] == "Is it chipped?"
    bad = await page.http.post("/api/questions/que_1/answer", json={"text": "a\u202eb"})
    assert bad.status_code == 422 and (await page.http.get("/api/questions")).json() == shown
    assert (await page.http.post("/api/questions/que_1/answer", json={"text": "No, it is whole."})).is_success
    assert (await page.http.post("/api/questions/que_1/answer", json={"text": "No."})).status_code == 409
    (report,) = await page.journal.unsent_reports()
    sent = json.loads(report.payload)
    answered = decode_report(sent["type"], sent["data"])
    assert (answered.question_id, answered.answer) == ("que_1", "No, it is whole.")
    assert await page.journal.open_commands() == []


async def test_a_question_that_came_too_late_is_not_shown(page):
    envelope, command = question(age_s=601)
    await page.journal.receive(envelope, b"signed", None)
    await page.questions.handle(envelope, command)
    assert page.questions.open() == [] and await page.journal.open_commands() == []


async def test_a_picture_is_served_by_its_hash_only(page):
    await page.sign_in()
    page.pictures["a" * 64] = b"\xff\xd8jpeg"
    assert (await page.http.get("/api/pictures/" + "a" * 64)).content == b"\xff\xd8jpeg"
    for path in ("b" * 64, "..%2f..%2fetc%2fpasswd", "a" * 63):
        assert (await page.http.get(f"/api/pictures/{path}")).status_code == 404


async def test_devices_that_need_somebody_come_first_with_a_sentence(page, trouble):
    await page.sign_in()
    trouble["scanner"] = "no_signal"
    trouble["printer"] = "paper_out"
    for handle in page.devices.runs():
        await handle._look()
    devices = (await page.http.get("/api/devices")).json()
    assert [device["device"] for device in devices] == ["printer", "scanner", "front"]
    assert "labels" in devices[0]["text"]["en"] and "标签" in devices[0]["text"]["zh"]


def test_every_stage_has_its_words():
    assert set(STAGES) == set(Stage)
    assert all(text.en and text.zh for text in STAGES.values())


async def test_the_port_is_on_this_machine_only(page):
    port = httpx.URL(page.url).port
    table = await asyncio.to_thread(Path("/proc/net/tcp").read_text)
    listening = [line.split()[1] for line in table.splitlines() if line.split()[3] == "0A"]
    assert [address for address in listening if address.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]
