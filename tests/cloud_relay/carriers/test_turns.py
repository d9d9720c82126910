"""A carrier that takes one thing at a time: what waits is not tried yet, and neither kind waits for the other."""

import asyncio

import pytest

from cloud_relay import tables
from cloud_relay.carriers import service, store
from cloud_relay.carriers import worker as workers
from cloud_relay.carriers.base import Booked
from cloud_relay.carriers.manual import ManualCarrier
from cloud_relay.carriers.worker import CarrierWorker
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.trade_world import WorldClock


class OneAtATime(ManualCarrier):
    """Answers when it is let; counts what goes on at once."""

    name = "slow"

    def __init__(self):
        self.booking, self.asking, self.most, self.booked = 0, 0, 0, []
        self.may_book, self.may_tell = asyncio.Semaphore(0), asyncio.Event()

    async def book(self, shipment):
        self.booking += 1
        self.most = max(self.most, self.booking)
        await self.may_book.acquire()
        self.booking -= 1
        self.booked.append(shipment.parcel_id)
        return Booked(tracking_no=f"TN{len(self.booked)}")

    async def words(self, tracking_no):
        self.asking += 1
        await self.may_tell.wait()
        self.asking -= 1
        return []


@pytest.fixture
def slow():
    return OneAtATime()


@pytest.fixture
def worker(world, slow):
    return CarrierWorker(world.database, WorldClock(world), {"slow": slow}, world.trade, 600)


@pytest.fixture
async def working(worker, monkeypatch):
    """The worker as the relay runs it, only that it looks oftener."""
    monkeypatch.setattr(workers, "POLL_S", 0.05)
    task = asyncio.create_task(worker.run())
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def parcels(world, count):
    world.listing(listing_id="lis_many", pieces=count)
    for _ in range(count):
        world.paid_order("ann", listing_id="lis_many")
    return [row["parcel_id"] for row in world.rows(tables.parcel)]


def book(world, parcel_id):
    return world.database.run_now(service.start_booking, parcel_id, "slow", "mo", world.now)["shipment_id"]


def bookings(world):
    return {row["shipment_id"]: row for row in world.rows(tables.carrier_shipment)}


def is_written(world, parcel_id):
    """Return whether the relay has a carrier's booking of this parcel: only then the clock may be moved on."""
    return any(row["parcel_id"] == parcel_id and row["state"] == "booked" for row in bookings(world).values())


async def test_the_time_of_a_try_begins_with_its_turn(world, worker, slow, eventually):
    names = [book(world, one) for one in parcels(world, 3)]
    trying = asyncio.create_task(worker.work_once())
    await eventually(lambda: slow.booking == 1)
    begun = [row for row in bookings(world).values() if row["trying_since"] is not None]
    assert len(begun) == 1 and sum(row["attempts"] for row in bookings(world).values()) == 1
    waits = next(row for row in bookings(world).values() if row["trying_since"] is None)
    with pytest.raises(RefusedError, match="nothing_open"):
        world.database.run_now(service.drop_booking, waits["parcel_id"], "it takes so long", world.now)
    world.later(store.TRY_S * 3)
    slow.may_book.release()
    await eventually(lambda: len(slow.booked) == 1 and slow.booking == 1)
    second = next(row for row in bookings(world).values() if row["trying_since"] is not None)
    assert second["trying_since"] == world.now, "not when it began to wait"
    with pytest.raises(RefusedError, match="being_booked"):
        world.database.run_now(service.drop_booking, second["parcel_id"], "I am in a hurry", world.now)
    slow.may_book.release()
    slow.may_book.release()
    assert await trying == 3
    assert slow.most == 1 and {bookings(world)[name]["state"] for name in names} == {"booked"}


async def test_a_parcel_is_booked_while_the_carrier_says_nothing_of_others(world, slow, working, eventually):
    first, second = parcels(world, 2)
    slow.may_book.release()
    book(world, first)
    await eventually(lambda: is_written(world, first))
    world.later(3600)
    await eventually(lambda: slow.asking == 1, what="the first one is asked about")
    slow.may_book.release()
    book(world, second)
    await eventually(lambda: slow.booked == [first, second])
    assert slow.asking == 1


async def test_parcels_are_asked_about_while_a_booking_gets_no_answer(world, slow, working, eventually):
    first, second = parcels(world, 2)
    slow.may_book.release()
    book(world, first)
    await eventually(lambda: is_written(world, first))
    book(world, second)
    await eventually(lambda: slow.booking == 1)
    world.later(3600)
    await eventually(lambda: slow.asking == 1)
    slow.may_tell.set()
    slow.may_book.release()
    await eventually(lambda: len(slow.booked) == 2)


async def test_what_was_booked_with_a_carrier_of_old_settings_is_in_nobodys_way(world, worker, slow, monkeypatch):
    monkeypatch.setattr(store, "BATCH", 1)
    first, second = parcels(world, 2)
    world.database.run_now(service.start_booking, first, "gone", "mo", world.now)
    world.later(1)
    book(world, second)
    slow.may_book.release()
    assert await worker.work_once() == 1
    assert slow.booked == [second]
