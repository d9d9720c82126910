"""Which of two sizes a browser's network carries, from what the browser estimates (REMB) and loses. Pure."""

from dataclasses import dataclass
from enum import StrEnum

DOWN_SHARE = 0.9
"""An estimate below this share of what is really sent: the network drops the rest. Compared with the nominal rate, a
still scene (which sends little, so that little is estimated) would look like a bad network."""

LOSS_SHARE_MIN = 0.02
LOSS_SHARE_MAX = 0.15
DOWN_S, DOWN_DELAY_S = 1.0, 5.0
"""A low estimate with losses is a full pipe; without any it may be a pipe with a long queue, or only a browser whose
machine is busy for a moment: that is waited out longer."""

FULL_BPS = 2_500_000
SMALL_BPS = 625_000
"""What the two pictures take. Who is sent hardly more than the small one takes already gains nothing by it."""

SMOOTH_ON_SHARE, SMOOTH_OFF_SHARE = 0.04, 0.01
"""Above the first the browser may hold pictures back a little, below the second it shows each at once again: with
5 % lost, showing each at once froze five times in ten seconds where 200 ms of patience froze once."""

UP_SHARE = 1.3
UP_S = 10.0
AGAIN_S, AGAIN_S_MAX = 60.0, 960.0
"""After a step up that failed the next one waits this long, then twice as long: at most one change a minute."""


class Rung(StrEnum):
    """720p at 2.5 Mbit/s, or 360p at 0.6 Mbit/s."""

    FULL = "full"
    SMALL = "small"


@dataclass(slots=True)
class RungChooser:
    """Judges one browser; fed with every report, asked a few times a second with what was sent to it lately.

    `asked_again_share` is of the packets of the last second: losses seen a second before a report tells of them.
    """

    rung: Rung = Rung.FULL
    remb_bps: int | None = None
    lost_share: float = 0.0
    asked_again_share: float = 0.0
    is_smooth: bool = False
    _bad_since_s: float | None = None
    _lossy_since_s: float | None = None
    _good_since_s: float | None = None
    _up_s: float = float("-inf")
    _may_rise_s: float = float("-inf")
    _again_s: float = AGAIN_S

    def choose(self, now_s: float, sent_bps: float) -> Rung:
        """Return the rung to send from now on; `is_smooth` tells whether the browser should hold pictures back."""
        self.is_smooth = self.lost_share > (SMOOTH_OFF_SHARE if self.is_smooth else SMOOTH_ON_SHARE)
        if self.remb_bps is None:
            return self.rung
        is_bad = self.remb_bps < DOWN_SHARE * sent_bps and sent_bps > UP_SHARE * SMALL_BPS
        is_lossy = max(self.lost_share, self.asked_again_share) > (LOSS_SHARE_MIN if is_bad else LOSS_SHARE_MAX)
        is_good = self.remb_bps > UP_SHARE * sent_bps and self.lost_share <= LOSS_SHARE_MIN
        self._bad_since_s = _since(self._bad_since_s, now_s, is_so=is_bad)
        self._lossy_since_s = _since(self._lossy_since_s, now_s, is_so=is_lossy)
        self._good_since_s = _since(self._good_since_s, now_s, is_so=is_good)
        if self.rung is Rung.FULL:
            if _lasts(self._lossy_since_s, now_s, DOWN_S) or _lasts(self._bad_since_s, now_s, DOWN_DELAY_S):
                self._step_down(now_s)
        elif _lasts(self._good_since_s, now_s, UP_S):
            self._step_up(now_s)
        return self.rung

    def _step_down(self, now_s: float) -> None:
        held_s = now_s - self._up_s
        self._again_s = min(self._again_s * 2, AGAIN_S_MAX) if held_s < self._again_s else AGAIN_S
        self._may_rise_s = now_s + self._again_s
        self.rung, self._good_since_s = Rung.SMALL, None

    def _step_up(self, now_s: float) -> None:
        if now_s >= self._may_rise_s:
            self.rung, self._up_s, self._bad_since_s, self._lossy_since_s = Rung.FULL, now_s, None, None


def _since(since_s: float | None, now_s: float, *, is_so: bool) -> float | None:
    if not is_so:
        return None
    return now_s if since_s is None else since_s


def _lasts(since_s: float | None, now_s: float, at_least_s: float) -> bool:
    return since_s is not None and now_s - since_s >= at_least_s
