"""Quiet hours: the very minute, midnight, clock changes; mail waits, the page does not; read and unread."""

from datetime import UTC, datetime, timedelta

import pytest

from cloud_relay import tables
from cloud_relay.notices import service, store
from cloud_relay.notices.quiet import QuietHours, clean, ends_at
from wire.values import BadValueError

NIGHT = QuietHours(quiet_from="22:00", quiet_until="07:00", time_zone="Asia/Shanghai")
NOON = QuietHours(quiet_from="12:00", quiet_until="14:00", time_zone="UTC")


def at(text):
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("hours", "now", "ends"),
    [
        (NIGHT, "2030-01-01T21:59+08:00", None), (NIGHT, "2030-01-01T22:00+08:00", "2030-01-02T07:00+08:00"),
        (NIGHT, "2030-01-01T22:01+08:00", "2030-01-02T07:00+08:00"),
        (NIGHT, "2030-01-01T23:59+08:00", "2030-01-02T07:00+08:00"),
        (NIGHT, "2030-01-02T00:00+08:00", "2030-01-02T07:00+08:00"),
        (NIGHT, "2030-01-02T06:59+08:00", "2030-01-02T07:00+08:00"), (NIGHT, "2030-01-02T07:00+08:00", None),
        (NOON, "2030-01-01T11:59+00:00", None), (NOON, "2030-01-01T12:00+00:00", "2030-01-01T14:00+00:00"),
        (NOON, "2030-01-01T14:00+00:00", None),
    ],
)  # fmt: skip
def test_quiet_from_its_first_minute_up_to_its_last(hours, now, ends):
    assert ends_at(hours, at(now)) == (at(ends) if ends else None)


@pytest.mark.parametrize(
    ("now", "ends"),
    [("2030-03-30T23:00+01:00", "2030-03-31T07:00+02:00"), ("2030-10-26T23:00+02:00", "2030-10-27T07:00+01:00")],
)
def test_a_change_of_the_clock_moves_the_end_with_the_clock_on_the_wall(now, ends):
    hours = QuietHours(quiet_from="22:00", quiet_until="07:00", time_zone="Europe/Berlin")
    assert ends_at(hours, at(now)) == at(ends)


@pytest.mark.parametrize(
    "given",
    [("24:00", "07:00", "UTC"), ("22:00", "7:00", "UTC"), ("22:00", "22:00", "UTC"), ("22:00", "07:00", "Mars"),
     ("22:00", "07:00", "../etc/passwd")],
)  # fmt: skip
def test_what_is_no_span_of_time_is_refused(given):
    with pytest.raises(BadValueError):
        clean(*given)


def tell(world, kind="photo_ready"):
    world.database.run_now(service.notify, ["ann"], kind, "/orders", world.now, title="Teapot")
    world.database.run_now(store.plan, world.now, with_mail=True)


def test_mail_waits_until_they_end_and_the_page_tells_at_once(world):
    run, read = world.database.run_now, world.database.read_now
    run(store.keep_quiet, "ann", QuietHours(quiet_from="08:00", quiet_until="10:00", time_zone="UTC"))
    tell(world)
    assert read(service.notices_of, "ann")["unread"] == 1
    assert run(store.take_due, world.now) == []
    world.later(3599)
    assert run(store.take_due, world.now) == []
    world.later(1)
    assert [row["kind"] for row in run(store.take_due, world.now)] == ["photo_ready"]


def test_without_quiet_hours_mail_leaves_at_once(world):
    run = world.database.run_now
    run(store.keep_quiet, "ann", NIGHT)
    run(store.keep_quiet, "ann", None)
    tell(world)
    assert len(run(store.take_due, world.now)) == 1


def test_what_is_over_by_then_stays_on_the_page(world):
    run, now = world.database.run_now, world.now
    hours = QuietHours(quiet_from="08:00", quiet_until="10:00", time_zone="UTC")
    run(store.keep_quiet, "ann", hours)
    run(store.choose, "ann", "turn", {"by_mail": True})
    tell(world, "your_turn")
    world.later(86400)
    assert run(store.take_due, world.now) == [] and len(world.rows(tables.notice)) == 1
    assert ends_at(hours, now) == now + timedelta(hours=1)


def test_read_unread_and_all_read_are_ones_own(world):
    run, read = world.database.run_now, world.database.read_now
    for account in ("ann", "ann", "bob"):
        run(service.notify, [account], "photo_ready", "/orders", world.now, title="Teapot")
    assert run(service.mark_all_read, "ann", world.now) == {"marked": 2}
    assert run(service.mark_all_read, "ann", world.now) == {"marked": 0}
    assert (read(service.unread_of, "ann"), read(service.unread_of, "bob")) == (0, 1)
    mine = read(service.notices_of, "ann")["notices"][0]["notice_id"]
    run(service.mark_unread, "ann", mine, world.now)
    assert read(service.unread_of, "ann") == 1
    with pytest.raises(LookupError):
        run(service.mark_unread, "bob", mine, world.now)
