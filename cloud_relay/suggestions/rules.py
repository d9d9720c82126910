"""Who could order together and what it brings: from wants and a promotion's goods to the best group. Pure."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from heapq import nlargest
from itertools import combinations
from typing import NamedTuple

from wire.promotions import Brought, Promotion, PromotionKind, savings, together_minor

PEOPLE_MIN, PEOPLE_MAX = 2, 12
"""Alone nobody orders together; among more than twelve strangers nobody answers in time."""
WEEKLY_MAX = 3
"""Suggestions to one person in WEEK: more of them are advertising, and nobody reads the fourth."""
WEEK = timedelta(days=7)
AGAIN_DAYS = 180
"""What was bought half a year ago is used up, or never will be."""
OPEN_FOR = timedelta(days=3)
"""So long one may answer: over a weekend, and not so long that the others have bought elsewhere."""
SLACK_MINOR = PEOPLE_MAX + 1
"""What rounding can move between the people of a group, in minor units."""


class WantKind(StrEnum):
    """Where it is known from that somebody looks for goods."""

    WISH = "wish"
    PURCHASE = "purchase"


class Cause(StrEnum):
    """What made the relay look for a suggestion."""

    PURCHASE = "purchase"
    RECORD = "record"
    """Their wishes, area or consent changed."""
    PROMOTION = "promotion"


BOUGHT = WantKind.PURCHASE.value


class Want(NamedTuple):
    """One thing that a shopper looks for; a tuple, because thousands of them are gone through for one suggestion.

    `goods_key` is the category, or of goods without one `=` and the listing. A wish names a listing or a category and
    the most that is paid for it. A purchase is of a listing: that one again at any price, another one of its category
    for no more than was paid.
    """

    account_id: str
    source_id: str
    kind: str
    goods_key: str
    listing_id: str
    most_minor: int
    currency: str


class Good(NamedTuple):
    """One listing of a promotion: its price now, and how many are free."""

    listing_id: str
    goods_key: str
    price_minor: int
    free: int


class Pick(NamedTuple):
    """What somebody would bring to a group: a listing at its price, and the most they pay (None: whatever it costs)."""

    price_minor: int
    listing_id: str
    most_minor: int | None

    @property
    def is_sure(self) -> bool:
        """Whether it is within their means without any saving."""
        return self.most_minor is None or self.price_minor <= self.most_minor


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be in a group, with what they bring; `free` is how many of that listing are left."""

    account_id: str
    pick: Pick
    free: int


@dataclass(frozen=True, slots=True)
class Found:
    """The best group: who is in it, and what each of them saves."""

    people: tuple[Candidate, ...]
    savings_minor: tuple[int, ...]

    @property
    def saving_minor(self) -> int:
        """What the group saves together."""
        return sum(self.savings_minor)


def category_of_key(goods_key: str) -> str:
    """Return the category that a key stands for, empty for one listing's own key."""
    return "" if goods_key.startswith("=") else goods_key


def key_of(category: str, listing_id: str) -> str:
    """Return the key under which goods are found."""
    return category or f"={listing_id}"


def area_key(country: str | None, area: str) -> str:
    """Return a shopper's area as it is compared, empty for who did not say where they are."""
    return f"{country or ''}/{' '.join(area.split()).casefold()}" if area.strip() else ""


