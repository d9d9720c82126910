"""Which of two sizes a browser's network carries, from what the browser estimates (REMB) and loses. Pure."""

from dataclasses import dataclass
from enum import StrEnum

DOWN_SHARE = 0.9
"""An estimate below this share of what is really sent: the network drops the rest. Compared with the nominal rate, a
still scene (which sends little, so that little is estimated) would look like a bad network."""

DOWN_S = 1.0
LOSS_SHARE_MAX = 0.15
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
    """Judges one browser; fed with every report, asked a few times a second with what was sent to it lately."""

    rung: Rung = Rung.FULL
    remb_bps: int | None = None
    lost_share: float = 0.0
    _bad_since_s: float | None = None
    _good_since_s: float | None = None
    _up_s: float = float("-inf")
    _may_rise_s: float = float("-inf")
    _again_s: float = AGAIN_S

    def choose(self, now_s: float, sent_bps: float) -> Rung:
        """Return the rung to send from now on."""
        if self.remb_bps is None:
            return self.rung
        is_bad = self.remb_bps < DOWN_SHARE * sent_bps or self.lost_share > LOSS_SHARE_MAX
        is_good = self.remb_bps > UP_SHARE * sent_bps and self.lost_share <= LOSS_SHARE_MAX / 3
        self._bad_since_s = (now_s if self._bad_since_s is None else self._bad_since_s) if is_bad else None
        self._good_since_s = (now_s if self._good_since_s is None else self._good_since_s) if is_good else None
        if self.rung is Rung.FULL and self._bad_since_s is not None and now_s - self._bad_since_s >= DOWN_S:
            self._step_down(now_s)
        elif self.rung is Rung.SMALL and self._good_since_s is not None and now_s - self._good_since_s >= UP_S:
            self._step_up(now_s)
        return self.rung

    def _step_down(self, now_s: float) -> None:
        held_s = now_s - self._up_s
        self._again_s = min(self._again_s * 2, AGAIN_S_MAX) if held_s < self._again_s else AGAIN_S
        self._may_rise_s = now_s + self._again_s
        self.rung, self._good_since_s = Rung.SMALL, None

    def _step_up(self, now_s: float) -> None:
        if now_s >= self._may_rise_s:
            self.rung, self._up_s, self._bad_since_s = Rung.FULL, now_s, None
