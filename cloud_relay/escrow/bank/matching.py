"""What an incoming transfer is for an order: exactly its money, too little, too much, once more. Pure."""

from enum import StrEnum


class Fit(StrEnum):
    """How an amount with a known reference fits what is expected under it."""

    EXACT = "exact"
    SURPLUS = "surplus"
    SHORT = "short"
    DOUBLED = "doubled"


class EntryState(StrEnum):
    """What became of an entry of a statement. WAITING ones are a person's to decide."""

    MATCHED = "matched"
    SHORT = "short"
    SURPLUS = "surplus"
    DOUBLED = "doubled"
    UNKNOWN = "unknown"
    CAME_BACK = "came_back"
    UNEXPLAINED = "unexplained"
    GOING_BACK = "going_back"
    SENT_BACK = "sent_back"
    KEPT = "kept"
    CREDITED = "credited"
    SEEN = "seen"
    REPEATED = "repeated"
    SAME = "same"


WAITING = frozenset({
    EntryState.SHORT, EntryState.SURPLUS, EntryState.DOUBLED, EntryState.UNKNOWN, EntryState.CAME_BACK,
    EntryState.UNEXPLAINED, EntryState.REPEATED,
})  # fmt: skip
NOT_BOOKED = frozenset({EntryState.REPEATED, EntryState.SAME})
"""Another import shows the same money, or seems to: it is not counted unless a person says that it is more."""


def fit(expected_minor: int, so_far_minor: int, amount_minor: int, *, is_settled: bool) -> tuple[Fit, int]:
    """Return how an amount fits and what of it is too much; `so_far_minor` came short under the same reference.

    Nothing settles an order but its whole amount; what is beyond it never belongs to the order.
    """
    if is_settled:
        return Fit.DOUBLED, amount_minor
    total = so_far_minor + amount_minor
    if total < expected_minor:
        return Fit.SHORT, 0
    return (Fit.EXACT, 0) if total == expected_minor else (Fit.SURPLUS, total - expected_minor)
