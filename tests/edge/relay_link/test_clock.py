"""Relay time at the shop: from round trips, on the monotonic clock, unknown after the box slept or its clock jumped."""

from datetime import UTC, datetime, timedelta

import pytest

from edge.clock import JUMP_S, KEPT_S, ROUND_TRIP_S_MAX, Clock

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Hands:
    """A wall and a monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.wall_at, self.monotonic_s = NOON, 1000.0
        self.clock = Clock(lambda: self.wall_at, lambda: self.monotonic_s)

    def pass_time(self, seconds: float) -> None:
        self.wall_at += timedelta(seconds=seconds)
        self.monotonic_s += seconds

    def ask(self, relay_at: datetime, round_trip_s: float) -> bool:
        asked_s = self.monotonic_s
        self.pass_time(round_trip_s)
        return self.clock.learn(relay_at, asked_s)


@pytest.fixture
def hands() -> Hands:
    return Hands()


def test_relay_time_is_unknown_until_told_and_then_runs_on(hands):
    assert hands.clock.relay_now() is None and not hands.clock.is_synced
    assert hands.clock.now() == NOON, "a record gets the wall clock's time meanwhile"
    relay_at = NOON + timedelta(hours=3)
    assert hands.ask(relay_at, 0.2)
    assert hands.clock.relay_now() == relay_at + timedelta(seconds=0.1), "half the round trip has passed since"
    hands.pass_time(50)
    assert hands.clock.relay_now() == relay_at + timedelta(seconds=50.1)
    assert hands.clock.now() == hands.clock.relay_now()


@pytest.mark.parametrize("jump_s", [JUMP_S + 1, -JUMP_S - 1, 3600, -86400])
def test_a_jump_of_the_wall_clock_or_a_sleep_makes_it_unknown(hands, jump_s):
    hands.ask(NOON, 0.1)
    hands.wall_at += timedelta(seconds=jump_s)
    assert hands.clock.relay_now() is None
    hands.wall_at -= timedelta(seconds=jump_s)
    assert hands.clock.relay_now() is None, "what was learned before a jump counts no more"
    assert hands.ask(NOON, 0.1) and hands.clock.is_synced


def test_a_small_correction_of_the_wall_clock_changes_nothing(hands):
    hands.ask(NOON, 0.0)
    hands.wall_at += timedelta(seconds=JUMP_S - 1)
    assert hands.clock.relay_now() == NOON


def test_an_answer_that_took_too_long_is_of_no_use(hands):
    assert not hands.ask(NOON, ROUND_TRIP_S_MAX + 0.01)
    assert hands.ask(NOON, ROUND_TRIP_S_MAX)


def test_the_quicker_answer_stands_until_it_is_old(hands):
    hands.ask(NOON, 0.01)
    assert not hands.ask(NOON + timedelta(seconds=9), 0.5)
    hands.pass_time(KEPT_S)
    assert hands.ask(NOON, 0.5)
