"""Whether a picture that keeps coming shows anything: a frozen camera sends the same one again, a covered one black."""

import zlib

from drivers.camera import Frame

FROZEN_S = 1.25
"""The very same picture for this long is said to whoever looks; with the pace of asking (0.25 s) that is within 2 s. A
sensor's noise makes each picture differ. The driver's own limit is longer, because it rings for the attendant, and some
network cameras repeat a picture for a second when nothing moves.
"""

BLACK_S = 0.5
BLACK_LEVEL = 8
"""Mean brightness (0…255) below which nothing can be seen; the default of the camera drivers too."""

STEP_PX = 16


class Liveness:
    """Asked a few times a second with the newest picture of one camera."""

    def __init__(self) -> None:
        self._version = -1
        self._sum = -1
        self._changed_s = 0.0
        self._black_s: float | None = None
        self.fault = ""

    def look(self, version: int, frame: Frame, now_s: float) -> str:
        """Return `frozen`, `black` or nothing; a picture that does not come at all is not judged here."""
        if version == self._version:
            return self.fault
        sample = frame.sample(STEP_PX)
        number = zlib.crc32(sample.tobytes())
        if number != self._sum or self._version < 0:
            self._sum, self._changed_s = number, now_s
        self._version = version
        is_black = float(sample.mean()) < BLACK_LEVEL
        self._black_s = (now_s if self._black_s is None else self._black_s) if is_black else None
        if self._black_s is not None and now_s - self._black_s >= BLACK_S:
            self.fault = "black"
        else:
            self.fault = "frozen" if now_s - self._changed_s >= FROZEN_S else ""
        return self.fault

    def rest(self) -> None:
        """Nobody looks: what comes later is judged from its beginning."""
        self._version, self._black_s, self.fault = -1, None, ""
