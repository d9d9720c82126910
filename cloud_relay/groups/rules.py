"""A group order without a database: what ends it, how long it may wait, how far it is, what each one pays. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from cloud_relay.refusals import RefusedError
from wire.promotions import Brought, Promotion, PromotionKind, missing, savings


class GroupState(StrEnum):
    """Where a group order is."""

    OPEN = "open"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class GroupEvent(StrEnum):
    """What ends a group order; it stands as its `end_reason`."""

    REACHED = "reached"
    """The paid pledges brought all that the promotion asks for."""
    PAID_AT_COUNTER = "paid_at_counter"
    DUE = "due"
    ALL_LEFT = "all_left"


class Place(StrEnum):
    """Where its members pay: each by a pledge, or together at the shop's counter."""

    ONLINE = "online"
    ON_SITE = "on_site"


CLOSE_S = 24 * 3600
CLOSE_S_MIN, CLOSE_S_MAX = 3600, 7 * 24 * 3600
"""Less than an hour nobody can answer in; for more than a week nobody's money is kept for others to decide."""
ON_SITE_S = 2 * 3600
"""As long as a visit is taken to last."""
NEARLY_S = 3600
"""So long before the deadline those who wait are told; a group that is shorter is told at once by its page alone."""
MEMBERS_MAX = 50
"""The largest count that a promotion may ask for; more in one chat nobody reads."""
PLEDGES_MAX = 10
"""Of one person in one group: more is a purchase for resale, and would keep a shop's stock from all others."""
OPEN_GROUPS_MAX = 20
"""Open groups that one person is in at a time; each may take stock away for a week."""
TEXT_LENGTH_MAX, TEXT_LINES_MAX = 1000, 20
MESSAGES_MAX = 1000

S, E = GroupState, GroupEvent
TABLE: dict[tuple[GroupState, GroupEvent], GroupState] = {
    (S.OPEN, E.REACHED): S.SUCCEEDED,
    (S.OPEN, E.PAID_AT_COUNTER): S.SUCCEEDED,
    (S.OPEN, E.DUE): S.FAILED,
    (S.OPEN, E.ALL_LEFT): S.FAILED,
    # The shop's word may come late, its link was down: they have paid together all the same.
    (S.FAILED, E.PAID_AT_COUNTER): S.SUCCEEDED,
}
"""Each pair that is not here leaves the group as it is: it ended already."""


def step(state: GroupState, event: GroupEvent) -> GroupState:
    """Return the group's state after `event`; the same one when it ended already."""
    return TABLE.get((state, event), state)


def is_open(state: str, close_until: datetime, now: datetime) -> bool:
    """Tell whether a group still takes members and money at `now`: up to, not including, its deadline."""
    return state == GroupState.OPEN and now < close_until


def closing(now: datetime, close_after_s: int, promotion_until: datetime) -> datetime:
    """Return a new group's deadline, never beyond the promotion's end; RefusedError for a wait that is not offered."""
    if not CLOSE_S_MIN <= close_after_s <= CLOSE_S_MAX:
        raise RefusedError(
            "bad_deadline", "Choose a deadline of 1 hour to 7 days", "请选择 1 小时至 7 天的截止时间", 422
        )
    return min(now + timedelta(seconds=close_after_s), promotion_until)


def agreed_minor(promotion: Promotion, usual_minor: int) -> int:
    """Return what one piece is paid with at first: the group price where there is one, else the whole usual price."""
    if promotion.kind is PromotionKind.GROUP_PRICE:
        return min(usual_minor, promotion.price_minor)
    return usual_minor


def estimate(promotion: Promotion, items: Sequence[Brought], new: Brought) -> tuple[int, bool]:
    """Return what a piece saves once the group is complete, and whether that is certain already.

    It is where this very piece completes the group, and for a group price. Else it is what comes out if nothing more
    is brought than the promotion asks for, by pieces like this one.
    """
    after = [*items, new]
    if promotion.kind is PromotionKind.GROUP_PRICE:
        return max(0, new.price_minor - promotion.price_minor), True
    if missing(promotion, after).is_nothing:
        return savings(promotion, after)[-1], True
    if promotion.kind is PromotionKind.N_FOR:
        return savings(promotion, [*after, *[new] * (promotion.count - len(after))])[-1], False
    return min(new.price_minor - 1, promotion.saving_minor * new.price_minor // promotion.threshold_minor), False
