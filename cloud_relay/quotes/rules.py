"""Who is told of a quote request, how long it and its quotes hold, and which of them may be accepted. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cloud_relay.catalog.words import query_words
from cloud_relay.refusals import RefusedError
from wire.values import BadValueError

OPEN_REQUESTS_MAX = 5
"""Of one shopper: each is told to many merchants, and nobody compares the answers to more at a time."""
QUOTES_MAX = 3
"""Standing quotes of one merchant to one request: a small, a middle and a large choice; more is a catalogue."""
MATCHES_MAX = 50
"""Merchants told of one request, those that fit best: more answers than that nobody reads."""
TITLE_LENGTH_MAX, DETAIL_LENGTH_MAX, NOTE_LENGTH_MAX = 100, 1000, 500
"""A title is read in a list; detail and note are a screen of text on a phone."""
TEXT_LINES_MAX = 20
QUANTITY_MAX = 10
"""Pieces of one quote: each becomes an order with its own parcel and hold, in one transaction."""
AMOUNT_MINOR_MAX = 10**10
PICTURES_MAX = 4
"""Of one request: what it should look like from two sides, a mark, a size. More is a talk."""
CLIP_S_MAX = 20
"""Once around a piece in the hand; whoever wants more looks live."""
CLIP_BYTES_MAX = 12 * 1024 * 1024
"""20 seconds at 5 Mbit/s, as phones record 720p; as much as any upload may bring ([limits] upload_bytes_max)."""
CLIPS_MAX = 30
"""Of one merchant, for quotes that stand: 360 MB of the database at the most, and more open talks than a shop keeps."""
OPEN_MIN, OPEN_MAX = timedelta(hours=1), timedelta(days=30)
"""A merchant must have time to read it, and a price of more than a month ago binds nobody in earnest."""

STOP_WORDS = frozenset({
    "a", "an", "and", "any", "buy", "can", "for", "from", "gift", "good", "i", "in", "is", "it", "like", "looking",
    "me", "my", "need", "new", "nice", "of", "old", "on", "one", "or", "please", "set", "small", "some", "something",
    "that", "the", "this", "to", "very", "want", "wanted", "which", "with", "would",
})  # fmt: skip
STOP_SIGNS = frozenset("的了吗呢把个只件套我想要找买有没能可以请给送很一二两三或和与在是这那")
"""Words that say nothing of the goods: English ones as the index stems them, Chinese signs of grammar and counting."""


class QuoteRequestState(StrEnum):
    """Where a quote request is; it expires by itself, without anybody writing it."""

    OPEN = "open"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class QuoteRequestEvent(StrEnum):
    """What happens to a quote request."""

    QUOTE = "quote"
    ACCEPT = "accept"
    WITHDRAW = "withdraw"


class QuoteState(StrEnum):
    """Where a quote is: it follows from its own row and its request's."""

    OPEN = "open"
    ACCEPTED = "accepted"
    LOST = "lost"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


S, E = QuoteRequestState, QuoteRequestEvent

TABLE: dict[tuple[QuoteRequestState, QuoteRequestEvent], QuoteRequestState] = {
    (S.OPEN, E.QUOTE): S.OPEN,
    (S.OPEN, E.ACCEPT): S.ACCEPTED,
    (S.OPEN, E.WITHDRAW): S.WITHDRAWN,
    (S.WITHDRAWN, E.WITHDRAW): S.WITHDRAWN,
}
"""(state, event) → state; every other pair is refused. Each pair is decided by the tests' full product."""

REFUSALS: dict[QuoteRequestState, tuple[str, str, str]] = {
    S.ACCEPTED: ("quote_accepted_already", "A quote was accepted for this already", "此需求已接受过报价"),
    S.WITHDRAWN: ("quote_request_withdrawn", "This request was withdrawn", "此需求已撤回"),
    S.EXPIRED: ("quote_request_expired", "The time for this request is over", "此需求已过期"),
}


def state_at(state: str, open_until: datetime, now: datetime) -> QuoteRequestState:
    """Return where a request is at `now`: open up to, not including, its last moment."""
    found = QuoteRequestState(state)
    return S.EXPIRED if found is S.OPEN and now >= open_until else found


