"""Opening hours in the shop's own zone, over midnight and through the change of the clocks."""

from datetime import UTC, datetime

import pytest

from edge.viewing.hours import is_open, opens_at
from tests.edge.viewing.conftest import make_plan
from wire.plan import OpenHours


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
