"""A database that is busy with others stops nothing that goes by the clock: each room's first try to write fails."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from cloud_relay import db, rooms
from cloud_relay.app import keep_time
from cloud_relay.db import DatabaseBusyError
from cloud_relay.escrow.bank.service import NAME as BANK
from cloud_relay.settings import BankSettings, PaymentSettings
from tests.cloud_relay.escrow import bank_world
from tests.cloud_relay.site import open_site

AGO = datetime(2020, 1, 1, tzinfo=UTC)
BOOKING = SimpleNamespace(state="booking", attempts=0)
WORK = {
    "escrow.routes": (
        {"reservations.next_until": AGO, "payments.find_due": ["pay_1"], "worker._has_unsealed": True},
        {"reservations.expire_due": 0, "payments.claim_all": [], "seals.seal_new": None},
    ),
    "escrow.bank.routes": ({}, {"service.send_back_ended": 0}),
    "carriers.routes": ({"store.find_due": [("shp_1", "manual")], "store.load": BOOKING}, {"store.claim": None}),
    "announcements.timers": ({"store.next_edge": AGO}, {"timers.tell_edges": 0}),
    "promotions.timers": ({"store.next_edge": AGO}, {"timers.tell_edges": 0}),
    "onboarding.timers": ({"timers.is_due": True}, {"timers.do_due": (0, 0, 0)}),
    "publishing.timers": ({"store.next_at": AGO}, {"schedule.do_due": None}),
    "notices.routes": ({"store.has_work": True}, {"store.plan": 0, "store.take_due": []}),
    "bookings.routes": ({"store.to_remind": ["one"]}, {"service.remind": None}),
    "counter.timers": ({}, {"timers.keep_up": []}),
    "pickup.routes": ({"service.due_orders": ["ord_1"]}, {"service.work_on": None}),
    "quotes.routes": (
        {"store.untold_ends": ["one"], "store.has_ended": True},
        {"service.tell_ends": None, "store.drop_ended": None},
    ),
    "rebates.timers": ({"timers.due": [("cn", "CNY", "day")]}, {"settling.settle": {"paid_tickets": 0}}),
    "groups.timers": ({"timers.find_due": (["gro_1"], ["gro_2"])}, {"closing.settle_due": None, "timers.warn": None}),
    "records.ageing": ({}, {"ageing.drop_labels": 0}),
    "suggestions.timers": ({"timers.has_work": True}, {"timers.tend": False, "timers.look_next": False}),
    "app": ({}, {"app._store_mark": None}),
}
"""By a room's file: what its looks find, so that all it ever writes is due, and what each of those writes answers."""
PAUSES = ("LOOK_S", "LOOK_EVERY_S", "POLL_S", "HIGH_WATER_S")


def name_of(fn):
    return f"{fn.__module__.rpartition('.')[2]}.{fn.__name__}"


@pytest.fixture
async def relay(tmp_path):
    own = BankSettings(holder="Market", iban=bank_world.MERCHANT_IBAN)
    async with open_site(tmp_path, payment=PaymentSettings(provider="sandbox", also=(BANK,)), bank=own) as site:
        yield site.relay


@pytest.mark.parametrize("work", [*rooms.TASKS, keep_time], ids=lambda work: work.__module__)
async def test_what_goes_by_the_clock_goes_on_when_the_database_was_busy(relay, work, monkeypatch, eventually):
    finds, writes = WORK[work.__module__.removeprefix("cloud_relay.")]
    written = Counter()

    async def read(fn, *_args, **_named):
        await asyncio.sleep(0)
        return finds.get(name_of(fn), ())

    async def run(fn, *_args, **_named):
        await asyncio.sleep(0)
        written[name_of(fn)] += 1
        if written[name_of(fn)] == 1:
            raise DatabaseBusyError("others write")
        return writes[name_of(fn)]

    monkeypatch.setattr(db, "BUSY_S", 0.001)
    for name in PAUSES:
        monkeypatch.setattr(f"{work.__module__}.{name}", 0.001, raising=False)
    for name, stand_in in (("read", read), ("run", run), ("run_in_line", run)):
        monkeypatch.setattr(relay.db, name, stand_in)
    job = asyncio.ensure_future(work(relay))
    await eventually(lambda: job.done() or all(written[name] > 1 for name in writes), what=f"{writes}")
    assert not job.done(), job.exception()
    job.cancel()
    await asyncio.wait([job])
    assert set(written) == set(writes), "all that it writes stands in the table above"


def test_the_table_names_every_room():
    known = {f"cloud_relay.{name}" for name in WORK}
    assert {work.__module__ for work in (*rooms.TASKS, keep_time)} == known
