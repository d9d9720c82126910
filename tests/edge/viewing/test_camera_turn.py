"""The turn's table: every standing against every event, every deadline at −1, 0 and +1."""

import pytest

from edge.flows.camera_line import (
    BRING_S_MAX,
    KEPT_S,
    ON_TABLE_S,
    SILENT_S,
    TAKEN_S_MAX,
    Asked,
    Beat,
    Bring,
    Ended,
    Granted,
    Left,
    Line,
    Opened,
    PieceBrought,
    Shut,
    Standing,
    StopMotion,
    TakenOver,
    Tick,
    Told,
    TurnEnded,
    may_steer,
    newcomer_wait_s,
    turn_left_s,
    wait_s,
)
from tests.edge.viewing.turn_walk import TURN_S, Walk, asked

MS = 0.001


def in_standing(standing):
    """Return a walk in which s1 stands so; s0 steers where s1 waits."""
    walk = Walk()
    if standing is Standing.WATCHING:
        walk.do(asked("s1", may_steer=False))
    elif standing is Standing.WAITING:
        walk.do(asked("s0"), asked("s1"))
    elif standing is Standing.COMING:
        walk.do(asked("s1", piece_id="bowl", must_be_brought=True))
    elif standing is Standing.STEERING:
        walk.do(asked("s1"))
    else:
        walk.do(asked("s1"))
        walk.after(SILENT_S)
    assert walk.standing("s1") is standing
    return walk


W, Q, C, S, A = Standing.WATCHING, Standing.WAITING, Standing.COMING, Standing.STEERING, Standing.AWAY
STOPPED = (StopMotion, TurnEnded)

TABLE = {
    # event of s1 or of the camera, in each standing of s1: (standing after, effects but Told)
    "asked again": {
        W: (W, ()), Q: (Q, ()), C: (C, ()), S: (S, ()), A: (S, (Granted,)),
    },
    "asked for another piece that stays": {
        W: (W, ()), Q: (Q, ()), C: (S, (Granted,)), S: (S, (StopMotion, Granted)), A: (S, (Granted,)),
    },
    "asked for another piece to be brought": {
        W: (W, ()), Q: (Q, ()), C: (C, (Bring,)), S: (C, (*STOPPED, Bring)), A: (C, (Bring,)),
    },
    "asked to watch only": {
        W: (W, ()), Q: (W, ()), C: (W, ()), S: (W, STOPPED), A: (W, ()),
    },
    "left": {
        W: (None, (Ended,)), Q: (None, (Ended,)), C: (None, (Ended,)), S: (None, (*STOPPED, Ended)),
        A: (None, (Ended,)),
    },
    "beat": {
        W: (W, ()), Q: (Q, ()), C: (C, ()), S: (S, ()), A: (S, (Granted,)),
    },
    "tick": {
        W: (W, ()), Q: (Q, ()), C: (C, ()), S: (S, ()), A: (A, ()),
    },
    "taken over": {
        W: (W, ()), Q: (Q, STOPPED), C: (Q, ()), S: (Q, STOPPED), A: (A, ()),
    },
    "given back": {
        W: (W, ()), Q: (Q, ()), C: (C, ()), S: (S, ()), A: (A, ()),
    },
    "shut": {
        W: (W, ()), Q: (Q, STOPPED), C: (Q, ()), S: (Q, STOPPED), A: (A, ()),
    },
    "shut for good": {
        W: (None, (Ended,)), Q: (None, (*STOPPED, Ended, Ended)), C: (None, (Ended,)), S: (None, (*STOPPED, Ended)),
        A: (None, (Ended,)),
    },
    "opened": {
        W: (W, ()), Q: (Q, ()), C: (C, ()), S: (S, ()), A: (A, ()),
    },
    "bowl brought": {
        W: (W, ()), Q: (Q, ()), C: (S, (Granted,)), S: (S, ()), A: (A, ()),
    },
}  # fmt: skip

