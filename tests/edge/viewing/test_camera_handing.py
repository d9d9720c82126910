"""A turn that is handed over: only by who has it, only in its number, only to who is there; and nobody waits longer."""

import pytest

from edge.flows.camera_line import (
    SILENT_S,
    Beat,
    Handed,
    Left,
    Standing,
    StopMotion,
    TakenOver,
    TurnEnded,
    may_steer,
    turn_left_s,
    wait_s,
)
from tests.edge.viewing.turn_walk import TURN_S, Walk, asked


def handing():
    """s1 steers turn 1, s2 waits, s3 and a visitor watch."""
    walk = Walk()
    walk.do(asked("s1"), asked("s2"), asked("s3"), asked("v", account_id="", may_steer=False))
    return walk


def test_a_turn_is_handed_over_under_a_new_number_and_the_old_one_moves_nothing():
    walk = handing()
    effects = walk.do(Handed("s1", "s3", 1))
    assert effects[:2] == (StopMotion(), TurnEnded("s1", 1, "handed_over"))
    assert walk.steering == "s3"
    assert may_steer(walk.line, "s3", 2)
    assert not may_steer(walk.line, "s1", 1)
    assert not may_steer(walk.line, "s1", 2)
    assert not may_steer(walk.line, "s3", 1)
    assert walk.standing("s1") is Standing.WATCHING


def test_who_waits_loses_nothing_by_a_turn_that_is_handed_over():
    walk = handing()
    walk.beats("s1", "s2", "s3", seconds=60)
    wait_before = wait_s(walk.line, "s2", TURN_S, 0)
    walk.do(Handed("s1", "s3", 1))
    assert wait_s(walk.line, "s2", TURN_S, 0) == wait_before == TURN_S - 60
    walk.beats("s1", "s2", "s3", seconds=TURN_S - 60)
    assert walk.steering == "s2"


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (Handed("s1", "s3", 0), "an old turn number"),
        (Handed("s1", "s3", 2), "a number of the future"),
        (Handed("s2", "s3", 1), "somebody who does not steer gives"),
        (Handed("s1", "s1", 1), "to oneself"),
        (Handed("s1", "v", 1), "to a visitor, who may not steer"),
        (Handed("s1", "nobody", 1), "to nobody"),
    ],
)
def test_what_is_no_hand_over_changes_nothing(event, why):
    walk = handing()
    walk.do(event)
    assert walk.steering == "s1", why
    assert walk.line.turn_no == 1


def test_a_turn_is_not_handed_to_who_is_gone_nor_by_the_merchant():
    walk = handing()
    walk.beats("s1", seconds=SILENT_S)
    walk.do(Handed("s1", "s3", 1))
    assert walk.steering == "s1"
    walk.do(Beat("s3"), TakenOver("showing a guest round", "m"), Handed("m", "s3", 2))
    assert walk.steering == "m"


def test_who_does_not_wait_watches_and_may_be_handed_a_turn():
    walk = Walk()
    walk.do(asked("s1"), asked("s2", waits=False))
    assert walk.standing("s2") is Standing.WATCHING
    assert turn_left_s(walk.line) is None  # nobody waits, so the turn does not wear out
    walk.do(Handed("s1", "s2", 1))
    assert walk.steering == "s2"
    walk.do(Left("s2"))
    assert walk.steering is None
    walk.do(asked("s1"))
    assert walk.steering == "s1"
