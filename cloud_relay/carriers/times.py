"""When a carrier says that something happened: by its own offset, by the zone of its clock, or not known. Pure."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class BadZoneError(ValueError):
    """A time zone that does not exist: the message says how one is written."""


def zone_of(name: str) -> ZoneInfo | None:
    """Return the zone of an IANA name, None for no name; BadZoneError for one that is none."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, as "Europe"
        raise BadZoneError(f"time_zone: {name!r} is none; write it as Europe/Berlin") from None


def read_time(text: str, zone: ZoneInfo | None) -> tuple[datetime, bool]:
    """Return (time, whether its zone is known) of an ISO 8601 text; ValueError when it is none.

    Of an unknown zone the clock's face is kept as it was written, as if it were UTC: for order and for showing alone.
    """
    found = datetime.fromisoformat(text)
    try:
        if found.tzinfo is None and zone is not None:
            found = found.replace(tzinfo=zone)
        return (found.replace(tzinfo=UTC), False) if found.tzinfo is None else (found.astimezone(UTC), True)
    except OverflowError:
        raise ValueError(f"{text[:40]!r}: a year that no calendar has") from None
