"""The turn's table under anything in any order, against what must always hold."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge.flows.camera_line import (
    KEPT_S,
    SILENT_S,
    Beat,
    Granted,
    Handed,
    Left,
    Line,
    Opened,
    PieceBrought,
    Shut,
    Standing,
    StopMotion,
    TakenOver,
    Tick,
    TurnEnded,
)
from tests.edge.viewing.turn_walk import TURN_S, Walk, asked

Q, C, S = Standing.WAITING, Standing.COMING, Standing.STEERING
SESSIONS = st.sampled_from(["s1", "s2", "s3", "s4"])


class TurnMachine(RuleBasedStateMachine):
    """Anything in any order, against what must always hold."""

    @initialize(start=st.integers(0, 50))
    def begin(self, start):
        self.walk = Walk(Line(turn_no=start), next_turn_no=start + 1)
        self.turns = []
        self.beat_s = {}
        self.order = []

    def run(self, event):
        waiting = [one.session_id for one in self.walk.line.waiting]
        live = {one.session_id for one in self.walk.line.waiting if self.walk.now_s - one.beat_s < SILENT_S}
        before = self.walk.line
        effects = self.walk.do(event)
        for effect in effects:
            if isinstance(effect, Granted) and effect.turn_no not in self.turns:
                self.turns.append(effect.turn_no)
                self.no_overtaking(effect.session_id, waiting, live, before)
            if isinstance(effect, TurnEnded):
                assert effects.index(effect) > 0
                assert isinstance(effects[effects.index(effect) - 1], StopMotion)
        return effects

    def no_overtaking(self, session_id, waiting, live, before):
        if before.taken or self.walk.line.taken or session_id not in waiting:
            return
        ahead = [one for one in waiting[: waiting.index(session_id)] if one in live]
        still = [one for one in ahead if self.walk.standing(one) is Q]
        assert still == [], f"{session_id} went before {still}"

    @rule(session=SESSIONS, spectates=st.booleans(), brought=st.booleans())
    def ask(self, session, spectates, brought):
        piece = "bowl" if brought else "pot"
        self.beat_s[session] = self.walk.now_s
        self.run(asked(session, piece_id=piece, may_steer=not spectates, must_be_brought=brought))

    @rule(session=SESSIONS)
    def beat(self, session):
        self.beat_s[session] = self.walk.now_s
        self.run(Beat(session))

    @rule(session=SESSIONS)
    def leave(self, session):
        self.run(Left(session))
        assert self.walk.standing(session) is None

    @rule(seconds=st.sampled_from([0.25, 1.0, 3.0, SILENT_S, 30.0, KEPT_S, TURN_S]))
    def wait(self, seconds):
        self.walk.now_s += seconds
        self.run(Tick())

    @rule(giver=SESSIONS, taker=SESSIONS, old=st.integers(0, 1))
    def hand(self, giver, taker, old):
        before, line = self.walk.line.holder, self.walk.line
        effects = self.walk.do(Handed(giver, taker, line.turn_no - old))
        granted = [effect for effect in effects if isinstance(effect, Granted)]
        if granted and granted[0].session_id == taker and before is not None and before.session_id == giver:
            assert not old
            assert granted[0].turn_no > line.turn_no
            assert self.walk.line.holder.left_s <= before.left_s
        self.turns += [effect.turn_no for effect in granted if effect.turn_no not in self.turns]

    @rule(reason=st.sampled_from(["", "private", "camera_offline"]))
    def shut(self, reason):
        self.run(Shut(reason) if reason else Opened())

    @rule(reason=st.sampled_from(["", "stocktaking"]), session=st.sampled_from(["", "m"]))
    def take(self, reason, session):
        self.run(TakenOver(reason, session))
        self.beat_s["m"] = self.walk.now_s

    @rule(piece=st.sampled_from(["bowl", ""]))
    def bring(self, piece):
        self.run(PieceBrought(piece))

    @invariant()
    def at_most_one_holds_the_camera(self):
        holders = [one for one in self.walk.line.lookers if one.standing in (S, C)]
        assert len(holders) <= 1
        if self.walk.line.shut:
            assert holders == []

    @invariant()
    def turn_numbers_rise(self):
        assert self.turns == sorted(set(self.turns))

    @invariant()
    def nobody_stands_twice(self):
        ids = [one.session_id for one in self.walk.line.lookers]
        assert len(ids) == len(set(ids))
        accounts = [one.account_id for one in self.walk.line.lookers if one.account_id and one.may_steer]
        assert len(accounts) == len(set(accounts))

    @invariant()
    def who_steers_beat_within_six_seconds_or_was_just_granted(self):
        holder = self.walk.line.holder
        if holder is not None and holder.standing is S:
            assert self.walk.now_s - holder.beat_s < SILENT_S
            assert holder.may_steer

    @invariant()
    def a_free_camera_has_nobody_waiting(self):
        line = self.walk.line
        if line.holder is None and not line.shut and not line.taken:
            assert line.waiting == ()


TestRandomWalks = TurnMachine.TestCase
TestRandomWalks.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
