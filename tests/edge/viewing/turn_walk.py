"""A line and a clock that the test turns, for the tests of the turn's table."""

from edge.flows.camera_line import Asked, Beat, Granted, Line, Standing, Tick
from edge.flows.camera_turn import step

TURN_S = 100.0


class Walk:
    """A line, a clock that the test turns, and everything that was to be done."""

    def __init__(self, line=None, next_turn_no=1):
        self.line = line or Line()
        self.now_s = 1000.0
        self.next_turn_no = next_turn_no
        self.done = []

    def at(self, now_s, event=None):
        self.now_s = now_s
        return self.do(event or Tick())

    def after(self, seconds, event=None):
        return self.at(self.now_s + seconds, event)

    def do(self, *events):
        effects = ()
        for event in events:
            self.line, more = step(self.line, event, self.now_s, turn_s=TURN_S, next_turn_no=self.next_turn_no)
            for effect in more:
                if isinstance(effect, Granted) and effect.turn_no == self.next_turn_no:
                    self.next_turn_no += 1
            effects += more
        self.done += effects
        return effects

    def beats(self, *session_ids, seconds=0.0, pause=1.0):
        """Let time pass with a beat of each session every second."""
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.now_s = min(self.now_s + pause, until_s)
            self.do(*(Beat(session_id) for session_id in session_ids))

    def standing(self, session_id):
        looker = self.line.looker(session_id)
        return looker.standing if looker else None

    @property
    def steering(self):
        holder = self.line.holder
        return holder.session_id if holder and holder.standing is Standing.STEERING else None


def asked(session_id, **fields):
    return Asked(session_id=session_id, **({"account_id": f"acc-{session_id}", "piece_id": "pot"} | fields))
