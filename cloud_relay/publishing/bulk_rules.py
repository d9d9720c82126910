"""What a change of many listings makes of each of them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cloud_relay.catalog.rules import PRICE_MINOR_MAX

PERCENT_MIN, PERCENT_MAX = -90, 1000
"""Anything beyond is a slip of the hand; twice in a row is possible and then meant."""
LISTINGS_MAX = 1000
"""Changed in one transaction, for which every other writer waits: half a second of a small machine."""


class What(StrEnum):
    """What is done to each chosen listing; the amount is minor units, percent or pieces."""

    PRICE_SET = "price_set"
    PRICE_PERCENT = "price_percent"
    PRICE_ADD = "price_add"
    STOCK_SET = "stock_set"
    STOCK_ADD = "stock_add"
    PUBLISH = "publish"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One change of many listings."""

    what: What
    amount: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What would become of one listing: its value before and after, or why not."""

    field: str
    before: Any
    after: Any
    en: str = ""
    zh: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether this listing keeps the whole change from happening."""
        return bool(self.en)


def fate_of(rule: Rule, row: Mapping[str, Any], differences: Sequence[int], in_house: int) -> Fate:
    """Return what `rule` makes of a listing with its variants' price differences and so many pieces in the house."""
    if rule.what in (What.PUBLISH, What.WITHDRAW):
        after = "published" if rule.what is What.PUBLISH else "withdrawn"
        if row["state"] == "draft" and rule.what is What.WITHDRAW:
            return Fate(field="state", before="draft", after="draft")
        return Fate(field="state", before=row["state"], after=after)
    if rule.what in (What.STOCK_SET, What.STOCK_ADD):
        return _stock(rule, row, in_house)
    return _price(rule, row, differences)


def _price(rule: Rule, row: Mapping[str, Any], differences: Sequence[int]) -> Fate:
    before = int(row["price_minor"])
    if rule.what is What.PRICE_SET:
        after = rule.amount
    elif rule.what is What.PRICE_ADD:
        after = before + rule.amount
    else:
        after = (before * (100 + rule.amount) + 50) // 100  # half a unit goes up
    lowest = after + min((0, *differences))
    if lowest <= 0 or after > PRICE_MINOR_MAX:
        return Fate(field="price_minor", before=before, after=after, en="It would cost nothing or less, or too much",
                    zh="价格将不大于零或过高")  # fmt: skip
    return Fate(field="price_minor", before=before, after=after)


def _stock(rule: Rule, row: Mapping[str, Any], in_house: int) -> Fate:
    before, reserved = int(row["on_hand"]), int(row["reserved"])
    after = rule.amount if rule.what is What.STOCK_SET else before + rule.amount
    if after < reserved:
        en, zh = f"{reserved} are promised to shoppers", f"已有 {reserved} 件被预订"
    elif after < in_house:
        en, zh = f"{in_house} pieces stand in the list: count those out first", f"清单中有 {in_house} 件单件，请先盘点"
    elif after > 1_000_000:
        en, zh = "At most 1,000,000", "最多 1,000,000"
    else:
        en = zh = ""
    return Fate(field="on_hand", before=before, after=after, en=en, zh=zh)
