"""Quiet hours: mail and push wait until they end; the page tells at once. Times of the day in a zone. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wire.values import BadValueError

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
OVER_BY_THEN = frozenset({"your_turn", "booking_soon"})
"""Kinds of notices about something that is over when the quiet hours are: they stay on the page alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """From `quiet_from` up to, not with, `quiet_until` (HH:MM on the clock of `time_zone`); they may cross midnight."""

    quiet_from: str
    quiet_until: str
    time_zone: str


def clean(quiet_from: str, quiet_until: str, time_zone: str) -> QuietHours:
    """Return quiet hours as they are kept; BadValueError for what is no time, no zone, or no span of time."""
    for name, value in (("quiet_from", quiet_from), ("quiet_until", quiet_until)):
        if not _TIME.fullmatch(value):
            raise BadValueError(f"{name}: a time of the day such as 22:00")
    if quiet_from == quiet_until:
        raise BadValueError("quiet_until: must differ from quiet_from; switch topics off instead to hear nothing")
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadValueError(f"time_zone: {time_zone[:40]!r} is no IANA zone, such as Asia/Shanghai") from None
    return QuietHours(quiet_from=quiet_from, quiet_until=quiet_until, time_zone=time_zone)


def ends_at(hours: QuietHours, now: datetime) -> datetime | None:
    """Return when the quiet hours that hold at `now` end, None outside of them.

    A change of the clock moves the end with the clock on the wall: 07:00 is 07:00.
    """
    zone = ZoneInfo(hours.time_zone)
    here = now.astimezone(zone)
    minute, begin, end = _minutes(here.strftime("%H:%M")), _minutes(hours.quiet_from), _minutes(hours.quiet_until)
    is_quiet = begin <= minute < end if begin < end else minute >= begin or minute < end
    if not is_quiet:
        return None
    day = here.date() + timedelta(days=1 if minute >= end else 0)
    found = datetime(day.year, day.month, day.day, end // 60, end % 60, tzinfo=zone)
    return max(found, now + timedelta(minutes=1)).astimezone(now.tzinfo)


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])
