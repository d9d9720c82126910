"""Hours, spots, cameras, and whether a piece can be looked at now."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_relay.catalog import rules
from cloud_relay.refusals import RefusedError
from wire.values import BadValueError

MONDAY = datetime(2030, 1, 7, tzinfo=UTC)
DAY = [{"weekday": day, "opens": "10:00", "until": "18:00"} for day in range(5)]


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        (MONDAY.replace(hour=9, minute=59), MONDAY.replace(hour=10)), (MONDAY.replace(hour=10), None),
        (MONDAY.replace(hour=17, minute=59), None), (MONDAY.replace(hour=18), MONDAY.replace(day=8, hour=10)),
        (MONDAY.replace(day=11, hour=19), MONDAY.replace(day=14, hour=10)),
    ],
)  # fmt: skip
def test_the_shop_opens_and_closes_on_the_minute(at, opens):
    assert rules.next_opening(DAY, "UTC", at) == opens


def test_hours_are_the_shops_own():
    shanghai = rules.next_opening(DAY, "Asia/Shanghai", MONDAY.replace(hour=1))
    assert shanghai == MONDAY.replace(hour=2)
    assert rules.next_opening(DAY, "Asia/Shanghai", MONDAY.replace(hour=2)) is None


def test_midnight_and_summer_time():
    late = [{"weekday": 5, "opens": "20:00", "until": "24:00"}, {"weekday": 6, "opens": "00:00", "until": "03:30"}]
    saturday = datetime(2030, 3, 30, 19, 30, tzinfo=UTC)  # 20:30 in Berlin; the clocks go forward that night
    assert rules.next_opening(late, "Europe/Berlin", saturday) is None
    assert rules.next_opening(late, "Europe/Berlin", saturday + timedelta(hours=4)) is None
    assert rules.next_opening(late, "Europe/Berlin", saturday + timedelta(hours=6, minutes=1)) is not None


def test_without_hours_it_is_always_open():
    assert rules.next_opening([], "UTC", MONDAY) is None


@settings(deadline=None)  # a busy machine is no fault of the code
@given(st.integers(0, 10 * 365 * 24 * 60), st.integers(0, 6))
def test_the_next_opening_is_a_moment_when_it_is_open(at, weekday):
    hours = [{"weekday": weekday, "opens": "04:30", "until": "23:00"}]
    now = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=at)
    opens = rules.next_opening(hours, "Asia/Tokyo", now)
    assert opens is None or (now < opens <= now + timedelta(days=8))
    assert opens is None or rules.next_opening(hours, "Asia/Tokyo", opens) is None


@pytest.mark.parametrize(
    "hours",
    [[{"weekday": 7, "opens": "10:00", "until": "18:00"}], [{"weekday": 0, "opens": "18:00", "until": "10:00"}],
     [{"weekday": 0, "opens": "1:00", "until": "2:00"}], [{"weekday": 0, "opens": "10:60", "until": "18:00"}],
     [{"weekday": 0, "opens": "10:00", "until": "24:01"}], [{"weekday": "0", "opens": "10:00", "until": "18:00"}]],
)  # fmt: skip
def test_bad_hours_are_refused(hours):
    with pytest.raises(BadValueError):
        rules.check_hours(hours)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (rules.check_spot, {"camera": "../x"}), (rules.check_spot, {"camera": "front", "kind": "flies"}),
        (rules.check_spot, {"camera": "front", "home": {"zoom": "near"}}), (rules.check_spot, {}),
        *((rules.check_spot, {"camera": "a", "view_width_mm": width}) for width in (0, -3.0, 1e9, float("nan"), "w")),
        (rules.check_cameras, [{"camera": "a"}, {"camera": "a"}]),
        (rules.check_cameras, [{"camera": "a", "masks": [{"left": 0.9, "top": 0, "width": 0.2, "height": 1}]}]),
        (rules.check_time_zone, "Mars/Base"), (rules.check_time_zone, "../../etc/passwd"),
        (rules.check_shop, {"currency": "XX" "X"}), (rules.check_shop, {"turn_s": 1.0}),
        (rules.check_shop, {"gs1_prefix": "95"}), (rules.check_shop, {"pack_when": "never"}),
        (rules.check_listing, {"price_minor": -1}), (rules.check_listing, {"gtin": "9521234543214"}),
        (rules.check_listing, {"title_en": "a\u202eb"}), (rules.check_listing, {"attributes": {"": "x"}}),
    ],
)  # fmt: skip
def test_bad_values_are_refused(check, value):
    with pytest.raises(BadValueError):
        check(value)


OPEN = {
    "has_spot": True, "is_shop_online": True, "hours": [], "time_zone": "UTC", "camera_state": {"can_view": True},
    "is_camera_offered": True, "is_stopped": False, "now": MONDAY,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "state", "waiting"),
    [
        ({}, "now", 0), ({"has_spot": False}, "not_offered", 0), ({"is_camera_offered": False}, "not_offered", 0),
        ({"is_shop_online": False}, "offline", 0), ({"camera_state": None}, "offline", 0),
        ({"camera_state": {"can_view": False}}, "offline", 0), ({"is_stopped": True}, "offline", 0),
        ({"hours": DAY}, "closed", 0), ({"camera_state": {"can_view": True, "session_id": "s"}}, "queued", 1),
        ({"camera_state": {"can_view": True, "session_id": "s", "waiting": 2}}, "queued", 3),
        ({"hours": DAY, "is_shop_online": False}, "closed", 0),
    ],
)  # fmt: skip
def test_every_hit_says_how_it_can_be_looked_at(change, state, waiting):
    one = rules.showing(**{**OPEN, **change})
    assert (one.state, one.waiting) == (state, waiting)
    assert (one.opens_at is not None) == (state == "closed")


@pytest.mark.parametrize("state", ["draft", "published", "withdrawn"])
@pytest.mark.parametrize("step", ["publish", "withdraw"])
def test_every_step_of_a_listing_is_decided(state, step):
    if (state, step) == ("draft", "withdraw"):
        with pytest.raises(RefusedError):
            rules.step_listing(state, step)
    else:
        assert rules.step_listing(state, step) == {"publish": "published", "withdraw": "withdrawn"}[step]


NEW_YEAR = [{"first_day": "2030-01-08", "last_day": "2030-01-13"}]


@pytest.mark.parametrize("hours", [DAY, []])
@pytest.mark.parametrize(
    ("at", "is_closed"),
    [
        (MONDAY.replace(hour=15, minute=59), False), (MONDAY.replace(hour=16), True),
        (MONDAY.replace(day=13, hour=15, minute=59), True), (MONDAY.replace(day=14, hour=4), False),
    ],
)  # fmt: skip
def test_a_holiday_closes_the_days_of_the_shops_own_calendar(hours, at, is_closed):
    opens = rules.next_opening(hours, "Asia/Shanghai", at, NEW_YEAR)
    if is_closed:
        assert opens == (MONDAY.replace(day=14, hour=2) if hours else MONDAY.replace(day=13, hour=16))
    elif not hours or at.day == 14:
        assert opens is None


@pytest.mark.parametrize(
    "holiday",
    [
        {"first_day": "2030-01-09", "last_day": "2030-01-08"}, {"first_day": "2030-13-01", "last_day": "2030-13-02"},
        {"first_day": "20300101", "last_day": "20300102"}, {"first_day": "2030-01-01", "last_day": "2030-09-01"},
        {"first_day": "2030-01-01", "last_day": "2030-01-02", "title": {"en": "a\u202eb", "zh": ""}},
    ],
)  # fmt: skip
def test_a_holiday_that_makes_no_sense_is_refused(holiday):
    with pytest.raises(BadValueError, match="holidays"):
        rules.check_shop({"holidays": [holiday]})


def test_holidays_stand_in_order_and_only_those_ahead_are_shown():
    later, sooner = ({"first_day": day, "last_day": day} for day in ("2030-03-01", "2030-01-01"))
    checked = rules.check_shop({"holidays": [later, sooner]})["holidays"]
    assert [one["first_day"] for one in checked] == ["2030-01-01", "2030-03-01"]
    assert [one["first_day"] for one in rules.holidays_ahead(checked, "UTC", MONDAY)] == ["2030-03-01"]
