"""When a shop is open, in its own zone, and when it opens next. Pure."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wire.plan import OpenHours, ShopPlan


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
    for offset in range(-1, 8):
        day = today + timedelta(days=offset)
        found += [_opening(hours, day, zone) for hours in plan.hours if hours.weekday == day.weekday()]
    return sorted(opening for opening in found if opening is not None)


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
    """Return whether the shop is open at `now` (aware); a plan without hours is always open."""
    return not plan.hours or any(opens <= now < until for opens, until in _openings(plan, now))


def opens_at(plan: ShopPlan, now: datetime) -> datetime | None:
    """Return when a closed shop opens next (UTC), or None when it is open or never opens."""
    if is_open(plan, now):
        return None
    return next((opens for opens, _ in _openings(plan, now) if opens > now), None)