def step(state: QuoteRequestState, event: QuoteRequestEvent) -> QuoteRequestState:
    """Return the state after `event`; RefusedError with the sentence for the person when it may not happen."""
    after = TABLE.get((state, event))
    if after is None:
        raise refusal(state)
    return after


def refusal(state: QuoteRequestState) -> RefusedError:
    """Return why nothing more happens to a request that is over."""
    return RefusedError(*REFUSALS[state])


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteView:
    """What the rules must know of a quote and of its request."""

    quote_id: str
    quoted_until: datetime
    is_withdrawn: bool
    request: QuoteRequestState
    accepted_quote_id: str | None = None


def quote_state(view: QuoteView, now: datetime) -> QuoteState:
    """Return where a quote is at `now`; what was accepted stays so, whatever its last moment was."""
    if view.accepted_quote_id == view.quote_id:
        return QuoteState.ACCEPTED
    if view.is_withdrawn:
        return QuoteState.WITHDRAWN
    if view.request is S.ACCEPTED:
        return QuoteState.LOST
    if view.request is not S.OPEN:
        return QuoteState.ENDED
    return QuoteState.EXPIRED if now >= view.quoted_until else QuoteState.OPEN


def check_acceptable(*, is_withdrawn: bool, quoted_until: datetime, now: datetime) -> None:
    """Raise RefusedError for a quote that binds nobody any more; which one was accepted the request's row says."""
    if is_withdrawn:
        raise RefusedError("quote_withdrawn", "The shop took this quote back", "商家已撤回此报价")
    if now >= quoted_until:
        raise RefusedError("quote_expired", "This quote has expired", "此报价已过期")


def check_until(until: datetime, now: datetime, name: str) -> None:
    """Raise BadValueError unless a last moment is at least an hour and at most 30 days away."""
    if not OPEN_MIN <= until - now <= OPEN_MAX:
        raise BadValueError(
            f"{name}: between 1 hour and {OPEN_MAX.days} days from now / 须在 1 小时至 {OPEN_MAX.days} 天内"
        )


def check_amount(amount_minor: int, name: str) -> None:
    """Raise BadValueError for what is no price."""
    if type(amount_minor) is not int or not 0 < amount_minor <= AMOUNT_MINOR_MAX:
        raise BadValueError(f"{name}: from 1 to {AMOUNT_MINOR_MAX} minor units / 金额不正确")


def telling_words(text: str) -> list[str]:
    """Return the words of a request that tell which goods are meant: no stop words, no short numbers.

    Of Chinese these are pairs of neighbouring signs, none of them a sign of grammar or counting.
    """
    return [word for word in query_words(text) if _tells(word)]


def _tells(word: str) -> bool:
    if word.isascii():
        is_number = word.isdigit() and len(word) <= 2
        return word not in STOP_WORDS and len(word) > 1 and not is_number
    return not STOP_SIGNS.intersection(word)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A listing that has words of the request: whose it is, its currency, and whether its shop sends to the country."""

    merchant_id: str
    listing_id: str
    currency: str
    sends_there: bool
    shared_words: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A merchant who is told, and how many words of the request their best listing has."""

    merchant_id: str
    shared_words: int


def matches(candidates: Iterable[Candidate], currency: str, own_merchant_ids: Iterable[str]) -> list[Match]:
    """Return who is told of a request, the best first; at most MATCHES_MAX.

    The rule: a merchant with a published listing that has at least one telling word of the title in its title,
    description or attributes, sold in the request's currency by a shop that sends to its country; never a merchant
    whom the shopper belongs to. Among equals the order of ids decides, so that the same world gives the same answer.
    """
    own, best = frozenset(own_merchant_ids), dict[str, int]()
    for one in candidates:
        if one.currency == currency and one.sends_there and one.shared_words > 0 and one.merchant_id not in own:
            best[one.merchant_id] = max(best.get(one.merchant_id, 0), one.shared_words)
    ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))
    return [Match(merchant_id=name, shared_words=count) for name, count in ranked[:MATCHES_MAX]]


def shown_prices(prices: Sequence[int], *, is_sealed: bool) -> list[int] | None:
    """Return what a merchant sees of the others' quotes: their prices without names, lowest first; None if sealed."""
    return None if is_sealed else sorted(prices)
