"""When a shop is open, in its own zone, and when it opens next. Pure."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wire.plan import Holiday, OpenHours, ShopPlan

HOLIDAY_DAYS_MAX = 366
"""How far the next opening is looked for beyond a week: nobody needs to know of one further away."""


def _zone(name: str) -> ZoneInfo:
    """An unknown zone (the box's tables are older than the plan) reads as UTC rather than closing the shop for good."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _moment(day: datetime, clock: str, zone: ZoneInfo) -> datetime:
    """`HH:MM` of a local day as UTC; 24:00 is the midnight after it. The zone's summer time counts."""
    hour, _, minute = clock.partition(":")
    at = day + timedelta(days=1) if int(hour) == 24 else day
    local = datetime.combine(at.date(), time(int(hour) % 24, int(minute or 0)), zone)
    return local.astimezone(UTC)


def _openings(plan: ShopPlan, now: datetime) -> list[tuple[datetime, datetime]]:
    """Every opening from yesterday to the same weekday of next week; one that ends before it begins passes midnight."""
    zone = _zone(plan.time_zone)
    today = datetime.combine(now.astimezone(zone).date(), time(), zone)
    found = []
    holiday_days = min(sum(_length_days(one) for one in plan.holidays), HOLIDAY_DAYS_MAX)
    for offset in range(-1, 8 + holiday_days):
        day = today + timedelta(days=offset)
        if not is_holiday(plan, day):
            found += [_opening(hours, day, zone) for hours in plan.hours if hours.weekday == day.weekday()]
    return sorted(opening for opening in found if opening is not None)


def is_holiday(plan: ShopPlan, day: datetime) -> bool:
    """Return whether the shop is closed on this local day, whatever its hours."""
    name = day.date().isoformat()
    return any(one.first_day <= name <= one.last_day for one in plan.holidays)


def _length_days(one: Holiday) -> int:
    """A holiday that cannot be read lengthens no search."""
    try:
        return max((date.fromisoformat(one.last_day) - date.fromisoformat(one.first_day)).days + 1, 0)
    except ValueError:
        return 0


def _opening(hours: OpenHours, day: datetime, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """One day's opening in UTC, or None when its times cannot be read: then the shop is closed rather than stuck."""
    try:
        opens, until = _moment(day, hours.opens, zone), _moment(day, hours.until, zone)
        if until <= opens:
            until = _moment(day + timedelta(days=1), hours.until, zone)
    except ValueError:
        return None
    return opens, until


def is_open(plan: ShopPlan, now: datetime) -> bool:
    """Return whether the shop is open at `now` (aware); a plan without hours is open on every day but holidays."""
    if not plan.hours:
        return not is_holiday(plan, now.astimezone(_zone(plan.time_zone)))
    return any(opens <= now < until for opens, until in _openings(plan, now))


def opens_at(plan: ShopPlan, now: datetime) -> datetime | None:
    """Return when a closed shop opens next (UTC), or None when it is open or never opens."""
    if is_open(plan, now):
        return None
    if not plan.hours:
        always = tuple(OpenHours(weekday=day, opens="00:00", until="24:00") for day in range(7))
        return opens_at(replace(plan, hours=always), now)
    return next((opens for opens, _ in _openings(plan, now) if opens > now), None)
