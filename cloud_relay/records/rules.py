"""What a shopper's record is made of: names of purchases, the category of goods, limits of profile and wishes. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from cloud_relay.refusals import RefusedError
from wire.values import clean_text

CATEGORY_LENGTH_MAX = 60
CATEGORY_NAMES = ("category", "kind", "type", "类别", "种类", "品类", "分类")
"""Attributes of a listing that say what it is, the first of them that stands there; a catalogue of categories that
every merchant must follow does not exist here, and the merchant's own word is what shoppers read."""

AREA_LENGTH_MAX = 40
WISHES_MAX = 20
"""Open at a time; who wishes for more wishes for nothing in particular."""
WISH_DAYS_MAX = 180
BUDGET_MAX_MINOR = 10**12
WISH_UNDO = timedelta(days=1)
"""How long a deleted wish can be taken back, as with addresses."""


class How(StrEnum):
    """Where goods were bought."""

    ONLINE = "online"
    COUNTER = "counter"


def purchase_id(how: How, sale: str, line: int) -> str:
    """Return the name of one line of an order or of a counter sale; the same line has the same name for ever."""
    return f"{'order' if how is How.ONLINE else 'counter'}:{sale}/{line}"


def clean_category(text: str) -> str:
    """Return a category as it is compared: one spelling, lower case; at most CATEGORY_LENGTH_MAX characters."""
    return " ".join(text.split()).casefold()[:CATEGORY_LENGTH_MAX]


def category_of(attributes: Mapping[str, str] | None) -> str:
    """Return what a listing is by its own attributes, as it is compared; empty when it does not say."""
    said = {name.strip().casefold(): str(value) for name, value in (attributes or {}).items()}
    return clean_category(next((said[name] for name in CATEGORY_NAMES if said.get(name, "").strip()), ""))


def clean_area(text: str) -> str:
    """Return the name of a city or district, or the beginning of a postal code, as it is compared; empty for none."""
    return clean_text(" ".join(text.split()), "area", AREA_LENGTH_MAX) if text.strip() else ""


def clean_country(text: str) -> str:
    """Return two letters, such as CN, or nothing; RefusedError for anything else."""
    country = text.strip().upper()
    if country and not re.fullmatch(r"[A-Z]{2}", country):
        raise RefusedError(
            "bad_country", "A country is two letters, such as CN or DE", "国家请填两个字母，例如 CN 或 DE", 422
        )
    return country


def check_wish(category: str, listing_id: str, budget_minor: int, until: datetime, now: datetime) -> None:
    """Raise RefusedError for a wish for nothing or for two things, without a price, or until no good day."""
    if bool(category) == bool(listing_id):
        raise RefusedError(
            "wish_for_one", "Wish for one thing: a kind of goods, or one listing", "请选择一种心愿：品类或某一商品", 422
        )
    if not 0 < budget_minor <= BUDGET_MAX_MINOR:
        raise RefusedError("bad_budget", "Say the most that you would pay", "请填写您愿付的最高价", 422)
    if not now < until <= now + timedelta(days=WISH_DAYS_MAX):
        raise RefusedError(
            "bad_wish_day", f"Choose a day within the next {WISH_DAYS_MAX} days",
            f"请选择 {WISH_DAYS_MAX} 天之内的日期", 422,
        )  # fmt: skip


def check_wishes_left(open_wishes: int) -> None:
    """Raise RefusedError when one more open wish is too many."""
    if open_wishes >= WISHES_MAX:
        raise RefusedError(
            "too_many_wishes", f"At most {WISHES_MAX} open wishes; delete one first",
            f"最多 {WISHES_MAX} 个有效心愿，请先删除一个",
        )  # fmt: skip
