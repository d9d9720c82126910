"""Which viewing times there are, and when a booking counts. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cloud_relay.catalog.rules import next_opening

SLOT = timedelta(minutes=15)
"""A turn is three minutes; a quarter of an hour leaves room for a second look and a piece to be brought."""
AHEAD = timedelta(days=4)
"""So far ahead times are offered."""
NOTICE = timedelta(minutes=15)
"""The next slot that may be booked begins at least this much later."""
REMIND = timedelta(minutes=10)
EARLY = timedelta(minutes=2)
"""Who comes a little early has the place already."""
OPEN_MAX = 3
"""Bookings that one shopper may have at a time."""


def slots(shop: Mapping[str, Any], taken: Collection[datetime], now: datetime) -> list[datetime]:
    """Return when a viewing may begin: quarter hours during which the shop is open throughout, less those taken."""
    first = (now + NOTICE).astimezone(UTC).replace(second=0, microsecond=0)
    start = first + timedelta(minutes=-first.minute % 15)
    if start < now + NOTICE:
        start += SLOT
    found = []
    while start < now + AHEAD:
        if start not in taken and _is_open(shop, start) and _is_open(shop, start + SLOT - timedelta(seconds=1)):
            found.append(start)
        start += SLOT
    return found


def _is_open(shop: Mapping[str, Any], at: datetime) -> bool:
    return next_opening(shop["hours"], shop["time_zone"], at, shop["holidays"] or ()) is None


def by_day(starts: Sequence[datetime], time_zone: str) -> list[dict[str, Any]]:
    """Return slots grouped by the shop's own days, each with its time on the shop's clock."""
    zone, days = ZoneInfo(time_zone), dict[str, list[dict[str, Any]]]()
    for start in starts:
        local = start.astimezone(zone)
        days.setdefault(local.date().isoformat(), []).append({"starts_at": start, "time": f"{local:%H:%M}"})
    return [{"day": day, "slots": found} for day, found in days.items()]


def counts_at(starts_at: datetime, ends_at: datetime, now: datetime) -> bool:
    """Tell whether a booking gives the first place now."""
    return starts_at - EARLY <= now < ends_at


def said(starts_at: datetime, time_zone: str) -> str:
    """Return a time as people at the shop say it, with the zone."""
    return f"{starts_at.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M} ({time_zone})"
