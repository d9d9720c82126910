"""Opening hours in the shop's own zone, over midnight and through the change of the clocks."""

from datetime import UTC, datetime

import pytest

from edge.viewing.hours import is_open, opens_at
from tests.edge.viewing.conftest import make_plan
from wire.plan import Holiday, OpenHours


def plan(*hours, zone="Asia/Shanghai"):
    return make_plan(
        hours=tuple(OpenHours(weekday=day, opens=opens, until=until) for day, opens, until in hours), time_zone=zone
    )


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


MONDAY = plan((0, "09:00", "18:00"))


@pytest.mark.parametrize(
    ("when", "answer"),
    [
        ("2026-11-23T00:59:59", False),
        ("2026-11-23T01:00:00", True),
        ("2026-11-23T09:59:59", True),
        ("2026-11-23T10:00:00", False),
        ("2026-11-24T05:00:00", False),
    ],
)
def test_hours_are_local(when, answer):
    assert is_open(MONDAY, at(when)) is answer


def test_without_hours_it_is_always_open():
    assert is_open(plan(), at("2026-11-23T00:00:00"))
    assert opens_at(plan(), at("2026-11-23T00:00:00")) is None


def test_the_next_opening_may_be_a_week_away():
    assert opens_at(MONDAY, at("2026-11-23T10:00:00")) == at("2026-11-30T01:00:00")
    assert opens_at(MONDAY, at("2026-11-23T05:00:00")) is None


def test_midnight_belongs_to_the_day_before():
    shop = plan((0, "20:00", "24:00"), zone="UTC")
    assert is_open(shop, at("2026-11-23T23:59:59"))
    assert not is_open(shop, at("2026-11-24T00:00:00"))


def test_a_night_shop():
    shop = plan((0, "20:00", "02:00"), zone="UTC")
    assert is_open(shop, at("2026-11-24T01:59:00"))
    assert not is_open(shop, at("2026-11-24T02:00:00"))
    assert not is_open(shop, at("2026-11-23T01:00:00"))


def test_the_clocks_change():
    shop = plan((6, "09:00", "18:00"), zone="Europe/Berlin")
    assert is_open(shop, at("2026-03-22T08:30:00"))  # CET
    assert is_open(shop, at("2026-03-29T07:30:00"))  # the Sunday of the change: CEST already
    assert not is_open(shop, at("2026-03-29T16:30:00"))


@pytest.mark.parametrize("opens", ["", "nine", "25:00", "09:61", "9"])
def test_hours_that_cannot_be_read_close_the_shop_and_break_nothing(opens):
    shop = plan((0, opens, "xx"), zone="UTC")
    assert not is_open(shop, at("2026-11-23T10:00:00"))
    assert opens_at(shop, at("2026-11-23T10:00:00")) is None


def test_an_unknown_zone_reads_as_utc():
    shop = plan((0, "09:00", "18:00"), zone="Mars/Olympus")
    assert is_open(shop, at("2026-11-23T09:30:00"))


HOLIDAY = Holiday(first_day="2030-02-04", last_day="2030-02-10")
EVERY_DAY = tuple(OpenHours(weekday=day, opens="10:00", until="18:00") for day in range(7))


@pytest.mark.parametrize("hours", [(), EVERY_DAY])
@pytest.mark.parametrize(
    ("at", "is_open_then"),
    [
        (datetime(2030, 2, 3, 15, 59, 59, tzinfo=UTC), None), (datetime(2030, 2, 3, 16, tzinfo=UTC), False),
        (datetime(2030, 2, 10, 4, tzinfo=UTC), False), (datetime(2030, 2, 10, 15, 59, 59, tzinfo=UTC), False),
        (datetime(2030, 2, 11, 4, tzinfo=UTC), True),
    ],
)  # fmt: skip
def test_a_holiday_closes_whole_days_of_the_shops_own_zone(hours, at, is_open_then):
    plan = make_plan(time_zone="Asia/Shanghai", hours=hours, holidays=(HOLIDAY,))
    expected = not hours if is_open_then is None else is_open_then  # Sunday 23:59 in Shanghai: late, but no holiday
    assert is_open(plan, at) is expected
    if is_open_then is False:
        opens = datetime(2030, 2, 11, 2 if hours else 0, tzinfo=UTC)
        assert opens_at(plan, at) == (opens if hours else datetime(2030, 2, 10, 16, tzinfo=UTC))


def test_a_holiday_that_cannot_be_read_closes_nothing():
    plan = make_plan(holidays=(Holiday(first_day="soon", last_day="later"),))
    assert is_open(plan, datetime(2030, 2, 4, tzinfo=UTC))