EVENTS = {
    "asked again": None,
    "asked for another piece that stays": asked("s1", piece_id="cup"),
    "asked for another piece to be brought": asked("s1", piece_id="vase", must_be_brought=True),
    "asked to watch only": asked("s1", may_steer=False),
    "left": Left("s1"),
    "beat": Beat("s1"),
    "tick": Tick(),
    "taken over": TakenOver("stocktaking"),
    "given back": TakenOver(""),
    "shut": Shut("private"),
    "shut for good": Shut("closed", is_final=True),
    "opened": Opened(),
    "bowl brought": PieceBrought("bowl"),
}


def test_the_table_is_whole():
    assert set(TABLE) == set(EVENTS)
    assert all(set(row) == set(Standing) for row in TABLE.values())


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("name", TABLE)
def test_every_standing_meets_every_event(name, standing):
    walk = in_standing(standing)
    event = EVENTS[name]
    if event is None:
        known = walk.line.looker("s1")
        event = asked("s1", piece_id=known.piece_id, may_steer=known.may_steer, must_be_brought=known.must_be_brought)
    if standing is W and isinstance(event, Asked):
        event = Asked(session_id="s1", account_id="acc-s1", piece_id=event.piece_id, may_steer=False)
    effects = walk.after(0.5, event)
    after, expected = TABLE[name][standing]
    assert walk.standing("s1") is after
    assert [type(effect) for effect in effects if not isinstance(effect, Told)] == list(expected)


def test_motion_stops_before_anything_else_is_told():
    walk = in_standing(S)
    assert isinstance(walk.do(Left("s1"))[0], StopMotion)


# the turn


def test_the_first_who_asks_steers_and_the_next_ones_wait_in_order():
    walk = Walk(next_turn_no=41)
    walk.do(asked("s1"), asked("s2"), asked("s3"))
    assert walk.steering == "s1"
    assert walk.line.turn_no == 41
    assert [walk.line.place(one) for one in ("s1", "s2", "s3")] == [0, 1, 2]


@pytest.mark.parametrize(("early_s", "is_kept"), [(MS, True), (0, False), (-MS, False)])
def test_a_turn_ends_six_seconds_after_the_last_beat(early_s, is_kept):
    walk = Walk()
    walk.do(asked("s1"))
    walk.after(3, Beat("s1"))
    walk.after(SILENT_S - early_s)
    assert (walk.steering == "s1") is is_kept


def test_the_next_in_line_is_promoted_in_the_same_step():
    walk = Walk()
    walk.do(asked("s1"), asked("s2"))
    walk.beats("s2", seconds=SILENT_S)
    assert walk.steering == "s2"
    assert [type(effect) for effect in walk.done if not isinstance(effect, Told)] == [Granted, *STOPPED, Granted]


@pytest.mark.parametrize(("early_s", "is_kept"), [(MS, True), (0, False), (-MS, False)])
def test_a_lost_turn_is_kept_for_sixty_seconds(early_s, is_kept):
    walk = Walk()
    walk.do(asked("s1"))
    walk.after(SILENT_S)
    walk.after(KEPT_S - early_s, Beat("s1"))
    assert (walk.steering == "s1") is is_kept
    assert walk.line.turn_no == (2 if is_kept else 1)


def test_who_comes_back_is_first_in_line_with_the_time_left_once():
    walk = Walk()
    walk.do(asked("s1"), asked("s2"), asked("s3"))
    walk.beats("s1", "s2", "s3", seconds=30)
    assert walk.line.looker("s1").left_s == pytest.approx(TURN_S - 30)
    walk.beats("s2", "s3", seconds=SILENT_S)
    assert walk.steering == "s2"
    walk.do(Beat("s1"))
    assert walk.line.place("s1") == 1
    assert walk.line.place("s3") == 2
    walk.do(Left("s2"))
    assert walk.steering == "s1"
    assert walk.line.looker("s1").left_s == pytest.approx(TURN_S - 30 - SILENT_S)
    walk.beats("s3", seconds=SILENT_S)
    assert walk.steering == "s3"
    walk.do(Beat("s1"))
    assert walk.standing("s1") is W  # the second time it is not first again
    walk.do(asked("s1"))
    assert walk.line.place("s1") == 1


