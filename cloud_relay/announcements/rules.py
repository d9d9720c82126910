"""What an announcement may say and when it is shown. Pure."""

from datetime import datetime, timedelta
from typing import Any

from cloud_relay.refusals import RefusedError
from wire.values import BadValueError, clean_text

SHOWN_MAX = timedelta(days=366)
"""Whatever stands longer than a year belongs into the listing or the shop's story."""

TEXTS = {"title_en": (100, 1), "title_zh": (100, 1), "text_en": (1000, 12), "text_zh": (1000, 12)}
"""Field → (characters, lines)."""


def clean_texts(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with their texts cleaned; an empty text stays empty."""
    cleaned = dict(values)
    for name, (length, lines) in TEXTS.items():
        if name in values:
            given = values[name] or ""
            cleaned[name] = clean_text(given, name, length, lines=lines) if given.strip() else ""
    return cleaned


def check(values: dict[str, Any], usual_price_minor: int | None) -> None:
    """Raise RefusedError or BadValueError unless the whole announcement may stand so.

    `usual_price_minor` is the price of its listing, None without one.
    """
    if not (values["title_en"] or values["title_zh"]):
        raise RefusedError("title_missing", "A title in one language at least", "至少填写一种语言的标题", 422)
    if values["shown_until"] <= values["shown_from"]:
        raise BadValueError("shown_until: must be after shown_from / 结束时间必须晚于开始时间")
    if values["shown_until"] - values["shown_from"] > SHOWN_MAX:
        raise BadValueError(f"shown_until: at most {SHOWN_MAX.days} days after shown_from / 最长 {SHOWN_MAX.days} 天")
    price = values.get("price_minor")
    if price is None:
        return
    if usual_price_minor is None:
        raise RefusedError("listing_missing", "A price for a time needs its listing", "限时价需要选择一件货品", 422)
    if not 0 < price < usual_price_minor:
        raise RefusedError(
            "price_not_lower", "A price for a time is lower than the usual one", "限时价必须低于原价", 422,
            usual_price_minor=usual_price_minor,
        )  # fmt: skip


def state_of(shown_from: datetime, shown_until: datetime, deleted_at: datetime | None, now: datetime) -> str:
    """Return deleted, planned, shown or over; it is shown from its first moment and over at its last."""
    if deleted_at is not None:
        return "deleted"
    if now < shown_from:
        return "planned"
    return "shown" if now < shown_until else "over"
