"""Bad input through the whole mall: what is typed stays text on the label, what is used up or broken says so."""

import sqlite3

import httpx
import pytest

from demo.shopper import Look
from demo.steps import until
from demo.walk import ADDRESS
from tests.faults.one_order import OneOrder, judge

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

OFFER = f"v=0\r\na=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\n"
"""As much of an offer as is read before the pass is looked at."""


async def refusal(order):
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await order.place()
    return refused.value.response


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Ann\x1b@\x1dV\x00Bob"},
        {"name": "Ann\x1bp\x00\x19\xfa"},
        {"lines": ["Street 1\x10\x04\x01"]},
        {"lines": ["x" * 301]},
        {"city": "Ber\u202elin"},
    ],
)
async def test_commands_and_endless_lines_in_an_address_are_refused_in_words(town, change):
    before = town.ask(town.database, "SELECT count(*) AS n FROM orders")
    answer = await refusal(OneOrder(town, {**ADDRESS, **change}))
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert next(iter(change)) in answer.text
    assert town.ask(town.database, "SELECT count(*) AS n FROM orders") == before


@pytest.mark.timeout(400)
async def test_printer_language_and_emoji_in_a_name_are_drawn_and_nothing_else(town):
    world = town.mall.run_folder(town.shop)
    printed, labels = (world / "printer.bin").stat().st_size if (world / "printer.bin").exists() else 0, town.labels()
    lines = ["^XZ^XA~JA^FO0,0^FD🍵 茶" + "长" * 180, "~HS GS V 0 \\x1bp 🏠🏠🏠", "${jndi} {piece} {0} %s"]
    order = OneOrder(town, {**ADDRESS, "name": "^XZ~JA^XA 林🍵 {serial}", "lines": lines})
    await order.place()
    end = await order.finish()
    await order.settle()
    assert end == "released"
    judge(town, order, end)
    new = town.labels()[len(labels) :]
    assert [label["stray"] for label in new] == [False]
    sent = (world / "printer.bin").read_bytes()[printed:]
    assert b"^XA" not in sent
    assert b"~JA" not in sent
    assert sent.count(b"\x1dV") == 1, "one cut, the template's own"


@pytest.mark.timeout(400)
async def test_a_silent_printer_holds_the_order_and_loses_nothing(town):
    fault = {"device": "printer", "fault": "silent"}
    control = httpx.AsyncClient(base_url=town.mall.control_url(town.shop))
    (await control.post("/faults", json={**fault, "on": True})).raise_for_status()
    order = OneOrder(town)
    await order.place()
    await until(lambda: is_held(town), 90, "the parcel is held and somebody is asked")
    assert town.violations() == []
    (await control.post("/faults", json={**fault, "on": False})).raise_for_status()
    await control.aclose()
    end = await order.finish()
    await order.settle()
    assert end == "released"
    judge(town, order, end)


async def is_held(town):
    state = await town.bench.state()
    return any(parcel["stage"] in ("printing_blocked", "printing_in_doubt") for parcel in state["parcels"])


@pytest.mark.timeout(200)
async def test_a_viewing_pass_opens_once_and_not_after_its_time(town):
    listing = await town.shopper.call("GET", f"/api/listings/{town.listing_id}")
    look = Look(town.shopper, listing["pieces"][-1]["piece_id"])
    await look.ask()
    await look.wait_turn(60)
    grant = await town.shopper.call("POST", f"/api/viewing/{look.session_id}/pass", {})
    with sqlite3.connect(town.database, timeout=20) as database:  # a minute goes by
        database.execute("UPDATE viewing_pass SET expires_until = '2020-01-01T00:00:00.000Z'")
    database.close()
    headers = {"Authorization": f"Bearer {grant['pass']}", "Content-Type": "application/sdp"}
    answer = await town.shopper.http.post(grant["whep_url"], content=OFFER, headers=headers)
    assert answer.status_code == httpx.codes.UNAUTHORIZED, answer.text
    assert "bad_pass" in answer.text
    await look.open()  # a new one opens the picture: it was the pass, nothing else
    await look.leave()