@pytest.mark.parametrize(("early_s", "is_kept"), [(MS, True), (0, False), (-MS, False)])
def test_a_waiting_place_is_kept_for_sixty_seconds(early_s, is_kept):
    walk = Walk()
    walk.do(asked("s1"), asked("s2"))
    begun_s = walk.now_s
    walk.beats("s1", seconds=KEPT_S - 1)
    walk.at(begun_s + KEPT_S - early_s)
    assert (walk.standing("s2") is Q) is is_kept
    assert (Ended("s2", "silent") in walk.done) is not is_kept


def test_who_shows_life_goes_before_who_does_not_but_nobody_loses_their_place():
    walk = Walk()
    walk.do(asked("s1"), asked("s2"), asked("s3"))
    walk.beats("s1", "s3", seconds=20)
    walk.do(Left("s1"))
    assert walk.steering == "s3"
    assert walk.line.place("s2") == 1


def test_when_nobody_shows_life_the_first_gets_six_seconds_to():
    walk = Walk()
    walk.do(asked("s1"), asked("s2"))
    walk.beats("s1", seconds=20)
    walk.do(Left("s1"))
    assert walk.steering == "s2"
    walk.after(SILENT_S)
    assert walk.standing("s2") is A


@pytest.mark.parametrize(("early_s", "is_over"), [(MS, False), (0, True), (-MS, True)])
def test_the_turn_clock_runs_only_while_somebody_waits(early_s, is_over):
    walk = Walk()
    walk.do(asked("s1"))
    walk.beats("s1", seconds=500)
    assert walk.steering == "s1"
    assert turn_left_s(walk.line) is None
    walk.do(asked("s2"))
    begun_s = walk.now_s
    walk.beats("s1", "s2", seconds=TURN_S - 1)
    assert turn_left_s(walk.line) == pytest.approx(1.0)
    walk.now_s = begun_s + TURN_S - early_s
    walk.do(Beat("s1"), Beat("s2"))
    assert (walk.steering == "s2") is is_over
    assert (walk.standing("s1") is W) is is_over


def test_a_waiter_who_is_gone_wears_no_turn_out():
    walk = Walk()
    walk.do(asked("s1"), asked("s2"))
    walk.beats("s1", seconds=50)
    assert walk.line.looker("s1").left_s == pytest.approx(TURN_S - SILENT_S, abs=1.01)


def test_a_turn_without_time_goes_on_until_somebody_is_there():
    walk = Walk()
    walk.do(asked("s1"), asked("s2"))
    walk.beats("s1", "s2", seconds=TURN_S - 5)
    walk.after(2, Beat("s1"))
    walk.after(5, Tick())  # the last five seconds ran out, and s2 shows no life any more
    assert walk.line.looker("s1").left_s < 0
    assert walk.steering == "s1"
    walk.do(asked("s3"))
    assert walk.steering == "s3"


def test_when_time_is_over_one_may_ask_again_at_the_back():
    walk = Walk()
    walk.do(asked("s1"), asked("s2"), asked("s3"))
    walk.beats("s1", "s2", "s3", seconds=TURN_S)
    assert walk.steering == "s2"
    assert walk.line.looker("s1").reason == "time"
    walk.do(asked("s1"))
    assert [one.session_id for one in walk.line.waiting] == ["s3", "s1"]
    assert walk.line.looker("s1").left_s is None


def test_waits_are_told_by_the_time_of_those_before():
    walk = Walk()
    walk.do(asked("s1"), asked("s2"), asked("s3"))
    walk.beats("s1", "s2", "s3", seconds=40)
    assert wait_s(walk.line, "s2", TURN_S, 180) == pytest.approx(60)
    assert wait_s(walk.line, "s3", TURN_S, 180) == pytest.approx(160)
    assert wait_s(walk.line, "s1", TURN_S, 180) == 0
    assert newcomer_wait_s(walk.line, TURN_S) == pytest.approx(260)
    assert newcomer_wait_s(Line(), TURN_S) == 0


