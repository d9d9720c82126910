"""What every route stands on: problems, doing things once, events, limits, health."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from cloud_relay.settings import LimitSettings
from cloud_relay.tables import idempotency_key, merchant
from cloud_relay.web import idempotency
from cloud_relay.web.guard import Buckets
from cloud_relay.web.pages import page_event
from cloud_relay.web.problems import Problem
from tests.cloud_relay.site import open_site

APPLY = {"name_en": "Tea", "contact": "here"}


def merchants(site):
    return site.db.read_now(lambda c: len(c.execute(select(merchant)).all()))


async def test_errors_are_problem_documents_in_the_readers_language(site):
    answer = await site.http.get("/api/me", headers={"Accept-Language": "de, zh-CN;q=0.8, en;q=0.5"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "请先登录"
    assert answer.json()["title_en"] == "Please sign in first"
    assert answer.json()["status"] == 401
    for path, method, status in [
        ("/api/nothing", "GET", 404),
        ("/api/me", "PUT", 405),
        ("/api/search?page=0", "GET", 422),
    ]:
        answer = await site.http.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


async def test_every_answer_carries_the_security_headers(site):
    for path in ("/healthz", "/api/search", "/nothing", "/sign-in"):
        answer = await site.http.get(path)
        assert answer.status_code in (200, 404), answer.text
        headers = answer.headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.both_stores
async def test_the_same_key_does_it_once(site):
    ann, bob = site.account("ann"), site.account("bob")
    keyed = {**ann, "Idempotency-Key": "k1"}
    answers = await asyncio.gather(*(site.call("POST", "/api/merchants", APPLY, keyed, 201) for _ in range(5)))
    assert all(one == answers[0] for one in answers)
    assert merchants(site) == 1
    changed = await site.call("POST", "/api/merchants", {**APPLY, "name_en": "Other"}, keyed, 422)
    assert changed["type"].endswith("idempotency_key_reused")
    await site.call("POST", "/api/merchants", APPLY, {**bob, "Idempotency-Key": "k1"}, 201)
    assert merchants(site) == 2, "another account's key is another key"
    await site.call("POST", "/api/merchants", APPLY, {**ann, "Idempotency-Key": "a b"}, 422)


async def test_what_was_refused_may_be_sent_again(site):
    keyed = {**site.account("ann"), "Idempotency-Key": "k1"}
    await site.call("POST", "/api/merchants", {"contact": "x"}, keyed, 422)
    await site.call("POST", "/api/merchants", APPLY, keyed, 201)


def test_a_request_in_flight_is_told_to_wait(database):
    claim = idempotency.Claim("account:a", "k", "0" * 64)
    now = datetime(2030, 1, 1, tzinfo=UTC)
    assert database.run_now(idempotency.begin, claim, now) is None
    with pytest.raises(Problem) as found:
        database.run_now(idempotency.begin, claim, now)
    assert found.value.status == 409
    database.run_now(idempotency.finish, claim, 201, {"done": True})
    assert database.run_now(idempotency.begin, claim, now) == idempotency.StoredAnswer(201, {"done": True})
    lost = idempotency.Claim("account:a", "k2", "0" * 64)
    database.run_now(idempotency.begin, lost, now)
    database.run_now(idempotency.forget, lost)
    assert database.run_now(idempotency.begin, lost, now) is None
    assert len(database.read_now(lambda c: c.execute(select(idempotency_key)).all())) == 2


class Reader:
    """Reads an event stream straight from the application: ASGITransport would wait for its end."""

    def __init__(self, site, query, headers) -> None:
        self.site, self.texts, self.ready = site, [], asyncio.Event()
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self.scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": "/api/events",
            "raw_path": b"/api/events", "query_string": query.encode(), "headers": raw, "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8080), "scheme": "http", "root_path": "",
        }  # fmt: skip

    async def __aenter__(self):
        self.task = asyncio.create_task(self.site.app(self.scope, self._receive, self._send))
        async with asyncio.timeout(30):
            await self.ready.wait()
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.wait([self.task])

    async def _receive(self):
        await asyncio.Event().wait()

    async def _send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.texts.append(message["body"].decode())
            self.ready.set()

    def events(self):
        found = []
        for block in "".join(self.texts).split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            if "data" in lines:
                body = json.loads(lines["data"])
                found.append((int(lines["id"]), body["kind"], body["data"]))
        return found


@pytest.mark.both_stores
async def test_events_reach_open_pages_at_once_and_resume(site, eventually):
    ann = site.account("ann")
    me = (await site.call("GET", "/api/me", headers=ann))["account_id"]
    channel, now = f"account:{me}", site.clock.now()

    async def tell(number, to=channel):
        await site.db.run(page_event, to, "told", {"n": number}, now)

    await tell(0)
    async with Reader(site, f"channels={channel}", ann) as reader:
        began = asyncio.get_running_loop().time()
        await tell(1)
        await tell(99, "account:somebody_else")
        await tell(2)
        await eventually(lambda: [data["n"] for _, _, data in reader.events()] == [1, 2], 5)
        assert asyncio.get_running_loop().time() - began < 1.0
        first = reader.events()[0][0]
    await tell(3)
    async with Reader(site, f"channels={channel}", {**ann, "Last-Event-ID": str(first)}) as again:
        await eventually(lambda: [data["n"] for _, _, data in again.events()] == [2, 3], 5)


@pytest.mark.parametrize("who", ["nobody", "bob"])
@pytest.mark.parametrize(
    "channel", ["account:{ann}", "merchant:{mer}", "operator", "order:ord_x", "session:vs_x", "shop:nope", "x"]
)
async def test_nobody_reads_anothers_channel(site, who, channel):
    mer, _, _ = await site.merchant("teahouse")
    ann, bob = site.account("ann"), site.account("bob")
    me = (await site.call("GET", "/api/me", headers=ann))["account_id"]
    headers = bob if who == "bob" else {}
    answer = await site.call(
        "GET", f"/api/events?channels={channel.format(ann=me, mer=mer)}", headers=headers, status=404
    )
    assert answer["type"].endswith("not_found")


async def test_channels_are_counted(site):
    await site.call("GET", "/api/events", status=422)
    await site.call("GET", "/api/events?channels=" + ",".join(["operator"] * 21), status=422)


async def test_a_flood_is_slowed(tmp_path):
    async with open_site(tmp_path, limits=LimitSettings(requests_per_s=0.001, requests_burst=5)) as site:
        codes = [(await site.http.get("/healthz")).status_code for _ in range(7)]
        assert codes == [200] * 5 + [429] * 2
        answer = await site.http.get("/healthz")
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["title_zh"]


async def test_a_flood_is_a_page_for_people_and_a_document_for_programs(tmp_path):
    async with open_site(tmp_path, limits=LimitSettings(requests_per_s=0.001, requests_burst=1)) as site:
        browser = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "zh"}
        await site.http.get("/sign-in", headers=browser)
        page = await site.http.get("/sign-in", headers=browser)
        assert (page.status_code, page.headers["retry-after"]) == (429, "1")
        assert page.headers["content-type"].startswith("text/html")
        assert "请求过于频繁" in page.text and "刷新页面" in page.text
        for path, headers in (("/api/search", browser), ("/sign-in", {"Accept": "application/json"})):
            document = await site.http.get(path, headers=headers)
            assert document.headers["content-type"] == "application/problem+json"


def test_buckets_refill_and_forget_the_oldest():
    buckets = Buckets(per_s=1, burst=2)
    assert [buckets.take("a", 0.0) for _ in range(3)] == [True, True, False]
    assert buckets.take("b", 0.0)
    assert not buckets.take("a", 0.9)
    assert buckets.take("a", 1.1)
    assert [buckets.take("a", 1000.0) for _ in range(3)] == [True, True, False]


async def test_health_and_metrics(site):
    health = await site.call("GET", "/healthz")
    assert (health["status"], health["broker"]) == ("ok", "away")
    site.relay.metrics.count("acks", state='do"ne\n')
    text = (await site.http.get("/metrics")).text
    assert 'vitrine_acks_total{state="do\\"ne\\n"} 1' in text
    assert "vitrine_commands_open 0" in text


async def test_bodies_are_counted_even_without_a_length(site):
    ann = site.account("ann")

    async def chunks():
        for _ in range(80):
            yield b" " * 1024

    answer = await site.http.post("/api/merchants", content=chunks(), headers=ann)
    assert answer.status_code == 413
