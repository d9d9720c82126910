"""What a promotion may say, and when it counts. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cloud_relay.refusals import RefusedError
from wire.promotions import PromotionKind as Kind
from wire.values import BadValueError, clean_text

LASTS_MAX = timedelta(days=92)
"""A quarter of a year: what is cheaper for longer is simply the price, and belongs into the listing."""
AHEAD_MAX = timedelta(days=183)
"""Half a year: prices that a promotion was checked against are seldom the same later."""
LISTINGS_MAX = 100
"""Named one by one; for more a promotion is of the whole shop. The shop plan carries every id."""
OPEN_MAX = 30
"""Planned and running of one shop: all of them go to its till, and a shopper reads a few."""
COUNT_MIN = 2
"""Together begins with two."""
N_FOR_COUNT_MAX = 20
"""As many pieces as one counter sale is still read over."""
GROUP_COUNT_MAX = 50
"""As many people as one group order takes."""
AMOUNT_MAX = 10**12
"""As the price of a listing."""
TITLE_LENGTH_MAX = 60
"""One line on a phone and on the till."""

FIGURES: dict[Kind, tuple[str, ...]] = {
    Kind.SPEND_OVER: ("threshold_minor", "saving_minor"),
    Kind.N_FOR: ("count", "price_minor"),
    Kind.GROUP_PRICE: ("count", "price_minor"),
}
"""What each kind is made of; the others stay zero."""
ALL_FIGURES = ("threshold_minor", "saving_minor", "count", "price_minor")


class PromotionState(StrEnum):
    """Where a promotion stands; it counts while it runs."""

    PLANNED = "planned"
    RUNNING = "running"
    OVER = "over"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """A listing that a promotion is about: what its cheapest and its dearest style cost, in minor units."""

    listing_id: str
    lowest_minor: int
    dearest_minor: int


def clean(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with cleaned titles and each listing named once; an empty title stays empty."""
    cleaned = dict(values)
    for name in ("title_en", "title_zh"):
        if name in values:
            given = values[name] or ""
            cleaned[name] = clean_text(given, name, TITLE_LENGTH_MAX) if given.strip() else ""
    if "listing_ids" in values:
        cleaned["listing_ids"] = list(dict.fromkeys(values["listing_ids"]))
    return cleaned


def check(values: dict[str, Any], goods: Sequence[Goods]) -> None:
    """Raise RefusedError or BadValueError unless the whole promotion may stand so.

    `goods` are the published listings that it is about: those it names, or all of the shop.
    """
    if not (values["title_en"] or values["title_zh"]):
        raise RefusedError("title_missing", "A title in one language at least", "至少填写一种语言的标题", 422)
    if not (values["is_online"] or values["is_at_counter"]):
        raise RefusedError(
            "nowhere",
            "Choose where it counts: online, at the counter, or both",
            "请选择适用范围：线上、到店或两者",
            422,
        )
    if len(values["listing_ids"]) > LISTINGS_MAX:
        raise BadValueError(
            f"listing_ids: at most {LISTINGS_MAX}; leave them out for the whole shop / "
            f"最多 {LISTINGS_MAX} 件，全店适用请留空"
        )
    if not goods:
        raise RefusedError("no_goods", "Publish the goods first", "请先上架货品", 422)
    _check_times(values["from_at"], values["until_at"])
    _check_figures(values)
    _CHECKS[Kind(values["kind"])](values, goods)


def _check_times(from_at: datetime, until_at: datetime) -> None:
    if until_at <= from_at:
        raise BadValueError("until_at: must be after from_at / 结束时间必须晚于开始时间")
    if until_at - from_at > LASTS_MAX:
        raise BadValueError(f"until_at: at most {LASTS_MAX.days} days after from_at / 最长 {LASTS_MAX.days} 天")


def _check_figures(values: dict[str, Any]) -> None:
    """Refuse a figure that its kind does not have, is missing, or is no amount."""
    wanted = FIGURES[Kind(values["kind"])]
    for name in ALL_FIGURES:
        figure = values.get(name) or 0
        if name not in wanted and figure:
            raise BadValueError(f"{name}: a promotion of this kind has none / 此类优惠没有这一项")
        if name in wanted and not 0 < figure <= AMOUNT_MAX:
            raise BadValueError(f"{name}: 1 to {AMOUNT_MAX} / 1 至 {AMOUNT_MAX}")


def _check_spend_over(values: dict[str, Any], _goods: Sequence[Goods]) -> None:
    if values["saving_minor"] * 2 > values["threshold_minor"]:
        raise RefusedError(
            "saving_too_large", "The saving is at most half of what must be spent; lower it, or raise the sum",
            "优惠金额最多为门槛金额的一半，请降低优惠或提高门槛", 422, saving_max_minor=values["threshold_minor"] // 2,
        )  # fmt: skip


def _check_n_for(values: dict[str, Any], goods: Sequence[Goods]) -> None:
    count, price = values["count"], values["price_minor"]
    _check_count(count, N_FOR_COUNT_MAX)
    dearest = max(one.dearest_minor for one in goods)
    if not count <= price < count * dearest:
        raise RefusedError(
            "price_not_lower", "So many pieces must cost less together than that many of the dearest one alone",
            "套餐总价必须低于同样件数中最贵货品的总价", 422, usual_price_minor=count * dearest,
        )  # fmt: skip


def _check_group_price(values: dict[str, Any], goods: Sequence[Goods]) -> None:
    _check_count(values["count"], GROUP_COUNT_MAX)
    lowest = min(one.lowest_minor for one in goods)
    if values["price_minor"] >= lowest:
        raise RefusedError(
            "price_not_lower", "The group's price must be lower than that of each of its goods; name fewer goods",
            "成团价必须低于每件货品的价格，可减少适用货品", 422, usual_price_minor=lowest,
        )  # fmt: skip


def _check_count(count: int, most: int) -> None:
    if not COUNT_MIN <= count <= most:
        raise BadValueError(f"count: {COUNT_MIN} to {most} / {COUNT_MIN} 至 {most}")


_CHECKS = {Kind.SPEND_OVER: _check_spend_over, Kind.N_FOR: _check_n_for, Kind.GROUP_PRICE: _check_group_price}


def state_of(
    from_at: datetime, until_at: datetime, ended_at: datetime | None, deleted_at: datetime | None, now: datetime
) -> PromotionState:
    """Return where it stands: it runs from its first moment and is over at its last, or when it was ended."""
    if deleted_at is not None:
        return PromotionState.DELETED
    if ended_at is not None or now >= until_at:
        return PromotionState.OVER
    return PromotionState.PLANNED if now < from_at else PromotionState.RUNNING