def test_turn_numbers_come_from_outside_and_must_rise():
    walk = Walk(Line(turn_no=7), next_turn_no=7)
    with pytest.raises(ValueError, match="does not follow"):
        walk.do(asked("s1"))


def test_without_a_reserved_number_the_grant_waits():
    walk = Walk(next_turn_no=None)
    walk.do(asked("s1"))
    assert walk.standing("s1") is Q
    walk.next_turn_no = 9
    assert Granted("s1", 9, "pot") in walk.do(Tick())


def test_the_fence():
    walk = Walk()
    walk.do(asked("s1"), asked("s2"))
    assert may_steer(walk.line, "s1", 1)
    assert not may_steer(walk.line, "s1", 0)
    assert not may_steer(walk.line, "s2", 1)
    walk.do(Left("s1"))
    assert not may_steer(walk.line, "s1", 1)
    assert not may_steer(walk.line, "s2", 1)
    assert may_steer(walk.line, "s2", 2)


def test_a_spectator_never_steers():
    walk = Walk()
    walk.do(asked("s1", may_steer=False))
    walk.beats("s1", seconds=30)
    assert walk.line.turn_no == 0
    assert not may_steer(walk.line, "s1", 0)


def test_one_place_per_account():
    walk = Walk()
    walk.do(asked("s1", account_id="a"), asked("s2", account_id="b"), asked("s3", account_id="a"))
    assert walk.steering == "s2"
    assert Ended("s1", "elsewhere") in walk.done
    assert walk.line.place("s3") == 1
    walk.do(asked("s4", account_id="a", may_steer=False))
    assert walk.line.place("s3") == 1  # watching beside waiting hoards nothing
    walk.do(asked("s5", account_id="a"))
    assert walk.standing("s4") is W
    assert walk.standing("s3") is None


# pieces that are brought


def test_a_piece_is_brought_when_its_turn_comes_and_the_turn_begins_when_it_stands_there():
    walk = Walk()
    walk.do(asked("s1"))
    walk.do(asked("s2", piece_id="bowl", must_be_brought=True))
    assert Bring("s2", "bowl") not in walk.done
    walk.do(Left("s1"))
    assert Bring("s2", "bowl") in walk.done
    assert walk.standing("s2") is C
    walk.beats("s2", seconds=50)
    assert wait_s(walk.line, "s2", TURN_S, 180) == pytest.approx(130)
    walk.do(PieceBrought("vase"))
    assert walk.standing("s2") is C
    walk.do(PieceBrought("bowl"))
    assert walk.steering == "s2"
    walk.do(Left("s2"), asked("s3", piece_id="bowl", must_be_brought=True))
    assert walk.steering == "s3"  # it stands there already
    assert len([one for one in walk.done if isinstance(one, Bring)]) == 1


@pytest.mark.parametrize(("early_s", "is_there"), [(MS, True), (0, False), (-MS, False)])
def test_a_piece_that_nobody_looks_at_is_brought_anew(early_s, is_there):
    walk = Walk()
    walk.do(asked("s1", piece_id="bowl", must_be_brought=True), PieceBrought("bowl"))
    walk.beats("s1", seconds=500)
    walk.do(Left("s1"))
    walk.after(ON_TABLE_S - early_s)
    walk.do(asked("s2", piece_id="bowl", must_be_brought=True))
    assert (walk.steering == "s2") is is_there
    assert (walk.standing("s2") is C) is not is_there


@pytest.mark.parametrize(("early_s", "is_kept"), [(MS, True), (0, False), (-MS, False)])
def test_a_piece_that_nobody_brings_holds_nobody_up_for_ever(early_s, is_kept):
    walk = Walk()
    walk.do(asked("s1", piece_id="bowl", must_be_brought=True), asked("s2"))
    begun_s = walk.now_s
    walk.beats("s1", "s2", seconds=BRING_S_MAX - 1)
    walk.now_s = begun_s + BRING_S_MAX - early_s
    walk.do(Beat("s2"), Beat("s1"))
    assert (walk.standing("s1") is C) is is_kept
    assert (walk.steering == "s2") is not is_kept
    assert (Ended("s1", "not_brought") in walk.done) is not is_kept


