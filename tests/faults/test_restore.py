"""Yesterday's backup of the relay is put back while the shop went on: everything is caught up, nothing happens twice.

Order A was paid when the backup was made and ended after it. Order B was under way to the provider, and ended too.
"""

import asyncio
import dataclasses
import os
import signal
import sqlite3
import time

import httpx
import pytest

from demo.supervisor import python_module, run_once
from tests.faults.one_order import OneOrder, judge_labels
from tests.faults.town import RELAY, ROOT

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.full]

SECRETS = {"VITRINE_PAYMENT_SECRET": "demo-payment", "VITRINE_PAYMENT_WEBHOOK_SECRET": "demo-webhook"}
SLOW_S = 3600


async def until(condition, what, timeout_s=200.0):
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, f"waited in vain for {what}"
        await asyncio.sleep(0.2)


async def provider_behaves(town, **behaviour):
    headers = {"Authorization": f"Bearer {SECRETS['VITRINE_PAYMENT_SECRET']}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{town.mall.ports.provider}", headers=headers) as bank:
        (await bank.post("/behaviour", json=behaviour)).raise_for_status()


def provider_book(town):
    """What the provider really did, from its own database."""
    path = next((town.mall.folder / "provider").glob("*.sqlite3"))
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as book:
        rows = book.execute("select id, kind, state, amount_minor from payment order by id").fetchall()
    book.close()
    return rows


async def put_back(town, backup):
    """kill -9 the relay, lose its database, restore as docs/restore.md says, start again."""
    process = town.program(RELAY).process
    os.kill(process.pid, signal.SIGKILL)
    await town.supervisor.end(RELAY)
    data = town.mall.relay_folder
    lost = town.mall.folder / "lost"
    lost.mkdir()
    for path in data.glob("relay.sqlite3*"):
        path.rename(lost / path.name)
    said = await run_once(python_module("cloud_relay", "restore", str(backup), "--data", str(data)), ROOT, SECRETS)
    assert "put back as it was at" in said and "without an answer" not in said, said
    old = town.program(RELAY)
    log = old.log.with_name("relay put back.log")
    again = dataclasses.replace(old, name="relay put back", process=None, log=log, restarts=0)
    await town.supervisor.start(again)


def state(town, order):
    return town.ask(town.database, "SELECT state FROM orders WHERE order_id = ?", order.order_id)[0]["state"]


def physical(town):
    return [event for event in town.truth() if event["event"] in ("printed", "applied", "packed", "taken_away")]


@pytest.mark.timeout(1500)
async def test_yesterdays_backup_has_no_second_effect(town):
    town.hands.leaves = {"fetch_piece"}
    first, second = OneOrder(town), OneOrder(town)
    await first.place()
    await first.becomes("paid")
    await provider_behaves(town, slow_s=SLOW_S)
    placing = asyncio.create_task(second.place("sandbox:slow"))
    started = "SELECT payment_id FROM payment WHERE state = 'started'"
    await until(lambda: town.ask(town.database, started), "the second order's payment under way")
    backup = town.mall.folder / "yesterday.tar.gz"
    await run_once(
        python_module("cloud_relay", "backup", "--data", str(town.mall.relay_folder), "--to", str(backup)), ROOT
    )
    assert town.ask(town.database, started), "the payment was answered before the backup was made"

    town.hands.leaves = set()
    assert await first.finish() == "released"
    await provider_behaves(town, slow_s=0)
    await placing
    assert await second.finish() == "released"
    await second.settle()
    book, moved, labels = provider_book(town), physical(town), town.labels()
    assert [(kind, done) for _, kind, done, _ in book].count(("charge", "succeeded")) == 2

    await put_back(town, backup)
    for order in (first, second):
        await until(lambda order=order: state(town, order) == "handed_over", f"{order.order_id} caught up")
        answer = await order.look()
        assert answer["photo_sha256"]
        assert await order.receive() == "released"
        await order.settle()
    assert (provider_book(town), physical(town), town.labels()) == (book, moved, labels)
    assert town.violations() == [] and town.unfinished() == []
    judge_labels(labels)
    await the_books_agree(town)

    third = OneOrder(town)
    await third.place()
    assert await third.finish() == "released"
    await third.settle()
    assert len(town.labels()) == len(labels) + 1 and town.violations() == []


async def the_books_agree(town):
    """The shop's numbers go on, no report is missing, each SSCC is on one label, provider and ledger hold the same."""
    query = "SELECT next_sequence, report_sequence, quarantine_reason FROM shop_link"
    (top,) = town.ask(town.journal, "select max(sequence) as no from commands")
    await until(lambda: town.ask(town.database, query)[0]["next_sequence"] > top["no"], "the shop's next living word")
    (link,) = town.ask(town.database, query)
    assert link["quarantine_reason"] == ""
    numbers = [row["sequence"] for row in town.ask(town.database, "SELECT sequence FROM shop_report ORDER BY sequence")]
    assert numbers == list(range(1, link["report_sequence"] + 1))
    parcels = town.ask(town.database, "SELECT sscc FROM parcel WHERE sscc <> ''")
    on_labels = " ".join(code for label in town.labels() for code in label["codes"])
    assert all(row["sscc"] in on_labels for row in parcels), "the relay knows a parcel by a number that is not on it"
    data = str(town.mall.relay_folder)
    ended = await run_once(python_module("cloud_relay", "reconcile", "--data", data, "--done"), ROOT, SECRETS)
    assert "violation" not in ended and "M11" not in ended and "leave again" in ended, ended
