"""What a shop offers to those who buy together, and what each of them saves. Pure; the same on both sides of the wire.

The saving of a group is shared out over its pieces by their prices, exactly (`wire.sharing`): who brings more, saves
more, and no unit is lost. Whoever shows a price, takes a payment or checks a receipt asks here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wire.sharing import share_below
from wire.text import Text


class PromotionKind(StrEnum):
    """What must come together, and what it brings."""

    SPEND_OVER = "spend_over"
    """Goods worth `threshold_minor` together cost `saving_minor` less, once."""
    N_FOR = "n_for"
    """Every `count` pieces cost `price_minor` together; the dearest make up the sets."""
    GROUP_PRICE = "group_price"
    """Once `count` people buy, each piece costs `price_minor`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """One offer of one shop, from its first moment up to, not including, its last (RFC 3339 times).

    `listing_ids` are the goods that count; none means all of the shop. Amounts are minor units of `currency`.
    """

    promotion_id: str
    kind: PromotionKind
    title: Text
    currency: str
    listing_ids: tuple[str, ...] = ()
    threshold_minor: int = 0
    saving_minor: int = 0
    count: int = 0
    price_minor: int = 0
    from_at: str = ""
    until_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """One piece that somebody brings to a group, at its usual price in minor units."""

    person: str
    listing_id: str
    price_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """How far a group is from its promotion; all zero: it is reached. Only the figure that its kind counts is set."""

    minor: int = 0
    pieces: int = 0
    people: int = 0

    @property
    def is_nothing(self) -> bool:
        return not (self.minor or self.pieces or self.people)


def counts(promotion: Promotion, item: Brought) -> bool:
    """Tell whether a piece is of the goods that the promotion is about."""
    return not promotion.listing_ids or item.listing_id in promotion.listing_ids


def missing(promotion: Promotion, items: Sequence[Brought]) -> Missing:
    """Return what these pieces lack."""
    counted = [item for item in items if counts(promotion, item)]
    if promotion.kind is PromotionKind.SPEND_OVER:
        return Missing(minor=max(0, promotion.threshold_minor - sum(item.price_minor for item in counted)))
    if promotion.kind is PromotionKind.N_FOR:
        return Missing(pieces=max(0, promotion.count - len(counted)))
    return Missing(people=max(0, promotion.count - len({item.person for item in counted})))


def savings(promotion: Promotion, items: Sequence[Brought]) -> list[int]:
    """Return what each piece costs less, in the order given; all zero while something is missing.

    A piece never costs nothing: a saving that the prices leave no room for is cut to what they do.
    """
    each = [0] * len(items)
    places = [place for place, item in enumerate(items) if counts(promotion, item) and item.price_minor > 0]
    if not places or not missing(promotion, items).is_nothing:
        return each
    prices = [items[place].price_minor for place in places]
    if promotion.kind is PromotionKind.GROUP_PRICE:
        parts = [max(0, price - promotion.price_minor) for price in prices]
    else:
        parts = share_below(together_minor(promotion, prices), prices)
    for place, part in zip(places, parts, strict=True):
        each[place] = part
    return each


def together_minor(promotion: Promotion, prices: Sequence[int]) -> int:
    """Return the sum of `savings` for counted pieces, each of another person, without sharing it out.

    For whoever compares thousands of groups before one is shown. Prices are above 0; 0 while something is missing.
    """
    if promotion.kind is PromotionKind.SPEND_OVER:
        is_reached = sum(prices) >= promotion.threshold_minor
    else:
        is_reached = len(prices) >= promotion.count
    if not is_reached or not prices:
        return 0
    if promotion.kind is PromotionKind.GROUP_PRICE:
        return sum(max(0, price - promotion.price_minor) for price in prices)
    return min(_whole_saving(promotion, prices), sum(prices) - len(prices))


def _whole_saving(promotion: Promotion, prices: Sequence[int]) -> int:
    if promotion.kind is PromotionKind.SPEND_OVER:
        return promotion.saving_minor
    sets = len(prices) // promotion.count
    in_sets = sorted(prices, reverse=True)[: sets * promotion.count]
    return max(0, sum(in_sets) - sets * promotion.price_minor)