def test_the_holder_who_wants_another_piece_brought_goes_to_the_back_when_others_wait():
    walk = Walk()
    walk.do(asked("s1"), asked("s2"))
    walk.do(asked("s1", piece_id="bowl", must_be_brought=True))
    assert walk.steering == "s2"
    assert walk.line.place("s1") == 1
    assert walk.line.looker("s1").left_s is None


# the merchant, privacy, the camera


def test_a_take_over_ends_the_turn_with_its_reason_and_gives_it_back_with_the_time_left():
    walk = Walk()
    walk.do(asked("s1"), asked("s2"))
    walk.beats("s1", "s2", seconds=10)
    walk.do(TakenOver("stocktaking"))
    assert TurnEnded("s1", 1, "stocktaking") in walk.done
    assert walk.line.holder is None
    walk.beats("s1", "s2", seconds=30)
    assert walk.line.holder is None
    walk.do(TakenOver(""))
    assert walk.steering == "s1"
    assert walk.line.turn_no == 2
    assert walk.line.looker("s1").left_s == pytest.approx(TURN_S - 10)


def test_who_lost_the_camera_to_the_shop_is_first_even_before_who_came_earlier():
    walk = Walk()
    walk.do(asked("s1"), asked("s2"), asked("s3"))
    walk.beats("s1", "s3", seconds=10)
    walk.do(Left("s1"))
    assert walk.steering == "s3"  # s2 showed no life
    walk.do(TakenOver("stocktaking"), Beat("s2"))
    assert [one.session_id for one in walk.line.waiting] == ["s3", "s2"]
    walk.do(TakenOver(""))
    assert walk.steering == "s3"


@pytest.mark.parametrize(("early_s", "is_kept"), [(MS, True), (0, False), (-MS, False)])
def test_a_forgotten_take_over_ends_by_itself(early_s, is_kept):
    walk = Walk()
    walk.do(asked("s1"), TakenOver("stocktaking"))
    begun_s = walk.now_s
    walk.beats("s1", seconds=TAKEN_S_MAX - 1)
    walk.at(begun_s + TAKEN_S_MAX - early_s)
    assert (walk.steering is None) is is_kept


def test_a_merchant_with_a_session_steers_until_silent_or_gone():
    walk = Walk()
    walk.do(asked("s1"), TakenOver("showing a guest round", "m"))
    assert walk.steering == "m"
    assert may_steer(walk.line, "m", 2)
    walk.beats("m", "s1", seconds=300)
    assert walk.steering == "m"  # no turn clock against the owner
    assert walk.line.turn_no == 2
    walk.beats("s1", seconds=SILENT_S)
    assert walk.steering == "s1"
    walk.do(TakenOver("again", "m"), Left("m"))
    assert walk.steering == "s1"
    assert walk.line.taken == ""


def test_while_it_is_shut_nobody_steers_and_the_line_is_kept():
    walk = Walk()
    walk.do(asked("s1"), asked("s2"))
    walk.do(Shut("private"))
    assert TurnEnded("s1", 1, "private") in walk.done
    walk.beats("s1", "s2", seconds=100)
    assert walk.line.holder is None
    walk.do(Opened())
    assert walk.steering == "s1"
    assert walk.line.place("s2") == 1
    assert {one.reason for one in walk.line.lookers} == {""}


def test_a_camera_that_comes_back_finds_its_line_in_order():
    walk = Walk()
    walk.do(asked("s1"), asked("s2"), asked("s3"), Shut("camera_offline"))
    walk.beats("s1", "s2", "s3", seconds=5)
    walk.do(Opened())
    assert walk.steering == "s1"
    assert [one.session_id for one in walk.line.waiting] == ["s2", "s3"]
