"""The table of a talk, what each side sees of it, and nicknames: every pair and every boundary."""

from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_relay.owners import nicknames, rules
from cloud_relay.owners.rules import Deed, Seen, State

MOMENT = timedelta(milliseconds=1)
START = datetime(2030, 1, 1, 9, tzinfo=UTC)
BY_ASKED = (Deed.DECLINE, Deed.END_BY_ASKED, Deed.FORGET_ASKED)


@pytest.mark.parametrize(("state", "deed"), list(product(State, Deed)))
def test_every_pair(state, deed):
    after = rules.step(state, deed)
    if state is State.ENDED:
        assert after in (None, State.ENDED), "what is over stays over"
    if deed in (Deed.END_BY_ASKER, Deed.FORGET_ASKER):
        assert after is State.ENDED, "who asked may always leave"
    if deed in BY_ASKED and state in (State.ASKED, State.DECLINED):
        assert after is State.DECLINED, "before an answer, leaving is a no"
    if deed is Deed.FORGET_ASKED and state is State.OPEN:
        assert after is State.ENDED
    if deed is Deed.WRITE:
        assert after is (State.OPEN if state is State.OPEN else None)
    if deed is Deed.ANSWER and state in (State.DECLINED, State.ENDED):
        assert after is None


@given(st.integers(-10 * 86_400_000, 10 * 86_400_000))
def test_a_no_looks_like_silence_at_every_moment(ms):
    now = START + timedelta(milliseconds=ms)
    assert rules.seen_by_asker(State.DECLINED, START, now) is rules.seen_by_asker(State.ASKED, START, now)


@pytest.mark.parametrize(
    ("more", "seen"), [(-MOMENT, Seen.WAITING), (0 * MOMENT, Seen.NO_ANSWER), (MOMENT, Seen.NO_ANSWER)]
)
def test_a_question_waits_three_days(more, seen):
    now = START + timedelta(days=3) + more
    assert rules.seen_by_asker(State.ASKED, START, now) is seen
    assert rules.seen_by_asked(State.ASKED, START, now) is seen
    assert rules.seen_by_asked(State.DECLINED, START, now) is Seen.DECLINED
    assert rules.seen_by_asker(State.OPEN, START, now) is Seen.OPEN
    assert rules.seen_by_asker(State.ENDED, START, now) is Seen.ENDED


@pytest.mark.parametrize(("count", "enough"), [(0, False), (2, False), (3, True), (4, True)])
def test_nobody_is_singled_out(count, enough):
    assert rules.is_enough(count) is enough


def test_a_day_is_a_utc_day():
    midnight = datetime(2030, 1, 2, tzinfo=UTC)
    assert [rules.day_of(midnight + more) for more in (-MOMENT, 0 * MOMENT)] == [midnight - timedelta(days=1), midnight]
    assert [rules.day_end(midnight + more) - midnight for more in (-MOMENT, 0 * MOMENT)] == [
        timedelta(0), timedelta(days=1)
    ]  # fmt: skip


@given(st.integers(0, 2**32), st.integers(0, rules.LISTED_MAX))
def test_nicknames_of_a_list_are_never_mistaken_for_one_another(seed, count):
    drawn = nicknames.draw(Random(seed), count)
    taken = drawn[0] if drawn else nicknames.Nickname("Calm Lark", "从容的百灵")
    assert nicknames.another(Random(seed), taken).en.split()[1] != taken.en.split()[1]
    assert len({one.en.rsplit(" ", 1)[1] for one in drawn}) == len({one.zh for one in drawn}) == count
