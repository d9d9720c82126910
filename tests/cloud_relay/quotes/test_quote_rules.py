"""Quote requests without a database: every state with every event, every last moment at -1, 0, +1, who is told."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from cloud_relay.quotes import rules
from cloud_relay.quotes.rules import Candidate, Match, QuoteRequestEvent, QuoteRequestState, QuoteState, QuoteView
from cloud_relay.refusals import RefusedError
from wire.values import BadValueError

NOW = datetime(2030, 1, 1, 9, 0, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
S, E = QuoteRequestState, QuoteRequestEvent


@pytest.mark.parametrize(("state", "event"), list(product(S, E)))
def test_every_pair_is_decided(state, event):
    if state is S.OPEN or (state, event) == (S.WITHDRAWN, E.WITHDRAW):
        after = {E.QUOTE: S.OPEN, E.ACCEPT: S.ACCEPTED, E.WITHDRAW: S.WITHDRAWN}[event]
        assert rules.step(state, event) is after
        return
    with pytest.raises(RefusedError) as refused:
        rules.step(state, event)
    assert refused.value.text_en
    assert refused.value.text_zh


@pytest.mark.parametrize(("ahead", "state"), [(-MOMENT, S.EXPIRED), (timedelta(0), S.EXPIRED), (MOMENT, S.OPEN)])
def test_a_request_is_open_up_to_its_last_moment(ahead, state):
    assert rules.state_at("open", NOW + ahead, NOW) is state
    assert rules.state_at("accepted", NOW + ahead, NOW) is S.ACCEPTED


@pytest.mark.parametrize(
    ("ahead", "state"), [(-MOMENT, QuoteState.EXPIRED), (timedelta(0), QuoteState.EXPIRED), (MOMENT, QuoteState.OPEN)]
)
def test_a_quote_stands_up_to_its_last_moment(ahead, state):
    view = QuoteView(quote_id="q", quoted_until=NOW + ahead, is_withdrawn=False, request=S.OPEN)
    assert rules.quote_state(view, NOW) is state
    if state is QuoteState.OPEN:
        rules.check_acceptable(is_withdrawn=False, quoted_until=NOW + ahead, now=NOW)
        return
    with pytest.raises(RefusedError, match="quote_expired"):
        rules.check_acceptable(is_withdrawn=False, quoted_until=NOW + ahead, now=NOW)


@pytest.mark.parametrize(
    ("request_state", "accepted", "is_withdrawn", "state"),
    [
        (S.ACCEPTED, "q", False, QuoteState.ACCEPTED),
        (S.ACCEPTED, "other", False, QuoteState.LOST),
        (S.ACCEPTED, "other", True, QuoteState.WITHDRAWN),
        (S.WITHDRAWN, None, False, QuoteState.ENDED),
        (S.EXPIRED, None, False, QuoteState.ENDED),
        (S.OPEN, None, True, QuoteState.WITHDRAWN),
    ],
)
def test_a_quote_follows_its_request(request_state, accepted, is_withdrawn, state):
    view = QuoteView(
        quote_id="q", quoted_until=NOW, is_withdrawn=is_withdrawn, request=request_state, accepted_quote_id=accepted
    )
    assert rules.quote_state(view, NOW) is state


@pytest.mark.parametrize(
    ("ahead", "is_good"),
    [
        (rules.OPEN_MIN - MOMENT, False), (rules.OPEN_MIN, True), (rules.OPEN_MIN + MOMENT, True),
        (rules.OPEN_MAX - MOMENT, True), (rules.OPEN_MAX, True), (rules.OPEN_MAX + MOMENT, False),
    ],
)  # fmt: skip
def test_last_moments_are_bounded(ahead, is_good):
    if is_good:
        rules.check_until(NOW + ahead, NOW, "open_until")
        return
    with pytest.raises(BadValueError, match="open_until"):
        rules.check_until(NOW + ahead, NOW, "open_until")


@pytest.mark.parametrize(
    ("amount", "is_good"), [(0, False), (1, True), (rules.AMOUNT_MINOR_MAX, True), (rules.AMOUNT_MINOR_MAX + 1, False)]
)
def test_amounts_are_bounded(amount, is_good):
    if is_good:
        rules.check_amount(amount, "x")
        return
    with pytest.raises(BadValueError):
        rules.check_amount(amount, "x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Looking for a small teapot", ["teapot"]), ("I want one", []), ("想要一把紫砂茶壶", ["紫砂", "砂茶", "茶壶"]),
        ("找一个", []), ("2 blue bowls", ["blue", "bowl"]),
    ],
)  # fmt: skip
def test_words_that_tell_the_goods(text, words):
    assert rules.telling_words(text) == words


def candidate(merchant_id, shared_words=1, **values):
    defaults = {"listing_id": f"lis_{merchant_id}", "currency": "CNY", "sends_there": True}
    return Candidate(**{**defaults, **values, "merchant_id": merchant_id, "shared_words": shared_words})


def test_who_is_told():
    found = [
        candidate("b", 1), candidate("b", 3, listing_id="lis_2"), candidate("a", 1), candidate("c", 2),
        candidate("euro", 5, currency="EUR"), candidate("far", 5, sends_there=False), candidate("mine", 5),
        candidate("none", 0),
    ]  # fmt: skip
    told = rules.matches(found, "CNY", ["mine"])
    assert [(one.merchant_id, one.shared_words) for one in told] == [("b", 3), ("c", 2), ("a", 1)]


@pytest.mark.parametrize("count", [rules.MATCHES_MAX - 1, rules.MATCHES_MAX, rules.MATCHES_MAX + 1])
def test_no_more_are_told_than_anybody_reads(count):
    told = rules.matches([candidate(f"m{place:03}", place + 1) for place in range(count)], "CNY", [])
    assert len(told) == min(count, rules.MATCHES_MAX)
    assert told[0] == Match(merchant_id=f"m{count - 1:03}", shared_words=count)


def test_sealed_prices_are_shown_to_nobody():
    assert rules.shown_prices([3, 1], is_sealed=True) is None
    assert rules.shown_prices([3, 1], is_sealed=False) == [1, 3]
