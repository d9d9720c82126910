"""Whole units shared out in a ratio so that nothing is lost or made. Pure."""

from collections.abc import Sequence

from wire.values import BadValueError


def share_out(amount: int, weights: Sequence[int]) -> list[int]:
    """Return whole parts of `amount` in the ratio of `weights` that sum to it exactly (largest remainder).

    Each part is less than 1 from the exact share; between equal remainders the earlier part gets the unit.
    BadValueError when anything is negative or all weights are zero.
    """
    whole = sum(weights)
    if amount < 0 or whole <= 0 or min(weights) < 0:
        raise BadValueError("share_out: amount and weights must not be negative, nor all weights zero")
    parts = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda place: (-(amount * weights[place] % whole), place))
    for place in by_remainder[: amount - sum(parts)]:
        parts[place] += 1
    return parts


def share_below(amount: int, prices: Sequence[int]) -> list[int]:
    """Return `share_out` by price, with every part below its price, so that nothing ever costs nothing.

    What a price cannot take goes to the others, again by price. BadValueError when all of them together cannot.
    """
    if amount < 0 or any(price <= 0 for price in prices) or amount > sum(prices) - len(prices):
        raise BadValueError("share_below: more than the prices leave room for")
    parts, open_places, left = [0] * len(prices), list(range(len(prices))), amount
    while left:
        given = share_out(left, [prices[place] for place in open_places])
        for place, part in zip(open_places, given, strict=True):
            taken = min(part, prices[place] - 1 - parts[place])
            parts[place] += taken
            left -= taken
        open_places = [place for place in open_places if parts[place] < prices[place] - 1]
    return parts
