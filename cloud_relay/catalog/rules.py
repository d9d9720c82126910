"""What shops, listings and pieces may look like, and when a piece can be looked at. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cloud_relay.refusals import RefusedError
from wire.codec import from_json, to_json
from wire.plan import CameraPlan, Holiday, OpenHours, PackWhen, Spot
from wire.values import BadValueError, Gtin, check_id, clean_text

PRICE_MINOR_MAX = 10**12
TURN_S_MIN, TURN_S_MAX = 30.0, 1800.0
HOLIDAY_DAYS_MAX = 120
"""A longer absence is a shop that is closed, not on holiday."""
ALL_DAY: dict[str, Any] = {"opens": "00:00", "until": "24:00"}
"""The hours of each day at a shop that names none."""
CURRENCIES = frozenset(
    [
        "AED",
        "ARS",
        "AUD",
        "BRL",
        "CAD",
        "CHF",
        "CLP",
        "CNY",
        "COP",
        "CZK",
        "DKK",
        "EGP",
        "EUR",
        "GBP",
        "HKD",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "JPY",
        "KES",
        "KRW",
        "KWD",
        "MAD",
        "MXN",
        "MYR",
        "NGN",
        "NOK",
        "NZD",
        "PEN",
        "PHP",
        "PKR",
        "PLN",
        "QAR",
        "RON",
        "SAR",
        "SEK",
        "SGD",
        "THB",
        "TRY",
        "TWD",
        "TND",
        "UAH",
        "USD",
        "VND",
        "ZAR",
    ]
)
"""ISO 4217 codes that a market may trade in; the minor unit is the provider's and the pages' affair."""

LISTING_STEPS = {
    ("draft", "publish"): "published",
    ("withdrawn", "publish"): "published",
    ("published", "withdraw"): "withdrawn",
    ("published", "publish"): "published",
    ("withdrawn", "withdraw"): "withdrawn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """Whether a piece can be looked at now: `state` is now, queued, closed, offline or not_offered."""

    state: str
    waiting: int = 0
    opens_at: datetime | None = None

    @property
    def rank(self) -> int:
        """Lower is better for whoever wants to look."""
        return ("now", "queued", "closed", "offline", "not_offered").index(self.state)


def step_listing(state: str, step: str) -> str:
    """Return the state after publishing or withdrawing; RefusedError when that cannot be."""
    try:
        return LISTING_STEPS[state, step]
    except KeyError:
        raise RefusedError(
            "listing_state", f"A {state} listing: no {step}", f"当前状态（{state}）不能执行此操作"
        ) from None


def texts(values: dict[str, Any], names: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """Return `values` with the named texts cleaned; each name gives (length, lines); an empty text stays empty."""
    cleaned = dict(values)
    for name, (length, lines) in names.items():
        if values.get(name):
            cleaned[name] = clean_text(values[name], name, length, lines=lines) if values[name].strip() else ""
    return cleaned


def check_time_zone(name: str) -> str:
    """Return an IANA zone name; BadValueError for any other."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadValueError(f"time_zone: {name[:60]!r} is not an IANA zone, as Asia/Shanghai") from None
    return name


