"""The rebate queue without a database: what feeds the pot, whom it pays and up to what, what may be withdrawn. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cloud_relay.escrow.rules import PPM
from cloud_relay.refusals import RefusedError

FEED_PPM_MAX = 500_000
"""Half a commission at most: the market keeps what its own work costs, and a refund of its share is covered."""
CAP_PPM_MAX = 500_000
"""Half the price at most: a rebate that comes near the price is no rebate any more (REQUIREMENTS, rule for E)."""
WAIT_S_MAX = 90 * 24 * 3600
"""A purchase that nobody brought back for a quarter of a year counts in any market."""
WITHDRAW_LEAST_MAX_MINOR = 10_000
"""The most that one withdrawal may be asked to have at least: a threshold, no lock."""
AMOUNT_MAX_MINOR = 10**9

Sale = TypeVar("Sale")


class RebateError(ValueError):
    """A step that the rule forbids: nothing is written. It is a bug or an attack, never a person's mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a market's operator stated: shares in parts per million, times in seconds, amounts in minor units.

    `feed_ppm` is the pot's share of a settled commission, `cap_ppm` the largest rebate of one purchase's price,
    `wait_s` how long a purchase rests before it counts. One withdrawal has at least `withdraw_min_minor`, all of a day
    together at most `withdraw_day_minor`.
    """

    is_on: bool = False
    feed_ppm: int = 200_000
    cap_ppm: int = 200_000
    wait_s: int = 7 * 24 * 3600
    withdraw_min_minor: int = 100
    withdraw_day_minor: int = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One ticket's place in the queue: whose it is, and how much of its cap it was paid."""

    ticket_id: str
    account_id: str
    queue_no: int
    cap_minor: int
    paid_minor: int


@dataclass(frozen=True, slots=True)
class Rebate:
    """So much of the pot goes to this ticket."""

    ticket_id: str
    account_id: str
    queue_no: int
    amount_minor: int


def check_terms(terms: Terms) -> Terms:
    """Return the terms when they are within the rule; RefusedError says which is not."""
    bounds = (
        ("feed_ppm", terms.feed_ppm, 1, FEED_PPM_MAX), ("cap_ppm", terms.cap_ppm, 1, CAP_PPM_MAX),
        ("wait_s", terms.wait_s, 0, WAIT_S_MAX),
        ("withdraw_min_minor", terms.withdraw_min_minor, 1, WITHDRAW_LEAST_MAX_MINOR),
        ("withdraw_day_minor", terms.withdraw_day_minor, terms.withdraw_min_minor, AMOUNT_MAX_MINOR),
    )  # fmt: skip
    for name, value, least, most in bounds:
        if not least <= value <= most:
            raise RefusedError(
                "bad_terms", f"{name} must be from {least} to {most}", f"{name} 须在 {least} 至 {most} 之间", 422
            )
    return terms


def cap_minor(price_minor: int, cap_ppm: int) -> int:
    """Return the most that one purchase is ever given back: its share of the price, rounded down, below the price."""
    if price_minor < 0 or not 0 < cap_ppm <= CAP_PPM_MAX:
        raise RebateError(f"cap: price {price_minor} or share {cap_ppm} out of range")
    return price_minor * cap_ppm // PPM


def feed_minor(commission_minor: int, feed_ppm: int) -> int:
    """Return what a settled commission puts into the pot, rounded down: never more than the commission."""
    if commission_minor < 0 or not 0 < feed_ppm <= FEED_PPM_MAX:
        raise RebateError(f"feed: commission {commission_minor} or share {feed_ppm} out of range")
    return commission_minor * feed_ppm // PPM


def share_out(pot_minor: int, queue: Sequence[Place]) -> list[Rebate]:
    """Return what the pot pays now: the first ticket up to its cap, then the next; in all never more than the pot.

    Nobody overtakes: a ticket that the pot does not fill ends it.
    """
    if pot_minor < 0:
        raise RebateError(f"pot: holds {pot_minor}")
    left, paid, last = pot_minor, [], 0
    for place in queue:
        open_minor = place.cap_minor - place.paid_minor
        if place.queue_no <= last or open_minor <= 0:
            raise RebateError(f"ticket {place.ticket_id}: out of turn, or paid in full")
        last = place.queue_no
        if left == 0:
            break
        amount = min(left, open_minor)
        paid.append(Rebate(place.ticket_id, place.account_id, place.queue_no, amount))
        left -= amount
    return paid


def oldest_owed(owed_minor: int, newest_first: Iterable[tuple[Sale, int]]) -> Sale | None:
    """Return the oldest of a merchant's counter sales of which the market's share is still owed; None when none is.

    What a merchant paid covers its oldest sales first; so what is owed now stands for the newest ones. The sales come
    with their shares and are taken only as far as the sum goes.
    """
    oldest, left = None, owed_minor
    if left > 0:
        for sale, share in newest_first:
            oldest, left = sale, left - share
            if left <= 0:
                break
    return oldest


def take_back(owed_minor: int, balance_minor: int) -> int:
    """Return what a rebate account gives back for tickets that were refunded after they were paid."""
    return max(0, min(owed_minor, balance_minor))


def check_withdrawal(amount_minor: int, balance_minor: int, withdrawn_minor: int, terms: Terms) -> None:
    """Raise RefusedError unless so much may be withdrawn now; `withdrawn_minor` left within the last day.

    A balance below the least may leave whole: no terms keep somebody's rest for ever.
    """
    if amount_minor > balance_minor:
        raise RefusedError(
            "not_that_much", "Your rebate account does not hold that much", "超出返利账户余额",
            available_minor=balance_minor,
        )  # fmt: skip
    if amount_minor < min(terms.withdraw_min_minor, balance_minor):
        raise RefusedError(
            "too_little", "That is less than one withdrawal must have", "低于单次最低提取金额", 422,
            least_minor=terms.withdraw_min_minor,
        )  # fmt: skip
    left = terms.withdraw_day_minor - withdrawn_minor
    if amount_minor > left:
        raise RefusedError(
            "day_limit", "That is more than may be withdrawn within a day; take less, or come back tomorrow",
            "超出每日提取上限，请减少金额或明天再来", left_minor=max(0, left),
        )  # fmt: skip


def proof_sha256(previous_sha256: str, facts: Mapping[str, Any], lines: Sequence[Rebate]) -> str:
    """Return the hash of one settlement, chained to the one before: none can be changed or left out unseen.

    SHA-256 over JSON with sorted keys and no spaces: {"facts", "lines": [[number, amount], …], "previous"}.
    """
    body = {"previous": previous_sha256, "facts": facts, "lines": [[one.queue_no, one.amount_minor] for one in lines]}
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
