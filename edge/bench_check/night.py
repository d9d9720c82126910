"""When a nightly check is due. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wire.plan import ShopPlan

NIGHT = range(2, 5)
"""Local hours in which nobody shops and cleaning is over."""

BETWEEN = timedelta(hours=20)
"""At least this long after any earlier check: one a night, and none after one that a person just ran."""


def is_due(plan: ShopPlan | None, now: datetime, last_at: datetime | None) -> bool:
    """Return whether a shop should check itself now; one that was never checked by a person waits for that."""
    if plan is None or last_at is None or now - last_at < BETWEEN:
        return False
    try:
        zone = ZoneInfo(plan.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return now.astimezone(zone).hour in NIGHT