def check_hours(hours: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return opening hours that the wire carries; BadValueError naming the entry."""
    checked: tuple[OpenHours, ...] = from_json(tuple[OpenHours, ...], hours, "hours")
    for place, one in enumerate(checked):
        opens, until = _minutes(one.opens, f"hours[{place}].opens"), _minutes(one.until, f"hours[{place}].until")
        if not 0 <= one.weekday <= 6:
            raise BadValueError(f"hours[{place}].weekday: 0 (Monday) to 6")
        if opens >= until:
            raise BadValueError(f"hours[{place}]: must open before it closes; split what goes over midnight")
    return [dict(to_json(one)) for one in checked]


def _minutes(text: str, where: str) -> int:
    hours, colon, minutes = text.partition(":")
    if not (colon and len(hours) == len(minutes) == 2 and hours.isdecimal() and minutes.isdecimal()):
        raise BadValueError(f"{where}: HH:MM, not {text[:10]!r}")
    total = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or total > 24 * 60:
        raise BadValueError(f"{where}: {text} is no time of a day")
    return total


def check_cameras(cameras: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the plans of a shop's viewing cameras, each camera once, masks inside the picture."""
    checked: tuple[CameraPlan, ...] = from_json(tuple[CameraPlan, ...], cameras, "cameras")
    names = [check_id(one.camera, "camera") for one in checked]
    if len(set(names)) != len(names):
        raise BadValueError("cameras: the same camera twice")
    for one in checked:
        for mask in one.masks:
            sides = (mask.left, mask.top, mask.left + mask.width, mask.top + mask.height)
            if not all(0 <= side <= 1.0001 for side in sides) or mask.width <= 0 or mask.height <= 0:
                raise BadValueError(f"cameras.{one.camera}.masks: shares of the picture from 0 to 1")
    return [dict(to_json(one)) for one in checked]


VIEW_WIDTH_MM_MIN, VIEW_WIDTH_MM_MAX = 2.0, 20_000.0
"""From a microscope's field to a whole wall: anything else is a slip of the hand."""


def check_spot(spot: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a camera spot that the wire carries, or None for a piece that is not shown."""
    if spot is None:
        return None
    checked: Spot = from_json(Spot, spot, "spot")
    check_id(checked.camera, "spot.camera")
    if len(checked.faces) > 24:
        raise BadValueError("spot.faces: at most 24")
    for face in checked.faces:
        check_id(face.name, "spot.faces.name")
    width_mm = checked.view_width_mm
    if width_mm is not None and not VIEW_WIDTH_MM_MIN <= width_mm <= VIEW_WIDTH_MM_MAX:
        raise BadValueError(f"spot.view_width_mm: {VIEW_WIDTH_MM_MIN:g} to {VIEW_WIDTH_MM_MAX:g} mm")
    return dict(to_json(checked))


def check_shop(values: dict[str, Any]) -> dict[str, Any]:
    """Return the changed fields of a shop, each checked; BadValueError names the field."""
    names = {"name_en": (100, 1), "name_zh": (100, 1), "story_en": (4000, 60), "story_zh": (4000, 60)}
    checked = texts(values, names)
    checks = {
        "time_zone": check_time_zone, "hours": check_hours, "cameras": check_cameras, "holidays": check_holidays,
    }  # fmt: skip
    for name, check in checks.items():
        if name in checked:
            checked[name] = check(checked[name])  # type: ignore[operator]  # each takes its own field's type
    if "sender_lines" in checked:
        checked["sender_lines"] = [
            clean_text(line, "sender_lines", 100) for line in checked["sender_lines"] if line.strip()
        ]
    if "pack_when" in checked and checked["pack_when"] not in set(PackWhen):
        raise BadValueError("pack_when: confirmed or paid")
    if "currency" in checked and checked["currency"] not in CURRENCIES:
        raise BadValueError(f"currency: {checked['currency'][:8]!r} is not traded here")
    if "turn_s" in checked and not TURN_S_MIN <= checked["turn_s"] <= TURN_S_MAX:
        raise BadValueError(f"turn_s: {TURN_S_MIN:g} to {TURN_S_MAX:g} seconds")
    if checked.get("gs1_prefix") and not (checked["gs1_prefix"].isdecimal() and 4 <= len(checked["gs1_prefix"]) <= 12):
        raise BadValueError("gs1_prefix: 4 to 12 digits")
    if checked.get("country") and not (len(checked["country"]) == 2 and checked["country"].isalpha()):
        raise BadValueError("country: two letters, as CN")
    return checked


def check_listing(values: dict[str, Any]) -> dict[str, Any]:
    """Return the changed fields of a listing, each checked; BadValueError names the field."""
    names = {
        "title_en": (150, 1), "title_zh": (150, 1), "description_en": (8000, 200), "description_zh": (8000, 200),
        "sku": (60, 1),
    }  # fmt: skip
    checked = texts(values, names)
    if checked.get("gtin"):
        checked["gtin"] = Gtin(checked["gtin"]).digits
    if "price_minor" in checked and not 0 <= checked["price_minor"] <= PRICE_MINOR_MAX:
        raise BadValueError(f"price_minor: 0 to {PRICE_MINOR_MAX}")
    if "attributes" in checked:
        checked["attributes"] = _attributes(checked["attributes"])
    return checked


def _attributes(attributes: dict[str, str]) -> dict[str, str]:
    if len(attributes) > 40:
        raise BadValueError("attributes: at most 40")
    return {
        clean_text(name, "attributes", 60): clean_text(value, f"attributes.{name[:60]}", 300)
        for name, value in attributes.items()
    }


def check_holidays(holidays: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the days on which a shop is closed, in order; BadValueError naming the entry."""
    checked: tuple[Holiday, ...] = from_json(tuple[Holiday, ...], holidays, "holidays")
    for place, one in enumerate(checked):
        first, last = (_date(getattr(one, name), f"holidays[{place}].{name}") for name in ("first_day", "last_day"))
        if last < first:
            raise BadValueError(f"holidays[{place}]: ends before it begins / 结束日期早于开始日期")
        if (last - first).days >= HOLIDAY_DAYS_MAX:
            raise BadValueError(f"holidays[{place}]: at most {HOLIDAY_DAYS_MAX} days / 最多 {HOLIDAY_DAYS_MAX} 天")
        for text in (one.title.en, one.title.zh):
            if text:
                clean_text(text, f"holidays[{place}].title", 60)
    return sorted((dict(to_json(one)) for one in checked), key=lambda one: str(one["first_day"]))


def _date(text: str, where: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  # a day of the shop's own calendar
    except ValueError:
        raise BadValueError(f"{where}: YYYY-MM-DD, not {text[:12]!r}") from None


def holidays_ahead(holidays: list[dict[str, Any]], time_zone: str, now: datetime) -> list[dict[str, Any]]:
    """Return the holidays that run or come, the nearest first."""
    today = now.astimezone(ZoneInfo(time_zone)).date().isoformat()
    return [one for one in holidays if one["last_day"] >= today]


def is_holiday(holidays: Sequence[Mapping[str, Any]], day: date) -> bool:
    """Return whether the shop is closed on this day of its own calendar."""
    return any(one["first_day"] <= day.isoformat() <= one["last_day"] for one in holidays)


def next_opening(
    hours: list[dict[str, Any]], time_zone: str, now: datetime, holidays: Sequence[Mapping[str, Any]] = ()
) -> datetime | None:
    """Return None while the shop is open (no hours: always but on holidays), else when it opens next.

    Looks a week beyond the last holiday, which is where the next opening is if there is one.
    """
    if not hours and not holidays:
        return None
    local = now.astimezone(ZoneInfo(time_zone))
    last = max((date.fromisoformat(one["last_day"]) for one in holidays), default=local.date())
    for day in range(8 + max(0, (last - local.date()).days)):
        today = (local + timedelta(days=day)).date()
        if is_holiday(holidays, today):
            continue
        times = _openings_on(today, hours, local)
        if any(opens <= local < until for opens, until in times):
            return None
        ahead = [opens for opens, _ in times if opens > local]
        if ahead:
            return min(ahead)
    return None


def _openings_on(day: date, hours: list[dict[str, Any]], local: datetime) -> list[tuple[datetime, datetime]]:
    own = [one for one in hours if one["weekday"] == day.weekday()] if hours else [ALL_DAY]
    return [
        (_at(day, _minutes(one["opens"], "opens"), local), _at(day, _minutes(one["until"], "until"), local))
        for one in own
    ]


def _at(day: date, minutes: int, local: datetime) -> datetime:
    midnight = datetime(day.year, day.month, day.day, tzinfo=local.tzinfo)
    days, rest = divmod(minutes, 24 * 60)
    return (midnight + timedelta(days=days)).replace(hour=rest // 60, minute=rest % 60)


def showing(
    *, has_spot: bool, is_shop_online: bool, hours: list[dict[str, Any]], time_zone: str,
    holidays: Sequence[Mapping[str, Any]] = (),
    camera_state: dict[str, Any] | None, is_camera_offered: bool, is_stopped: bool, now: datetime,
) -> Showing:  # fmt: skip
    """Return whether a piece can be looked at now, from what the shop last said.

    `is_stopped`: the shop is in quarantine, or not live because of its bench check.
    """
    if not has_spot or not is_camera_offered:
        return Showing(state="not_offered")
    opens_at = next_opening(hours, time_zone, now, holidays)
    if opens_at is not None:
        return Showing(state="closed", opens_at=opens_at)
    if not is_shop_online or is_stopped or camera_state is None or not camera_state.get("can_view"):
        return Showing(state="offline")
    waiting = int(camera_state.get("waiting") or 0)
    if camera_state.get("session_id") or waiting:
        return Showing(state="queued", waiting=waiting + bool(camera_state.get("session_id")))
    return Showing(state="now")
