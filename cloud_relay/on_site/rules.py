"""Who in a shop would reach a promotion together, and how long somebody counts as being there. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations

from wire.promotions import Brought, Promotion, PromotionKind, counts, missing, savings

VISIT = timedelta(hours=2)
"""From the last scan: longer than nearly any walk through a shop, short enough that nobody who went home is counted."""
PEOPLE_MAX = 12
"""Searched exactly: 2,048 sets at most; more people do not stand at one till together."""
PIECES_MAX = 20
"""In one shopper's hands: a basket that one person carries to a till."""


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody who is in the shop, by the random name of their visit, with each piece that they hold."""

    person_id: str
    items: tuple[Brought, ...]


def weight(promotion: Promotion, items: Sequence[Brought]) -> int:
    """Return what these pieces of one person count towards the promotion, in its own figure."""
    counted = [item for item in items if counts(promotion, item)]
    if promotion.kind is PromotionKind.SPEND_OVER:
        return sum(item.price_minor for item in counted)
    return len(counted) if promotion.kind is PromotionKind.N_FOR else min(1, len(counted))


def needed(promotion: Promotion) -> int:
    """Return how much of that figure the promotion asks for."""
    return promotion.threshold_minor if promotion.kind is PromotionKind.SPEND_OVER else promotion.count


def is_short(promotion: Promotion, one: Present) -> bool:
    """Tell whether somebody holds goods of the promotion and does not reach it alone."""
    return weight(promotion, one.items) > 0 and not missing(promotion, one.items).is_nothing


def choose(
    promotion: Promotion, own: Present, others: Sequence[Present], apart: frozenset[frozenset[str]] = frozenset()
) -> tuple[Present, ...]:
    """Return the fewest people who reach the promotion together, `own` first; nothing when nobody's help is enough.

    Of equally many, those who save most; then by person id. `apart` are pairs (of person ids) who muted one another:
    never in one set. Exact among the 11 others who bring most.
    """
    if not is_short(promotion, own):
        return ()
    weights = {one.person_id: weight(promotion, one.items) for one in others}
    able = sorted(
        (one for one in others if weights[one.person_id]), key=lambda one: (-weights[one.person_id], one.person_id)
    )
    able = able[: PEOPLE_MAX - 1]
    lacking = needed(promotion) - weight(promotion, own.items)
    for size in range(1, len(able) + 1):
        if sum(weights[one.person_id] for one in able[:size]) < lacking:
            continue  # not even those who bring most
        reaching = [
            (own, *some)
            for some in combinations(able, size)
            if sum(weights[one.person_id] for one in some) >= lacking and not _holds(apart, (own, *some))
        ]
        if reaching:
            return min(reaching, key=lambda some: (-_saving(promotion, some), [one.person_id for one in some[1:]]))
    return ()


def _holds(apart: frozenset[frozenset[str]], some: Sequence[Present]) -> bool:
    return any(frozenset((a.person_id, b.person_id)) in apart for a, b in combinations(some, 2)) if apart else False


def _saving(promotion: Promotion, some: Sequence[Present]) -> int:
    return sum(savings(promotion, [item for one in some for item in one.items]))


@dataclass(frozen=True, slots=True)
class Share:
    """What somebody pays for the pieces of theirs that count, and how much less that is than usual; minor units."""

    person_id: str
    share_minor: int
    saving_minor: int


def shares(promotion: Promotion, some: Sequence[Present]) -> list[Share]:
    """Return what each would pay for the goods of the promotion, as the till shares it out.

    Of equal remainders the till gives the unit to the piece scanned first, so a share may differ by one unit there.
    """
    items = [(one.person_id, item) for one in some for item in one.items if counts(promotion, item)]
    each = savings(promotion, [item for _, item in items])
    found = []
    for one in some:
        own = [(item, part) for (person_id, item), part in zip(items, each, strict=True) if person_id == one.person_id]
        saved = sum(part for _, part in own)
        found.append(Share(one.person_id, sum(item.price_minor for item, _ in own) - saved, saved))
    return found