class Goods:
    """A promotion's goods, prepared for many wants: thousands are gone through for one purchase."""

    def __init__(self, promotion: Promotion, goods: Iterable[Good]) -> None:
        self.promotion = promotion
        self.by_id = {one.listing_id: one for one in goods if one.free > 0 and one.price_minor > 0}
        self._is_group_price = promotion.kind is PromotionKind.GROUP_PRICE
        self._dearest = max((one.price_minor for one in self.by_id.values()), default=0)
        self._leasts = {one.listing_id: self._least(one.price_minor) for one in self.by_id.values()}
        self._by_key: dict[str, list[Good]] = {}
        for one in sorted(self.by_id.values(), key=lambda good: (good.price_minor, good.listing_id)):
            self._by_key.setdefault(one.goods_key, []).append(one)
        self._prices = {key: [one.price_minor for one in some] for key, some in self._by_key.items()}

    @property
    def keys(self) -> Collection[str]:
        """Under which keys wants for these goods are found."""
        return self._by_key.keys()

    def pick(self, want: Want) -> Pick | None:
        """Return what this want would bring, or None.

        Of its category it is the dearest that is within its means, else the cheapest if a group's saving could bring
        it within them. At a group price, which is known before, it is the dearest if that price is within them.
        """
        return self.picks([want]).get(want.account_id)

    def picks(self, wants: Iterable[Want]) -> dict[str, Pick]:
        """Return what each account would bring: of several picks the dearest sure one, else the cheapest."""
        found: dict[str, Pick] = {}
        by_id, by_key, prices_of, is_group_price = self.by_id, self._by_key, self._prices, self._is_group_price
        for account_id, _, kind, key, listing_id, budget, currency in wants:
            if currency != self.promotion.currency:
                continue
            most: int | None = budget
            good = by_id.get(listing_id)
            if good is not None:
                most = None if kind == BOUGHT else budget
            else:
                prices = prices_of.get(key)
                if prices is None or key[0] == "=" or (listing_id and kind != BOUGHT):
                    continue
                good = by_key[key][-1 if is_group_price else max(0, bisect_right(prices, budget) - 1)]
            least = self._leasts[good.listing_id]
            if least < good.price_minor and (most is None or least <= most):
                pick = Pick(good.price_minor, good.listing_id, None if is_group_price else most)
                other = found.get(account_id)
                found[account_id] = pick if other is None else _better(pick, other)
        return found

    def _least(self, price_minor: int) -> int:
        """Return a bound below what a piece of this price can cost in any group."""
        own = self.promotion
        if own.kind is PromotionKind.GROUP_PRICE:
            return min(price_minor, own.price_minor)
        if own.kind is PromotionKind.SPEND_OVER:
            saving, whole = own.saving_minor, max(1, own.threshold_minor)
        else:
            whole = max(1, own.count * self._dearest)
            saving = max(0, whole - own.price_minor)
        return max(0, price_minor - price_minor * saving // whole - SLACK_MINOR)


def _better(one: Pick, other: Pick) -> Pick:
    if one == other:
        return one
    if one.listing_id == other.listing_id:
        mosts = (one.most_minor, other.most_minor)
        most = None if None in mosts else max(value for value in mosts if value is not None)
        return one._replace(most_minor=most)
    return min(one, other, key=lambda pick: (
        not pick.is_sure, -pick.price_minor if pick.is_sure else pick.price_minor, pick.listing_id,
    ))  # fmt: skip


def supports(want: Want, good: Good, pays_minor: int) -> bool:
    """Tell whether a want is a true reason to bring this listing at the price that is paid in the end."""
    if want.listing_id == good.listing_id:
        return want.kind == WantKind.PURCHASE or pays_minor <= want.most_minor
    if want.listing_id and want.kind == WantKind.WISH:
        return False
    is_same = bool(category_of_key(want.goods_key)) and want.goods_key == good.goods_key
    return is_same and pays_minor <= want.most_minor


def bound(promotion: Promotion, trigger_minor: int, others_minor: Iterable[int]) -> int:
    """Return a saving that no group with the trigger can pass: the dearest others, whatever anybody can pay.

    With the number of people fixed, no saving falls when a piece is replaced by a dearer one.
    """
    dearest = nlargest(PEOPLE_MAX - 1, others_minor)
    sizes = range(PEOPLE_MIN - 1, len(dearest) + 1)
    return max((together_minor(promotion, [trigger_minor, *dearest[:size]]) for size in sizes), default=0)


def best_group(
    promotion: Promotion, trigger: Candidate, others: Sequence[Candidate], apart: Collection[frozenset[str]]
) -> Found | None:
    """Return the group with the trigger that saves most; of equal ones the smallest, then the lowest ids.

    A group is feasible when everybody saves something, nobody pays more than they would, each listing has a free piece
    for each of them, and nobody in it is `apart` from another. With at most PEOPLE_MAX people every set is looked at.
    Of more, two choices are: the dearest who need no saving to afford it, and the dearest of all.
    """
    if len(others) < PEOPLE_MAX:
        return _exact(promotion, trigger, others, apart)
    sure = [one for one in others if one.pick.is_sure]
    found = [_exact(promotion, trigger, _dearest(trigger, some), apart) for some in (sure, others)]
    return min((one for one in found if one is not None), key=_order, default=None)


def _order(found: Found) -> tuple[int, int, list[str]]:
    return -found.saving_minor, len(found.people), sorted(one.account_id for one in found.people)


def _dearest(trigger: Candidate, others: Sequence[Candidate]) -> list[Candidate]:
    """Return the dearest ones, no more of a listing than there are pieces of it."""
    chosen: list[Candidate] = []
    taken = {trigger.pick.listing_id: 1}
    for one in sorted(others, key=lambda other: (-other.pick.price_minor, other.account_id)):
        listing_id = one.pick.listing_id
        if len(chosen) < PEOPLE_MAX - 1 and taken.get(listing_id, 0) < one.free:
            taken[listing_id] = taken.get(listing_id, 0) + 1
            chosen.append(one)
    return chosen


def _exact(
    promotion: Promotion, trigger: Candidate, others: Sequence[Candidate], apart: Collection[frozenset[str]]
) -> Found | None:
    """Look at every set that could still be the best: sizes by what they can save at most, in each the lowest ids."""
    dearest = sorted((one.pick.price_minor for one in others), reverse=True)
    sizes = []
    for size in range(PEOPLE_MIN, len(others) + 2):
        most = together_minor(promotion, [trigger.pick.price_minor, *dearest[: size - 1]])
        sizes += [(-most, size)] if most > 0 else []
    best: Found | None = None
    for negative, size in sorted(sizes):
        if best is not None and (negative, size) >= (-best.saving_minor, len(best.people)):
            break
        found = _of_size(promotion, trigger, others, apart, size, -negative)
        if found is not None and (best is None or _order(found) < _order(best)):
            best = found
    return best


def _of_size(
    promotion: Promotion, trigger: Candidate, others: Sequence[Candidate], apart: Collection[frozenset[str]],
    size: int, most: int,
) -> Found | None:  # fmt: skip
    """Return the best feasible group of one size; `most` is what such a group can save."""
    lesser: list[tuple[int, tuple[Candidate, ...]]] = []
    for rest in combinations(sorted(others, key=lambda one: one.account_id), size - 1):
        saving = together_minor(promotion, [trigger.pick.price_minor, *(one.pick.price_minor for one in rest)])
        if saving < most:
            lesser.append((saving, rest))
        elif (found := _proved(promotion, (trigger, *rest), apart, saving)) is not None:
            return found
    lesser.sort(key=lambda one: -one[0])  # stable: of equal savings the lowest ids stay first
    groups = (_proved(promotion, (trigger, *rest), apart, saving) for saving, rest in lesser if saving > 0)
    return next((found for found in groups if found is not None), None)


def _proved(
    promotion: Promotion, group: Sequence[Candidate], apart: Collection[frozenset[str]], saving_minor: int
) -> Found | None:
    if promotion.kind is PromotionKind.GROUP_PRICE or _may_be_feasible(group, saving_minor):
        return feasible(promotion, group, apart)
    return None


def _may_be_feasible(group: Sequence[Candidate], saving_minor: int) -> bool:
    """Tell quickly whether nobody pays far too much, where a saving is shared out by price, give or take rounding."""
    whole = sum(one.pick.price_minor for one in group)
    for one in group:
        price, most = one.pick.price_minor, one.pick.most_minor
        if most is not None and price > most and price - saving_minor * price // whole - SLACK_MINOR > most:
            return False
    return True


def feasible(
    promotion: Promotion, group: Sequence[Candidate], apart: Collection[frozenset[str]]
) -> Found | None:  # fmt: skip
    """Return the group with what each saves, or None when it may not be (see best_group)."""
    people = tuple(sorted(group, key=lambda one: one.account_id))
    if any(pair <= {one.account_id for one in people} for pair in apart):
        return None
    for one in people:
        if sum(other.pick.listing_id == one.pick.listing_id for other in people) > one.free:
            return None
    brought = [
        Brought(person=one.account_id, listing_id=one.pick.listing_id, price_minor=one.pick.price_minor)
        for one in people
    ]
    each = savings(promotion, brought)
    for one, saving in zip(people, each, strict=True):
        most = one.pick.most_minor
        if saving <= 0 or (most is not None and one.pick.price_minor - saving > most):
            return None
    return Found(people, tuple(each))


class State(StrEnum):
    """Where a suggestion is."""

    OPEN = "open"
    DONE = "done"
    """Everybody answered, and there is a group."""
    OVER = "over"
    """Its time ended."""
    OFF = "off"
    """Too few are left, or somebody took their yes back."""


class Event(StrEnum):
    """What moves a suggestion."""

    ALL_ANSWERED = "all_answered"
    DUE = "due"
    TOO_FEW = "too_few"


TABLE: dict[tuple[State, Event], State] = {
    (State.OPEN, Event.ALL_ANSWERED): State.DONE,
    (State.OPEN, Event.DUE): State.OVER,
    (State.OPEN, Event.TOO_FEW): State.OFF,
}
"""Each pair that is not here leaves the suggestion as it is: it ended already."""


def step(state: State, event: Event) -> State:
    """Return the suggestion's state after `event`."""
    return TABLE.get((state, event), state)


def closing(now: datetime, promotion_until: datetime, wished_until: Iterable[datetime]) -> datetime:
    """Return until when a suggestion may be answered: never longer than its promotion and its wishes hold."""
    return min([now + OPEN_FOR, promotion_until, *wished_until])


def is_open(state: str, open_until: datetime, now: datetime) -> bool:
    """Tell whether a suggestion can be answered at `now`: up to, not including, its end."""
    return state == State.OPEN and now < open_until
