"""Booked viewing times: only when the shop is open, one holder each, given back, reminded of once, first in line."""

from datetime import UTC, datetime, timedelta

import pytest

from cloud_relay.bookings import rules, service, store
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import notice, piece, viewing_booking

MONDAY = datetime(2030, 1, 7, 8, 0, tzinfo=UTC)
SHOP = {"hours": [{"weekday": 0, "opens": "10:00", "until": "11:00"}], "time_zone": "Europe/Berlin", "holidays": []}


@pytest.fixture
def spot(world):
    """A piece before a camera."""
    (name, *_) = [row["piece_id"] for row in world.rows(piece)]
    world.database.run_now(lambda c: c.execute(piece.update().values(spot={"camera": "front"})))
    return name


def test_times_are_the_shops_opening_hours_in_its_own_zone():
    found = rules.slots(SHOP, (), MONDAY)
    assert [f"{one:%H:%M}" for one in found] == ["09:00", "09:15", "09:30", "09:45"]
    (day,) = rules.by_day(found, SHOP["time_zone"])
    assert [slot["time"] for slot in day["slots"]] == ["10:00", "10:15", "10:30", "10:45"]


@pytest.mark.parametrize(("minute", "first"), [(44, "09:00"), (45, "09:00"), (46, "09:15"), (59, "09:15")])
def test_the_next_time_leaves_a_quarter_of_an_hour(minute, first):
    assert f"{rules.slots(SHOP, (), MONDAY.replace(minute=minute))[0]:%H:%M}" == first


def test_holidays_and_taken_times_are_not_offered():
    taken = [MONDAY.replace(hour=9)]
    assert f"{rules.slots(SHOP, taken, MONDAY)[0]:%H:%M}" == "09:15"
    closed = {**SHOP, "holidays": [{"first_day": "2030-01-07", "last_day": "2030-01-07"}]}
    assert rules.slots(closed, (), MONDAY) == []


def test_a_slot_that_ends_after_closing_is_none():
    short = {**SHOP, "hours": [{"weekday": 0, "opens": "10:00", "until": "10:25"}]}
    assert [f"{one:%H:%M}" for one in rules.slots(short, (), MONDAY)] == ["09:00"]


@pytest.mark.parametrize(("offset_s", "counts"), [(-121, False), (-120, True), (0, True), (899, True), (900, False)])
def test_when_a_booking_gives_the_first_place(world, spot, offset_s, counts):
    run, at = world.database.run_now, world.now + timedelta(minutes=30)
    run(service.book, "ann", spot, at, world.now)
    now = at + timedelta(seconds=offset_s)
    assert rules.counts_at(at, at + rules.SLOT, now) is counts
    assert world.database.read_now(store.has_booked, "ann", "teahouse", "front", now) is counts
    assert not world.database.read_now(store.has_booked, "bob", "teahouse", "front", now)
    assert not world.database.read_now(store.has_booked, "ann", "teahouse", "table", now)


@pytest.mark.both_stores
def test_a_time_has_one_holder_until_it_is_given_back(world, spot):
    run, at = world.database.run_now, world.now + timedelta(minutes=30)
    made = run(service.book, "ann", spot, at, world.now)
    with pytest.raises(RefusedError) as refused:
        run(service.book, "bob", spot, at, world.now)
    assert refused.value.type == "slot_gone"
    with pytest.raises(RefusedError):
        run(service.give_back, "bob", made["booking_id"], world.now)
    run(service.give_back, "ann", made["booking_id"], world.now)
    run(service.book, "bob", spot, at, world.now)
    with pytest.raises(RefusedError):
        run(service.give_back, "ann", made["booking_id"], world.now)
    assert sorted(row["state"] for row in world.rows(viewing_booking)) == ["booked", "cancelled"]


def test_nobody_books_the_whole_day(world, spot):
    run = world.database.run_now
    for number in range(rules.OPEN_MAX):
        run(service.book, "ann", spot, world.now + timedelta(minutes=30 + 15 * number), world.now)
    with pytest.raises(RefusedError) as refused:
        run(service.book, "ann", spot, world.now + timedelta(hours=3), world.now)
    assert refused.value.type == "too_many_bookings"


def test_the_reminder_comes_once_and_in_time(world, spot):
    run, at = world.database.run_now, world.now + timedelta(minutes=30)
    run(service.book, "ann", spot, at, world.now)
    assert run(service.remind, at - rules.REMIND - timedelta(seconds=1)) == 0
    assert run(service.remind, at - rules.REMIND) == 1
    assert run(service.remind, at) == 0
    assert [row["kind"] for row in world.rows(notice)] == ["booking_made", "booking_soon"]
    assert "2030-01-01 09:30 (UTC)" in world.rows(notice)[1]["text_en"]


async def test_by_http_a_time_is_chosen_seen_and_cancelled(site):
    _, shop_id, owner = await site.merchant("tea", cameras=[{"camera": "front"}])
    _, (name,) = await site.listing(shop_id, owner)
    ann = site.account("ann")
    times = await site.call("GET", f"/api/pieces/{name}/times")
    at = times["days"][0]["slots"][0]["starts_at"]
    made = await site.call("POST", "/api/bookings", {"piece_id": name, "starts_at": at}, ann, 201)
    assert at not in repr(await site.call("GET", f"/api/pieces/{name}/times"))
    page = await site.call("GET", "/account", headers={**ann, "Accept": "text/html"})
    assert made["booking_id"] in page.text
    await site.call("POST", "/api/bookings", {"piece_id": name, "starts_at": "2030-01-01T09:07:00Z"}, ann, 409)
    await site.call("DELETE", f"/api/bookings/{made['booking_id']}", headers=ann, status=204)
    assert (await site.call("GET", "/api/bookings", headers=ann))["bookings"] == []
    await site.call("GET", "/book/none", headers={"Accept": "text/html"}, status=404)
