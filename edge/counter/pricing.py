"""What goods at the till cost now, with the promotion that saves most: for one shopper or several together. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from wire.counter import CounterLine, saving_of, usual_of
from wire.promotions import Brought, Missing, Promotion, counts, missing, savings, together_minor
from wire.values import parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """Goods with their saving taken off, exact to the piece: a line whose pieces save differently is several here.

    `whose` is the place of each line's shopper. `promotion` is the one that holds, None without; `reached` is how many
    are reached: they are not added up. `lacking` are those that are not, with what they miss.
    """

    lines: tuple[CounterLine, ...]
    whose: tuple[int, ...]
    promotion: Promotion | None = None
    reached: int = 0
    lacking: tuple[tuple[Promotion, Missing], ...] = ()

    @property
    def saving_minor(self) -> int:
        """What all of it costs less."""
        return saving_of(self.lines)

    def share_minor(self, place: int) -> int:
        """Return what one shopper pays."""
        pairs = zip(self.lines, self.whose, strict=True)
        return sum(line.price_minor * line.quantity for line, own in pairs if own == place)


def holding(promotions: Iterable[Promotion], currency: str, now: datetime) -> tuple[Promotion, ...]:
    """Return the promotions of this currency whose time it is."""
    return tuple(
        one
        for one in promotions
        if one.currency == currency
        and (not one.from_at or parse_time(one.from_at, "from_at") <= now)
        and (not one.until_at or now < parse_time(one.until_at, "until_at"))
    )


@lru_cache(maxsize=32)  # a page is drawn more often than a basket changes
def price(lines: tuple[CounterLine, ...], whose: tuple[int, ...], promotions: tuple[Promotion, ...]) -> Priced:
    """Price goods at their usual prices; of several promotions the one that saves most holds, the first of equals."""
    items = [
        Brought(person=str(place), listing_id=line.listing_id, price_minor=line.price_minor)
        for line, place in zip(lines, whose, strict=True)
        for _ in range(line.quantity)
    ]
    best, best_minor, reached, lacking = None, 0, 0, []
    for one in promotions:
        prices = [item.price_minor for item in items if counts(one, item) and item.price_minor > 0]
        short = missing(one, items)
        whole_minor = together_minor(one, prices) if short.is_nothing else 0
        reached += whole_minor > 0
        if whole_minor > best_minor:
            best, best_minor = one, whole_minor
        if prices and not short.is_nothing:
            lacking.append((one, short))
    # shared out for the best alone: a wholesale basket has thousands of pieces
    kept = savings(best, items) if best else [0] * len(items)
    split, owners = _split(lines, whose, kept)
    return Priced(lines=split, whose=owners, promotion=best, reached=reached, lacking=tuple(lacking))


def _split(
    lines: Sequence[CounterLine], whose: Sequence[int], kept: Sequence[int]
) -> tuple[tuple[CounterLine, ...], tuple[int, ...]]:
    made: list[CounterLine] = []
    owners: list[int] = []
    begin = 0
    for line, place in zip(lines, whose, strict=True):
        own, begin = sorted(kept[begin : begin + line.quantity], reverse=True), begin + line.quantity
        for saved in dict.fromkeys(own):
            usual_minor = line.price_minor if saved else 0
            made.append(
                replace(line, price_minor=line.price_minor - saved, quantity=own.count(saved), usual_minor=usual_minor)
            )
            owners.append(place)
    return tuple(made), tuple(owners)


def rejoined(
    lines: Sequence[CounterLine], whose: Sequence[int]
) -> tuple[tuple[CounterLine, ...], tuple[int, ...], tuple[int, ...]]:
    """Return goods at their usual prices, each thing of one shopper on one line; whose they are; what each line saves.

    What `price` took apart is whole again, in the order of its first part.
    """
    made: dict[tuple[object, ...], tuple[CounterLine, int, int]] = {}
    for line, place in zip(lines, whose, strict=True):
        usual, saved = usual_of(line), saving_of([line])
        key = (place, line.listing_id, line.piece_id, usual, line.title)
        found = made.get(key)
        if found is None:
            made[key] = (replace(line, price_minor=usual, usual_minor=0), place, saved)
        else:
            whole = replace(found[0], quantity=found[0].quantity + line.quantity)
            made[key] = (whole, place, found[2] + saved)
    rows = list(made.values())
    return tuple(row[0] for row in rows), tuple(row[1] for row in rows), tuple(row[2] for row in rows)
